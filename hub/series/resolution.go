package series

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Resolution is how finely time is told apart.
type Resolution string

// The resolutions, from the finest.
const (
	Auto        Resolution = "" // by the length of the span asked for, and the number of sensors
	Raw         Resolution = "raw"
	Minute      Resolution = "1m"
	QuarterHour Resolution = "15m"
	Hour        Resolution = "1h"
)

// Rollups are the resolutions that have buckets, from the finest.
func Rollups() []Resolution { return []Resolution{Minute, QuarterHour, Hour} }

// ParseResolution reads a resolution; "auto" is "".
func ParseResolution(s string) (Resolution, error) {
	switch r := Resolution(s); r {
	case Auto, Raw, Minute, QuarterHour, Hour:
		return r, nil
	case "auto":
		return Auto, nil
	}
	return Auto, fmt.Errorf("%w: resolution %.20q is not known; use auto, raw, 1m, 15m or 1h", fault.Invalid, s)
}

// Width is the length of the resolution's buckets; 0 where it has none.
func (r Resolution) Width() time.Duration {
	switch r {
	case Minute:
		return time.Minute
	case QuarterHour:
		return 15 * time.Minute
	case Hour:
		return time.Hour
	default:
		return 0
	}
}

// Retention says how long what is kept, each by its time; 0 is for ever.
type Retention struct {
	Raw         time.Duration
	Minute      time.Duration
	QuarterHour time.Duration
	Hour        time.Duration
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// DefaultRetention is what a hub keeps where nobody says otherwise.
func DefaultRetention() Retention {
	return Retention{Raw: 30 * day, Minute: 180 * day, QuarterHour: 2 * year, Hour: 10 * year}
}

// Of is how long a resolution is kept.
func (r Retention) Of(res Resolution) time.Duration {
	switch res {
	case Minute:
		return r.Minute
	case QuarterHour:
		return r.QuarterHour
	case Hour:
		return r.Hour
	default:
		return r.Raw
	}
}

// Start is the time before which samples, or whole buckets, of a resolution may be forgotten; the zero time is never.
func (r Retention) Start(res Resolution, now time.Time) time.Time {
	keep := r.Of(res)
	if keep == 0 {
		return time.Time{}
	}
	return now.Add(-keep).Truncate(max(res.Width(), 1))
}

// Validate tells where something is kept for less long than what is finer, or for no time at all.
func (r Retention) Validate() error {
	var all []string
	names := []string{"raw", "minute", "quarter", "hour"}
	finer := r.Raw
	for i, keep := range []time.Duration{r.Raw, r.Minute, r.QuarterHour, r.Hour} {
		switch {
		case keep < 0 || keep > 0 && keep < day:
			all = append(all, fmt.Sprintf("%s is kept for %v; use 24h or more, or 0 for ever", names[i], keep))
		case keep > 0 && (finer == 0 || keep < finer):
			all = append(all, fmt.Sprintf("%s is kept for less long than %s", names[i], names[i-1]))
		}
		finer = keep
	}
	if all == nil {
		return nil
	}
	return errors.New(strings.Join(all, "; "))
}

// How much of a sensor is read for an answer, before it is thinned to MaxPoints.
const (
	autoRaw     = day           // Auto reads samples of spans up to this
	longestRaw  = 8 * day       // samples are read of no longer span: a week, and a day to move it by
	mostBuckets = 6 * MaxPoints // minutes of eight days, quarters of an hour of four months; hours have no bound
)

// Pick is the resolution that q is answered in at a time: the finest that is not finer than what q asks for, not too much
// to read, and kept from q's beginning on. Where there is none such it is Hour.
func (q Query) Pick(keep Retention, now time.Time) Resolution {
	for _, res := range []Resolution{Raw, Minute, QuarterHour} {
		if q.fits(res) && !q.From.Before(keep.Start(res, now)) {
			return res
		}
	}
	return Hour
}

func (q Query) fits(res Resolution) bool {
	span := q.To.Sub(q.From)
	switch {
	case res == Raw:
		return q.Resolution == Raw && span <= longestRaw || q.Resolution == Auto && span <= autoRaw
	default:
		return res.Width() >= q.Resolution.Width() && span/res.Width() <= mostBuckets
	}
}
