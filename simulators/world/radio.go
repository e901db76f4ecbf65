package world

import (
	"math"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/scenario"
)

// neighbours gives for each bay the bays before and after it in its zone, as the scenario lists them: their antennas
// see some of each other's tags.
func neighbours(s *scenario.Scenario) map[string][]string {
	zones := map[string][]string{}
	for _, l := range s.Locations {
		if l.Kind == "bay" {
			zones[l.Parent] = append(zones[l.Parent], l.Code)
		}
	}
	beside := map[string][]string{}
	for _, bays := range zones {
		for i := 1; i < len(bays); i++ {
			beside[bays[i-1]] = append(beside[bays[i-1]], bays[i])
			beside[bays[i]] = append(beside[bays[i]], bays[i-1])
		}
	}
	return beside
}

// watch begins to plan the reads of a unit that lies in a bay now.
func (w *World) watch(g *good) {
	if g.unreadable {
		return
	}
	g.strength = -52 + 4*w.rng.NormFloat64()
	w.sightLater(g, between(w.rng, w.sight/20, w.sight))
}

func (w *World) sightLater(g *good, d time.Duration) {
	spell := g.spell
	w.after(d, func() {
		if g.spell != spell {
			return
		}
		w.sightNow(g)
		w.sightLater(g, between(w.rng, w.sight*6/10, w.sight*14/10))
	})
}

// sightNow reads a unit at rest once: by the bay's own antenna, or now and then by a neighbour's, 10 to 15 dB weaker.
func (w *World) sightNow(g *good) {
	bay, loss := g.place, 0.0
	if near := w.beside[bay]; len(near) > 0 && w.rng.IntN(1000) < w.s.Radio.CrossRead {
		bay, loss = near[w.rng.IntN(len(near))], 10+5*w.rng.Float64()
	}
	a, ok := w.antennas[bay]
	if ok {
		w.read(a, g, g.strength-loss+1.5*w.rng.NormFloat64())
	}
}

func (w *World) read(a scenario.Antenna, g *good, dBm float64) {
	w.out.Reads = append(w.out.Reads, Read{
		At: w.now, Device: a.Device, Antenna: a.Number, Tag: g.tag, RSSI: strength(dBm),
	})
}

// strength rounds to what readers report, half a decibel, within what they can hear.
func strength(dBm float64) unit.DBm { return unit.DBm(50 * math.Round(2*min(max(dBm, -84), -20))) }

// strayReads lets an antenna see a foreign tag that lies near it now and then, for good.
func (w *World) strayReads(g *good, antennas []scenario.Antenna) {
	level := -71 + 2*w.rng.NormFloat64()
	mean := max(8*time.Second, w.pace.Wall(500*time.Millisecond))
	var again func()
	again = func() {
		w.read(antennas[w.rng.IntN(len(antennas))], g, level+2*w.rng.NormFloat64())
		w.after(between(w.rng, mean/2, mean*3/2), again)
	}
	w.agenda.add(w.s.Start.Add(between(w.rng, 0, mean)), again)
}

// dockReads lets the inner antennas of the doors of a dock floor see a unit that lies there, weakly and seldom.
func (w *World) dockReads(g *good) {
	var near []scenario.Antenna
	for _, d := range w.s.Doors {
		if d.Floor == g.place {
			near = append(near, d.Inside)
		}
	}
	mean := w.s.Radio.DockStray
	if mean <= 0 || g.unreadable || len(near) == 0 {
		return
	}
	spell := g.spell
	var again func()
	again = func() {
		if g.spell != spell {
			return
		}
		w.read(near[w.rng.IntN(len(near))], g, -75+2*w.rng.NormFloat64())
		w.after(between(w.rng, mean/2, mean*3/2), again)
	}
	w.after(between(w.rng, 0, 2*mean), again)
}

// track is the way of a load through a door: where it is at a part of its time, from 0 to 1. Outside is -1, inside +1.
type track func(part float64) float64

func inwards(part float64) float64  { return -1.2 + 2.4*part }
func outwards(part float64) float64 { return 1.2 - 2.4*part }

// thereAndBack comes from inside, reaches the threshold and goes back.
func thereAndBack(part float64) float64 { return -0.1 + 1.3*math.Abs(2*part-1) }

// antennaAt is how far inside (or outside) of the door's threshold its antennas hang.
const antennaAt = 0.5

// passReads plans what both antennas see of a load. Every unit that can be read at all is read at least three times by
// each antenna that it passes.
func (w *World) passReads(d *door, l *load, way track) {
	tries := map[bool]int{true: 14, false: 22}[len(l.units) > 12]
	lead := slices.IndexFunc(l.units, func(g *good) bool { return !g.unreadable })
	for i, g := range l.units {
		if g.unreadable {
			continue
		}
		n := tries
		if i == lead {
			n = 36
		}
		w.unitReads(g, d.Inside, way, antennaAt, n, i == lead)
		w.unitReads(g, d.Outside, way, -antennaAt, n, i == lead)
	}
}

// unitReads plans what one antenna, hanging at where, sees of one unit in n tries spread over the pass. An unbroken
// unit is seen whenever it is nearer than one to the antenna.
func (w *World) unitReads(g *good, a scenario.Antenna, way track, where float64, n int, unbroken bool) {
	shift, level := 0.08*w.rng.NormFloat64(), -46+3*w.rng.NormFloat64()
	type try struct{ part, far float64 }
	var missed []try
	seen := 0
	for i := range n {
		part := (float64(i) + w.rng.Float64()) / float64(n)
		far := math.Abs(way(part) + shift - where)
		hit := w.rng.Float64() < min(0.95, 1.15-0.75*far) || unbroken && far < 1
		if !hit {
			missed = append(missed, try{part, far})
			continue
		}
		seen++
		w.readIn(part, g, a, level-28*far)
	}
	slices.SortFunc(missed, func(x, y try) int { return int(math.Copysign(1, x.far-y.far)) })
	for i := 0; i < len(missed) && seen < 3; i++ {
		seen++
		w.readIn(missed[i].part, g, a, level-28*missed[i].far)
	}
}

// readIn plans a read at a part of the pass that begins now.
func (w *World) readIn(part float64, g *good, a scenario.Antenna, dBm float64) {
	dBm += 1.5 * w.rng.NormFloat64()
	w.after(time.Duration(part*float64(w.pace.Pass())), func() { w.read(a, g, dBm) })
}
