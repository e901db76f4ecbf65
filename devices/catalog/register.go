package catalog

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Table is one of Modbus's tables.
type Table string

// The tables.
const (
	Coil     Table = "coil"     // bits, read by function 01, written by 05
	Discrete Table = "discrete" // bits, read by function 02
	Holding  Table = "holding"  // registers, read by function 03, written by 06
	Input    Table = "input"    // registers, read by function 04
)

// Bits reports whether the table holds bits, not registers.
func (t Table) Bits() bool { return t == Coil || t == Discrete }

// Register is one value in one or several registers. Value = raw × Scale + Offset; what lies outside Min to Max cannot be
// measured.
type Register struct {
	Name     string        `yaml:"name"`    // of a correction: the option that says what is expected there
	Channel  string        `yaml:"channel"` // which probe of the device; "" where there is one
	Quantity unit.Quantity `yaml:"quantity"`
	Table    Table         `yaml:"table"`    // holding or input
	Register uint16        `yaml:"register"` // of the first register, as the wire counts: from 0
	Type     RawType       `yaml:"type"`
	Order    Order         `yaml:"order"` // of the bytes; "" = ABCD
	Bit      uint8         `yaml:"bit"`   // of type bit: which one, 0 is the lowest
	Scale    Factor        `yaml:"scale"` // of one raw count, in the quantity's unit
	Offset   unit.Milli    `yaml:"offset"`
	Codes    []Code        `yaml:"codes"`
	Status   *Status       `yaml:"status"`
	Range    `yaml:",inline"`
}

// Code is a pattern of bits by which a device says that it has no value.
type Code struct {
	Raw    uint64 `yaml:"raw"`
	Reason string `yaml:"reason"`
}

// Status is a register beside a value, in the same table, that says whether there is a value.
type Status struct {
	Register uint16 `yaml:"register"`
	Good     uint16 `yaml:"good"` // what it holds while there is one
}

// Block is a stretch of registers, as one request reads them.
type Block struct {
	First uint16
	Words []uint16
}

// at gives n registers of the block; nil where it does not hold them all.
func (b Block) at(register uint16, n int) []uint16 {
	from := int(register) - int(b.First)
	if from < 0 || n < 1 || from+n > len(b.Words) {
		return nil
	}
	return b.Words[from : from+n]
}

// Span tells which registers have to be read for the value: from first up to before end.
func (r Register) Span() (first, end int) {
	first, end = int(r.Register), int(r.Register)+r.Type.Words()
	if r.Status != nil {
		first, end = min(first, int(r.Status.Register)), max(end, int(r.Status.Register)+1)
	}
	return first, end
}

// In reports whether the block holds all that is needed for the value.
func (r Register) In(b Block) bool {
	first, end := r.Span()
	return first >= int(b.First) && end <= int(b.First)+len(b.Words)
}

// Measure says what the registers mean: a value with its quality, and why it is not good. A value that is not there, such
// as a float's NaN, is NoData with value 0. The greatest and the least count that a type of 16 bits or more has, such as
// 0x7FFF, 0x8000 or 0xFFFF, are codes where they lie outside of the range: many devices say so that a sensor is gone.
func (r Register) Measure(b Block) (unit.Milli, devices.Quality, string) {
	words := b.at(r.Register, r.Type.Words())
	if words == nil {
		return 0, devices.NoData, "not_read"
	}
	if r.Status != nil {
		status := b.at(r.Status.Register, 1)
		if status == nil {
			return 0, devices.NoData, "not_read"
		}
		if status[0] != r.Status.Good {
			return 0, devices.NoData, "status_" + strconv.Itoa(int(status[0]))
		}
	}
	raw := r.bitsOf(words)
	v, err := r.value(raw)
	for _, c := range r.Codes {
		if c.Raw == raw {
			return v, devices.Sentinel, c.Reason
		}
	}
	if err != nil {
		return 0, devices.NoData, err.Error()
	}
	quality, reason := r.Judge(v)
	if quality == devices.OutOfRange && r.Type.end(raw) {
		return v, devices.Sentinel, fmt.Sprintf("code_%x", raw)
	}
	return v, quality, reason
}

// Identity is something that tells one device from another: a serial number, a version.
type Identity struct {
	Name     string  `yaml:"name"` // the option that says what is expected there, e.g. serial_number
	Table    Table   `yaml:"table"`
	Register uint16  `yaml:"register"`
	Type     RawType `yaml:"type"`  // string, bcd or one of the unsigned types
	Order    Order   `yaml:"order"` // of the bytes
	Length   uint16  `yaml:"length"`
}

// Words tells how many registers it takes.
func (i Identity) Words() int {
	if i.Type == String || i.Type == BCD {
		return int(i.Length)
	}
	return i.Type.Words()
}

// Text reads it. Of a string the zeros and spaces around it are cut off, and what cannot be printed becomes '?'.
func (i Identity) Text(words []uint16) string {
	if i.Type != String && i.Type != BCD {
		return strconv.FormatUint(Register{Type: i.Type, Order: i.Order}.bitsOf(words), 10)
	}
	b := make([]byte, 0, 2*len(words))
	for _, w := range words {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	i.Order.arrange(b)
	if i.Type == BCD {
		return fmt.Sprintf("%x", b)
	}
	for j, c := range b {
		if c != 0 && (c < ' ' || c > '~') {
			b[j] = '?'
		}
	}
	return strings.ReplaceAll(strings.Trim(string(b), "\x00 "), "\x00", "?")
}

// Ports are inputs or outputs in a row: port Port, Port+1, … lie at Register, Register+1, …; where Table holds registers,
// they are the bits Bit, Bit+1, … of the one Register.
type Ports struct {
	Port     uint8  `yaml:"port"` // of the first, from 1
	Table    Table  `yaml:"table"`
	Register uint16 `yaml:"register"`
	Bit      uint8  `yaml:"bit"`
	Count    uint8  `yaml:"count"`    // how many; 0 = 1
	Inverted bool   `yaml:"inverted"` // a bit of 0 is high, or on
}

// Len is how many ports there are.
func (p Ports) Len() int { return max(1, int(p.Count)) }

// Span tells which registers or bits have to be read.
func (p Ports) Span() (first, end int) {
	if p.Table.Bits() {
		return int(p.Register), int(p.Register) + p.Len()
	}
	return int(p.Register), int(p.Register) + 1
}
