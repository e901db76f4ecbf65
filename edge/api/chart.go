package api

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tallydock/tallydock/edge/reconcile"
)

// chart is a drawing of a pass: time to the right, signal strength upwards, a line for each tag, and a mark for each read
// that shows by its form on which side it was. Paths are in a field of 1000 by 1000, all else in percent of it, so that the
// page can stretch it while texts and marks keep their size.
type chart struct {
	X, Y    []tick
	Gate    *gateBand
	Lines   []chartLine
	Unheard bool // some reads tell no strength; they are on the lower edge
}

// tick is a line of the grid.
type tick struct{ At, Text string }

// gateBand is when something was in the beams of the photocells, in percent.
type gateBand struct{ X, W string }

// chartLine is a tag.
type chartLine struct {
	N                       int
	Member, Picked          bool
	Path                    string
	Inside, Middle, Outside string // marks
}

// Bounds of the drawing.
const (
	field      = 1000.0 // its width and height in the units of its paths
	margin     = 0.02   // of the time, on either side
	leastHigh  = 20.0   // dB
	leastLong  = 0.5    // s
	mostTicks  = 7
	stepStrong = 5.0 // dB, to which the scale is rounded
)

// scale is from where to where the drawing goes: seconds and dBm.
type scale struct{ t0, t1, low, high float64 }

func (s scale) x(t float64) float64   { return field * (t - s.t0) / (s.t1 - s.t0) }
func (s scale) y(dBm float64) float64 { return field * (s.high - dBm) / (s.high - s.low) }

// chartOf draws the tags that are shown; rows are theirs.
func chartOf(t *reconcile.Trace, shown []*reconcile.TagTrace, rows []tagRow) chart {
	var c chart
	sc, ok := scaleOf(t, shown)
	if !ok {
		return c
	}
	for i := len(shown) - 1; i >= 0; i-- { // those that passed are drawn last, on top
		line := chartLine{N: i, Member: shown[i].Member, Picked: rows[i].Picked}
		c.Unheard = line.draw(t, shown[i], sc) || c.Unheard
		c.Lines = append(c.Lines, line)
	}
	for _, v := range steps(sc.t0, sc.t1) {
		c.X = append(c.X, tick{percent(sc.x(v)), strconv.FormatFloat(v, 'f', -1, 64) + " s"})
	}
	for _, v := range steps(sc.low, sc.high) {
		c.Y = append(c.Y, tick{percent(sc.y(v)), strconv.FormatFloat(v, 'f', -1, 64)})
	}
	c.Gate = gateOf(t, sc)
	return c
}

func percent(v float64) string { return strconv.FormatFloat(v*100/field, 'f', 2, 64) }

// scaleOf fits the drawing to what it shows; false where there is nothing.
func scaleOf(t *reconcile.Trace, shown []*reconcile.TagTrace) (scale, bool) {
	s := scale{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)}
	for _, x := range shown {
		for _, r := range x.Reads {
			at := since(t, r.At)
			s.t0, s.t1 = min(s.t0, at), max(s.t1, at)
			if r.HasRSSI {
				dBm := float64(r.RSSI) / 100
				s.low, s.high = min(s.low, dBm), max(s.high, dBm)
			}
		}
	}
	if s.t1 < s.t0 {
		return s, false
	}
	if s.high < s.low { // no read tells its strength
		s.low, s.high = -70, -50
	}
	s.t0, s.t1 = widened(s.t0, s.t1, leastLong)
	pad := (s.t1 - s.t0) * margin
	s.t0, s.t1 = s.t0-pad, s.t1+pad
	s.low, s.high = widened(s.low, s.high, leastHigh)
	s.low, s.high = stepStrong*math.Floor(s.low/stepStrong), stepStrong*math.Ceil(s.high/stepStrong)
	return s, true
}

// widened is a range of at least so much, about the same middle.
func widened(from, to, least float64) (float64, float64) {
	if more := least - (to - from); more > 0 {
		return from - more/2, to + more/2
	}
	return from, to
}

// steps are round figures between two others, at most mostTicks.
func steps(from, to float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10(to-from))-1)
	for _, by := range []float64{1, 2, 5, 10, 20, 50, 100} {
		if n := (to - from) / (step * by); n < mostTicks {
			step *= by
			break
		}
	}
	var out []float64
	for n := math.Ceil(from / step); n*step <= to; n++ {
		out = append(out, math.Round(n*step*1e6)/1e6+0)
	}
	return out
}

func gateOf(t *reconcile.Trace, s scale) *gateBand {
	if t.GateOn.IsZero() {
		return nil
	}
	off := t.GateOff
	if off.IsZero() {
		off = t.To
	}
	from, to := max(0, s.x(since(t, t.GateOn))), min(field, s.x(since(t, off)))
	if to <= from {
		return nil
	}
	return &gateBand{percent(from), percent(to - from)}
}

// draw makes the paths of a tag; it tells whether reads have no strength. Marks on the same place are drawn once.
func (l *chartLine) draw(t *reconcile.Trace, x *reconcile.TagTrace, s scale) (unheard bool) {
	var line strings.Builder
	marks := map[string]*strings.Builder{"inside": {}, "outside": {}, "middle": {}}
	last := map[*strings.Builder]string{}
	for _, r := range x.Reads {
		at, dBm := s.x(since(t, r.At)), s.low
		if r.HasRSSI {
			dBm = float64(r.RSSI) / 100
		}
		point := fmt.Sprintf("%.0f %.0f", at, s.y(dBm))
		b := marks[r.Side]
		if b == nil {
			b = marks["middle"]
		}
		if last[b] != point {
			last[b] = point
			fmt.Fprintf(b, "M%sh0", point)
		}
		if !r.HasRSSI {
			unheard = true
		} else if last[&line] != point {
			fmt.Fprintf(&line, "%s%s", letter(line.Len() == 0), point)
			last[&line] = point
		}
	}
	l.Path, l.Inside, l.Middle, l.Outside = line.String(), marks["inside"].String(), marks["middle"].String(), marks["outside"].String()
	return unheard
}
