package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/simulators/scenario"
)

func TestTheBuiltInScenariosAreRight(t *testing.T) {
	for _, name := range scenario.Names() {
		t.Run(name, func(t *testing.T) {
			s, err := scenario.Builtin(name)
			if err != nil {
				t.Fatal(err)
			}
			if s.Name != name {
				t.Errorf("scenario of %s.yaml is named %q", name, s.Name)
			}
		})
	}
	if len(scenario.Names()) != 2 {
		t.Errorf("built in are %v", scenario.Names())
	}
}

func TestTheDayHasAWarehouseWorthShowing(t *testing.T) {
	s, err := scenario.Builtin("day")
	if err != nil {
		t.Fatal(err)
	}
	units := 0
	for _, it := range s.Items {
		units += it.Stock
		if it.Name.EN == "" || it.Name.ZH == "" || it.Cost == 0 {
			t.Errorf("item %s lacks a name or its cost", it.ID)
		}
	}
	if len(s.Items) < 40 || units < 2000 {
		t.Errorf("%d items with %d units; at least 40 and 2000 are wanted", len(s.Items), units)
	}
}

func TestAnUnknownScenarioNamesTheKnownOnes(t *testing.T) {
	_, err := scenario.Builtin("night")
	if err == nil || !strings.Contains(err.Error(), "day and hour") {
		t.Errorf("got %v", err)
	}
}

const small = `
name: small
seed: 1
start: 2026-01-05T07:00:00Z
site: {code: S, edge: S-E1}
locations: [{code: S-A, kind: bay}, {code: S-D, kind: dock}, {code: S-R, kind: cold_room}]
readers: [{id: u1, driver: uhf, bays: {0: S-A}}, {id: d1, driver: r700}]
probes: [{id: p1, driver: modbus, model: xy-md02, location: S-R}]
doors: [{id: D, floor: S-D, inside: {device: d1, antenna: 1}, outside: {device: d1, antenna: 2}}]
cold_rooms: [{location: S-R, low: 2, high: 8, set: 4.5, ambient: 20}]
suppliers: [{id: SUP, lead_time_days: 3}]
items: [{id: I1, gtin: "09521234100010", supplier: SUP, bays: [S-A], stock: 3, max: 5, cost: 1.25}]
deliveries: [{at: "08:00", supplier: SUP, door: D, most: 5}]
work: {doors: [D]}
`

func TestWhatAScenarioLeavesOutIsFilledIn(t *testing.T) {
	s, err := scenario.Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if s.Doors[0].PassUnits != 20 || s.Items[0].Unit != "EA" || s.Items[0].Pack != 1 || s.Items[0].Cost != 12500 ||
		s.Radio.ShelfEvery != 30*time.Second || s.Deliveries[0].Fill != 90 || s.Items[0].Demand.Kind != "none" {
		t.Errorf("got %+v", s)
	}
}

func TestEveryMistakeIsNamedWithItsPath(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"unknown key", "seed: 1", "seeds: 1", "field seeds not found"},
		{"time of day", `at: "08:00"`, `at: "25:00"`, `time of day "25:00"`},
		{"amount", "cost: 1.25", "cost: -1", `amount "-1"`},
		{"limit", "low: 2,", "low: 9,", "cold_rooms[0]: set is not between"},
		{"check digit", "09521234100010", "09521234100011", "items[0].gtin"},
		{"location twice", "S-D, kind: dock", "S-A, kind: dock", "locations[1].code: S-A is there twice"},
		{"kind of location", "floor: S-D", "floor: S-A", "doors[0].floor: location S-A is a bay"},
		{"driver", "driver: uhf", "driver: llrp", `readers[0].driver: "llrp"`},
		{"antenna of a serial reader", "bays: {0: S-A}", "bays: {2: S-A}", "readers[0].bays[2]: a serial reader"},
		{"antenna twice", "outside: {device: d1, antenna: 2}", "outside: {device: d1, antenna: 1}", "antenna is already used"},
		{"reader of a door", "inside: {device: d1", "inside: {device: d9", `doors[0].inside: device "d9"`},
		{"supplier", "supplier: SUP, door", "supplier: SUX, door", `deliveries[0].supplier: "SUX"`},
		{"door of the work", "work: {doors: [D]}", "work: {doors: [E]}", `work.doors[0]: door "E"`},
		{"model", "model: xy-md02, ", "", "probes[0].model: is missing"},
		{"end", "seed: 1", "end: 2026-01-04T07:00:00Z", "end: is not after start"},
		{"fault", "seed: 1", `faults: [{device: u1, kind: silence, from: "09:00", to: "09:10"}]`, `faults[0].device: "u1"`},
		{"load of a door", "inside: {device: d1", "pass_units: -1, inside: {device: d1", "doors[0].pass_units: -1"},
		{"demand", "cost: 1.25", "demand: {kind: smooth, daily: 1e9}", "items[0].demand.daily"},
		{"tote", "seed: 1", `totes: [{uid: 0102, item: I1}]`, "totes[0].uid"},
		{"inspection", "seed: 1", `inspections: [{at: "09:00", pad: p1}]`, "inspections[0].pad"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(small, tt.old, tt.new, 1)
			if text == small {
				t.Fatal("the scenario was not changed")
			}
			_, err := scenario.Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	text := strings.NewReplacer("floor: S-D", "floor: X", "supplier: SUP, door", "supplier: Y, door").Replace(small)
	_, err := scenario.Parse([]byte(text))
	if err == nil || !strings.Contains(err.Error(), `"X"`) || !strings.Contains(err.Error(), `"Y"`) {
		t.Errorf("got %v", err)
	}
	text = strings.NewReplacer("cost: 1.25", "cost: a", `at: "08:00"`, "at: b").Replace(small)
	_, err = scenario.Parse([]byte(text))
	if err == nil || !strings.Contains(err.Error(), `"a"`) || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("got %v", err)
	}
}

func TestATimeOfDayIsTakenInTheZoneOfTheDay(t *testing.T) {
	zone := time.FixedZone("", 8*3600)
	at := time.Date(2026, 1, 5, 8, 45, 0, 0, zone)
	span := scenario.Span{From: scenario.TimeOfDay(8 * time.Hour), To: scenario.TimeOfDay(9 * time.Hour)}
	if !span.Contains(at) || span.Contains(at.Add(15*time.Minute)) || span.Contains(at.Add(-46*time.Minute)) {
		t.Error("the span does not hold 08:00 to 09:00 in its zone")
	}
	if got := span.From.On(at).UTC(); !got.Equal(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("08:00+08:00 is %v", got)
	}
}
