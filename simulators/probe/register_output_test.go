package probe_test

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/simulators/probe"
)

// Some modules have their inputs and outputs as bits of a register.
func TestPortsMayBeBitsOfRegisters(t *testing.T) {
	model, err := catalog.ParseModel([]byte(`
name: bits
title: inputs and outputs as bits of registers
modbus:
  line: {baud: 19200, data: 8, parity: N, stop: 1}
  unit: 1
  poll: 100ms
  inputs:
    - {port: 1, table: input, register: 6, bit: 4, count: 4, inverted: true}
  outputs:
    - {port: 1, table: holding, register: 5, bit: 2, count: 2}
    - {port: 3, table: coil, register: 9, inverted: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	u := probe.NewUnit(*model.Modbus, 0)
	u.Poke(catalog.Holding, 5, 0x8001)
	address, err := port.ParseAddress(onLine(t, probe.NewBus(u)))
	if err != nil {
		t.Fatal(err)
	}
	env := gateway(t)
	d, err := modbus.New(modbus.Config{
		ID: "io", Model: *model.Modbus, Opener: env.Ports, Clock: env.Clock, Address: address, Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	sink := &devicetest.Sink{}
	devicetest.Start(t, d, sink)
	for i, c := range []struct {
		port uint8
		on   bool
		want [3]bool
	}{{2, true, [3]bool{false, true, true}}, {1, true, [3]bool{true, true, true}}, {2, false, [3]bool{true, false, true}}, {3, false, [3]bool{true}}} {
		if err := d.SetOutput(t.Context(), c.port, c.on); err != nil {
			t.Errorf("step %d: %v", i, err)
		}
		if got := [3]bool{u.Output(1), u.Output(2), u.Output(3)}; got != c.want {
			t.Errorf("step %d: outputs are %v, want %v", i, got, c.want)
		}
	}
	u.SetInput(2, false)
	sink.Wait(t, "five reports", func() bool { return len(sink.GPIs()) == 5 })
	for i, g := range sink.GPIs() {
		if want := i < 4; g.High != want || i == 4 && g.Port != 2 {
			t.Errorf("report %d is %+v", i, g)
		}
	}
}
