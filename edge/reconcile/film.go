package reconcile

import "math"

// film is the power that a door has received in a window, by tag, bin of time and side. What another door heard better at the
// time is left out.
type film struct {
	order []int32 // of the window's reads, by time
	mine  []int32 // the same, by track and time
	first []int32 // where a track's begin in mine
	from  instant // of the first bin
	step  instant // a bin lasts
	bins  int
	power [][2]float64 // by track and bin
	stay  [][]stay     // by track, once they are asked for
}

// maxBins bounds a film. A window lasts for at most some minutes.
const maxBins = 4096

// film develops a window's reads.
func (m *Machine) film(door int, w *window) *film {
	f := &film{order: byTime(w), step: max(1, instant(w.pace.Microseconds()))}
	f.first = make([]int32, len(w.tracks)+1)
	for i := range w.reads {
		f.first[w.reads[i].track+1]++
	}
	for i := range w.tracks {
		f.first[i+1] += f.first[i]
	}
	f.mine = make([]int32, len(w.reads))
	next := append([]int32(nil), f.first...)
	for _, i := range f.order {
		t := w.reads[i].track
		f.mine[next[t]] = i
		next[t]++
	}
	if len(f.order) == 0 {
		return f
	}
	f.from = w.reads[f.order[0]].at / f.step * f.step
	f.bins = min(int((w.reads[f.order[len(f.order)-1]].at-f.from)/f.step)+1, maxBins)
	f.power = make([][2]float64, len(w.tracks)*f.bins)
	for i := range w.reads {
		if r := &w.reads[i]; r.side != middle && !r.foreign {
			f.power[int(r.track)*f.bins+f.bin(r.at)][r.side] += r.linear()
		}
	}
	return f
}

func (f *film) bin(at instant) int { return min(max(int((at-f.from)/f.step), 0), f.bins-1) }

// at is when a bin begins.
func (f *film) at(bin int) instant { return f.from + instant(bin)*f.step }

// of gives a track's bins.
func (f *film) of(track int32) [][2]float64 {
	return f.power[int(track)*f.bins : (int(track)+1)*f.bins]
}

// reads gives the numbers of a track's reads, by time.
func (f *film) reads(track int32) []int32 { return f.mine[f.first[track]:f.first[track+1]] }

// balances are in dB, more than 0 where the inside hears a tag better.
const (
	mostBalance = 15.0
	dimmest     = 0.03 // of a tag's strongest bin; what is weaker says little of its side
	perBalance  = 6.0  // dB that speak for a side as one unit of log odds
	turnCosts   = 2.5  // units that a change of side has to bring
)

// balance of one bin; floor is what the bin of a tag out of reach is taken to have.
func balance(p [2]float64, floor float64) float64 {
	return clamp(10*math.Log10((p[inside]+floor)/(p[outside]+floor)), -mostBalance, mostBalance)
}

func strongest(bins [][2]float64) float64 {
	top := 0.0
	for _, p := range bins {
		top = max(top, p[inside]+p[outside])
	}
	return top
}

// swing is a change of a tag's side.
type swing struct {
	bin int
	way float64 // 1 in, -1 out
}

// swings finds the course of sides that best explains what was heard of a tag, where each change of side has to be worth it.
func swings(bins [][2]float64, top float64) []swing {
	from := make([][2]uint8, len(bins))
	var score [2]float64
	for k, p := range bins {
		for s := range score { // stay or change
			from[k][s] = uint8(s)
		}
		if k > 0 {
			stay := score
			for s := range score {
				if other := stay[1-s] - turnCosts; other > stay[s] {
					score[s], from[k][s] = other, uint8(1-s)
				}
			}
		}
		if p[inside]+p[outside] > 0 {
			b := balance(p, dimmest*top) / perBalance
			score[inside] += b
			score[outside] -= b
		}
	}
	s := inside
	if score[outside] > score[inside] {
		s = outside
	}
	var out []swing
	for k := len(bins) - 1; k > 0; k-- {
		if before := int(from[k][s]); before != s {
			out = append(out, swing{k, float64(1 - 2*s)})
			s = before
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
