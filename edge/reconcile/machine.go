package reconcile

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/site"
)

// Input is one thing that happened: a Read, a GPI, a Health, a list for a door, a Count of a location, or none, which
// is a Tick: nothing arrived up to now.
type Input struct {
	Read   *devices.Read
	GPI    *devices.GPI
	Health *devices.Health
	Expect *Expected
	Count  *Count
}

// Event is one decision. Exactly one of the pointers is set.
type Event struct {
	Movement *wire.Movement
	Pass     *wire.Pass
	Crossing *Crossing
	Verdict  *Verdict
	Counted  *Counted
	Trace    *Trace
	Weighed  *Weighed
}

// Crossing is one tag in one pass that has ended, whether it moved the tag or not.
type Crossing struct {
	Tag        devices.Tag
	Door, Pass string
	Direction  wire.Direction
	Confidence uint16    // permille
	At         time.Time // when it was strongest in the door
	From, To   time.Time // of the pass
	Reads      uint32
	PeakRSSI   unit.DBm // where it is not 0
}

// Machine holds where every tag is. It is for one goroutine.
type Machine struct {
	plan        *site.Plan
	par         Params
	index       index
	tags        []tag
	free        []int32
	places      []placeState
	loose       list // tags on no shelf, the one that was read longest ago first
	doors       []doorState
	devices     map[string]*device
	ticked      instant // now of the last Step that moved the coverage
	kept        instant // ticked at the last Flush
	sorted      bool    // the lists are in order; Load leaves them out of order
	loaded      []loaded
	spare       []*window
	dirty       []int32
	gone        []devices.Tag // forgotten since the last Flush
	counts      []counting
	countsDirty bool
	strange     uint64
	steps       uint64
	out         []Event
}

// device is what is known of a reader.
type device struct {
	up    bool
	since instant // when up last changed
	skew  skew
}

// placeState is one of the plan's places at work.
type placeState struct {
	cover time.Duration // how long its readers have been alive, all in all
	kept  time.Duration // cover at the last Flush
	here  list          // tags that are here and seen, the one that was read longest ago first
}

// New makes a Machine that knows no tag.
func New(plan *site.Plan, par Params) *Machine {
	m := &Machine{plan: plan, par: par, devices: map[string]*device{}, sorted: true, loose: emptyList}
	m.places = make([]placeState, len(plan.Places))
	for i := range m.places {
		m.places[i].here = emptyList
	}
	m.doors = make([]doorState, len(plan.Doors))
	for i := range m.doors {
		m.doors[i].readers, m.doors[i].cells = plan.DoorDevices(i), make([]cell, len(plan.Doors[i].Photocells))
	}
	return m
}

// Step takes one input and returns what it decided, in order; the slice is good until the next Step. The now of a Step
// must not be before that of the Step before.
func (m *Machine) Step(in Input, now time.Time) []Event {
	if !m.sorted {
		m.settleLoaded()
	}
	m.out = m.out[:0]
	m.steps++
	at := instantOf(now)
	switch {
	case in.Read != nil:
		m.read(in.Read, at)
	case in.GPI != nil:
		m.input(in.GPI, at)
	case in.Health != nil:
		m.health(in.Health, at)
	case in.Expect != nil:
		m.expect(in.Expect, at)
	case in.Count != nil:
		m.count(in.Count, at)
	default:
		m.tick(at)
	}
	return m.out
}

// Strange tells how many reads came from antennas that the plan does not know.
func (m *Machine) Strange() uint64 { return m.strange }

func (m *Machine) read(r *devices.Read, now instant) {
	p, ok := m.plan.Find(r.Device, r.Antenna)
	if !ok || r.Tag.IsZero() {
		if r.Tag.IsZero() || !m.confirm(r, now) {
			m.strange++
		}
		return
	}
	at := m.stamp(r, now)
	switch p.Kind {
	case site.Shelf, site.Table:
		m.bay(m.slot(r.Tag), p, r, at)
	default:
		m.doorRead(m.slot(r.Tag), p, r, at, now)
	}
}

func (m *Machine) health(h *devices.Health, now instant) {
	m.advance(now)
	d := m.device(h.Device)
	if up := h.State == devices.Up; up != d.up {
		d.up, d.since = up, now
		m.kept = 0 // let Flush write it at once
	}
}

func (m *Machine) tick(now instant) {
	m.advance(now)
	m.watchLists(now)
	m.closeQuiet(now)
	m.absences(now)
	m.finishCounts(now)
	m.forget(now)
}

func (m *Machine) device(id string) *device {
	d := m.devices[id]
	if d == nil {
		d = &device{}
		m.devices[id] = d
	}
	return d
}

func (m *Machine) location(place int32) string {
	switch {
	case place == left:
		return site.Customer
	case place == nowhere:
		return ""
	default:
		return m.plan.Places[place].Location
	}
}

func (m *Machine) tell(e Event) { m.out = append(m.out, e) }

// Whereabouts is where a tag is.
type Whereabouts struct {
	Tag      devices.Tag
	Location string // "" where it is not decided yet
	Unseen   bool
	Since    time.Time // when it came there
	LastRead time.Time
}

// Each calls fn with every tag that is known, in no particular order, until fn returns false.
func (m *Machine) Each(fn func(Whereabouts) bool) {
	m.index.each(func(s int32) bool {
		t := &m.tags[s]
		return fn(Whereabouts{Tag: t.id, Location: m.location(t.place), Unseen: t.unseen, Since: t.moved.time(), LastRead: t.last.time()})
	})
}

// Tags tells how many tags are known.
func (m *Machine) Tags() int { return m.index.n }
