package reconcile

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A tag that goes through a door is heard by one side of it first and by the other afterwards. When it may have done so is
// where its course of sides changes (film.go). How far it did is the largest distance there between the two sides' power, each
// summed over time and taken as a share of its whole: 1 where one side had heard all before the other began, about 0 for a
// tag that lies there. The moment of that largest distance is when the tag went through.

// crosser is a tag that went through the door, as its reads show.
type crosser struct {
	track int32
	at    instant
	way   float64 // 1 in, -1 out
	sure  float64 // 0 to 1
	top   float64 // highest level, dBm
	loud  bool    // it is known
}

// crossed is the order of sides from which a tag counts as one that went through.
const crossed = 0.6

// crossReach is how many bins before and after a change of sides count.
const crossReach = 8

// crossers finds the tags of a window that went through the door, by when they did.
func (m *Machine) crossers(door int, w *window, f *film) []crosser {
	var out []crosser
	for i := range w.tracks {
		t := &w.tracks[i]
		if t.seen[inside] == 0 || t.seen[outside] == 0 || !m.stands(door, t) {
			continue
		}
		bins := f.of(int32(i))
		top := strongest(bins)
		list := swings(bins, top)
		for k, s := range list {
			from, to := max(0, s.bin-crossReach), min(f.bins, s.bin+crossReach)
			if k > 0 {
				from = max(from, list[k-1].bin)
			}
			if k+1 < len(list) {
				to = min(to, list[k+1].bin)
			}
			if c, ok := m.crosser(w, f, int32(i), s.way, f.at(from), f.at(to)); ok {
				out = append(out, c)
			}
		}
		for _, s := range f.stays(int32(i)) { // too short to be seen to change its side
			if slices.ContainsFunc(list, func(k swing) bool { return f.at(k.bin) >= s.from.add(-w.pace) && f.at(k.bin) <= s.to.add(w.pace) }) ||
				s.to.sub(s.from) > crossReach/2*w.pace {
				continue
			}
			for _, way := range []float64{1, -1} {
				if c, ok := m.crosser(w, f, int32(i), way, s.from.add(-2*w.pace), s.to.add(2*w.pace)); ok {
					out = append(out, c)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b crosser) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.track, b.track)) })
	return out
}

// crosser is a tag that went through between two moments; false where it did not.
func (m *Machine) crosser(w *window, f *film, track int32, way float64, from, to instant) (crosser, bool) {
	t := &w.tracks[track]
	c := crosser{track: track, way: way, top: float64(t.top) / 100, loud: t.known > 0}
	if !c.order(w, f.reads(track), from, to) || c.at <= w.done {
		return c, false
	}
	came := c.at
	for _, s := range f.stays(track) {
		if s.from <= c.at && s.to >= c.at {
			came = s.from
		}
	}
	return c, t.told == 0 || came > t.told // else it has not left the door since its pass was told
}

// order works out when a tag went through between two moments, and how sure that is; false where it did not.
func (c *crosser) order(w *window, reads []int32, from, to instant) bool {
	var all, now [2]float64
	var n [2]uint32
	own, sum := 0.0, 0.0
	for _, i := range reads {
		r := &w.reads[i]
		if r.at < from || r.at >= to || r.side == middle {
			continue
		}
		sum += r.linear()
		if !r.foreign {
			own += r.linear()
			all[r.side] += r.linear()
			n[r.side] += r.count
		}
	}
	if 2*own < sum {
		return false // another door heard it better
	}
	best, back, end := 0.0, 0.0, instant(0)
	for _, i := range reads {
		r := &w.reads[i]
		if r.at < from || r.at >= to || r.side == middle || r.foreign {
			continue
		}
		if end == 0 {
			end = r.at // the first read after the best moment ends its plateau
		}
		now[r.side] += r.linear()
		lead := c.way * (now[outside]/max(all[outside], 1e-9) - now[inside]/max(all[inside], 1e-9))
		back = max(back, -lead)
		if lead > best {
			best, c.at, end = lead, r.at, 0
		}
	}
	least := float64(min(n[inside], n[outside]))
	if least < 1 || best-back < crossed {
		return false
	}
	if end != 0 {
		c.at += (end - c.at) / 2
	}
	c.sure = (best - back) * least / (least + 2)
	return true
}

// evenness is by how many dB the two sides of a door may differ for a tag that is in it.
const evenness = 8.0

// crossing is a load that went through: crossers of one way, close to one another in time.
type crossing struct {
	from, to instant
	way      float64
	crossers []crosser
}

// level is the mean of the crossers' highest levels, dBm.
func (c *crossing) level() float64 {
	sum, n := 0.0, 0.0
	for i := range c.crossers {
		sum += c.crossers[i].sure * c.crossers[i].top
		n += c.crossers[i].sure
	}
	return sum / math.Max(n, 1e-9)
}

// What stands near a door seems to cross now and then, and so much of it that it would link the loads before and after. So a long chain
// of crossers is cut where they are thin beside where most are; but for a crowd, which is of a load even there.
const (
	longChain = 2    // quiet times
	thin      = 0.2  // of the most
	thinnest  = 0.05 // of the most, in a crowd
	crowded   = 2    // crossers, weighted, within half a quiet time before and after
)

// crossings puts crossers together that belong to one load: of the same way and close to one another in time.
func crossings(list []crosser, usual float64, quiet time.Duration) []crossing {
	var out []crossing
	for _, way := range []float64{1, -1} {
		var chain []crosser
		for _, c := range list {
			if c.way != way {
				continue
			}
			if n := len(chain); n > 0 && c.at.sub(chain[n-1].at) > quiet/2 {
				out = dense(out, chain, usual, quiet)
				chain = nil
			}
			chain = append(chain, c)
		}
		out = dense(out, chain, usual, quiet)
	}
	slices.SortStableFunc(out, func(a, b crossing) int { return cmp.Compare(a.from, b.from) })
	return out
}

// dense adds the dense parts of a chain of crossers.
func dense(out []crossing, chain []crosser, usual float64, quiet time.Duration) []crossing {
	if len(chain) == 0 {
		return out
	}
	first, last := 0, len(chain)-1
	if chain[last].at.sub(chain[first].at) > longChain*quiet {
		near := make([]float64, len(chain)) // by crosser: weight of those about it
		best, lo, hi, sum := 0, 0, 0, 0.0
		for i := range chain {
			for ; hi < len(chain) && chain[hi].at.sub(chain[i].at) <= quiet/2; hi++ {
				sum += chain[hi].weight(usual)
			}
			for ; chain[i].at.sub(chain[lo].at) > quiet/2; lo++ {
				sum -= chain[lo].weight(usual)
			}
			if near[i] = sum; sum > near[best] {
				best = i
			}
		}
		least := max(thinnest*near[best], min(crowded, thin*near[best]))
		for first = best; first > 0 && near[first-1] >= least; first-- {
		}
		for last = best; last+1 < len(chain) && near[last+1] >= least; last++ {
		}
	}
	out = dense(out, chain[:first], usual, quiet)
	out = append(out, crossing{from: chain[first].at, to: chain[last].at, way: chain[first].way, crossers: chain[first : last+1]})
	return dense(out, chain[last+1:], usual, quiet)
}
