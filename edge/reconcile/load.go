package reconcile

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/tallydock/tallydock/edge/site"
)

// load is what goes through a door together, or comes to it and turns back.
type load struct {
	line         bool    // the door hears what is in its line only: the beams tell what passes, and each tag is of the load that heard it best
	from, to     instant // while it went through
	enter, leave instant // while it was in the door; around from and to
	way          float64 // 1 in, -1 out, 0 back or not known
	sure         float64 // how much speaks for that way, 0 or more
	level        float64 // how well those that show it were heard, dBm
	by           map[int32]*crosser
	backers      map[int32]bool // tags that show a load that turned back, by their tracks as by
	gate         *gate          // the first beams that it broke
}

// Weights of what a crosser shows. A tag that is far from a door, or is read seldom, seems to cross now and then.
const (
	sureFrom, sureFull = 0.3, 0.7 // sureness from which a crosser counts, and that from which it counts in full
	levelSpan          = 4.0      // dB
	levelBelow         = 9.0      // dB below the door's usual level at which a crosser counts half
	enough             = 0.4      // crossers, so weighted, that make a load
	crowdShare         = 0.15     // and this share of all tags that are heard as well
)

// usualLevel is how well a door hears what goes through it, before it has learned that. dBm.
const usualLevel = -49.0

// weight is how much a crosser shows.
func (c *crosser) weight(usual float64) float64 {
	w := clamp((c.sure-sureFrom)/(sureFull-sureFrom), 0, 1)
	if c.loud {
		w /= 1 + math.Exp(-(c.top-usual+levelBelow)/levelSpan)
	}
	return w
}

// loads finds what went through the door in a window and was not told yet, by when it did.
func (m *Machine) loads(door int, w *window, f *film) []load {
	plan := &m.plan.Doors[door]
	if !plan.TwoSided() {
		if len(w.gates) > 0 {
			return []load{m.gateLoad(door, w)}
		}
		return m.bump(door, w, f)
	}
	var out []load
	list, crossers := m.crossers(door, w, f), map[int32]bool{}
	for i := range list {
		crossers[list[i].track] = true
	}
	var unsure []load
	for _, c := range crossings(list, plan.Quiet) {
		l, ok := m.accept(door, w, f, &c, crossers)
		l.stay()
		if ok {
			out = append(out, l)
		} else {
			unsure = append(unsure, l)
		}
	}
	out = merged(out, plan.Quiet)
	back := m.returned(door, w, f, out)
	for i := range back {
		if l := &back[i]; !l.turn(unsure) {
			l.lean(w, f, m.par.Separation)
		}
	}
	for i := range out {
		out[i].bound(plan.Quiet)
	}
	out = append(out, back...)
	slices.SortStableFunc(out, func(a, b load) int { return cmp.Compare(a.enter, b.enter) })
	if len(plan.Photocells) > 0 {
		return m.beamed(door, w, out)
	}
	return out
}

// stay works out for how long a load was in the door: while most of what shows it was. It may stop there.
func (l *load) stay() {
	var enter, leave []instant
	for _, c := range l.by {
		enter, leave = append(enter, c.enter), append(leave, c.leave)
	}
	l.enter, l.leave = min(l.from, quantile(enter, 0.3)), max(l.to, quantile(leave, 0.7))
}

// bound keeps a load from lasting for as long as goods stand beside the door before or after it.
func (l *load) bound(quiet time.Duration) {
	l.enter, l.leave = max(l.enter, l.from.add(-2*quiet)), min(l.leave, l.to.add(2*quiet))
}

// turn gives something that was in the door the way of what went through then, though that alone was too little to tell a load.
func (l *load) turn(unsure []load) bool {
	net, all := 0.0, 0.0
	for i := range unsure {
		if o := &unsure[i]; o.from <= l.leave && o.to >= l.enter {
			net, all = net+o.way*o.sure, all+o.sure
		}
	}
	if math.Abs(net) < max(enough, returnShare*all, perBacker*float64(len(l.backers))) {
		return false
	}
	l.way, l.sure = math.Copysign(1, net), math.Abs(net)
	for i := range unsure {
		if o := &unsure[i]; o.way == l.way && o.from <= l.leave && o.to >= l.enter {
			maps.Copy(l.by, o.by)
		}
	}
	return true
}

