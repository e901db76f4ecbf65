package radio

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// shift is one stretch of a recording: a site, what moves in it, and its readers.
type shift struct {
	setting Setting
	site    *site
	start   time.Time
	ends    float64 // s
	bodies  []*body // in the order of their begin
	coming  int     // of bodies: the next to appear
	live    []*body
	readers []*reader
	edges   []Edge
	rng     *rand.Rand // of the radio
	tally   Tally
}

// newShift plans a shift. Ways, radio and photocells have dice of their own, so that the one does not change with the other.
func newShift(sc scene, passes int, seed uint64, o Options, start time.Time, names *maker) (*shift, error) {
	dice := func(of uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, of)) }
	s := &shift{setting: sc.setting, start: start, rng: dice(1), site: newSite(dice(2), o.Doors, sc.apart, sc.tilt, o.Band)}
	s.site.trailers, s.site.dwell, s.site.near, s.site.session = sc.trailers, sc.dwell, attenuation(sc.near), sc.session
	s.site.radiate(o.Band.limit() - sc.less)
	s.site.air = fastAir()
	if sc.crowded {
		s.site.air = denseAir()
	}
	if own, _ := parseInventory(o.Inventory); own != nil {
		s.site.session = *own
	}
	p := &script{scene: sc, rng: dice(3), site: s.site, names: names}
	ends, err := p.write(passes)
	if err != nil {
		return nil, err
	}
	s.bodies, s.ends = p.bodies, ends
	s.edges = s.beams(dice(4), o.Photocells)
	for i := range o.Doors {
		s.readers = append(s.readers, s.newReader(i))
	}
	s.note()
	return s, nil
}

func (s *shift) newReader(n int) *reader {
	r := &reader{shift: s, number: n, name: ReaderName(n), now: 0.05 * s.rng.Float64(), turn: s.rng.IntN(antennasPerDoor)}
	r.end, r.a = r.now, s.site.antennas[n][r.turn]
	r.round = round{air: s.site.air, rng: s.rng, answer: s.site.answer, field: r.fieldAt, heard: r.heard}
	return r
}

// note makes the truth of all passes.
func (s *shift) note() {
	for _, b := range s.bodies {
		for _, sp := range b.spans {
			p := &Pass{
				Door: ReaderName(b.door), From: s.moment(sp.from), To: s.moment(sp.to), Direction: b.direction(sp), Setting: s.setting,
				Carrier: b.kind, Ware: b.load.name,
			}
			for i := range b.legs {
				if l := &b.legs[i]; l.still() && sp.has(l.at) {
					p.Stops++
				}
			}
			if p.Direction == TurnedBack {
				p.Stops--
			}
			for _, g := range b.load.tags {
				p.Tags = append(p.Tags, g.id)
			}
			b.passes = append(b.passes, p)
			s.tally.TagPasses += len(p.Tags)
		}
	}
}

// direction tells by which side a body came into the zone and left it.
func (b *body) direction(sp span) Direction {
	came, left := b.place(sp.from).y, b.place(sp.to).y
	switch {
	case came*left > 0:
		return TurnedBack
	case left > 0:
		return In
	default:
		return Out
	}
}

// run plays the shift into the sink.
func (s *shift) run(sink Sink) error {
	s.tally.Edges = len(s.edges)
	for {
		r := slices.MinFunc(s.readers, func(a, b *reader) int { return cmp.Compare(a.now, b.now) })
		if r.now >= s.ends {
			return s.flush(sink, math.Inf(1))
		}
		if err := s.flush(sink, r.now); err != nil {
			return err
		}
		s.appear(r.now)
		r.step()
	}
}

// appear brings in the bodies whose time has come and takes out those whose time is over.
func (s *shift) appear(now float64) {
	gone := func(b *body) bool { return b.end() < now }
	for _, b := range s.live {
		if gone(b) {
			b.links = nil
		}
	}
	s.live = slices.DeleteFunc(s.live, gone)
	for ; s.coming < len(s.bodies) && s.bodies[s.coming].begin() <= now; s.coming++ {
		if b := s.bodies[s.coming]; !gone(b) {
			s.enter(b)
		}
	}
}

