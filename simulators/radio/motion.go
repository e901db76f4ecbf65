package radio

import (
	"math"
	"sort"
)

// leg is a part of a way along a straight line at constant acceleration.
type leg struct {
	at, lasts float64 // s
	from, dir vec     // dir is of length one
	v, a      float64 // m/s, m/s²
}

func (l *leg) still() bool { return l.v == 0 && l.a == 0 }

func (l *leg) place(t float64) vec {
	d := min(max(t-l.at, 0), l.lasts)
	return l.from.add(l.dir.by(d * (l.v + l.a*d/2)))
}

// way is where a body is, from its first leg's begin to its last one's end.
type way struct{ legs []leg }

func (w *way) begin() float64 { return w.legs[0].at }

func (w *way) end() float64 {
	last := w.legs[len(w.legs)-1]
	return last.at + last.lasts
}

// leg gives the index of the leg at t.
func (w *way) leg(t float64) int {
	return max(0, sort.Search(len(w.legs), func(i int) bool { return w.legs[i].at > t })-1)
}

func (w *way) shift(by float64) {
	for i := range w.legs {
		w.legs[i].at += by
	}
}

// walker draws a way step by step.
type walker struct {
	way
	t, v  float64
	at    vec
	accel float64
}

func (w *walker) wait(lasts float64) {
	w.v = 0
	w.legs = append(w.legs, leg{at: w.t, lasts: lasts, from: w.at})
	w.t += lasts
}

// drive goes straight to a place, at most at cruise, and is at speed end there as far as the distance allows.
func (w *walker) drive(to vec, cruise, end float64) {
	line := to.sub(w.at)
	far := line.length()
	if far < 1e-6 {
		return
	}
	dir := line.by(1 / far)
	end = min(end, math.Sqrt(w.v*w.v+2*w.accel*far))
	start := min(w.v, math.Sqrt(end*end+2*w.accel*far))
	top := max(start, end, min(cruise, math.Sqrt(w.accel*far+(start*start+end*end)/2)))
	up, down := (top*top-start*start)/(2*w.accel), (top*top-end*end)/(2*w.accel)
	w.part(dir, start, w.accel, (top-start)/w.accel)
	w.part(dir, top, 0, max(0, far-up-down)/top)
	w.part(dir, top, -w.accel, (top-end)/w.accel)
	w.at, w.v = to, end
}

func (w *walker) part(dir vec, v, a, lasts float64) {
	if lasts <= 1e-9 {
		return
	}
	l := leg{at: w.t, lasts: lasts, from: w.at, dir: dir, v: v, a: a}
	w.legs = append(w.legs, l)
	w.t += lasts
	w.at = l.place(w.t)
}

// body is something that moves or stands: a load, with who carries it, or who goes without one.
type body struct {
	way
	load    load
	lift    float64 // z of the load's middle
	carrier carrier
	door    int    // whose goods it has
	kind    string // of who carries it
	passes  []*Pass
	stray   string // what it is when it is in no pass: "standing", "passing"; "" = as its passes say
	spans   []span // of its passes

	links [][]*link // while it is there: by reader and antenna
}

// span is a time, in seconds of the run.
type span struct{ from, to float64 }

func (s span) has(t float64) bool { return s.from <= t && t <= s.to }

// carrier is the box of the forklift or the people beside a load while it moves.
type carrier struct{ off, half vec }

var (
	forkliftBox = vec{0.55, 0.95, 1.05}
	personBox   = vec{0.25, 0.2, 0.9}
)

// place is where the load's middle is.
func (b *body) place(t float64) vec {
	p := b.legs[b.leg(t)].place(t)
	p.z = b.lift
	return p
}

func (b *body) still(t float64) bool { return b.legs[b.leg(t)].still() }

// box is a part of a body in the way of rays and beams.
type box struct {
	at, half vec
	loss     float64 // dB
	of       *body   // whose load it is; nil for a carrier
}

// boxes gives what the body is made of at t. Who carried a load is gone while it stands.
func (b *body) boxes(t float64, list []box) []box {
	p := b.place(t)
	if b.load.half.x > 0 {
		list = append(list, box{p, b.load.half, min(b.load.density, b.load.round), b})
	}
	if b.carrier.half.x > 0 && !b.parked(t) {
		at := p.add(b.carrier.off)
		at.z = b.carrier.half.z
		list = append(list, box{at, b.carrier.half, 18, nil})
	}
	return list
}

// parked reports whether the body stands for longer than a stop in a door.
func (b *body) parked(t float64) bool {
	l := &b.legs[b.leg(t)]
	return l.still() && l.lasts > longestStop
}

const longestStop = 31.0 // s

// cuts reports whether the line from a to p goes through the box.
func (x box) cuts(a, p vec) bool {
	beside := max(a.x, p.x) < x.at.x-x.half.x || min(a.x, p.x) > x.at.x+x.half.x ||
		max(a.y, p.y) < x.at.y-x.half.y || min(a.y, p.y) > x.at.y+x.half.y
	if beside {
		return false
	}
	from, to := 0.0, 1.0
	for _, c := range [3][3]float64{
		{a.x - x.at.x, p.x - a.x, x.half.x}, {a.y - x.at.y, p.y - a.y, x.half.y}, {a.z - x.at.z, p.z - a.z, x.half.z},
	} {
		if math.Abs(c[1]) < 1e-9 {
			if math.Abs(c[0]) > c[2] {
				return false
			}
			continue
		}
		in, out := (-c[2]-c[0])/c[1], (c[2]-c[0])/c[1]
		from, to = max(from, min(in, out)), min(to, max(in, out))
		if from > to {
			return false
		}
	}
	return true
}

// spells gives the times at which what holds of the body's place, looked at each 10 ms while it moves.
func (b *body) spells(holds func(t float64) bool) []span {
	var list []span
	inside := false
	look := func(t float64) {
		now := holds(t)
		switch {
		case now && !inside:
			list = append(list, span{t, t})
		case inside:
			list[len(list)-1].to = t
		}
		inside = now
	}
	for i := range b.legs {
		l := &b.legs[i]
		if l.still() {
			look(l.at)
			continue
		}
		for t := l.at; t < l.at+l.lasts; t += 0.01 {
			look(t)
		}
	}
	look(b.end())
	return list
}

// inZone reports whether the load reaches into the zone of door x at t.
func (b *body) inZone(x, t float64) bool {
	p := b.place(t)
	return math.Abs(p.x-x) < doorWidth/2 && math.Abs(p.y) < zoneReach+b.load.half.y
}
