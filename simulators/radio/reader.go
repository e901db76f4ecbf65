package radio

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// link is an antenna's channel to the tags of a body.
type link struct {
	a      *antenna
	b      *body
	offs   []phasor // of the tags from the load's middle
	shadow [3]wave
	leg    int     // the leg on which the body stands, for which stand was worked out; -1 = none
	stand  []stand // tags that can be awake there
	at     float64 // the moment of what follows, while the body moves
	place  vec
	there  phasor
	shaded float64 // dB
}

// stand is a tag that stands where the field can wake it.
type stand struct {
	i     int
	at    vec
	share share
}

const shadowing = 2.5 // dB

func newLink(rng *rand.Rand, a *antenna, b *body) *link {
	l := &link{a: a, b: b, leg: -1, at: math.Inf(-1), offs: make([]phasor, len(b.load.tags))}
	for i, g := range b.load.tags {
		for w := range a.waves {
			l.offs[i][w] = unit64(a.waves[w].k.dot(g.off))
		}
	}
	for i := range l.shadow {
		round := 2 * math.Pi * rng.Float64()
		l.shadow[i] = wave{k: vec{math.Cos(round), math.Sin(round), 0}.by(1.5 + 3*rng.Float64()), phase: 2 * math.Pi * rng.Float64()}
	}
	return l
}

// shade is the shadowing of the body at p, in dB: smooth over its way.
func (l *link) shade(p vec) float64 {
	s := 0.0
	for _, w := range l.shadow {
		s += math.Cos(w.k.dot(p) + w.phase)
	}
	return s * shadowing * math.Sqrt(2.0/3)
}

// reader is one door's reader on its round over its antennas.
type reader struct {
	*shift
	number  int
	name    string
	now     float64
	end     float64 // of the antenna's turn
	turn    int
	channel float64 // Hz
	hop     float64 // when it changes the channel
	stir    float64 // s of movement near it so far
	since   float64
	target  bool
	a       *antenna
	base    phasor
	blocks  []box    // what moves near and shades
	stands  []*reply // standing tags that are awake in this turn
	round   round
	out     []Read
}

const (
	switching = 4e-3  // s without carrier between two antennas
	idling    = 15e-3 // s until a reader that found no tag asks again
	farthest  = 18.0  // m beyond which nothing wakes
	busyRange = 8.0   // m within which what moves stirs the field
)

// step takes one round, and changes the antenna before it when its turn is over.
func (r *reader) step() {
	if r.now >= r.end {
		r.nextTurn()
	}
	asleep := len(r.stands) == 0
	r.collect(&asleep)
	if len(r.round.queue) == 0 {
		r.a.q = 0
		if r.site.session.dual {
			r.target = !r.target
		}
		if asleep || !r.site.session.dual {
			r.now += idling
		} else {
			r.now += r.site.air.query + r.site.air.empty + roundPause
		}
		return
	}
	r.round.floor = r.floor()
	r.now, r.a.q = r.round.run(r.now, r.end, r.a.q)
	r.now += roundPause
	r.round.queue, r.round.waiting = r.round.queue[:0], r.round.waiting[:0]
}

func (r *reader) nextTurn() {
	r.now += switching
	r.turn = (r.turn + 1) % antennasPerDoor
	r.a = r.site.antennas[r.number][r.turn]
	r.end = r.now + r.site.dwell
	if r.now >= r.hop {
		r.channel, r.hop = r.site.band.hop(r.rng, r.channel, r.now)
	}
	r.stirUp()
	r.base = r.a.scattered(r.channel, r.stir)
	r.block()
	r.stands = r.stands[:0]
	for _, b := range r.live {
		if b.still(r.now) {
			r.wakeStanding(b)
		}
	}
}

// stirUp counts the time in which something moved near the reader since its last turn.
func (r *reader) stirUp() {
	pace := 0.02
	for _, b := range r.live {
		if !b.still(r.now) && b.place(r.now).sub(r.a.at).length() < busyRange {
			pace = 1
		}
	}
	r.stir += pace * (r.now - r.since)
	r.since = r.now
}

// block notes what moves near now.
func (r *reader) block() {
	r.blocks = r.blocks[:0]
	for _, b := range r.live {
		if !b.parked(r.now) && b.place(r.now).sub(r.a.at).length() < farthest {
			r.blocks = b.boxes(r.now, r.blocks)
		}
	}
}

// shaded is what bodies that move take of the direct ray to a tag of b at p, in dB.
func (r *reader) shaded(b *body, p vec) float64 {
	loss := 0.0
	for _, x := range r.blocks {
		if x.of != b && x.cuts(r.a.at, p) {
			loss += x.loss
		}
	}
	return loss
}

