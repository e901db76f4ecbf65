package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
)

// Transfer asks that goods go from one place and state to another: a quantity, or the goods with certain tags.
type Transfer struct {
	ID, Key   string
	Item      string
	Lot       string
	Tags      []devices.Tag // in place of Item, Lot and Quantity
	Quantity  int64
	From      Location
	FromState State // "" = Available
	To        Location
	ToState   State  // "" = as FromState
	Kind      Kind   // "" = by the places
	Value     int64  // of all of it, in 1/10000 of the currency; 0 = not said
	Held      string // id of the reservation that it takes from; "" = none
	Actor     string
	Source    string
	At        time.Time // when it happened
	Recorded  time.Time

	Made Movement // by Do
}

var _ Command = (*Transfer)(nil)

// fill fills in what was left out.
func (t *Transfer) fill() {
	if t.FromState == "" {
		t.FromState = Available
	}
	if t.ToState == "" {
		t.ToState = t.FromState
	}
	if t.At.IsZero() {
		t.At = t.Recorded
	}
	if t.Kind == "" {
		t.Kind = kindBetween(t.From, t.To)
	}
}

// kindBetween names a movement by its places.
func kindBetween(from, to Location) Kind {
	switch {
	case from == to:
		return Regrade
	case from == Production || to == Production:
		return Make
	default:
		return kindOf(from, to, "")
	}
}

// Check reports what cannot be right.
func (t *Transfer) Check() error {
	t.fill()
	var errs []error
	if t.ID == "" || t.Key == "" {
		errs = append(errs, errors.New("id and key are needed"))
	}
	if len(t.Tags) == 0 && (t.Item == "" || t.Quantity <= 0) {
		errs = append(errs, errors.New("an item with a quantity of more than 0 is needed, or tags"))
	}
	if len(t.Tags) > 0 && (t.Item != "" || t.Quantity != 0 || t.Held != "") {
		errs = append(errs, errors.New("tags say what and how much themselves: leave item, quantity and reservation out"))
	}
	if t.From == "" || t.To == "" {
		errs = append(errs, errors.New("from and to are needed"))
	}
	if t.From == t.To && t.FromState == t.ToState {
		errs = append(errs, fmt.Errorf("from and to are both %s, %s", t.To, t.ToState))
	}
	for _, s := range []State{t.FromState, t.ToState} {
		if !slices.Contains(States, s) {
			errs = append(errs, fmt.Errorf("goods have no state %q; they have %v", s, States))
		}
	}
	if t.Value < 0 {
		errs = append(errs, fmt.Errorf("value %d is less than 0", t.Value))
	}
	return invalid("movement", errs)
}

// Needs says what Do reads.
func (t *Transfer) Needs() Needs {
	n := Needs{Keys: []string{t.Key}, Tags: t.Tags}
	if t.Item != "" {
		n.Places = []ItemAt{{t.Item, t.From}, {t.Item, t.To}}
	}
	if t.Held != "" {
		n.Reservations = []string{t.Held}
	}
	return n
}

// Do moves all of it, or nothing. What is reserved for others stays. Errors: ErrShort, ErrDuplicate; fault.Conflict where a
// tag is elsewhere, or a reservation does not hold as much.
func (t *Transfer) Do(b Books) error {
	if err := once(b, t.Key); err != nil {
		return err
	}
	m := Movement{
		ID: t.ID, Kind: t.Kind, Source: t.Source, EffectiveAt: t.At, RecordedAt: t.Recorded, Actor: t.Actor, Key: t.Key,
	}
	var held *Reservation
	var err error
	switch {
	case len(t.Tags) > 0:
		m.Lines, err = t.tagLines(b)
	default:
		m.Lines, held, err = t.quantityLines(b)
	}
	if err != nil {
		return err
	}
	if err := b.Post(m); err != nil {
		return err
	}
	if held != nil {
		if err := b.PutReservation(*held); err != nil {
			return err
		}
	}
	t.Made = m
	return nil
}

