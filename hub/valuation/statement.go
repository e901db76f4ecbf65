package valuation

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Statement is what somebody said of costs: an invoice, a freight bill that was shared out.
type Statement struct {
	ID        string    `json:"id"`
	Reference string    `json:"reference"` // of the paper that says so
	Actor     string    `json:"actor"`
	At        time.Time `json:"at"` // when it was recorded
	Lines     []Said    `json:"lines"`
}

// Said is what one line that brought goods in is worth.
type Said struct {
	Movement string `json:"movement"`
	Line     int    `json:"line"`
	Value    int64  `json:"value"` // of the whole line, in 1/10000 of the currency; 0 = it cost nothing
}

// CostOf is the event of what was said of a line of m, without a key of its own. Errors: fault.Invalid.
func CostOf(m *ledger.Movement, s Said, areas Areas) (Event, error) {
	if s.Line < 0 || s.Line >= len(m.Lines) {
		return Event{}, fmt.Errorf("%w: movement %s has no line %d", fault.Invalid, m.ID, s.Line)
	}
	l := &m.Lines[s.Line]
	if areas(l.From).Inside() || !areas(l.To).Inside() || m.Reverses != "" {
		return Event{}, fmt.Errorf("%w: line %d of movement %s, from %s to %s, brings in nothing new: only what comes from outside has a cost to say",
			fault.Invalid, s.Line, m.ID, l.From, l.To)
	}
	if s.Value < 0 || s.Value > most {
		return Event{}, fmt.Errorf("%w: line %d of movement %s cannot be worth %d", fault.Invalid, s.Line, m.ID, s.Value)
	}
	at := Moment{m.EffectiveAt, Key{m.ID, s.Line}}
	return Event{Moment: Moment{At: at.At}, Item: l.Item, Value: s.Value, Costs: at}, nil
}
