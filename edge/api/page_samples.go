package api

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/edge/recording"
)

// sampleLine is a channel on the page.
type sampleLine struct {
	sample
	Glyph alarmCount
	Text  string // of the value
	When  *time.Time
	Moot  bool   // it was not measured, and says nothing
	Old   bool   // nothing was heard for so long that the value says little of now
	Spark string // path of the last hour, 120 by 24
	Range string // its lowest and highest value
}

// oldAfter is when a value's age is worth a look.
const oldAfter = 15 * time.Minute

func (s *Server) samplesPage(_ *http.Request, v *view) (any, error) {
	var lines []sampleLine
	for _, x := range s.sampleList() {
		l := sampleLine{sample: x, Text: "–", Moot: x.Value == nil || !measured(x.Quality), When: &x.At, Old: x.Age > oldAfter.Seconds(), Glyph: alarmCount{P: int(alarm.Quality)}}
		if x.Value != nil {
			l.Text = figure(x.Value, "")
		}
		if low, high, ok := extremes(x.Trend); ok {
			l.Spark = spark(x.Trend, low, high, v.Now)
			l.Range = v.Fill("range", "low", figure(&low, ""), "high", figure(&high, ""))
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// Geometry of a sparkline.
const (
	sparkWidth, sparkHeight = 120.0, 24.0
	sparkGap                = 10 * time.Minute // of silence that leaves a gap in the line
	sparkFlat               = 0.5              // least height in the value's unit, so that noise looks like noise
)

func extremes(trend []span) (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, t := range trend {
		low, high = min(low, t.Low), max(high, t.High)
	}
	return low, high, len(trend) > 0
}

// spark draws the last hour as a band between what was lowest and highest in each span. A gap is a gap.
func spark(trend []span, low, high float64, now time.Time) string {
	middle, half := (low+high)/2, max(high-low, sparkFlat)/2
	y := func(v float64) float64 { return 2 + (sparkHeight-4)*(middle+half-v)/(2*half) }
	x := func(t time.Time) float64 {
		return max(0, min(sparkWidth, sparkWidth*(1-float64(now.Sub(t)-recording.SpanLength)/float64(time.Hour))))
	}
	var b strings.Builder
	for i := 0; i < len(trend); {
		end := i + 1
		for end < len(trend) && trend[end].At.Sub(trend[end-1].At) <= sparkGap {
			end++
		}
		for k := i; k < end; k++ {
			fmt.Fprintf(&b, "%s%.1f %.1f", letter(k == i), x(trend[k].At), y(trend[k].High))
		}
		for k := end - 1; k >= i; k-- {
			fmt.Fprintf(&b, "L%.1f %.1f", x(trend[k].At), y(trend[k].Low))
		}
		b.WriteByte('z')
		i = end
	}
	return b.String()
}

// letter is how a path goes to its next point.
func letter(first bool) string {
	if first {
		return "M"
	}
	return "L"
}

// measured tells whether a value of a quality was measured.
func measured(quality string) bool {
	q, err := devices.ParseQuality(quality)
	return err == nil && q.Measured()
}