// lean gives something that was in the door the way that the sides' centroids of power show, where they are apart from one
// another by a part of the scatter in time.
func (l *load) lean(w *window, f *film, apart float64) {
	var sum, n [2]float64
	squares := 0.0
	for track := range l.backers {
		top := strongest(f.of(track))
		for _, i := range f.reads(track) {
			r := &w.reads[i]
			if r.at < l.enter.add(-w.pace) || r.at > l.leave.add(w.pace) || r.side == middle || r.foreign {
				continue
			}
			p, at := r.linear()/top, r.at.seconds(l.enter)
			sum[r.side] += p * at
			n[r.side] += p
			squares += p * at * at
		}
	}
	if n[inside] == 0 || n[outside] == 0 {
		return
	}
	all := n[inside] + n[outside]
	mean := (sum[inside] + sum[outside]) / all
	scatter := math.Sqrt(math.Max(squares/all-mean*mean, 1e-12))
	if by := (sum[inside]/n[inside] - sum[outside]/n[outside]) / scatter; math.Abs(by) >= apart {
		l.way, l.sure = math.Copysign(1, by), math.Abs(by)
	}
}

// perBacker is how much each tag in the door has to show for a way.
const perBacker = 0.08

// quantile is the moment up to which such a share of the moments lie.
func quantile(list []instant, share float64) instant {
	slices.Sort(list)
	return list[int(share*float64(len(list)-1))]
}

// merged joins loads that were in the door at the same time: one that comes, stops and goes back crosses twice.
func merged(list []load, quiet time.Duration) []load {
	slices.SortStableFunc(list, func(a, b load) int { return cmp.Compare(a.enter, b.enter) })
	var out []load
	for _, l := range list {
		if n := len(out); n > 0 && (out[n-1].during(&l) || out[n-1].back(&l, quiet)) {
			out[n-1].join(&l)
			continue
		}
		out = append(out, l)
	}
	return out
}

// during reports whether two loads were in the door at the same time.
func (l *load) during(o *load) bool {
	both := min(l.leave, o.leave) - max(l.enter, o.enter)
	return both > 0 && 2*both >= min(l.leave-l.enter, o.leave-o.enter)
}

// back reports whether a load is this one, on its way back.
func (l *load) back(o *load, quiet time.Duration) bool {
	if l.way == o.way || o.enter.sub(l.leave) > 2*quiet {
		return false
	}
	both := 0
	for k := range o.by {
		if l.by[k] != nil {
			both++
		}
	}
	return 2*both > min(len(l.by), len(o.by))
}

// join adds a load that is part of this one.
func (l *load) join(o *load) {
	net, all := l.way*l.sure+o.way*o.sure, l.sure+o.sure
	l.level = (l.level*l.sure + o.level*o.sure) / math.Max(all, 1e-9)
	l.from, l.to = min(l.from, o.from), max(l.to, o.to)
	l.enter, l.leave = min(l.enter, o.enter), max(l.leave, o.leave)
	switch {
	case math.Abs(net) < returnShare*all:
		l.way, l.sure = 0, 0
	case net > 0:
		l.way, l.sure = 1, net
	default:
		l.way, l.sure = -1, -net
	}
	for k, c := range o.by {
		if l.by[k] == nil || l.by[k].way != l.way && c.way == l.way {
			l.by[k] = c
		}
	}
}

// returnShare is the least part by which one way has to outweigh the other in a load that crossed twice.
const returnShare = 0.5

// accept makes a load of crossers, if they show enough.
func (m *Machine) accept(door int, w *window, f *film, c *crossing, crossers map[int32]bool) (load, bool) {
	usual := m.doors[door].usual()
	l := load{from: c.from, to: c.to, way: c.way, level: c.level(), by: map[int32]*crosser{}}
	for i := range c.crossers {
		k := &c.crossers[i]
		l.sure += k.weight(usual)
		l.by[k.track] = k
	}
	if l.sure >= enough && l.sure >= crowdShare*m.crowd(door, w, f, &l, 6, crossers) {
		return l, true
	}
	return l, m.faint(door, w, f, &l, crossers)
}

// crowd counts the tags that did not go through but were heard as well while a load did, or by so many dB worse.
func (m *Machine) crowd(door int, w *window, f *film, l *load, below float64, crossers map[int32]bool) float64 {
	from, to := f.bin(l.from-f.step), f.bin(l.to+f.step)
	loudest := func(track int32) (most float64) {
		for _, p := range f.of(track)[from : to+1] {
			most = max(most, p[inside]+p[outside])
		}
		return most
	}
	level := 0.0
	for k := range l.by {
		level += loudest(k) / float64(len(l.by))
	}
	level *= math.Pow(10, -below/10)
	n := 0.0
	for i := range w.tracks {
		t := &w.tracks[i]
		if !crossers[int32(i)] && t.known >= 2 && !m.echoes(door, t, l.from) && m.stands(door, t) && loudest(int32(i)) >= level {
			n++
		}
	}
	return n
}