func (s *shift) enter(b *body) {
	for _, g := range b.load.tags {
		g.state.powered, g.state.strength = make([]float64, len(s.readers)), make([]float64, len(s.readers))
		for i := range g.state.powered {
			g.state.powered[i] = math.Inf(-1)
		}
	}
	for i := range s.readers {
		var list []*link
		for _, a := range s.site.antennas[i] {
			list = append(list, newLink(s.rng, a, b))
		}
		b.links = append(b.links, list)
	}
	s.live = append(s.live, b)
}

// flush hands over what happened before a moment.
func (s *shift) flush(sink Sink, before float64) error {
	until := s.moment(min(before, s.ends+1))
	for {
		var first *reader
		for _, r := range s.readers {
			if len(r.out) > 0 && r.out[0].At.Before(until) && (first == nil || r.out[0].At.Before(first.out[0].At)) {
				first = r
			}
		}
		edge := len(s.edges) > 0 && s.edges[0].At.Before(until) && (first == nil || !first.out[0].At.Before(s.edges[0].At))
		var err error
		switch {
		case edge:
			err, s.edges = sink.Edge(s.edges[0]), s.edges[1:]
		case first != nil:
			err, first.out = sink.Read(first.out[0]), first.out[1:]
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// count notes a read for the truth.
func (s *shift) count(reader int, b *body, g *tag, now float64) {
	s.tally.Reads++
	g.reads++
	for i, sp := range b.spans {
		switch {
		case !sp.has(now):
		case reader == b.door:
			s.tally.InPass++
			g.seen |= 1 << i
		default:
			s.tally.Cross++
		}
	}
}

// tell adds what happened in the shift to the truth.
func (s *shift) tell(t *Truth) {
	first := len(t.Passes)
	for _, b := range s.bodies {
		for i, p := range b.passes {
			for _, g := range b.load.tags {
				if g.reads == 0 {
					p.Unread = append(p.Unread, g.id)
				}
				if g.seen&(1<<i) == 0 {
					p.Unseen = append(p.Unseen, g.id)
				}
			}
			s.tally.Unread += len(p.Unread)
			s.tally.Unseen += len(p.Unseen)
			t.Passes = append(t.Passes, *p)
		}
		t.Strays = append(t.Strays, s.strays(b)...)
	}
	slices.SortStableFunc(t.Passes[first:], func(a, b Pass) int { return a.From.Compare(b.From) })
	for i := first; i < len(t.Passes); i++ {
		t.Passes[i].ID = fmt.Sprintf("p%04d", i+1)
	}
	t.Tally.add(s.tally)
}

// strays tells where a body stood or that it drove by.
func (s *shift) strays(b *body) []Stray {
	var list []Stray
	if len(b.load.tags) == 0 {
		return nil
	}
	ids := make([]devices.Tag, len(b.load.tags))
	for i, g := range b.load.tags {
		ids[i] = g.id
	}
	add := func(kind string, at vec, sp span) {
		sp = span{max(sp.from, 0), min(sp.to, s.ends)}
		if sp.from < sp.to {
			list = append(list, Stray{kind, ReaderName(b.door), s.moment(sp.from), s.moment(sp.to), at.x, at.y, ids})
		}
	}
	if b.stray == "passing" {
		add(b.stray, b.place((b.begin()+b.end())/2), span{b.begin(), b.end()})
		return list
	}
	for i := range b.legs {
		if l := &b.legs[i]; l.still() && l.lasts > longestStop {
			add(cmp.Or(b.stray, "staged"), l.from, span{l.at, l.at + l.lasts})
		}
	}
	return list
}

func (t *Tally) add(o Tally) {
	t.Reads += o.Reads
	t.Edges += o.Edges
	t.TagPasses += o.TagPasses
	t.InPass += o.InPass
	t.Cross += o.Cross
	t.Unread += o.Unread
	t.Unseen += o.Unseen
}
