package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
)

// CountState is where a count stands:
//
//	open → submitted → posted
//	  ↓        ↓
//	cancelled  rejected
type CountState string

// The states of a count.
const (
	CountOpen      CountState = "open"      // people and readers say what they find
	CountSubmitted CountState = "submitted" // compared with the books; waits for approval
	CountPosted    CountState = "posted"    // approved; the books say what was found
	CountRejected  CountState = "rejected"  // not believed; nothing was changed
	CountCancelled CountState = "cancelled" // given up before it was compared
)

// Count is one look at what is really there: a sweep by RFID, or a count by hand, of some places.
type Count struct {
	ID        string // UUIDv7
	Key       string // idempotency key, unique; "" = none. It is not read back
	State     CountState
	Site      string
	Locations []Location
	// Complete: what was not counted by hand is not there. Otherwise only what was named is compared. Tags are always
	// compared completely where a location was swept.
	Complete bool
	OpenedBy string
	OpenedAt time.Time
	// SubmittedBy is who said that it is done, and when.
	SubmittedBy string
	SubmittedAt time.Time
	DecidedBy   string
	DecidedAt   time.Time
	Reason      string // of the decision
	Movement    string // that posted it; "" for none
	// Variance is the value of what is missing and of what is too much, both counted as more than 0, in 1/10000 of the
	// currency.
	Variance int64
	Lines    []CountLine
	Unknown  []devices.Tag // seen, and on no item of the catalogue
}

// CountKey keeps the keys of counts apart from those of movements.
func CountKey(key string) string { return "opened/" + key }

// CountLine is a difference between the books and what was found, or an agreement by hand.
type CountLine struct {
	Location  Location
	Item, Lot string
	State     State
	Tag       devices.Tag // zero for goods without a serial identity
	Expected  int64
	Counted   int64
	// From is where the books had a tag that was found here; "" where it is only missing, or by hand.
	From      Location
	FromState State
	Basis     string // id of the movement by which the tag was where the books had it
	Value     int64  // of the difference, by the item's cost; with its sign
	Outcome   string // once posted: why the line was left out; "" where it was not
}

// Difference is what is there beyond what was expected.
func (l CountLine) Difference() int64 { return l.Counted - l.Expected }

// ByHand is what a person counted of goods without tags.
type ByHand struct {
	Location  Location
	Item, Lot string
	Quantity  int64
	Actor     string
	At        time.Time
}

// Sighting is a tag that a sweep found.
type Sighting struct {
	Tag      devices.Tag
	Location Location
	At       time.Time
}

// ItemLot names a lot of an item.
type ItemLot struct{ Item, Lot string }

// Shelf is what the books say of the places of a count.
type Shelf struct {
	Swept    []Location // places with at least one sighting, or that were swept and empty
	Seen     []Sighting // the last of each tag
	Counted  []ByHand
	Tags     []Position                // that are at the places by the books
	Strays   map[devices.Tag]*Position // where the books have seen tags that they do not have at the places; nil = never
	Known    map[devices.Tag]ItemLot   // what strays are on; absent = nobody knows
	Units    map[devices.Tag]int64     // that strays stand for
	Balances []Balance
	Cost     map[string]int64 // of one unit, by item
}

// Compare finds the differences between what was found and the books. Goods that moved since the count was opened are
// left out: the books know of them more than the count does.
func (c Count) Compare(s Shelf) (lines []CountLine, unknown []devices.Tag) {
	seen := map[devices.Tag]Sighting{}
	for _, v := range s.Seen {
		seen[v.Tag] = v
	}
	tagged := map[Balance]int64{}
	for _, p := range s.Tags {
		k := Balance{Item: p.Item, Lot: p.Lot, Location: p.Location, State: p.State}
		tagged[k] += p.Quantity
		v, was := seen[p.Tag]
		if was {
			s.Strays[p.Tag] = &p
		}
		if was && v.Location == p.Location || !slices.Contains(s.Swept, p.Location) || p.Since.After(c.OpenedAt) || p.SeenAt.After(c.OpenedAt) {
			continue
		}
		if !was {
			lines = append(lines, CountLine{
				Location: p.Location, Item: p.Item, Lot: p.Lot, State: p.State, Tag: p.Tag, Expected: p.Quantity, Basis: p.Movement,
				Value: -p.Quantity * s.Cost[p.Item],
			})
		}
	}
	for _, v := range s.Seen {
		l, known, news := c.stray(s, v)
		switch {
		case !known:
			unknown = append(unknown, v.Tag)
		case news:
			lines = append(lines, l)
		}
	}
	lines = append(lines, c.byHand(s, tagged)...)
	slices.SortFunc(lines, func(a, b CountLine) int {
		return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Lot, b.Lot), a.Tag.Compare(b.Tag))
	})
	slices.SortFunc(unknown, devices.Tag.Compare)
	return lines, unknown
}

// stray is a tag that was seen: news where the books have it elsewhere.
func (c Count) stray(s Shelf, v Sighting) (l CountLine, known, news bool) {
	l = CountLine{Location: v.Location, Tag: v.Tag, State: Available, From: Loss, FromState: Available}
	if at := s.Strays[v.Tag]; at != nil {
		if at.Location == v.Location && at.State != StateUnseen || at.Since.After(v.At) {
			return l, true, false
		}
		l.Item, l.Lot, l.Counted, l.From, l.FromState, l.Basis = at.Item, at.Lot, at.Quantity, at.Location, at.State, at.Movement
		if at.State == Quarantined {
			l.State = Quarantined
		}
		if IsVirtual(at.Location) {
			l.Value = at.Quantity * s.Cost[at.Item]
		}
		return l, true, true
	}
	on, known := s.Known[v.Tag]
	l.Item, l.Lot, l.Counted = on.Item, on.Lot, max(s.Units[v.Tag], 1)
	l.Value = l.Counted * s.Cost[on.Item]
	return l, known, true
}