// faint reports whether a load that is heard badly, such as liquids, is one nevertheless: nearly all that was heard crossed.
func (m *Machine) faint(door int, w *window, f *film, l *load, crossers map[int32]bool) bool {
	sum := 0.0
	for _, c := range l.by {
		sum += c.sure
	}
	if sum < 0.8 || l.level < m.doors[door].usual()-faintest || sum < 0.4*m.crowd(door, w, f, l, 3, crossers) {
		return false
	}
	l.sure = max(l.sure, sum/2)
	return true
}

// faintest is how many dB below the usual a load may be heard.
const faintest = 17.0

// beamed holds loads against the photocells: what goes through a door breaks its beams, and what breaks them is a load where
// tags speak for it.
func (m *Machine) beamed(door int, w *window, list []load) []load {
	reach := w.pace
	used := make([]bool, len(w.gates))
	out := list[:0]
	for _, l := range list {
		sum := l.way * l.sure
		for i := range w.gates {
			g := &w.gates[i]
			from, to := l.enter, l.leave
			if len(l.by) > 0 {
				from, to = l.from, l.to
			}
			if g.on > to.add(reach) || g.off != 0 && g.off < from.add(-reach) {
				continue
			}
			used[i] = true
			sum += g.score()
			if l.gate == nil {
				l.gate = g
			}
		}
		if l.gate == nil && (l.way != 0 || len(m.plan.Doors[door].Photocells) > 1) {
			continue
		}
		if l.way != 0 {
			l.sure = math.Abs(sum)
			l.way = math.Copysign(1, sum)
		}
		out = append(out, l)
	}
	for i := range w.gates {
		if g := &w.gates[i]; !used[i] && g.on > w.done {
			l := load{from: g.on, to: max(g.on, g.off), level: m.doors[door].usual(), by: map[int32]*crosser{}, gate: g, sure: math.Abs(g.score())}
			if g.score() != 0 {
				l.way = math.Copysign(1, g.score())
			}
			l.enter, l.leave = l.from, l.to
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b load) int { return cmp.Compare(a.enter, b.enter) })
	return out
}

// lineSure is how sure the way of a door is that goes one way only.
const lineSure = 3

// gateLoad is what was in the beams of a door whose antennas do not tell a direction.
func (m *Machine) gateLoad(door int, w *window) load {
	g := &w.gates[0]
	l := load{from: g.on, to: g.off, level: m.doors[door].usual(), by: map[int32]*crosser{}, gate: g, sure: math.Abs(g.score())}
	if l.to < l.from {
		l.to = max(l.from, w.last)
	}
	if s := g.score(); s != 0 {
		l.way = math.Copysign(1, s)
	}
	switch way := m.plan.Doors[door].Way; {
	case l.way != 0 || way == site.BothWays:
	case way == site.OnlyIn:
		l.way, l.sure = 1, lineSure
	default:
		l.way, l.sure = -1, lineSure
	}
	l.line = true
	l.enter, l.leave = l.from, l.to
	return l
}

// bump is a load at a door that hears one side only: when most tags were near their strongest.
func (m *Machine) bump(door int, w *window, f *film) []load {
	var from, to instant
	var tops []float64
	for i := range w.tracks {
		if t := &w.tracks[i]; m.stands(door, t) {
			tops = append(tops, float64(t.top)/100)
		}
	}
	if len(tops) == 0 {
		return nil
	}
	slices.Sort(tops)
	level := tops[len(tops)/2]
	for _, i := range f.order {
		r := &w.reads[i]
		t := &w.tracks[r.track]
		if r.foreign || !m.stands(door, t) || r.known && (float64(t.top-r.level)/100 > near || float64(t.top)/100 < level-m.par.Faint) {
			continue
		}
		if from == 0 {
			from = r.at
		}
		to = r.at
	}
	if from == 0 {
		return nil
	}
	l := load{from: from, to: to, enter: from, leave: to, level: level}
	switch m.plan.Doors[door].Way {
	case site.OnlyIn:
		l.way, l.sure = 1, 3
	case site.OnlyOut:
		l.way, l.sure = -1, 3
	}
	return []load{l}
}

// near is how many dB below its highest level a tag still counts as being in the door.
const near = 8.0

// stands reports whether a tag may be one that passes: its strength rises and falls, and it is not known to lie there.
func (m *Machine) stands(door int, t *track) bool {
	if l := m.tags[t.slot].lie(int32(door)); l != nil && l.lies {
		return false
	}
	return !m.flat(t)
}

// usual is how well the door hears what goes through it, in dBm.
func (d *doorState) usual() float64 {
	if d.heard == 0 {
		return usualLevel
	}
	return float64(d.heard) / 100
}

// learn takes a load into account that surely went through.
func (d *doorState) learn(l *load) {
	if l.sure < 3 || len(l.by) == 0 {
		return
	}
	level := dBm(l.level)
	if d.heard == 0 {
		d.heard = dBm(usualLevel)
	}
	d.heard += (level - d.heard) / 8
	d.dirty = true
}
