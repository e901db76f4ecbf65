package world

import (
	"math"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/scenario"
)

// The time constants of a cold room: how fast its cooling pulls it to the set point, how fast the air of the hall
// comes in through the open door, and through the walls.
const (
	coolingTime = 20 * time.Minute
	doorTime    = 25 * time.Minute
	wallTime    = 16 * time.Hour
)

// room is a cold room: the temperature follows Newton's law of cooling toward the set point and toward the hall.
type room struct {
	scenario.ColdRoom
	temperature float64 // °C
	excursion   *Fact   // the open one
}

func (w *World) addRoom(spec scenario.ColdRoom) {
	r := &room{ColdRoom: spec, temperature: spec.Set.Float()}
	w.rooms = append(w.rooms, r)
	every := max(10*time.Second, w.pace.Wall(50*time.Millisecond))
	var again func()
	again = func() {
		w.weather(r, every)
		w.after(every, again)
	}
	w.agenda.add(w.s.Start, again)
}

func (w *World) weather(r *room, passed time.Duration) {
	door := false
	for _, span := range r.DoorOpen {
		door = door || span.Contains(w.now)
	}
	r.temperature = r.next(door, passed)
	// The compressor switches: a slow swing of 0.3 °C. The air is not still; the truth is what it is on average.
	swing := 0.3 * math.Sin(2*math.Pi*float64(w.now.Sub(w.s.Start))/float64(12*time.Minute))
	mean := r.temperature + swing
	t := mean + 0.02*w.rng.NormFloat64()
	humid := 68 + 1.6*(r.temperature-r.Set.Float()) + w.rng.NormFloat64()
	at := Weather{At: w.now, Location: r.Location, Temperature: milli(t), Humidity: milli(min(humid, 99))}
	w.out.Weather = append(w.out.Weather, at)
	w.judge(r, milli(mean))
}

// next is the temperature a while later.
func (r *room) next(door bool, passed time.Duration) float64 {
	cool, warm := 1/coolingTime.Seconds(), 1/wallTime.Seconds()
	if door {
		warm += 1 / doorTime.Seconds()
	}
	rest := (r.Set.Float()*cool + r.Ambient.Float()*warm) / (cool + warm)
	return rest + (r.temperature-rest)*math.Exp(-passed.Seconds()*(cool+warm))
}

// judge keeps the truth about excursions: each is told when it begins and again when it ends.
func (w *World) judge(r *room, t unit.Milli) {
	limit := ""
	switch {
	case t >= r.High:
		limit = "high"
	case t <= r.Low:
		limit = "low"
	}
	x := r.excursion
	if x != nil && limit != x.Limit {
		x.Over = true
		w.fact(*x)
		r.excursion, x = nil, nil
	}
	if limit == "" {
		return
	}
	if x == nil {
		r.excursion = &Fact{Kind: ExcursionFact, Location: r.Location, Limit: limit, Start: w.now, Worst: t}
		w.fact(*r.excursion)
		return
	}
	if limit == "high" && t > x.Worst || limit == "low" && t < x.Worst {
		x.Worst = t
	}
}

func milli(v float64) unit.Milli { return unit.Milli(math.Round(v * 1000)) }
