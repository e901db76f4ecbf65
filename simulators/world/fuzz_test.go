package world_test

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/world"
)

const tiny = `
name: tiny
seed: 1
start: 2026-01-05T07:00:00Z
site: {code: S, edge: S-E1}
locations: [{code: S-A, kind: bay}, {code: S-B, kind: bay}, {code: S-D, kind: dock}, {code: S-R, kind: cold_room}, {code: S-T, kind: table}]
readers: [{id: u1, driver: uhf, bays: {0: S-A}}, {id: d1, driver: r700}]
pads: [{id: p, location: S-T}]
probes: [{id: p1, driver: modbus, model: xy-md02, location: S-R}]
doors: [{id: D, floor: S-D, inside: {device: d1, antenna: 1}, outside: {device: d1, antenna: 2}, strays: 1}]
cold_rooms: [{location: S-R, low: 2, high: 8, set: 4.5, ambient: 20, door_open: [{from: "07:01", to: "07:30"}]}]
suppliers: [{id: SUP, lead_time_days: 3}]
items: [{id: I1, gtin: "09521234100010", supplier: SUP, bays: [S-A, S-B], stock: 9, max: 12, demand: {kind: lumpy, daily: 50}}]
totes: [{uid: 01020304, item: I1}]
deliveries: [{at: "07:02", supplier: SUP, door: D, most: 5}]
inspections: [{at: "07:03", pad: p}]
work: {from: "07:00", to: "08:00", wave: 1m, doors: [D], turn_back_permille: 500, relocations: 5}
radio: {shelf_every: 5s, dock_stray_every: 20s}
`

func FuzzAScenarioThatIsRightCanBePlayed(f *testing.F) {
	f.Add([]byte(tiny), uint16(1))
	f.Add([]byte(tiny), uint16(600))
	f.Add([]byte("name: x"), uint16(60))
	f.Fuzz(func(t *testing.T, text []byte, speed uint16) {
		if len(text) > 4000 {
			return
		}
		s, err := scenario.Parse(text)
		if err != nil {
			return
		}
		if world.Stock(s) > 1000 || len(s.Items) > 10 || len(s.Doors) > 4 {
			return // right, but too long to play here
		}
		w, err := world.New(s, world.Pace{Speed: float64(speed)})
		if err != nil {
			return
		}
		var truth world.Truth
		for i := range 30 {
			for _, fact := range w.Step(s.Start.Add(time.Duration(i)*time.Minute), nil).Facts {
				if err := truth.Apply(fact); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
