package reconcile

import (
	"cmp"
	"math"
	"slices"
)

// A load's bearings are what shows that it went through the door, and did not turn back in it: the course of sides of all its
// tags together, turned so that the side that was heard earlier in the mean comes first. Times are in standard deviations of the
// load's power over time, leads in natural logarithms.
const (
	bearApart    = iota // by how much later the second side was heard
	bearFirst           // lead of the first side in the beginning
	bearLast            // lead of the second side in the end
	bearEarliest        // the same in the first eighth of its power
	bearLatest          // and in the last
	bearPeaks           // by how much later the second side was heard best
	bearTurns           // changes of side
	bearNet             // of these, those to the second side less those back
	bearEven            // lead of the louder side, all in all
	bearCrossed         // how surely its tags crossed to the second side, less back, per tag
	bearCrossers        // share of tags that crossed
	bearTags            // in it
	bearShare           // of the tags that were heard then
	bearSure            // mean evidence for its tags
	bearLength          // in quiet times
	bearSpread          // standard deviation in quiet times
	bearLevel           // dB beside the door's usual level
	bearDue             // share of its tags that were where it would come from
	bearThere           // and where it would go
	bearCount
)

// BearingNames are the names of the bearings, in their order.
var BearingNames = [bearCount]string{
	bearApart: "apart", bearFirst: "first", bearLast: "last", bearEarliest: "earliest", bearLatest: "latest", bearPeaks: "peaks",
	bearTurns: "turns", bearNet: "net", bearEven: "even", bearCrossed: "crossed", bearCrossers: "crossers", bearTags: "tags",
	bearShare: "share", bearSure: "sure", bearLength: "length", bearSpread: "spread", bearLevel: "level", bearDue: "due", bearThere: "there",
}

// bearings works out what shows a load's way, by the tags that were in it; and the way that it would have gone, 0 where nothing
// shows one.
func (m *Machine) bearings(door int, w *window, f *film, l *load, members []course) (v [bearCount]float32, way float64) {
	quiet := m.plan.Doors[door].Quiet.Seconds()
	p := l.parts(w, f)
	if p.n[inside] == 0 || p.n[outside] == 0 {
		return v, 0
	}
	l.home = p.home()
	by := p.apart()
	way = math.Copysign(1, by)
	first, second := outside, inside
	if way < 0 {
		first, second = inside, outside
	}
	set := func(k int, x float64) { v[k] = float32(x) }
	lead := func(a, b float64) float64 { return math.Log((a + 0.02*p.all()) / (b + 0.02*p.all())) }
	early, late := p.ends(0.5)
	set(bearApart, math.Abs(by))
	set(bearFirst, lead(early[first], early[second]))
	set(bearLast, lead(late[second], late[first]))
	early, late = p.eighths()
	set(bearEarliest, lead(early[first], early[second]))
	set(bearLatest, lead(late[second], late[first]))
	shape, step := p.pooled()
	var top [2]int
	for k := range shape {
		for s := range top {
			if shape[k][s] > shape[top[s]][s] {
				top[s] = k
			}
		}
	}
	set(bearPeaks, clamp(float64(top[second]-top[first])*step/p.scatter, -5, 5))
	net, turns := 0.0, swings(shape, strongest(shape))
	for _, s := range turns {
		net += s.way * way
	}
	set(bearTurns, float64(len(turns)))
	set(bearNet, net)
	set(bearEven, math.Abs(lead(p.n[inside], p.n[outside])))
	crossed, crossers, sure, due, there := 0.0, 0.0, 0.0, 0.0, 0.0
	for i := range members {
		c := &members[i]
		t := &m.tags[c.slot]
		sure += clamp(c.score, -5, 5)
		if c.crosser != nil {
			crossers++
			crossed += way * c.crosser.way * c.crosser.sure
		}
		in := t.place >= 0
		due += indicator(way > 0 && t.place == left || way < 0 && in)
		there += indicator(way < 0 && t.place == left || way > 0 && in)
	}
	n := float64(len(members))
	set(bearCrossed, crossed/n)
	set(bearCrossers, crossers/n)
	set(bearTags, n)
	set(bearShare, n/max(l.heard(w), 1))
	set(bearSure, sure/n)
	set(bearLength, clamp(l.leave.seconds(l.enter)/quiet, 0, far))
	set(bearSpread, clamp(p.scatter/quiet, 0, far))
	if usual := m.doors[door].usual(); !math.IsInf(usual, -1) {
		set(bearLevel, clamp(l.level-usual, -25, 25))
	}
	set(bearDue, due/n)
	set(bearThere, there/n)
	return v, way
}

