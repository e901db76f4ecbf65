package reconcile

import (
	"time"

	"github.com/tallydock/tallydock/devices"
)

// cell is one photocell at work.
type cell struct {
	broken bool
	last   instant // when it last changed, by the clock that told it
}

// chatter is how long all beams may be free within a pass: pallets have gaps, and photocells bounce.
func chatter(quiet time.Duration) time.Duration { return quiet / 8 }

// input takes a change of an input; one that is no photocell changes nothing here.
func (m *Machine) input(g *devices.GPI, now instant) {
	m.advance(now)
	c, ok := m.plan.Photocell(g.Device, g.Port)
	if !ok {
		return
	}
	d, plan := &m.doors[c.Door], &m.plan.Doors[c.Door].Photocells[c.Index]
	r := devices.Read{Device: g.Device, ReaderTime: g.ReaderTime, HostTime: g.HostTime}
	at := m.stamp(&r, now)
	state, broken := &d.cells[c.Index], g.High != plan.Low
	if t := own(&r, at); t <= state.last || broken == state.broken {
		return
	}
	state.broken, state.last, d.dirty = broken, own(&r, at), true
	if side := sideOf(plan.Side); broken {
		m.breakBeam(c.Door, side, at, now)
	} else {
		m.freeBeam(c.Door, side, at, now)
	}
}

// breakBeam opens the gate of a pass, or of the pass that a short gap had parted.
func (m *Machine) breakBeam(door int, side uint8, at, now instant) {
	d, plan := &m.doors[door], &m.plan.Doors[door]
	if d.inGate() != nil || at <= d.closed {
		return
	}
	w := d.find(at, plan.Quiet.Microseconds())
	if w == nil {
		w = m.newWindow(door, at, now)
		d.insert(w)
	}
	if n := len(w.gates); n > 0 && at.sub(w.gates[n-1].off) <= chatter(plan.Quiet) {
		w.gates[n-1].off = 0
		w.arrived = max(w.arrived, now)
		return
	} else if n > 0 && !plan.TwoSided() {
		w = m.part(door, w, w.gates[n-1].off+(at-w.gates[n-1].off)/2)
	}
	w.gates = append(w.gates, gate{on: at, first: side, last: side})
	w.last, w.arrived = max(w.last, at), max(w.arrived, now)
	if w.pass == "" {
		m.begin(door, w, at)
	}
}

// freeBeam closes the gate once all beams are free.
func (m *Machine) freeBeam(door int, side uint8, at, now instant) {
	d := &m.doors[door]
	w := d.inGate()
	if w == nil {
		return
	}
	for i := range d.cells {
		if d.cells[i].broken {
			return
		}
	}
	g := w.openGate()
	g.off, g.last = max(at, g.on), side
	w.last, w.arrived = max(w.last, at), max(w.arrived, now)
}

// inGate gives the window in whose gate something stands now.
func (d *doorState) inGate() *window {
	for _, w := range d.wins {
		if w.openGate() != nil {
			return w
		}
	}
	return nil
}

// openGate gives the gate in which something stands now; nil where none is broken.
func (w *window) openGate() *gate {
	if n := len(w.gates); n > 0 && w.gates[n-1].off == 0 {
		return &w.gates[n-1]
	}
	return nil
}
