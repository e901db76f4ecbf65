package modbus_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/modbus"
)

func plan(m catalog.Modbus) (out []string) {
	for _, r := range modbus.Plan(m, 1) {
		out = append(out, fmt.Sprintf("%s %d+%d", r.Request.Function, r.Request.Register, r.Request.Count))
	}
	return out
}

func at(table catalog.Table, register uint16, of catalog.RawType) catalog.Register {
	return catalog.Register{Table: table, Register: register, Type: of}
}

func TestPlansMakeFewRequests(t *testing.T) {
	const h, i = catalog.Holding, catalog.Input
	for name, c := range map[string]struct {
		model catalog.Modbus
		want  []string
	}{
		"neighbours": {
			catalog.Modbus{Values: []catalog.Register{at(i, 1, catalog.Int16), at(i, 2, catalog.Float32), at(i, 4, catalog.Uint64)}},
			[]string{"read_input_registers 1+7"},
		},
		"a gap": {
			catalog.Modbus{Values: []catalog.Register{at(h, 1, catalog.Int16), at(h, 3, catalog.Int16)}},
			[]string{"read_holding_registers 1+1", "read_holding_registers 3+1"},
		},
		"a gap that may be read": {
			catalog.Modbus{MaxInsert: 1, Values: []catalog.Register{at(h, 1, catalog.Int16), at(h, 3, catalog.Int16), at(h, 6, catalog.Int16)}},
			[]string{"read_holding_registers 1+3", "read_holding_registers 6+1"},
		},
		"order of the model": {
			catalog.Modbus{Values: []catalog.Register{at(h, 9, catalog.Int16), at(i, 5, catalog.Int16), at(h, 2, catalog.Int16)}},
			[]string{"read_holding_registers 9+1", "read_input_registers 5+1", "read_holding_registers 2+1"},
		},
		"two of one register": {
			catalog.Modbus{Values: []catalog.Register{at(h, 9, catalog.Int8L), at(h, 9, catalog.Int8H)}},
			[]string{"read_holding_registers 9+1"},
		},
		"a status beside": {
			catalog.Modbus{Values: []catalog.Register{{Table: h, Register: 4, Type: catalog.Int16, Status: &catalog.Status{Register: 2}}}},
			[]string{"read_holding_registers 2+3"},
		},
		"what a device can do": {
			catalog.Modbus{MaxRead: 3, Values: []catalog.Register{
				at(h, 0, catalog.Float32), at(h, 2, catalog.Float32), at(h, 4, catalog.Int16),
			}},
			[]string{"read_holding_registers 0+2", "read_holding_registers 2+3"},
		},
		"contacts": {
			catalog.Modbus{Inputs: []catalog.Ports{
				{Port: 1, Table: catalog.Discrete, Register: 0, Count: 8},
				{Port: 9, Table: catalog.Coil, Register: 3},
				{Port: 10, Table: h, Register: 7, Bit: 4, Count: 4},
			}},
			[]string{"read_discrete_inputs 0+8", "read_coils 3+1", "read_holding_registers 7+1"},
		},
	} {
		if got := plan(c.model); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAPlanReadsEveryValueOnceAndWholly(t *testing.T) {
	types := []catalog.RawType{catalog.Int16, catalog.Float32, catalog.Uint64, catalog.Bit}
	rapid.Check(t, func(t *rapid.T) {
		m := catalog.Modbus{MaxInsert: uint16(rapid.IntRange(0, 20).Draw(t, "insert")), MaxRead: uint16(rapid.IntRange(4, 125).Draw(t, "most"))}
		for range rapid.IntRange(1, 40).Draw(t, "n") {
			table := rapid.SampledFrom([]catalog.Table{catalog.Holding, catalog.Input}).Draw(t, "table")
			m.Values = append(m.Values, at(table, uint16(rapid.IntRange(0, 600).Draw(t, "register")), rapid.SampledFrom(types).Draw(t, "type")))
		}
		reads := modbus.Plan(m, 1)
		for _, r := range reads {
			if r.Request.Count < 1 || r.Request.Count > m.MaxRead {
				t.Fatalf("%d registers in a request; up to %d are possible", r.Request.Count, m.MaxRead)
			}
		}
		for _, v := range m.Values {
			whole := 0
			for _, r := range reads {
				b := catalog.Block{First: r.Request.Register, Words: make([]uint16, r.Request.Count)}
				if (r.Request.Function == modbus.ReadInput) == (v.Table == catalog.Input) && v.In(b) {
					whole++
				}
			}
			if whole < 1 {
				t.Fatalf("%+v is in no request of %+v", v, reads)
			}
		}
	})
}
