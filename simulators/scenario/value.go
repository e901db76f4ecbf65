package scenario

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// TimeOfDay is a moment of each day, since midnight.
type TimeOfDay time.Duration

// UnmarshalYAML reads "08:40" or "08:40:30".
func (t *TimeOfDay) UnmarshalYAML(n *yaml.Node) error {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if p, err := time.Parse(layout, n.Value); err == nil {
			*t = TimeOfDay(p.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)))
			return nil
		}
	}
	return wrong(n, "time of day %q is not written like 08:40", n.Value)
}

// wrong is an error of the kind that the decoder collects, so that all of a file's are told at once.
func wrong(n *yaml.Node, format string, args ...any) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: ", n.Line) + fmt.Sprintf(format, args...)}}
}

// String writes "08:40", with seconds where there are any.
func (t TimeOfDay) String() string {
	d := time.Duration(t)
	s := fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
	if sec := int(d.Seconds()) % 60; sec != 0 {
		s += fmt.Sprintf(":%02d", sec)
	}
	return s
}

// On is the moment on the day of d, in d's zone.
func (t TimeOfDay) On(d time.Time) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, d.Location()).Add(time.Duration(t))
}

// Contains reports whether at lies in the span, its end excluded.
func (s Span) Contains(at time.Time) bool {
	return !at.Before(s.From.On(at)) && at.Before(s.To.On(at))
}

// Money is an amount in 1/10000 of the currency.
type Money int64

// UnmarshalYAML reads a decimal number such as 12.50.
func (m *Money) UnmarshalYAML(n *yaml.Node) error {
	whole, frac, _ := strings.Cut(n.Value, ".")
	v, err := strconv.ParseUint(whole+frac+strings.Repeat("0", max(0, 4-len(frac))), 10, 63)
	if err != nil || len(frac) > 4 || v > math.MaxInt64/1000 {
		return wrong(n, "amount %q is not a positive decimal number with at most four decimals", n.Value)
	}
	*m = Money(v)
	return nil
}

// String writes the amount with two decimals, four where they are needed.
func (m Money) String() string {
	s := fmt.Sprintf("%d.%04d", m/10000, m%10000)
	return strings.TrimSuffix(s, "00")
}
