package radio

import (
	"math"
	"math/rand/v2"
)

// air is how long the parts of an inventory take, in seconds.
type air struct{ query, adjust, empty, collision, success float64 }

// newAir works the times out from a link profile: Tari and the tag's link frequency (Hz) and Miller factor. Data-1 is two
// Tari, so RTcal is three; TRext is 0.
func newAir(tari, blf, miller float64) air {
	const epcBits = 16 + 96 + 16
	rtcal, bit := 3*tari, 1.5*tari
	sync := 12.5e-6 + tari + rtcal
	answer := func(bits float64) float64 { return (10 + bits + 1) * miller / blf }
	t1, t2, t3 := max(rtcal, 10/blf), 8/blf, 5/blf
	rep := sync + 4*bit
	hear := rep + t1 + answer(16) + t2
	return air{
		query: sync + 64/3/blf + 22*bit, adjust: sync + 9*bit, empty: rep + t1 + t3,
		collision: hear, success: hear + sync + 18*bit + t1 + answer(epcBits) + t2,
	}
}

// The link profiles that readers come with for open and for crowded places.
func fastAir() air  { return newAir(12.5e-6, 320e3, 2) }
func denseAir() air { return newAir(12.5e-6, 250e3, 4) }

const (
	roundPause = 1.5e-3 // s that a reader takes between two rounds
	captureAt  = 8.0    // dB by which one answer must beat all others to be heard in a collision
	spoiled    = 0.01   // of the answers that fail their CRC for no other reason
	persist1   = 0.5    // s, the least that session 1 keeps B; the most is 5
	persist2   = 2.0    // s, the least that session 2 keeps B without power
)

// session is how a reader inventories: by which flag, and whether it turns its target when no tag is left.
type session struct {
	number int // 0 to 2
	dual   bool
}

// flags are a tag's inventoried flags of sessions 0 to 2: true is B.
type flags struct {
	b        [3]bool
	until1   float64 // when session 1's falls back
	keep1    float64 // s
	keep2    float64 // s without power
	powered  []float64
	strength []float64 // mW, by reader while powered
}

func (f *flags) born(rng *rand.Rand) {
	f.keep1 = min(persist1*math.Exp(0.5+0.8*math.Abs(rng.NormFloat64())), 5)
	f.keep2 = persist2 + 20*rng.ExpFloat64()
}

// wake notes that a reader's field feeds the tag from now until the reader's turn ends, after whatever it was before.
func (f *flags) wake(reader int, mW, now, until float64) {
	off := now - f.lit()
	if off > 0 {
		f.b[0] = false
		if off > f.keep2 {
			f.b[2] = false
		}
	}
	if now >= f.until1 {
		f.b[1] = false
	}
	f.powered[reader], f.strength[reader] = until, mW
}

// sleep notes that a reader's field does not feed the tag any more.
func (f *flags) sleep(reader int, now float64) { f.powered[reader] = min(f.powered[reader], now) }

// lit is until when some field feeds the tag.
func (f *flags) lit() float64 {
	t := math.Inf(-1)
	for _, p := range f.powered {
		t = max(t, p)
	}
	return t
}

// counted turns the flag of a session as the tag is read.
func (f *flags) counted(session int, now float64) {
	f.b[session] = !f.b[session]
	if session == 1 {
		f.until1 = math.Inf(1)
		if f.b[1] {
			f.until1 = now + f.keep1
		}
	}
}

// reply is a tag that may answer in a round, and the link over which the reader hears it.
type reply struct {
	tag   *tag
	link  *link
	i     int        // of the tag on its load
	field complex128 // in √mW; of a moving tag as it was when the round began
	slot  int
}

// round is one inventory round: a frame of slots, dealt again when Q changes, until it is empty or the time is over.
type round struct {
	air     air
	rng     *rand.Rand
	floor   float64                                                   // dBm
	field   func(r *reply, now float64) complex128                    // at a tag, in √mW
	answer  func(mW float64) float64                                  // dBm at the reader
	heard   func(r *reply, now float64, field complex128, dB float64) // a tag was read
	queue   []*reply                                                  // tags with a slot
	waiting []*reply                                                  // tags that collided: back with the next adjustment
	scratch []*reply
}

// run takes the round from now on; it gives when it ended, and the Q that it came to.
func (r *round) run(now, end, q float64) (float64, float64) {
	now += r.air.query
	r.deal(q)
	slot := 0
	for now < end && slot < 1<<int(math.Round(q)) {
		took, change := r.slot(slot, now)
		now += took
		slot++
		if change == 0 {
			continue
		}
		was := int(math.Round(q))
		q = min(max(q+change*min(0.5, max(0.1, 0.8/max(q, 1))), 0), 15)
		if int(math.Round(q)) != was {
			now += r.air.adjust
			r.deal(q)
			slot = 0
		}
	}
	return now, q
}

// deal lets every tag that was not read yet draw a slot.
func (r *round) deal(q float64) {
	r.queue = append(r.queue, r.waiting...)
	r.waiting = r.waiting[:0]
	for _, t := range r.queue {
		t.slot = r.rng.IntN(1 << int(math.Round(q)))
	}
}

// slot gives how long a slot takes and how it moves Q.
func (r *round) slot(n int, now float64) (took, change float64) {
	answers := r.scratch[:0]
	rest := r.queue[:0]
	for _, t := range r.queue {
		if t.slot == n {
			answers = append(answers, t)
		} else {
			rest = append(rest, t)
		}
	}
	r.queue, r.scratch = rest, answers
	best, field, strength := r.loudest(answers, now)
	switch {
	case len(answers) == 0:
		return r.air.empty, -1
	case best < 0 && len(answers) == 1:
		r.waiting = append(r.waiting, answers...)
		return r.air.collision, 0
	case best < 0:
		r.waiting = append(r.waiting, answers...)
		return r.air.collision, 1
	}
	for i, t := range answers {
		if i != best {
			r.waiting = append(r.waiting, t)
		}
	}
	r.heard(answers[best], now+r.air.success, field, strength)
	return r.air.success, 0
}

// loudest gives the answer that the reader makes out, -1 where there is none.
func (r *round) loudest(answers []*reply, now float64) (best int, field complex128, strength float64) {
	best, sum := -1, 0.0
	strength = math.Inf(-1)
	for i, t := range answers {
		h := r.field(t, now)
		mW := power(h)
		if mW < t.tag.wakes {
			continue
		}
		level := r.answer(mW)
		sum += math.Pow(10, level/10)
		if level > strength {
			best, field, strength = i, h, level
		}
	}
	if best < 0 || strength+2*(r.rng.Float64()-0.5) < r.floor || r.rng.Float64() < spoiled {
		return -1, 0, 0
	}
	if others := sum - math.Pow(10, strength/10); others > 0 && strength < dBm(others)+captureAt {
		return -1, 0, 0
	}
	return best, field, strength
}
