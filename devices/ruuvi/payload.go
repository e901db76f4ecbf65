package ruuvi

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tallydock/tallydock/devices/unit"
)

// The data formats: the first byte of a payload.
const (
	Format3  = 0x03 // RuuviTag with firmware 1; deprecated
	Format5  = 0x05 // RuuviTag
	Format6  = 0x06 // Ruuvi Air, in an advertisement of Bluetooth 4
	FormatE1 = 0xE1 // Ruuvi Air, in an extended advertisement
)

// sizes are the lengths of the payloads.
var sizes = map[byte]int{Format3: 14, Format5: 24, Format6: 20, FormatE1: 40}

// Report is what one advertisement of a tag says.
type Report struct {
	Format byte
	// MAC is the tag's address, e.g. "CB:B8:33:4C:88:4F"; of format 6 only its last three bytes, "4C:88:4F"; "" where the
	// payload does not say.
	MAC    string
	Values []Value // in the payload's order
	// Sequence counts the tag's measurements, from 0 up to SequenceSpan-1 and again from 0. Every advertisement of one
	// measurement has the same.
	Sequence     uint32
	HasSequence  bool
	SequenceSpan uint32
	Movements    uint8 // counter of movements, where HasMovements
	HasMovements bool
	TxPower      unit.DBm // transmit power, where HasTxPower
	HasTxPower   bool
	Acceleration *Acceleration // nil where the tag has none
	Calibrating  bool          // the air's sensors are not settled yet
}

// Value is one value of a Report. Where Missing is set the tag says that it has none.
type Value struct {
	Quantity unit.Quantity
	Value    unit.Milli
	Missing  bool
}

// Acceleration is in thousandths of standard gravity, by axis.
type Acceleration struct{ X, Y, Z int16 }

// DecodePayload reads the manufacturer's data behind the company's number: "05 12 FC …". It fails where the format is not
// known or the length is not the format's.
func DecodePayload(b []byte) (Report, error) {
	if len(b) == 0 {
		return Report{}, fmt.Errorf("payload is empty")
	}
	size, ok := sizes[b[0]]
	if !ok {
		return Report{}, fmt.Errorf("data format %#02x is not known; known are 3, 5, 6 and 0xe1", b[0])
	}
	if len(b) != size {
		return Report{}, fmt.Errorf("payload of data format %#02x has %d bytes; it has to have %d", b[0], len(b), size)
	}
	r := Report{Format: b[0]}
	switch b[0] {
	case Format3:
		r.format3(b)
	case Format5:
		r.format5(b)
	case Format6:
		r.format6(b)
	case FormatE1:
		r.formatE1(b)
	}
	return r, nil
}

// format3 has no codes for what is missing.
func (r *Report) format3(b []byte) {
	r.add(unit.Humidity, float64(b[1])*0.5, false)
	t := float64(b[2]&0x7f) + float64(b[3])/100
	if b[2]&0x80 != 0 {
		t = -t
	}
	r.add(unit.Temperature, t, false)
	r.add(unit.Pressure, float64(u16(b[4:])+50_000)/100, false)
	r.Acceleration = &Acceleration{i16(b[6:]), i16(b[8:]), i16(b[10:])}
	r.add(unit.Voltage, float64(u16(b[12:]))/1000, false)
}

func (r *Report) format5(b []byte) {
	r.climate(b)
	if a := (Acceleration{i16(b[7:]), i16(b[9:]), i16(b[11:])}); a.X != math.MinInt16 && a.Y != math.MinInt16 && a.Z != math.MinInt16 {
		r.Acceleration = &a
	}
	power := u16(b[13:])
	voltage, tx := power>>5, power&0x1f
	r.add(unit.Voltage, float64(1600+voltage)/1000, voltage == 0x7ff)
	r.TxPower, r.HasTxPower = unit.DBm(-4000+200*int(tx)), tx != 0x1f
	r.Movements, r.HasMovements = b[15], b[15] != 0xff
	r.Sequence, r.HasSequence, r.SequenceSpan = u16(b[16:]), u16(b[16:]) != 0xffff, 0xffff
	r.MAC = address(b[18:24])
}

func (r *Report) format6(b []byte) {
	r.climate(b)
	r.particles(unit.PM25, b[7:])
	r.air(b[9:], b[16])
	r.add(unit.Illuminance, math.Exp(float64(b[13])*luxStep)-1, b[13] == 0xff)
	r.Sequence, r.HasSequence, r.SequenceSpan = uint32(b[15]), true, 0x100
	r.MAC = address(b[17:20])
}

// luxStep is the step of format 6's logarithmic scale: code 254 is 65535 lx.
var luxStep = math.Log(65536) / 254

func (r *Report) formatE1(b []byte) {
	r.climate(b)
	for i, q := range []unit.Quantity{unit.PM1, unit.PM25, unit.PM4, unit.PM10} {
		r.particles(q, b[7+2*i:])
	}
	r.air(b[15:], b[28])
	lux, seq := u24(b[19:]), u24(b[25:])
	r.add(unit.Illuminance, float64(lux)/100, lux == 0xffffff)
	r.Sequence, r.HasSequence, r.SequenceSpan = seq, seq != 0xffffff, 0xffffff
	r.MAC = address(b[34:40])
}

// climate is what formats 5, 6 and E1 have at bytes 1 to 6: 0.005 °C, 0.0025 %, 1 Pa above 50,000 Pa.
func (r *Report) climate(b []byte) {
	t, h, p := i16(b[1:]), u16(b[3:]), u16(b[5:])
	r.add(unit.Temperature, float64(t)/200, t == math.MinInt16)
	r.add(unit.Humidity, float64(h)/400, h == 0xffff)
	r.add(unit.Pressure, float64(p+50_000)/100, p == 0xffff)
}

func (r *Report) particles(q unit.Quantity, b []byte) {
	r.add(q, float64(u16(b))/10, u16(b) == 0xffff)
}

// air is CO₂ in ppm and the two indices, whose lowest bits are bits 6 and 7 of the flags.
func (r *Report) air(b []byte, flags byte) {
	co2 := u16(b)
	voc, nox := uint16(b[2])<<1|uint16(flags>>6&1), uint16(b[3])<<1|uint16(flags>>7)
	r.add(unit.CO2, float64(co2), co2 == 0xffff)
	r.add(unit.VOCIndex, float64(voc), voc == 0x1ff)
	r.add(unit.NOxIndex, float64(nox), nox == 0x1ff)
	r.Calibrating = flags&1 != 0
}

func (r *Report) add(q unit.Quantity, v float64, missing bool) {
	if missing {
		r.Values = append(r.Values, Value{Quantity: q, Missing: true})
		return
	}
	r.Values = append(r.Values, Value{Quantity: q, Value: unit.Milli(math.Round(v * 1000))})
}

// address writes the bytes of a MAC; "" where all bits are set, which says that there is none.
func address(b []byte) string {
	s, none := "", true
	for i, x := range b {
		if i > 0 {
			s += ":"
		}
		s += fmt.Sprintf("%02X", x)
		none = none && x == 0xff
	}
	if none {
		return ""
	}
	return s
}

func u16(b []byte) uint32 { return uint32(binary.BigEndian.Uint16(b)) }
func i16(b []byte) int16  { return int16(binary.BigEndian.Uint16(b)) }
func u24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