// byHand compares what people counted with what the books have without tags.
func (c Count) byHand(s Shelf, tagged map[Balance]int64) (lines []CountLine) {
	counted := map[Balance]int64{}
	for _, h := range s.Counted {
		counted[Balance{Item: h.Item, Lot: h.Lot, Location: h.Location, State: Available}] = h.Quantity
	}
	expected := map[Balance]int64{}
	for _, b := range s.Balances {
		k := Balance{Item: b.Item, Lot: b.Lot, Location: b.Location, State: b.State}
		if b.State == Available {
			expected[k] = b.Quantity - tagged[k]
		}
	}
	for k, n := range expected {
		if _, said := counted[k]; !said && c.Complete && n != 0 {
			counted[k] = 0
		}
	}
	for k, n := range counted {
		lines = append(lines, CountLine{
			Location: k.Location, Item: k.Item, Lot: k.Lot, State: Available, Expected: expected[k], Counted: n,
			Value: (n - expected[k]) * s.Cost[k.Item],
		})
	}
	return lines
}

// Submitted is c with what the comparison found. Errors: fault.Conflict where it is not open.
func (c Count) Submitted(lines []CountLine, unknown []devices.Tag, actor string, at time.Time) (Count, error) {
	if err := c.must(CountOpen, "submit"); err != nil {
		return c, err
	}
	c.State, c.Lines, c.Unknown, c.SubmittedBy, c.SubmittedAt, c.Variance = CountSubmitted, lines, unknown, actor, at, 0
	for _, l := range lines {
		c.Variance += max(l.Value, -l.Value)
	}
	return c, nil
}

// Takes reports whether what is found at a place can be said now. Errors: fault.Conflict, fault.Invalid.
func (c Count) Takes(at Location) error {
	if err := c.must(CountOpen, "add to"); err != nil {
		return err
	}
	if !slices.Contains(c.Locations, at) {
		return fmt.Errorf("%w: location %q is not one of this count: %v", fault.Invalid, at, c.Locations)
	}
	return nil
}

// Cancelled is c given up. Errors: fault.Conflict where it is not open.
func (c Count) Cancelled(actor string, at time.Time) (Count, error) {
	err := c.must(CountOpen, "cancel")
	if err == nil {
		c.State, c.DecidedBy, c.DecidedAt = CountCancelled, actor, at
	}
	return c, err
}

func (c Count) must(state CountState, act string) error {
	if c.State != state {
		return fmt.Errorf("%w: cannot %s a count that is %s", fault.Conflict, act, c.State)
	}
	return nil
}

// Decided is c after somebody approved or rejected it. Who submitted a count may approve it only where its variance is
// worth no more than alone. Errors: fault.Conflict; fault.Forbidden; fault.Invalid for a rejection without a reason.
func (c Count) Decided(approve bool, actor, reason string, at time.Time, alone int64) (Count, error) {
	if err := c.must(CountSubmitted, "decide on"); err != nil {
		return c, err
	}
	if !approve && reason == "" {
		return c, fmt.Errorf("%w: say why the count is rejected", fault.Invalid)
	}
	if approve && actor == c.SubmittedBy && c.Variance > alone {
		return c, fmt.Errorf("%w: a variance of this value needs the approval of somebody who did not submit it", fault.Forbidden)
	}
	c.State = CountRejected
	if approve {
		c.State = CountPosted
	}
	c.DecidedBy, c.DecidedAt, c.Reason = actor, at, reason
	return c, nil
}

// Adjust makes the movement by which the books say what was counted; one without lines where nothing differs. Lines that
// the books no longer stand to as they did are left out, and say so.
func (c *Count) Adjust(b Books, id string, recorded time.Time) (Movement, error) {
	m := Movement{
		ID: id, Kind: Adjust, Source: "count:" + c.ID, EffectiveAt: recorded, RecordedAt: recorded, Actor: c.DecidedBy, Key: "count/" + c.ID,
	}
	for i := range c.Lines {
		l := &c.Lines[i]
		line, why, err := l.adjust(b)
		if err != nil {
			return m, err
		}
		if l.Outcome = why; why == "" && line.Quantity > 0 {
			m.Lines = append(m.Lines, line)
		}
	}
	return m, nil
}

func (l CountLine) adjust(b Books) (line Line, why string, err error) {
	line = Line{
		Item: l.Item, Lot: l.Lot, Tag: l.Tag, From: l.Location, FromState: l.State, To: Loss, ToState: Available, Quantity: -l.Difference(),
	}
	if l.Difference() > 0 {
		line.From, line.FromState, line.To, line.ToState, line.Quantity = Loss, Available, l.Location, l.State, l.Difference()
	}
	if !l.Tag.IsZero() {
		at, err := b.Position(l.Tag)
		switch {
		case err != nil:
			return line, "", err
		case at == nil && l.Basis != "" || at != nil && at.Movement != l.Basis:
			return line, "it has moved since it was counted", nil
		case l.From != "":
			line.From, line.FromState = l.From, l.FromState
		}
		return line, "", nil
	}
	if l.Difference() >= 0 {
		return line, "", nil
	}
	have, err := b.Balances(l.Item, l.Location)
	for _, h := range have {
		if h.Lot == l.Lot && h.State == l.State && h.Quantity >= line.Quantity {
			return line, "", err
		}
	}
	return line, "less is there by now than is to be taken off", err
}
