package reconcile

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/site"
)

// doubt is a pass of which nobody could tell the direction. A person may: by tapping a card on one of the door's pads.
type doubt struct {
	pass             string
	opened, from, to instant
	tags             []devices.Tag
}

// Bounds of doubts: they are settled soon, by those who carried the goods, or by an operator at the hub.
const (
	maxDoubts  = 16
	doubtsLast = 10 * time.Minute
)

// doubt keeps an undecided pass.
func (m *Machine) doubt(door int, pass string, opened, from, to instant, dir wire.Direction, members []course) {
	if dir != wire.Undecided || len(m.plan.Doors[door].Confirm) == 0 {
		return
	}
	b := doubt{pass: pass, opened: opened, from: from, to: to}
	for i := range members {
		b.tags = append(b.tags, m.tags[members[i].slot].id)
	}
	d := &m.doors[door]
	d.doubts = append(d.doubts, b)
	if len(d.doubts) > maxDoubts {
		d.doubts = slices.Delete(d.doubts, 0, len(d.doubts)-maxDoubts)
	}
	d.dirty = true
}

// confirm takes a card on a pad that confirms; it reports whether the pad is one. The last pass in doubt goes the pad's way,
// if it is not too long ago.
func (m *Machine) confirm(r *devices.Read, now instant) bool {
	tap, ok := m.plan.Tap(r.Device, r.Antenna)
	if !ok {
		return false
	}
	at := m.stamp(r, now)
	d := &m.doors[tap.Door]
	if len(d.doubts) == 0 {
		return true
	}
	b := d.doubts[len(d.doubts)-1]
	if at.sub(b.to) > doubtsLast {
		d.doubts, d.dirty = nil, true
		return true
	}
	if at <= b.to {
		return true
	}
	d.doubts, d.dirty = d.doubts[:len(d.doubts)-1], true
	dir := wire.In
	if tap.Way == site.OnlyOut {
		dir = wire.Out
	}
	var moved uint32
	for _, id := range b.tags {
		if m.confirmed(tap.Door, &b, id, dir) {
			moved++
		}
	}
	m.tell(Event{Pass: &wire.Pass{
		ID: b.pass, Door: m.plan.Doors[tap.Door].ID, Direction: dir, Opened: b.opened.time(), Closed: b.to.time(),
		Tags: uint32(len(b.tags)), Moved: moved, Confidence: 1000,
	}})
	return true
}

// confirmed moves a tag of a pass that a person has settled, unless something newer is known of it.
func (m *Machine) confirmed(door int, b *doubt, id devices.Tag, dir wire.Direction) bool {
	s := m.slot(id)
	t := &m.tags[s]
	if t.moved > b.to {
		return false
	}
	to, mv := m.target(door, dir)
	same := t.place == to && !t.unseen
	mv.Tag, mv.From, mv.To = id, m.location(t.place), m.location(to)
	mv.ReadPoint, mv.Pass, mv.Confidence = m.plan.Doors[door].ID, b.pass, 1000
	mv.EventTime, mv.FirstRead, mv.LastRead = b.to.time(), b.from.time(), b.to.time()
	n := t.doors()
	n.door, n.power = int32(door), 0
	m.settleAt(s, to, b.to)
	if same {
		return false
	}
	m.tell(Event{Movement: &mv})
	return true
}