func (t *Transfer) line(item, lot string, tag devices.Tag, quantity int64) Line {
	return Line{
		Item: item, Lot: lot, Tag: tag, From: t.From, FromState: t.FromState, To: t.To, ToState: t.ToState, Quantity: quantity,
	}
}

func (t *Transfer) tagLines(b Books) (lines []Line, err error) {
	for _, tag := range t.Tags {
		at, err := b.Position(tag)
		switch {
		case err != nil:
			return nil, err
		case at == nil:
			return nil, fmt.Errorf("%w: %s was never seen anywhere", fault.Conflict, tag)
		case at.Location != t.From || at.State != t.FromState:
			return nil, fmt.Errorf("%w: %s is at %s, %s, not at %s, %s", fault.Conflict, tag, at.Location, at.State, t.From, t.FromState)
		}
		lines = append(lines, t.line(at.Item, at.Lot, tag, at.Quantity))
	}
	return lines, nil
}

// quantityLines takes a quantity from the lots that there are: of the one that was named, or of those that expire first.
func (t *Transfer) quantityLines(b Books) (lines []Line, held *Reservation, err error) {
	if IsVirtual(t.From) { // the world outside has as much as it takes
		l := t.line(t.Item, t.Lot, devices.Tag{}, t.Quantity)
		l.Value = t.Value
		return []Line{l}, nil, nil
	}
	if t.Held != "" {
		v, err := b.Reservation(t.Held)
		if err != nil {
			return nil, nil, err
		}
		if v.Item != t.Item {
			return nil, nil, fmt.Errorf("%w: reservation %s is of item %s", fault.Conflict, v.ID, v.Item)
		}
		held = &v
	}
	have, err := t.have(b)
	if err != nil {
		return nil, nil, err
	}
	left := t.Quantity
	for _, h := range have {
		n := min(left, h.Free())
		if held != nil {
			n = min(left, held.holds(h.Lot, t.From))
		}
		if n <= 0 {
			continue
		}
		if held != nil {
			if err := held.take(h.Lot, t.From, n); err != nil {
				return nil, nil, err
			}
		}
		lines = append(lines, t.line(t.Item, h.Lot, devices.Tag{}, n))
		left -= n
	}
	if left > 0 {
		return nil, nil, short(t.Item, t.Quantity, t.Quantity-left, t.From)
	}
	return t.spreadValue(lines), held, nil
}

// have gives the balances that may serve, those that expire first before the others.
func (t *Transfer) have(b Books) ([]Balance, error) {
	return Stocked(b, t.Item, t.Lot, t.From, t.FromState)
}

// Stocked gives the balances of an item in a state at a place, of one lot or ("") of all, those that expire first before the
// others.
func Stocked(b Books, item, lot string, at Location, in State) ([]Balance, error) {
	all, err := b.Balances(item, at)
	if err != nil {
		return nil, err
	}
	expiry, err := b.Expiry(item)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(h Balance) bool { return h.State != in || lot != "" && h.Lot != lot })
	slices.SortStableFunc(all, func(a, b Balance) int { return sooner(expiry[a.Lot], expiry[b.Lot]) })
	return all, nil
}

// spreadValue shares the value out by quantity; the last line has what rounding leaves.
func (t *Transfer) spreadValue(lines []Line) []Line {
	left, quantity := t.Value, t.Quantity
	for i := range lines {
		v := left
		if quantity != lines[i].Quantity {
			v = mulDiv(left, lines[i].Quantity, quantity)
		}
		lines[i].Value = v
		left, quantity = left-v, quantity-lines[i].Quantity
	}
	return lines
}

// holds is how much v still keeps of a lot at a place.
func (v *Reservation) holds(lot string, at Location) (n int64) {
	for _, h := range v.Holds {
		if h.Location == at && h.Lot == lot {
			n += h.Left()
		}
	}
	return n
}
