package modbus

import (
	"cmp"
	"slices"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
)

// Read is one request of a poll and what its answer tells.
type Read struct {
	Request Request
	values  []catalog.Register
	inputs  []catalog.Ports
}

// span is something that has to be read, and from where in a table up to before where.
type span struct {
	first, end int
	declared   int // its place in the model
	value      *catalog.Register
	input      *catalog.Ports
}

// functions that read the tables.
var functions = map[catalog.Table]Function{
	catalog.Coil: ReadCoils, catalog.Discrete: ReadDiscrete, catalog.Holding: ReadHolding, catalog.Input: ReadInput,
}

// Plan gives the requests that read all of a model's values and inputs: as few as its limits allow, in the order in which
// the model names them. What lies closer together than the model's max_insert is read at once; a value is never cut.
func Plan(m catalog.Modbus, unit byte) []Read {
	tables := map[catalog.Table][]span{}
	for i := range m.Values {
		v := &m.Values[i]
		first, end := v.Span()
		tables[v.Table] = append(tables[v.Table], span{first, end, i, v, nil})
	}
	for i := range m.Inputs {
		p := &m.Inputs[i]
		first, end := p.Span()
		tables[p.Table] = append(tables[p.Table], span{first, end, len(m.Values) + i, nil, p})
	}
	var groups [][]span
	for table, spans := range tables {
		groups = append(groups, group(spans, int(m.MaxInsert), most(m, table))...)
	}
	for _, g := range groups {
		slices.SortFunc(g, byDeclaration)
	}
	slices.SortFunc(groups, func(a, b []span) int { return byDeclaration(a[0], b[0]) })
	reads := make([]Read, len(groups))
	for i, g := range groups {
		reads[i] = readOf(g, unit)
	}
	return reads
}

func byDeclaration(a, b span) int { return cmp.Compare(a.declared, b.declared) }

// most tells how much of a table a request may ask for.
func most(m catalog.Modbus, t catalog.Table) int {
	switch {
	case t.Bits():
		return MaxBits
	case m.MaxRead > 0:
		return int(m.MaxRead)
	}
	return MaxRegisters
}

// group cuts what is wanted of a table into stretches that are read at once.
func group(spans []span, insert, most int) [][]span {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.end, b.end), byDeclaration(a, b))
	})
	var groups [][]span
	first, end := 0, 0
	for i, s := range spans {
		if i > 0 && s.first <= end+insert && max(end, s.end)-first <= most {
			groups[len(groups)-1] = append(groups[len(groups)-1], s)
			end = max(end, s.end)
			continue
		}
		groups = append(groups, []span{s})
		first, end = s.first, s.end
	}
	return groups
}

func readOf(g []span, unit byte) Read {
	first, end := g[0].first, g[0].end
	r := Read{}
	var table catalog.Table
	for _, s := range g {
		first, end = min(first, s.first), max(end, s.end)
		if s.value != nil {
			table = s.value.Table
			r.values = append(r.values, *s.value)
		} else {
			table = s.input.Table
			r.inputs = append(r.inputs, *s.input)
		}
	}
	r.Request = Request{Unit: unit, Function: functions[table], Register: uint16(first), Count: uint16(end - first)}
	return r
}

// samples tells what the registers of an answer mean. Its Device and HostTime are empty.
func samples(values []catalog.Register, b catalog.Block) []devices.Sample {
	out := make([]devices.Sample, len(values))
	for i, reg := range values {
		v, quality, reason := reg.Measure(b)
		out[i] = devices.Sample{Channel: reg.Channel, Quantity: reg.Quantity, Value: v, Quality: quality, Reason: reason}
	}
	return out
}

// missing gives samples that say why there are no values.
func missing(values []catalog.Register, why string) []devices.Sample {
	out := make([]devices.Sample, len(values))
	for i, reg := range values {
		out[i] = devices.Sample{Channel: reg.Channel, Quantity: reg.Quantity, Quality: devices.NoData, Reason: why}
	}
	return out
}

// states tells how inputs stand, by an answer to a request from register first on.
func states(inputs []catalog.Ports, first uint16, a Response) []devices.GPI {
	var out []devices.GPI
	for _, p := range inputs {
		for i := range p.Len() {
			if high, ok := state(p, i, first, a); ok {
				out = append(out, devices.GPI{Port: p.Port + uint8(i), High: high})
			}
		}
	}
	return out
}

// state tells how the i-th port of a row stands; not ok where the answer does not say.
func state(p catalog.Ports, i int, first uint16, a Response) (high, ok bool) {
	at := int(p.Register) - int(first)
	if p.Table.Bits() {
		if at += i; at < 0 || at >= len(a.Bits) {
			return false, false
		}
		return a.Bits[at] != p.Inverted, true
	}
	if at < 0 || at >= len(a.Registers) {
		return false, false
	}
	return a.Registers[at]>>(int(p.Bit)+i)&1 == 1 != p.Inverted, true
}

// shown writes a value with its unit, for people.
func shown(v unit.Milli, q unit.Quantity) string { return v.String() + " " + q.Symbol() }
