package probe

import (
	"fmt"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/unit"
)

// Fault is something that goes wrong with an answer.
type Fault uint8

// The faults.
const (
	Busy     Fault = 1 + iota // exception 6 SlaveDeviceBusy instead of an answer
	Broken                    // exception 4 SlaveDeviceFailure: the sensor is gone
	WrongSum                  // the answer's checksum is wrong; in Modbus TCP its transaction number
	Late                      // the answer comes after Delay, and those to later requests after it
	Babble                    // text comes before the answer, as from a probe that reports by itself
	Mute                      // no answer
	Idle                      // a write is answered as if it were done, and is not: a relay in manual mode
)

// Unit is one simulated device of a catalogue model. It is safe for use by several goroutines.
type Unit struct {
	address byte
	model   catalog.Modbus

	mu     sync.Mutex
	tables map[catalog.Table]map[uint16]uint16
	air    map[unit.Quantity]unit.Milli // what was Set
	faults []Fault                      // of the next answers, one each
	delay  time.Duration
	silent bool
	babble bool
	asked  uint64
}

// NewUnit makes a device that has every register of its model, all 0. An address of 0 is the model's.
func NewUnit(model catalog.Modbus, address byte) *Unit {
	if address == 0 {
		address = model.Unit
	}
	u := &Unit{
		address: address, model: model, air: map[unit.Quantity]unit.Milli{}, delay: time.Second,
		tables: map[catalog.Table]map[uint16]uint16{catalog.Coil: {}, catalog.Discrete: {}, catalog.Holding: {}, catalog.Input: {}},
	}
	for _, r := range modbus.Plan(model, address) {
		u.have(tables[r.Request.Function], int(r.Request.Register), int(r.Request.Register)+int(r.Request.Count))
	}
	for _, c := range model.Corrections {
		first, end := c.Span()
		u.have(c.Table, first, end)
	}
	for _, i := range model.Identity {
		u.have(i.Table, int(i.Register), int(i.Register)+i.Words())
	}
	for _, p := range model.Outputs {
		first, end := p.Span()
		u.have(p.Table, first, end)
	}
	return u
}

// tables are what the functions are for.
var tables = map[modbus.Function]catalog.Table{
	modbus.ReadCoils: catalog.Coil, modbus.ReadDiscrete: catalog.Discrete, modbus.ReadHolding: catalog.Holding,
	modbus.ReadInput: catalog.Input, modbus.WriteCoil: catalog.Coil, modbus.WriteCoils: catalog.Coil,
	modbus.WriteSingle: catalog.Holding, modbus.WriteRegisters: catalog.Holding,
}

func (u *Unit) have(t catalog.Table, first, end int) {
	for i := first; i < end; i++ {
		u.tables[t][uint16(i)] += 0
	}
}

// Set gives what the device measures: the nearest that its registers can hold, in each of its channels.
func (u *Unit) Set(q unit.Quantity, v unit.Milli) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.air[q] = v
	for _, r := range u.model.Values {
		if r.Quantity != q {
			continue
		}
		u.put(r.Table, r.Register, r.Raw(v, u.words(r.Table, r.Register, r.Type.Words())))
		if r.Status != nil {
			u.put(r.Table, r.Status.Register, []uint16{r.Status.Good})
		}
	}
}

func (u *Unit) words(t catalog.Table, register uint16, n int) []uint16 {
	words := make([]uint16, n)
	for i := range words {
		words[i] = u.tables[t][register+uint16(i)]
	}
	return words
}

func (u *Unit) put(t catalog.Table, register uint16, words []uint16) {
	for i, w := range words {
		u.tables[t][register+uint16(i)] = w
	}
}

// Poke writes registers, or bits as 0 and 1, past all rules; the device has them from then on.
func (u *Unit) Poke(t catalog.Table, register uint16, words ...uint16) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.put(t, register, words)
}

// SetInput opens or closes the contact at one of the model's inputs.
func (u *Unit) SetInput(port uint8, high bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p, register, bit, ok := find(u.model.Inputs, port); ok {
		u.tables[p.Table][register] &^= 1 << bit
		if high != p.Inverted {
			u.tables[p.Table][register] |= 1 << bit
		}
	}
}

