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
	home         uint8   // the side that heard it better at first and at last: where it came from, if it turned back
	sure         float64 // how much speaks for that way, 0 or more
	shown        float64 // how many tags show the load, weighted
	level        float64 // how well those that show it were heard, dBm
	by           map[int32]*crosser
	backers      map[int32]bool // tags that show a load that turned back, by their tracks as by
	gate         *gate          // the first beams that it broke
	only         []int32        // the tags that were in it, once that is known
	bears        bool           // odds are known
	odds         float64        // that it went through, log odds
	bearings     [bearCount]float32
	marks        [markCount]float32
	heading      float64 // the way that they speak of
	alone        bool    // nothing but its having been heard shows it
}

// Weights of what a crosser shows. A tag that is far from a door, or is read seldom, seems to cross now and then.
const (
	sureFrom, sureFull = 0.3, 0.7 // sureness from which a crosser counts, and that from which it counts in full
	levelSpan          = 4.0      // dB
	levelBelow         = 9.0      // dB below the door's usual level at which a crosser counts half
	enough             = 0.4      // crossers, so weighted, that make a load
	crowdShare         = 0.15     // and this share of all tags that are heard as well
)

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
	for _, c := range crossings(list, m.doors[door].usual(), plan.Quiet) {
		if l, ok := m.accept(door, w, f, &c, crossers); ok {
			l.occupy(f)
			out = append(out, l)
		}
	}
	out = f.merged(out, plan.Quiet)
	for _, v := range f.merged(m.returned(door, w, f, out), plan.Quiet) {
		if !slices.ContainsFunc(out, func(l load) bool { return v.from <= l.to.add(plan.Quiet/2) && v.to >= l.from.add(-plan.Quiet/2) }) {
			out = append(out, v)
		}
	}
	for _, l := range m.brief(door, w, f, out) {
		l.occupy(f)
		l.shown = float64(len(l.backers)) / 3
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b load) int { return cmp.Compare(a.enter, b.enter) })
	for i := range out {
		if l := &out[i]; len(l.by) == 0 || l.leave.sub(l.enter) > longestStop*plan.Quiet {
			l.bound(plan.Quiet)
		}
	}
	for i := range out {
		for k := range out {
			out[i].yield(&out[k])
		}
		out[i].lean(w, f)
	}
	if len(plan.Photocells) > 0 {
		return m.beamed(door, w, out)
	}
	return out
}

// A load is in the door while it is, in the mean of its tags, nearly as strong as ever, a few bins before and after it crossed; or while both sides hear as many of them as at
// best, or half of that, at levels that are by inDoor dB weaker at most. For so many bins it may be weaker between. A tag that is not
// heard is taken to have so little.
const (
	nearly    = 6.0 // dB
	nearby    = 8   // bins
	inDoor    = 16.0
	bothShare = 0.5
	leastBoth = 0.5 // of its tags that both sides have to hear at best, for that to say anything
	dips      = 4
	unheard   = 25.0 // dB
)

// occupy works out for how long a load was in the door. It may stop there, where each of its tags has its own fade.
func (l *load) occupy(f *film) {
	level, both, n := make([]float64, f.bins), make([]float64, f.bins), 0.0
	for _, track := range l.tracks() {
		soft := softened(f.of(track))
		top := strongest(soft)
		if top == 0 {
			continue
		}
		n++
		for k, p := range soft {
			level[k] += max(10*math.Log10(max((p[inside]+p[outside])/top, 1e-9)), -unheard)
			if p[inside] > 0 && p[outside] > 0 {
				both[k]++
			}
		}
	}
	first, last := f.bin(l.from-f.step), f.bin(l.to+f.step)
	most, top := slices.Max(both[first:last+1]), slices.Max(level[first:last+1])
	from, to := first-nearby, last+nearby
	in := func(k int) bool {
		return level[k] >= top-nearly*n && from <= k && k <= to || most >= leastBoth*n && both[k] >= bothShare*most && level[k] >= top-inDoor*n
	}
	for first < last && !in(first) {
		first++
	}
	for last > first && !in(last) {
		last--
	}
	for k := first - 1; k >= 0 && k >= first-dips; k-- {
		if in(k) {
			first = k
		}
	}
	for k := last + 1; k < f.bins && k <= last+dips; k++ {
		if in(k) {
			last = k
		}
	}
	l.enter, l.leave = min(l.from, f.at(first)), max(l.to, f.at(last+1))
}

