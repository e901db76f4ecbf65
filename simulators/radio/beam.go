package radio

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// beams gives the edges of so many photocells a door, in the order of time.
func (s *shift) beams(rng *rand.Rand, cells int) []Edge {
	var edges []Edge
	for door, x := range s.site.doors {
		for cell := range cells {
			y := beamReach * float64(2*cell-1) // the first is the outer one
			var dark []span
			for _, b := range s.bodies {
				if b.door != door || b.stray != "" {
					continue
				}
				for _, sp := range b.spells(func(t float64) bool { return b.breaks(x, y, t) }) {
					dark = append(dark, chatter(rng, sp)...)
				}
			}
			for _, sp := range union(dark) {
				edges = append(edges, s.edge(door, cell, sp.from, true), s.edge(door, cell, sp.to, false))
			}
		}
	}
	ends := s.moment(s.ends)
	edges = slices.DeleteFunc(edges, func(e Edge) bool { return e.At.Before(s.start) || e.At.After(ends) })
	slices.SortStableFunc(edges, func(a, b Edge) int { return a.At.Compare(b.At) })
	return edges
}

func (s *shift) edge(door, cell int, at float64, high bool) Edge {
	return Edge{At: s.moment(at), Reader: ReaderName(door), GPI: uint8(cell + 1), High: high}
}

// breaks reports whether a part of the body is in the beam at y across door x.
func (b *body) breaks(x, y, t float64) bool {
	var room [2]box
	for _, part := range b.boxes(t, room[:0]) {
		if math.Abs(part.at.x-x) < doorWidth/2 && math.Abs(part.at.y-y) < part.half.y {
			return true
		}
	}
	return false
}

// chatter breaks a dark time up as gaps between cartons, wrapping and forks do: near its ends, and now and then within.
func chatter(rng *rand.Rand, sp span) []span {
	list := []span{{sp.from + 0.002 + 0.006*rng.Float64(), sp.to + 0.002 + 0.006*rng.Float64()}}
	cut := func(at float64) {
		last := &list[len(list)-1]
		if until := at + 0.01 + 0.05*rng.Float64(); last.from < at && until < last.to {
			list = append(list, span{until, last.to})
			last = &list[len(list)-2]
			last.to = at
		}
	}
	at := sp.from
	for range rng.IntN(4) * rng.IntN(2) {
		at += 0.02 + 0.08*rng.Float64()
		cut(at)
	}
	if rng.IntN(3) == 0 {
		cut(sp.from + (sp.to-sp.from)*(0.3+0.4*rng.Float64()))
	}
	at = sp.to - 0.25
	for range rng.IntN(4) * rng.IntN(2) {
		at += 0.02 + 0.05*rng.Float64()
		cut(at)
	}
	return list
}

// union joins times that overlap or touch within 3 ms.
func union(list []span) []span {
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, sp := range list {
		if n := len(out); n > 0 && sp.from < out[n-1].to+0.003 {
			out[n-1].to = max(out[n-1].to, sp.to)
			continue
		}
		out = append(out, sp)
	}
	return out
}
