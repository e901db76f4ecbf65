package watch

import (
	"cmp"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
)

// room is a location with limit rules: who is in it and who was lately. Each tag, stay and excursion has a numbered place,
// and places are used again, so that a movement changes one stored value and what is stored has a bound.
type room struct {
	location   string
	in         map[devices.Tag]stay
	places     []devices.Tag // who has which place; no tag where it is free
	free       []int         // free places
	left       []stay        // a ring of MaxLeft
	leftN      int           // how many there ever were
	excursions []Excursion   // a ring of MaxExcursions
	excursionN int           // how many there ever were
	forgot
	rebuild bool // free is to be found anew, because tags were loaded
	dirty   map[place]bool
}

// forgot is what a room had no place for.
type forgot struct {
	Overflow bool      // tags came for which there was no place
	Lost     time.Time // end of the newest stay that was forgotten
}

// stay is a tag's time in a room.
type stay struct {
	Place int // among those that are in; of one that ended its number
	Tag   devices.Tag
	span  // To is zero while it is there
}

// place names a stored value of a room: a tag that is in, a stay that ended, an excursion that ended.
type place struct {
	kind byte // 't', 's', 'x'; 'r' for the room itself
	n    int
}

func (m *Machine) room(location string) *room {
	r := m.rooms[location]
	if r == nil {
		r = &room{location: location, in: map[devices.Tag]stay{}, dirty: map[place]bool{}}
		m.rooms[location] = r
	}
	return r
}

// movement follows tags into and out of rooms with rules. A tag is where it last was said to be: one that is not seen for
// long, Unknown, is still there.
func (m *Machine) movement(w *wire.Movement) {
	if w.Tag.IsZero() {
		return
	}
	for _, r := range m.rooms {
		switch _, inside := r.in[w.Tag]; {
		case r.location == w.To && !inside:
			r.enter(w.Tag, w.EventTime)
		case r.location != w.To && inside:
			r.leave(w.Tag, w.EventTime)
		}
	}
}

func (r *room) enter(tag devices.Tag, at time.Time) {
	if len(r.in) >= MaxPresent {
		r.Overflow = true
		r.dirty[place{'r', 0}] = true
		return
	}
	r.findFree()
	n := len(r.places)
	if k := len(r.free); k > 0 {
		n, r.free = r.free[k-1], r.free[:k-1]
	} else {
		r.places = append(r.places, devices.Tag{})
	}
	r.places[n] = tag
	r.in[tag] = stay{Place: n, Tag: tag, span: span{From: at}}
	r.dirty[place{'t', n}] = true
}

// findFree lists the free places after tags were loaded.
func (r *room) findFree() {
	if !r.rebuild {
		return
	}
	r.free, r.rebuild = nil, false
	for n, tag := range r.places {
		if tag.IsZero() {
			r.free = append(r.free, n)
		}
	}
}

func (r *room) leave(tag devices.Tag, at time.Time) {
	r.findFree()
	s := r.in[tag]
	delete(r.in, tag)
	r.free, r.places[s.Place] = append(r.free, s.Place), devices.Tag{}
	r.dirty[place{'t', s.Place}] = true
	s.To = maxTime(at, s.From)
	s.Place = r.leftN
	r.leftN++
	n := s.Place % MaxLeft
	if len(r.left) <= n {
		r.left = append(r.left, s)
	} else {
		r.Lost = maxTime(r.Lost, r.left[n].To)
		r.left[n] = s
		r.dirty[place{'r', 0}] = true
	}
	r.dirty[place{'s', n}] = true
}

// present lists who was in the room during an excursion that ends, or has come to, until.
func (r *room) present(x *Excursion, until time.Time) {
	if !x.End.IsZero() {
		until = x.End
	}
	all := span{x.Begin, until}
	by := map[devices.Tag]Presence{}
	for _, s := range r.left {
		if d := s.and(all).length(); d > 0 {
			p := by[s.Tag]
			by[s.Tag] = Presence{Tag: s.Tag, Exposed: p.Exposed + d}
		}
	}
	for tag, s := range r.in {
		if s.From.After(until) {
			continue
		}
		p := by[tag]
		by[tag] = Presence{Tag: tag, Exposed: p.Exposed + span{s.From, until}.and(all).length(), Still: true}
	}
	for _, p := range by {
		x.Present = append(x.Present, p)
	}
	slices.SortFunc(x.Present, func(a, b Presence) int {
		return cmp.Or(cmp.Compare(b.Exposed, a.Exposed), slices.Compare(a.Tag.Bytes(), b.Tag.Bytes()))
	})
	if len(x.Present) > MaxTold {
		x.More = len(x.Present) - MaxTold
		x.Present = slices.Clip(x.Present[:MaxTold])
	}
	x.Incomplete = r.Overflow || r.Lost.After(x.Begin)
}

// keep stores an excursion that ended.
func (r *room) keep(x Excursion) {
	n := r.excursionN % MaxExcursions
	r.excursionN++
	if len(r.excursions) <= n {
		r.excursions = append(r.excursions, x)
	} else {
		r.excursions[n] = x
	}
	r.dirty[place{'x', n}] = true
}

// ended gives the excursions that are kept, by when they ended.
func (r *room) ended() []Excursion {
	out := slices.Clone(r.excursions)
	slices.SortStableFunc(out, func(a, b Excursion) int { return a.End.Compare(b.End) })
	return out
}