// Output tells whether one of the model's outputs is on.
func (u *Unit) Output(port uint8) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	p, register, bit, ok := find(u.model.Outputs, port)
	return ok && u.tables[p.Table][register]>>bit&1 == 1 != p.Inverted
}

// find tells where a port lies.
func find(rows []catalog.Ports, port uint8) (p catalog.Ports, register uint16, bit int, ok bool) {
	for _, p := range rows {
		i := int(port) - int(p.Port)
		switch {
		case i < 0 || i >= p.Len():
		case p.Table.Bits():
			return p, p.Register + uint16(i), 0, true
		default:
			return p, p.Register, int(p.Bit) + i, true
		}
	}
	return catalog.Ports{}, 0, 0, false
}

// Fail makes something go wrong with each of the next n answers, after those that were told before.
func (u *Unit) Fail(f Fault, n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for range n {
		u.faults = append(u.faults, f)
	}
}

// Delay sets how late Late is.
func (u *Unit) Delay(d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.delay = d
}

// Silence makes the device deaf, as if its power had gone.
func (u *Unit) Silence(on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.silent = on
}

// Garbage makes the device send its readings as text by itself, as an XY-MD02 does in its "ordinary protocol", between the
// frames.
func (u *Unit) Garbage(on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.babble = on
}

// Asked counts the requests that were for this device.
func (u *Unit) Asked() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked
}

// reply is an answer and how it is given.
type reply struct {
	response modbus.Response
	silent   bool
	spoiled  bool
	before   string
	after    time.Duration
}

// obey does what a request asks.
func (u *Unit) obey(r modbus.Request) reply {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked++
	out := reply{silent: u.silent, response: modbus.Response{Unit: r.Unit, Function: r.Function}}
	if u.silent {
		return out
	}
	if u.babble {
		out.before = u.text()
	}
	fault := Fault(0)
	if len(u.faults) > 0 {
		fault, u.faults = u.faults[0], u.faults[1:]
	}
	switch fault {
	case Busy:
		out.response.Exception = modbus.DeviceBusy
		return out
	case Broken:
		out.response.Exception = modbus.DeviceFailure
		return out
	case WrongSum:
		out.spoiled = true
	case Late:
		out.after = u.delay
	case Babble:
		out.before = u.text()
	case Mute:
		out.silent = true
	case Idle:
		before := u.words(tables[r.Function], r.Register, 1)
		defer u.put(tables[r.Function], r.Register, before)
	}
	out.response = u.answer(r)
	return out
}

func (u *Unit) answer(r modbus.Request) modbus.Response {
	out := modbus.Response{Unit: r.Unit, Function: r.Function}
	table := u.tables[tables[r.Function]]
	if table == nil {
		out.Exception = modbus.IllegalFunction
		return out
	}
	n := max(1, int(r.Count))
	for i := range n {
		if _, ok := table[r.Register+uint16(i)]; !ok {
			out.Exception = modbus.IllegalAddress
			return out
		}
	}
	switch r.Function {
	case modbus.WriteSingle:
		table[r.Register] = r.Value
		out.Registers = []uint16{r.Register, r.Value}
	case modbus.WriteCoil:
		table[r.Register] = r.Value >> 15
		out.Registers = []uint16{r.Register, r.Value}
	case modbus.WriteRegisters:
		u.put(catalog.Holding, r.Register, r.Values)
		out.Registers = []uint16{r.Register, r.Count}
	case modbus.WriteCoils:
		for i, on := range r.Bits {
			table[r.Register+uint16(i)] = map[bool]uint16{true: 1}[on]
		}
		out.Registers = []uint16{r.Register, r.Count}
	case modbus.ReadCoils, modbus.ReadDiscrete:
		for _, w := range u.words(tables[r.Function], r.Register, n) {
			out.Bits = append(out.Bits, w != 0)
		}
	default:
		out.Registers = u.words(tables[r.Function], r.Register, n)
	}
	return out
}

// text is what the device sends by itself.
func (u *Unit) text() string {
	return fmt.Sprintf("%.1f°C,%.1f%%\r\n", u.air[unit.Temperature].Float(), u.air[unit.Humidity].Float())
}

// chat is that text, where the device sends it now.
func (u *Unit) chat() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.babble && !u.silent {
		return u.text()
	}
	return ""
}