// tracks are the tags that show a load.
func (l *load) tracks() []int32 {
	if l.only != nil {
		return l.only
	}
	out := make([]int32, 0, len(l.by)+len(l.backers))
	for k := range l.by {
		out = append(out, k)
	}
	for k := range l.backers {
		if l.by[k] == nil {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// longestStop is for how many quiet times a load may stop in a door. What seems to stay for longer stands beside it.
const longestStop = 13

// bound keeps a load from lasting for as long as goods stand beside the door before or after it.
func (l *load) bound(quiet time.Duration) {
	l.enter, l.leave = max(l.enter, l.from.add(-2*quiet)), min(l.leave, l.to.add(2*quiet))
}

// yield keeps a load from being in the door when one that far more shows is: its tags may be that one's, on their way to the door or from it.
func (l *load) yield(to *load) {
	switch {
	case to.shown < 2*l.shown || l.leave <= to.enter || l.enter >= to.leave:
	case l.to <= to.enter:
		l.leave = to.enter
	case l.from >= to.leave:
		l.enter = to.leave
	}
}

// From which distance between the centroids of the two sides' power, in standard deviations of the whole, a load went through; and
// from which, where the sides changed in their lead.
const (
	apart      = 0.6
	apartTurns = 0.25
	apartAlone = 0.17 // of a load that is told by itself
)

// Reads by each side from which a tag that came and went shows a load by itself.
const leastAlone = 8

// alone is the load of a window that shows no other: tags came into hearing of both sides and left it again, too slowly or too
// unevenly to be seen to cross. The order of the sides' power is weak then, but over many reads it holds.
func (m *Machine) alone(door int, w *window, f *film) (load, bool) {
	usual := m.doors[door].usual()
	l := load{alone: true, by: map[int32]*crosser{}, backers: map[int32]bool{}}
	flat, rises := true, false
	for i := range w.tracks {
		t := &w.tracks[i]
		if min(t.seen[inside], t.seen[outside]) < leastAlone || t.known == 0 || float64(t.top)/100 < usual-levelBelow ||
			m.lies(door, t) || m.echoes(door, t, t.last) {
			continue
		}
		flat, rises = flat && m.flat(t), rises || m.rises(t)
		if l.from == 0 {
			l.from = t.first
		}
		l.from, l.to = min(l.from, t.first), max(l.to, t.last)
		l.backers[int32(i)] = true
		l.level += float64(t.top) / 100
	}
	if len(l.backers) == 0 {
		return load{}, false
	}
	l.level /= float64(len(l.backers))
	l.enter, l.leave = l.from, l.to
	p := l.parts(w, f)
	by, turns := p.apart(), p.turns()
	l.sure = math.Abs(by) * math.Sqrt(l.to.seconds(l.from)/w.pace.Seconds())
	if turns || !rises || math.Abs(by) >= apartAlone {
		l.way = math.Copysign(1, by)
	}
	return l, !flat || turns && l.sure >= decided
}

// lean finds the way of a load. One that goes through is heard by the two sides one after the other, so that their centroids of power
// in time are apart; one that turns back is heard by the far side in the middle of its stay.
func (l *load) lean(w *window, f *film) {
	p := l.parts(w, f)
	l.way, l.sure, l.home = 0, 0, p.home()
	if by := p.apart(); math.Abs(by) >= apart || math.Abs(by) >= apartTurns && p.turns() {
		l.way, l.sure = math.Copysign(1, by), 2*math.Abs(by)
	}
}

// merged joins loads that were in the door at the same time: one that comes, stops and goes back crosses twice.
func (f *film) merged(list []load, quiet time.Duration) []load {
	slices.SortStableFunc(list, func(a, b load) int { return cmp.Compare(a.enter, b.enter) })
	var out []load
	for _, l := range list {
		if n := len(out); n > 0 && (out[n-1].same(&l, quiet) || out[n-1].back(&l, f, quiet)) {
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

// same reports whether two loads that were in the door at the same time are one: they crossed together the same way, or the other way but for a few
// tags, which have their fades, or they are mostly the same tags.
func (l *load) same(o *load, quiet time.Duration) bool {
	together := o.from.sub(l.to) <= quiet && l.from.sub(o.to) <= quiet
	return l.during(o) && (together && (l.way == o.way || min(l.shown, o.shown) < thin*max(l.shown, o.shown)) || l.mostly(o))
}

// leastPart is the share of a load's tags that show the whole of it, at the least.
const leastPart = 1.0 / 6

// mostly reports whether two loads are shown by the same tags: most of the one's are the other's, and no few.
func (l *load) mostly(o *load) bool {
	n, a, b := l.shared(o), len(l.tracks()), len(o.tracks())
	return 2*n > min(a, b) && float64(n) >= leastPart*float64(max(a, b))
}

// shows reports whether a tag shows the load.
func (l *load) shows(track int32) bool { return l.by[track] != nil || l.backers[track] }

// shared counts the tags that show both of two loads.
func (l *load) shared(o *load) (n int) {
	for _, k := range o.tracks() {
		if l.shows(k) {
			n++
		}
	}
	return n
}

// For how many quiet times a load may be out of the door before it comes back, and for how many where it was as near as that all the time.
const (
	backSoon  = 2
	backStays = 6
)

// back reports whether a load is this one, on its way back.
func (l *load) back(o *load, f *film, quiet time.Duration) bool {
	if l.way == o.way || !l.mostly(o) {
		return false
	}
	gap := o.enter.sub(l.leave)
	return gap <= backSoon*quiet || gap <= backStays*quiet && l.stays(f, o.from)
}

// stays reports whether most of the tags that show a load stayed about as strong from when it was in the door until then.
func (l *load) stays(f *film, until instant) bool {
	stayed, list := 0, l.tracks()
	for _, track := range list {
		if slices.ContainsFunc(f.stays(track), func(s stay) bool { return s.from <= l.to && s.to >= until }) {
			stayed++
		}
	}
	return 2*stayed > len(list)
}

// join adds a load that is part of this one.
func (l *load) join(o *load) {
	all := l.shown + o.shown
	l.level = (l.level*l.shown + o.level*o.shown) / max(all, 1e-9)
	if l.shown < thin*o.shown {
		l.from, l.to, l.enter, l.leave = o.from, o.to, o.enter, o.leave
	} else if o.shown >= thin*l.shown {
		l.from, l.to = min(l.from, o.from), max(l.to, o.to)
		l.enter, l.leave = min(l.enter, o.enter), max(l.leave, o.leave)
	}
	if o.shown > l.shown {
		l.way = o.way
	}
	l.shown = all
	for k, c := range o.by {
		if l.by[k] == nil || l.by[k].way != l.way && c.way == l.way {
			l.by[k] = c
		}
	}
	if l.backers == nil {
		l.backers = map[int32]bool{}
	}
	maps.Copy(l.backers, o.backers)
}

// accept makes a load of crossers, if they show enough.
func (m *Machine) accept(door int, w *window, f *film, c *crossing, crossers map[int32]bool) (load, bool) {
	usual := m.doors[door].usual()
	l := load{from: c.from, to: c.to, way: c.way, level: c.level(), by: map[int32]*crosser{}}
	for i := range c.crossers {
		k := &c.crossers[i]
		l.shown += k.weight(usual)
		l.by[k.track] = k
	}
	if l.shown >= enough && l.shown >= crowdShare*m.crowd(door, w, f, &l, 6, crossers) {
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
	l.shown = max(l.shown, sum/2)
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
func (m *Machine) stands(door int, t *track) bool { return !m.lies(door, t) && !m.flat(t) }

// lies reports whether a tag is known to lie beside a door.
func (m *Machine) lies(door int, t *track) bool {
	l := m.tags[t.slot].lie(int32(door))
	return l != nil && l.lies
}

// usual is how well the door hears what goes through it, in dBm; -Inf before it has learned that.
func (d *doorState) usual() float64 {
	if d.heard == 0 {
		return math.Inf(-1)
	}
	return float64(d.heard) / 100
}

// learn takes a load into account that surely went through.
func (d *doorState) learn(l *load) {
	if l.shown < 3 || len(l.by) == 0 {
		return
	}
	level := dBm(l.level)
	if d.heard == 0 {
		d.heard = level
	}
	d.heard += (level - d.heard) / 8
	d.dirty = true
}
