package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// maxRead is how many registers a request can ask for, after the Modbus specification.
const maxRead = 125

// maxPort bounds a model's ports.
const maxPort = 255

func (m Modbus) check() error {
	errs := []error{m.Line.check()}
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(m.Unit < 1 || m.Unit > 247, "modbus.unit %d is not 1 to 247", m.Unit)
	add(m.Poll <= 0, "modbus.poll is missing")
	add(m.MaxInsert >= maxRead, "modbus.max_insert %d is not below %d", m.MaxInsert, maxRead)
	add(m.MaxRead > maxRead, "modbus.max_read %d is not up to %d", m.MaxRead, maxRead)
	add(m.PauseAfterConnect < 0, "modbus.pause_after_connect is negative")
	add(m.PauseBetweenRequests < 0, "modbus.pause_between_requests is negative")
	add(len(m.Values)+len(m.Inputs) == 0, "modbus.values and modbus.inputs are empty: nothing would tell that the device is there")
	for i, r := range m.Values {
		errs = append(errs, r.check(fmt.Sprintf("modbus.values[%d]", i), m.MaxRead))
	}
	names := map[string]bool{}
	name := func(where, name string) {
		add(name == "" || names[name], "%s.name is missing or there twice", where)
		names[name] = true
	}
	for i, r := range m.Corrections {
		where := fmt.Sprintf("modbus.corrections[%d]", i)
		errs = append(errs, r.check(where, m.MaxRead))
		name(where, r.Name)
	}
	for i, id := range m.Identity {
		where := fmt.Sprintf("modbus.identity[%d]", i)
		errs = append(errs, id.check(where))
		name(where, id.Name)
	}
	return errors.Join(append(errs, m.checkPorts(), m.checkTwice())...)
}

func (l Line) check() error {
	var errs []error
	if l.Baud < 300 || l.Data != 8 || l.Stop < 1 || l.Stop > 2 {
		errs = append(errs, errors.New("modbus.line: baud of 300 or more, 8 data bits and 1 or 2 stop bits are needed"))
	}
	if p := l.Parity; p != "N" && p != "O" && p != "E" {
		errs = append(errs, fmt.Errorf("modbus.line: parity %q is not N, O or E", p))
	}
	return errors.Join(errs...)
}

// checkTwice finds values that could not be told apart.
func (m Modbus) checkTwice() error {
	var errs []error
	seen := map[string]bool{}
	for i, r := range m.Values {
		key := r.Quantity.String() + " " + r.Channel
		if seen[key] {
			errs = append(errs, fmt.Errorf("modbus.values[%d] is %s of channel %q, which is there already", i, r.Quantity, r.Channel))
		}
		seen[key] = true
	}
	return errors.Join(errs...)
}

func (r Register) check(where string, most uint16) error {
	var errs []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(where+format, args...))
		}
	}
	words := r.Type.Words()
	add(r.Table != Input && r.Table != Holding, ".table %q is not input or holding", r.Table)
	add(words == 0, ".type %q is no type of a number: use bit, int8l, int8h, uint8l, uint8h, int16, uint16, int32, uint32, "+
		"int64, uint64, float16, float32 or float64", r.Type)
	add(r.Scale <= 0, ".scale has to be positive")
	add(r.Bit > 0 && r.Type != Bit || r.Bit > 15, ".bit %d is not for type %s; it is 0 to 15 and for type bit", r.Bit, r.Type)
	add(r.Offset > greatest || r.Offset < -greatest, ".offset %s is too large", r.Offset)
	first, end := r.Span()
	if most == 0 {
		most = maxRead
	}
	add(end > 1<<16, ".register %#04x is too high for a value of %d registers", r.Register, words)
	add(end-first > int(most), ".status is too far from the value: they have to be read together")
	for i, c := range r.Codes {
		add(c.Reason == "", ".codes[%d] needs a reason", i)
		add(words > 0 && c.Raw > mask(numeric[r.Type].bits), ".codes[%d].raw %#x has more bits than type %s", i, c.Raw, r.Type)
	}
	return errors.Join(append(errs, r.Order.check(where, words), checkQuantity(where, r.Quantity), r.Range.check(where))...)
}

func (o Order) check(where string, words int) error {
	known, ok := orderNames[strings.ToUpper(string(o))]
	if !ok || known.words > 0 && words > 0 && known.words != words {
		return fmt.Errorf("%s.order %q is not for %d registers: use ABCD, DCBA, BADC or CDAB", where, o, words)
	}
	return nil
}

func (i Identity) check(where string) error {
	var errs []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(where+format, args...))
		}
	}
	kind, number := numeric[i.Type]
	text := i.Type == String || i.Type == BCD
	add(i.Table != Input && i.Table != Holding, ".table %q is not input or holding", i.Table)
	add(!text && (!number || kind.signed || kind.bits < 16), ".type %q is not string, bcd, uint16, uint32 or uint64", i.Type)
	add(text && (i.Length < 1 || i.Length > maxRead), ".length %d is not 1 to %d registers", i.Length, maxRead)
	add(!text && i.Length != 0, ".length is for types string and bcd")
	add(int(i.Register)+i.Words() > 1<<16, ".register %#04x is too high", i.Register)
	words := i.Words()
	if text {
		words = 0
	}
	return errors.Join(append(errs, i.Order.check(where, words))...)
}

func (m Modbus) checkPorts() error {
	var errs []error
	for _, group := range []struct {
		name   string
		ports  []Ports
		tables []Table
	}{
		{"inputs", m.Inputs, []Table{Coil, Discrete, Holding, Input}},
		{"outputs", m.Outputs, []Table{Coil, Holding}},
	} {
		seen := map[int]bool{}
		for i, p := range group.ports {
			where := fmt.Sprintf("modbus.%s[%d]", group.name, i)
			errs = append(errs, p.check(where, group.tables))
			for n := range p.Len() {
				if seen[int(p.Port)+n] {
					errs = append(errs, fmt.Errorf("%s: port %d is there twice", where, int(p.Port)+n))
				}
				seen[int(p.Port)+n] = true
			}
		}
	}
	return errors.Join(errs...)
}

func (p Ports) check(where string, tables []Table) error {
	var errs []error
	known := false
	for _, t := range tables {
		known = known || p.Table == t
	}
	if !known {
		errs = append(errs, fmt.Errorf("%s.table %q is not one of %v", where, p.Table, tables))
	}
	if p.Port < 1 || int(p.Port)+p.Len()-1 > maxPort {
		errs = append(errs, fmt.Errorf("%s: ports %d to %d are not within 1 to %d", where, p.Port, int(p.Port)+p.Len()-1, maxPort))
	}
	if p.Table.Bits() && p.Bit != 0 || !p.Table.Bits() && int(p.Bit)+p.Len() > 16 {
		errs = append(errs, fmt.Errorf("%s.bit: bits %d to %d are not of one register", where, p.Bit, int(p.Bit)+p.Len()-1))
	}
	if _, end := p.Span(); end > 1<<16 {
		errs = append(errs, fmt.Errorf("%s.register %#04x is too high for %d ports", where, p.Register, p.Len()))
	}
	return errors.Join(errs...)
}
