package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/output"
)

const lit = `
edge: E1
site: S1
hub: {broker: "tcp://h:1883"}
mqtt: {broker: "tcp://h:1883"}
devices:
  - {id: portal, driver: r700, address: "mqtt:site/S1/portal/events"}
  - {id: io, driver: modbus, model: relay-8, address: "tcp:h:502"}
doors:
  - id: D1
    inside_location: DOCK
    inside: [{device: portal, antenna: 1}]
    outside: [{device: portal, antenna: 2}]
    signals: {ok: [green], missing: [amber], unexpected: [amber, green], reading: [blue], hold: 5s}
  - id: D2
    inside_location: DOCK-2
    inside: [{device: portal, antenna: 3}]
    outside: [{device: portal, antenna: 4}]
outputs:
  - {name: green, device: io, port: 1}
  - {name: amber, topic: cmnd/amber/POWER, on: "1", off: "0", retain: true}
  - {name: blue, topic: cmnd/blue/POWER}
`

func TestLightsReachTheGateway(t *testing.T) {
	c, err := config.Parse([]byte(lit), nothing)
	if err != nil {
		t.Fatal(err)
	}
	want := []output.Door{
		{ID: "D1", OK: []string{"green"}, Missing: []string{"amber"}, Unexpected: []string{"amber", "green"}, Reading: []string{"blue"}, Hold: 5 * time.Second},
		{ID: "D2", Hold: config.HoldSignal},
	}
	if got := c.Lights(); !reflect.DeepEqual(got, want) {
		t.Errorf("lights %+v, want %+v", got, want)
	}
	drives := []config.Drive{
		{Device: "io", Port: 1}, {Topic: "cmnd/amber/POWER", On: "1", Off: "0", Retain: true}, {Topic: "cmnd/blue/POWER", On: "ON", Off: "OFF"},
	}
	for i, d := range drives {
		if got := c.Outputs[i].Drive; got != d {
			t.Errorf("output %d drives %+v, want %+v", i, got, d)
		}
	}
	_, err = config.Parse([]byte(strings.Replace(lit, `mqtt: {broker: "tcp://h:1883"}`, "", 1)), nothing)
	if err == nil || !strings.Contains(err.Error(), "outputs[1].topic: needs the section mqtt") {
		t.Errorf("without a broker: %v", err)
	}
}