// heard counts the tags that were read while a load was in the door.
func (l *load) heard(w *window) (n float64) {
	had := make([]bool, len(w.tracks))
	for i := range w.reads {
		if r := &w.reads[i]; !had[r.track] && r.at >= l.enter && r.at <= l.leave {
			had[r.track] = true
			n++
		}
	}
	return n
}

// parts are the reads of a load's tags while it was in the door, each tag with the same weight in all, less where it was read
// seldom; and their moments.
type parts struct {
	list          []part
	sum, n        [2]float64
	mean, scatter float64
}

// part is one read; at is in seconds.
type part struct {
	at, power float64
	side      uint8
}

func (l *load) parts(w *window, f *film) *parts {
	p := &parts{}
	from, to := l.enter-3*f.step, l.leave+3*f.step
	squares := 0.0
	for _, track := range l.tracks() {
		start, own := len(p.list), 0.0
		for _, i := range f.reads(track) {
			if r := &w.reads[i]; r.at >= from && r.at <= to && r.side != middle && !r.foreign {
				root := math.Sqrt(r.linear())
				own += root
				p.list = append(p.list, part{r.at.seconds(l.enter), root, r.side})
			}
		}
		scale := min(1, float64(len(p.list)-start)/10) / max(own, 1e-9)
		for i := start; i < len(p.list); i++ {
			q := &p.list[i]
			q.power *= scale
			p.sum[q.side] += q.power * q.at
			p.n[q.side] += q.power
			squares += q.power * q.at * q.at
		}
	}
	if all := p.all(); all > 0 {
		p.mean = (p.sum[inside] + p.sum[outside]) / all
		p.scatter = math.Sqrt(math.Max(squares/all-p.mean*p.mean, 1e-12))
	}
	return p
}

func (p *parts) all() float64 { return p.n[inside] + p.n[outside] }

// apart is by how much later the inside heard the load than the outside, in standard deviations of all its power over time.
func (p *parts) apart() float64 {
	if p.n[inside] == 0 || p.n[outside] == 0 {
		return 0
	}
	return (p.sum[inside]/p.n[inside] - p.sum[outside]/p.n[outside]) / p.scatter
}

// ends is the power of each side before and after the middle, farther from it than so many standard deviations.
func (p *parts) ends(deviations float64) (first, last [2]float64) {
	for _, q := range p.list {
		switch {
		case q.at < p.mean-deviations*p.scatter:
			first[q.side] += q.power
		case q.at > p.mean+deviations*p.scatter:
			last[q.side] += q.power
		}
	}
	return first, last
}

// home is the side that heard the load better before and after the middle.
func (p *parts) home() uint8 {
	first, last := p.ends(0.5)
	if first[inside]+last[inside] > first[outside]+last[outside] {
		return inside
	}
	return outside
}

// turns reports whether the side that heard the load better changed.
func (p *parts) turns() bool {
	first, last := p.ends(0.5)
	return (first[inside]-first[outside])*(last[inside]-last[outside]) < 0
}

// eighths is the power of each side in the first and in the last eighth of all.
func (p *parts) eighths() (first, last [2]float64) {
	list := slices.Clone(p.list)
	slices.SortFunc(list, func(a, b part) int { return cmp.Compare(a.at, b.at) })
	sum, all := 0.0, p.all()
	for _, q := range list {
		switch {
		case sum < all/8:
			first[q.side] += q.power
		case sum > all*7/8:
			last[q.side] += q.power
		}
		sum += q.power
	}
	return first, last
}

// pooled is the power of each side in steps of a quarter of a standard deviation, from three before the middle to three after.
func (p *parts) pooled() (shape [][2]float64, step float64) {
	const bins = 24
	shape, step = make([][2]float64, bins), p.scatter/4
	for _, q := range p.list {
		if k := int(math.Floor((q.at-p.mean)/step)) + bins/2; k >= 0 && k < bins {
			shape[k][q.side] += q.power
		}
	}
	return shape, step
}
