package reconcile

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// visit is a time in which tags were as strong as they ever were, about: something was in the door or very near to it.
type visit struct {
	load
	tags, even float64 // how many tags, and how many of them both sides heard about as well; weighted by how loud they are
}

// returned finds loads that came into the door and went back: tags that no crossing explains rose to about the level of what
// passes, together, and fell again. loads are those that went through.
func (m *Machine) returned(door int, w *window, f *film, loads []load) []load {
	usual, quiet := m.doors[door].usual(), m.plan.Doors[door].Quiet
	if math.IsInf(usual, -1) {
		return nil
	}
	var stays []stay
	for i := range w.tracks {
		t := &w.tracks[i]
		if t.known == 0 || !m.stands(door, t) || float64(t.top)/100 < usual-levelBelow-3 {
			continue
		}
		for _, s := range f.stays(int32(i)) {
			if s.from > w.done && m.told(t, s.from) >= freshFor*quiet && !explained(loads, int32(i), &s, quiet) {
				s.weight = 1 / (1 + math.Exp(-(float64(t.top)/100-usual+backBelow)/1.5))
				s.top = float64(t.top) / 100
				stays = append(stays, s)
			}
		}
	}
	out := f.visits(stays)
	var found []load
	for i := range out {
		v := &out[i]
		if v.shows(usual, f) {
			v.occupy(f)
			v.shown = v.tags
			found = append(found, v.load)
		}
	}
	return found
}

// brief finds what is heard so badly that hardly a tag is read by both sides, such as metal goods: tags that appeared together and were gone
// again within the time in which a load passes. loads are those that were found otherwise.
func (m *Machine) brief(door int, w *window, f *film, loads []load) (out []load) {
	quiet := m.plan.Doors[door].Quiet
	var list []int32
	for i := range w.tracks {
		t := &w.tracks[i]
		if t.first > w.done && t.last.sub(t.first) <= quiet && m.told(t, t.first) >= freshFor*quiet && !m.lies(door, t) {
			list = append(list, int32(i))
		}
	}
	slices.SortFunc(list, func(a, b int32) int {
		return cmp.Or(cmp.Compare(w.tracks[a].middle(), w.tracks[b].middle()), cmp.Compare(a, b))
	})
	var last instant
	for _, i := range list {
		t := &w.tracks[i]
		if n := len(out); n == 0 || t.middle().sub(last) > quiet/3 || t.middle().sub(out[n-1].from) > quiet {
			out = append(out, load{from: t.middle(), by: map[int32]*crosser{}, backers: map[int32]bool{}, level: math.Inf(-1)})
		}
		l := &out[len(out)-1]
		last = t.middle()
		l.to = last
		l.backers[i] = true
		if t.known > 0 {
			l.level = max(l.level, float64(t.top)/100)
		}
	}
	return slices.DeleteFunc(out, func(l load) bool {
		if math.IsInf(l.level, -1) || slices.ContainsFunc(loads, func(o load) bool { return l.from <= o.leave.add(quiet/2) && l.to >= o.enter.add(-quiet/2) }) {
			return true
		}
		var seen [sides]uint32
		for k := range l.backers {
			for s, n := range w.tracks[k].seen {
				seen[s] += n
			}
		}
		return seen[inside] == 0 || seen[outside] == 0
	})
}

func (t *track) middle() instant { return t.first + (t.last-t.first)/2 }

// What a load that turned back has to show.
const (
	lowest    = -1.0 // dB beside the usual level at which a visit counts
	backBelow = 6.0  // dB below the usual level of what passes at which a tag counts half
	leastBack = 0.25 // tags
	evenShare = 0.3  // of these that both sides heard about as well
)

// shows reports whether a visit is that of a load: it was about as loud as what passes, at both sides.
func (v *visit) shows(usual float64, f *film) bool {
	if v.tags < leastBack {
		return false
	}
	long := math.Max(float64((v.to-v.from)/f.step)-16, 0) / 2
	return v.level-usual+4*(v.even/v.tags-0.4)+math.Min(math.Log(v.tags), 1)-0.1*long >= lowest
}

// visits finds the times in which tags were strong together.
func (f *film) visits(stays []stay) []visit {
	tags, even := make([]float64, f.bins+1), make([]float64, f.bins+1)
	for _, s := range stays {
		for k := f.bin(s.from); k <= f.bin(s.to); k++ {
			tags[k] += s.weight
			if s.even {
				even[k] += s.weight
			}
		}
	}
	var out []visit
	for k := range tags {
		if tags[k] < leastBack || even[k] < evenShare*tags[k] {
			continue
		}
		if n := len(out); n == 0 || f.at(k) > out[n-1].to+2*f.step {
			out = append(out, visit{load: load{from: f.at(k), by: map[int32]*crosser{}, backers: map[int32]bool{}}})
		}
		out[len(out)-1].to = f.at(k + 1)
	}
	for i := range out {
		for _, s := range stays {
			if both := min(s.to, out[i].to) - max(s.from, out[i].from); both >= 0 && 2*both >= s.to-s.from {
				out[i].add(&s)
			}
		}
	}
	return out
}

func (v *visit) add(s *stay) {
	v.tags += s.weight
	if s.even {
		v.even += s.weight
	}
	v.backers[s.track] = true
	v.level += s.weight * (s.top - v.level) / max(v.tags, 1e-9)
}

// stay is a time in which one tag was about as strong as it ever was.
type stay struct {
	track    int32
	from, to instant
	even     bool
	top      float64
	weight   float64
}

// stayed is the part of its strongest power that a tag still has while it stays in a door.
const stayed = 0.1

// stays finds the times in which a track was strong.
func (f *film) stays(track int32) []stay {
	if f.stay == nil {
		f.stay = make([][]stay, len(f.first)-1)
	}
	if f.stay[track] != nil {
		return f.stay[track]
	}
	bins := f.of(track)
	soft := softened(bins)
	top := strongest(soft)
	var out []stay
	for k, p := range soft {
		if p[inside]+p[outside] < top*stayed || top == 0 {
			continue
		}
		if n := len(out); n == 0 || f.at(k) > out[n-1].to+3*f.step {
			out = append(out, stay{track: track, from: f.at(k) + f.step/2})
		}
		s := &out[len(out)-1]
		s.to = f.at(k) + f.step/2
		s.even = s.even || math.Abs(balance(p, dimmest*top)) <= evenness
	}
	f.stay[track] = out
	return out
}

// softened sums each bin with those beside it.
func softened(bins [][2]float64) [][2]float64 {
	soft := make([][2]float64, len(bins))
	for k := range bins {
		for j := max(0, k-1); j <= min(k+1, len(bins)-1); j++ {
			soft[k][inside] += bins[j][inside]
			soft[k][outside] += bins[j][outside]
		}
	}
	return soft
}

// explained reports whether a tag went through then, or something else did.
func explained(loads []load, track int32, s *stay, quiet time.Duration) bool {
	for i := range loads {
		l := &loads[i]
		if l.by[track] != nil && s.from <= l.leave.add(3*quiet) && s.to >= l.enter.add(-8*quiet) || s.from <= l.to.add(quiet/2) && s.to >= l.from.add(-quiet/2) {
			return true
		}
	}
	return false
}
