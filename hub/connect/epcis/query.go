package epcis

import (
	"cmp"
	"slices"
	"time"
)

// Query is a SimpleEventQuery (EPCIS 2.0 §8.2.7.1): conditions that all hold for the events that answer it, and how the
// answer is given. The zero Query asks for all events.
//
// Identities match however they are written, EPC URI or Digital Link, and standard words too. Each parameter is a
// condition of its own: GE_value_CEL and EQ_type need not hold for the same sensor report. A quantity or value with a
// unit is compared with those of the same unit only.
type Query struct {
	conditions []func(e *Event) bool
	bounds     Bounds
	// within are places asked for with all that is in them, canonical; WithDescendants adds what is in them.
	within struct{ readPoints, bizLocations []string }

	orderBy    string // "", eventTime, recordTime or the name of a field
	field      *reference
	rising     bool
	CountLimit int // eventCountLimit: only so many; 0 = all
	MaxCount   int // maxEventCount: it is an error where there are more; 0 = no matter how many
	PerPage    int
	After      Cursor // of nextPageToken
}

// Pages.
const (
	PerPage     = 30   // events in a page where the query does not say
	MostPerPage = 1000 // events in a page, whatever the query says
)

// Match reports whether the event answers the query.
func (q Query) Match(e Event) bool {
	if !inPlaces(q.within.readPoints, e.ReadPoint) || !inPlaces(q.within.bizLocations, e.BizLocation) {
		return false
	}
	for _, holds := range q.conditions {
		if !holds(&e) {
			return false
		}
	}
	return true
}

func inPlaces(places []string, p Place) bool {
	return places == nil || p.ID != "" && slices.Contains(places, Canonical(p.ID))
}

// Index gives what a store can narrow the query by.
func (q Query) Index() Bounds {
	b := q.bounds
	b.ReadPoints = narrower(b.ReadPoints, q.within.readPoints)
	b.BizLocations = narrower(b.BizLocations, q.within.bizLocations)
	return b
}

// narrower gives the list that narrows: both conditions hold, so either may be taken.
func narrower(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	return a
}

// Order gives the order that a store is asked for; of a query that names none, that of recording.
func (q Query) Order() Order {
	return Order{ByEventTime: q.orderBy == "eventTime", Falling: q.orderBy != "" && q.field == nil && !q.rising}
}

// WithDescendants gives the query with what is in the places that WD_ parameters name, directly or not. children gives
// the places right in one; both by Canonical names.
func (q Query) WithDescendants(children func(place string) []string) Query {
	all := func(places []string) []string {
		all := slices.Clone(places)
		for i := 0; i < len(all); i++ {
			for _, child := range children(all[i]) {
				if !slices.Contains(all, child) {
					all = append(all, child)
				}
			}
		}
		return all
	}
	q.within.readPoints, q.within.bizLocations = all(q.within.readPoints), all(q.within.bizLocations)
	return q
}

// compareField orders events by the field of orderBy, those without it last.
func (q Query) compareField(a, b Event) int {
	x, y := q.field.first(&a), q.field.first(&b)
	if x == "" || y == "" {
		return toInt(x == "") - toInt(y == "")
	}
	c := compareText(x, y)
	if !q.rising {
		return -c
	}
	return c
}

// compareText compares two values as numbers or times, where both are, else as text.
func compareText(x, y string) int {
	if c, ok := Decimal(x).Compare(Decimal(y)); ok {
		return c
	}
	if c, ok := compareTimes(x, y); ok {
		return c
	}
	return cmp.Compare(x, y)
}

func compareTimes(x, y string) (int, bool) {
	a, ok := parseTime(x)
	b, ok2 := parseTime(y)
	return a.Compare(b), ok && ok2
}

// comparison is what GE_, LT_ and so on ask.
type comparison string

const (
	equal          comparison = "EQ"
	greater        comparison = "GT"
	greaterOrEqual comparison = "GE"
	less           comparison = "LT"
	lessOrEqual    comparison = "LE"
)

// holds reports whether what a comparison gave is what is asked.
func (c comparison) holds(compared int) bool {
	switch c {
	case equal:
		return compared == 0
	case greater:
		return compared > 0
	case greaterOrEqual:
		return compared >= 0
	case less:
		return compared < 0
	default:
		return compared <= 0
	}
}

// narrow narrows a span of times as Keys have them to what the comparison lets through.
func (c comparison) narrow(s *Span, t time.Time) {
	switch {
	case c == greaterOrEqual:
		s.From = kept(t)
	case t.Equal(kept(t)):
		s.Before = kept(t)
	default:
		s.Before = kept(t).Add(time.Microsecond)
	}
}
