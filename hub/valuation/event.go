package valuation

import (
	"cmp"
	"time"

	"github.com/tallydock/tallydock/hub/ledger"
)

// Side is one end of a flow of goods: an area, or a place outside of all areas.
type Side struct {
	Area    string
	Outside ledger.Location // "" for an area
}

// Inside reports whether goods have a value on this side.
func (s Side) Inside() bool { return s.Outside == "" }

// Areas tells where value lies: the side on which goods are when they are at a location. It must always give the same
// answer for a location at which goods were.
type Areas func(ledger.Location) Side

// Company has the whole company as one area, named "".
func Company(l ledger.Location) Side {
	switch l {
	case ledger.Supplier, ledger.Customer, ledger.Production, ledger.Loss:
		return Side{Outside: l}
	}
	return Side{}
}

// BySite has an area for each site, named like it, and one for what is in transit.
func BySite(site func(ledger.Location) string) Areas {
	return func(l ledger.Location) Side {
		s := Company(l)
		switch {
		case l == ledger.InTransit:
			s.Area = l
		case s.Inside():
			s.Area = site(l)
		}
		return s
	}
}

// Method is how the cost of goods that leave is found.
type Method string

// The methods.
const (
	Average Method = "average" // each unit costs as much as any other that is there
	FIFO    Method = "fifo"    // what came first goes first
)

// Key names a line of a movement, a change of method (line 0 of its id), or a line of a statement of costs.
type Key struct {
	Movement string `json:"m"`
	Line     int    `json:"l,omitempty"`
}

// Compare orders keys: ids of movements rise with the time at which they were recorded.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Movement, o.Movement), cmp.Compare(k.Line, o.Line))
}

// Moment is a place in the order in which events count.
type Moment struct {
	At  time.Time `json:"at"` // when it took effect, whole microseconds
	Key `json:"key"`
}

// Compare orders moments: by time, then by key.
func (m Moment) Compare(o Moment) int { return cmp.Or(m.At.Compare(o.At), m.Key.Compare(o.Key)) }

// Before reports whether m comes before o.
func (m Moment) Before(o Moment) bool { return m.Compare(o) < 0 }

// Event is a line of the ledger that brings goods into an area or takes them out of one, a change of method, or what somebody
// said later that a line cost.
type Event struct {
	Moment
	Item     string
	From, To Side
	Quantity int64
	Value    int64  // of all of it, as the movement says of what comes in from outside; 0 = it does not
	Cost     int64  // of one unit in the catalogue, when the event was taken up
	Reverses Moment // what this takes back; zero for most
	Costs    Moment // the line that came from outside and is worth Value, which may be 0; zero for most. It has the time of that line
	Method   Method // what an item is valued by from here on; "" where goods flow

	said bool // somebody said the Value
}

// Append adds the events of a movement. reversed is when the movement that it takes back took effect.
func Append(events []Event, m *ledger.Movement, areas Areas, reversed time.Time) []Event {
	for i := range m.Lines {
		l := &m.Lines[i]
		from, to := areas(l.From), areas(l.To)
		if from == to || !from.Inside() && !to.Inside() {
			continue
		}
		e := Event{
			Moment: Moment{m.EffectiveAt, Key{m.ID, i}}, Item: l.Item, From: from, To: to, Quantity: l.Quantity, Value: max(l.Value, 0),
		}
		if m.Reverses != "" { // its lines are those of the other from the last to the first
			e.Reverses = Moment{reversed, Key{m.Reverses, len(m.Lines) - 1 - i}}
		}
		events = append(events, e)
	}
	return events
}

// reversal reports whether e takes something back.
func (e *Event) reversal() bool { return e.Reverses.Movement != "" }

// since is the first moment at which e changes anything.
func (e *Event) since() Moment {
	if e.Costs.Movement != "" {
		return e.Costs
	}
	return e.Moment
}

func bySince(a, b Event) int { return a.since().Compare(b.since()) }

// early reports whether e takes back what, by its time, is yet to come, as a clock that is ahead brings about.
func (e *Event) early() bool { return e.Moment.Before(e.Reverses) }