func (r *reader) k() float64 { return 2 * math.Pi * r.channel / lightSpeed }

// wakeStanding wakes what tags it can of a body that stands.
func (r *reader) wakeStanding(b *body) {
	l := b.links[r.number][r.turn]
	place := b.place(r.now)
	if leg := b.leg(r.now); l.leg != leg {
		l.leg, l.stand = leg, l.stand[:0]
		if place.sub(r.a.at).length() > farthest {
			return
		}
		shade := l.shade(place)
		for i, g := range b.load.tags {
			p := place.add(g.off)
			if sh := r.site.share(r.a, b, g, p, shade); sh.strongest() >= g.wakes {
				l.stand = append(l.stand, stand{i, p, sh})
			}
		}
	}
	if len(l.stand) == 0 {
		return
	}
	there := r.a.there(&r.base, place)
	for _, s := range l.stand {
		sh := s.share
		if loss := r.shaded(b, s.at); loss > 0 {
			sh.direct *= attenuation(loss)
			sh.echo *= attenuation(loss)
		}
		h := sh.field(there.sum(&l.offs[s.i]), r.k())
		if power(h) >= b.load.tags[s.i].wakes {
			r.stands = append(r.stands, &reply{tag: b.load.tags[s.i], link: l, i: s.i, field: h})
		}
	}
}

// collect puts into the round what tags answer its query.
func (r *reader) collect(asleep *bool) {
	for _, t := range r.stands {
		if t.link.b.still(r.now) {
			r.ask(t)
		}
	}
	r.block()
	for _, b := range r.live {
		if b.still(r.now) || len(b.load.tags) == 0 || b.place(r.now).sub(r.a.at).length() > farthest {
			continue
		}
		l := b.links[r.number][r.turn]
		for i, g := range b.load.tags {
			if h := r.moving(l, i, r.now); power(h) >= g.wakes {
				*asleep = false
				r.ask(&reply{tag: g, link: l, i: i, field: h})
			} else {
				g.state.sleep(r.number, r.now)
			}
		}
	}
}

// moving is the field at tag i of a body that moves, at a moment.
func (r *reader) moving(l *link, i int, now float64) complex128 {
	if l.at != now {
		l.at, l.place = now, l.b.place(now)
		l.there, l.shaded = r.a.there(&r.base, l.place), l.shade(l.place)
	}
	g := l.b.load.tags[i]
	p := l.place.add(g.off)
	sh := r.site.share(r.a, l.b, g, p, l.shaded+r.shaded(l.b, p))
	if sh.strongest() < g.wakes {
		return 0
	}
	return sh.field(l.there.sum(&l.offs[i]), r.k())
}

// ask lets an awake tag answer the round's query, where its flag is the target's and no other reader drowns the query.
func (r *reader) ask(t *reply) {
	f, mW := &t.tag.state, power(t.field)
	f.wake(r.number, mW, r.now, r.end)
	for other := range f.powered {
		drowned := other != r.number && f.powered[other] > r.now && f.strength[other] > mW/2
		if drowned && r.rng.IntN(3) == 0 {
			return
		}
	}
	if f.b[r.site.session.number] == r.target {
		r.round.queue = append(r.round.queue, t)
	}
}

// fieldAt is the field at a tag in its slot.
func (r *reader) fieldAt(t *reply, now float64) complex128 {
	if t.link.b.still(now) {
		return t.field
	}
	return r.moving(t.link, t.i, now)
}

// floor is the least that the reader hears, in dBm.
func (r *reader) floor() float64 {
	for _, o := range r.readers {
		if o != r && o.channel == r.channel {
			return hearing + sharing
		}
	}
	return hearing
}

// heard reports a read.
func (r *reader) heard(t *reply, now float64, field complex128, level float64) {
	t.tag.state.counted(r.site.session.number, now)
	turn := -2*cmplx.Phase(field) + r.a.cable + t.tag.phase
	turn += 0.06 * math.Pow(10, (-55-level)/40) * r.rng.NormFloat64()
	level += r.rng.NormFloat64()
	at := r.moment(now)
	r.out = append(r.out, Read{
		At: at, Reader: r.name, Antenna: uint8(r.a.number), Tag: t.tag.id, RSSI: unit.DBm(50 * math.Round(2*level)),
		Phase: unit.PhaseOf(turn * 180 / math.Pi), ChannelKHz: uint32(math.Round(r.channel / 1e3)),
	})
	r.count(r.number, t.link.b, t.tag, now)
}

// moment is a time of the run as the readers' clocks show it.
func (s *shift) moment(now float64) time.Time {
	return s.start.Add(time.Duration(math.Round(now*1e6)) * time.Microsecond)
}
