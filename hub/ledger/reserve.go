package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// ReservationState is where a reservation stands.
type ReservationState string

// The states of a reservation.
const (
	Held      ReservationState = "held"      // it keeps goods for somebody
	Fulfilled ReservationState = "fulfilled" // all that it kept was taken
	Released  ReservationState = "released"  // given up, with what was not taken
)

// Reservation keeps goods for somebody until they are taken or it is released.
type Reservation struct {
	ID       string // UUIDv7
	Key      string // idempotency key, unique
	Item     string
	Quantity int64
	For      string // what for: an order's number, say
	Actor    string
	At       time.Time
	Expires  time.Time // zero: never
	State    ReservationState
	Holds    []Hold
}

// ReservationFilter chooses reservations; an empty field chooses all.
type ReservationFilter struct {
	State  ReservationState
	Item   string
	Before string // id of the last one of the page before
	Limit  int    // 1 to 500; 0 = 100
}

// ReservationKey keeps the keys of reservations apart from those of movements.
func ReservationKey(key string) string { return "reservation/" + key }

// Hold is a part of a reservation: so much of one lot at one place.
type Hold struct {
	Lot      string
	Location Location
	Quantity int64
	Taken    int64 // of Quantity
}

// Left is what the hold still keeps.
func (h Hold) Left() int64 { return h.Quantity - h.Taken }

// Reserve asks that a quantity be kept for somebody: of the lots that expire first, at the places in the order in which
// they are named.
type Reserve struct {
	ID, Key  string
	Item     string
	Lot      string // "" = any
	Places   []Location
	Quantity int64
	For      string
	Actor    string
	At       time.Time
	Expires  time.Time

	Made Reservation // by Do
}

var _ Command = (*Reserve)(nil)

// Check reports what cannot be right.
func (r *Reserve) Check() error {
	var errs []error
	if r.ID == "" || r.Key == "" || r.Item == "" {
		errs = append(errs, errors.New("id, key and item are needed"))
	}
	if r.Quantity <= 0 {
		errs = append(errs, fmt.Errorf("quantity %d; more than 0 is needed", r.Quantity))
	}
	if len(r.Places) == 0 {
		errs = append(errs, errors.New("no place is named"))
	}
	for _, p := range r.Places {
		if IsVirtual(p) {
			errs = append(errs, fmt.Errorf("nothing can be reserved at %s", p))
		}
	}
	if !r.Expires.IsZero() && !r.Expires.After(r.At) {
		errs = append(errs, errors.New("it expires before it begins"))
	}
	return invalid("reservation", errs)
}

func invalid(what string, errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", fault.Invalid, what, errors.Join(errs...))
}

// Needs says what Do reads.
func (r *Reserve) Needs() Needs {
	n := Needs{Keys: []string{ReservationKey(r.Key)}}
	for _, p := range r.Places {
		n.Places = append(n.Places, ItemAt{r.Item, p})
	}
	return n
}

// Do reserves all of it, or nothing. Errors: ErrShort, ErrDuplicate.
func (r *Reserve) Do(b Books) error {
	if err := once(b, ReservationKey(r.Key)); err != nil {
		return err
	}
	free, err := r.free(b)
	if err != nil {
		return err
	}
	made := Reservation{
		ID: r.ID, Key: r.Key, Item: r.Item, Quantity: r.Quantity, For: r.For, Actor: r.Actor, At: r.At, Expires: r.Expires, State: Held,
	}
	left := r.Quantity
	for _, f := range free {
		if take := min(left, f.Free()); take > 0 {
			made.Holds = append(made.Holds, Hold{Lot: f.Lot, Location: f.Location, Quantity: take})
			left -= take
		}
	}
	if left > 0 {
		return short(r.Item, r.Quantity, r.Quantity-left, strings.Join(r.Places, ", "))
	}
	if err := b.PutReservation(made); err != nil {
		return err
	}
	r.Made = made
	return nil
}

// free gives the balances that may serve, those that expire first before the others.
func (r *Reserve) free(b Books) (free []Balance, err error) {
	for _, p := range r.Places {
		all, err := b.Balances(r.Item, p)
		if err != nil {
			return nil, err
		}
		for _, have := range all {
			if have.State == Available && have.Free() > 0 && (r.Lot == "" || r.Lot == have.Lot) {
				free = append(free, have)
			}
		}
	}
	expiry, err := b.Expiry(r.Item)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(free, func(a, b Balance) int { return sooner(expiry[a.Lot], expiry[b.Lot]) })
	return free, nil
}

// sooner orders times, with none at the end.
func sooner(a, b time.Time) int {
	if a.IsZero() || b.IsZero() {
		return cmp.Compare(truth(a.IsZero()), truth(b.IsZero()))
	}
	return a.Compare(b)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Release gives a reservation up.
type Release struct {
	ID string

	Made Reservation // by Do
}

var _ Command = (*Release)(nil)

// Check reports what cannot be right.
func (r *Release) Check() error { return nil }

// Needs says what Do reads.
func (r *Release) Needs() Needs { return Needs{Reservations: []string{r.ID}} }

// Do releases what was not taken. Errors: fault.NotFound; fault.Conflict where it does not hold any longer.
func (r *Release) Do(b Books) error {
	v, err := b.Reservation(r.ID)
	if err != nil {
		return err
	}
	if v.State != Held {
		return fmt.Errorf("%w: reservation %s is %s already", fault.Conflict, v.ID, v.State)
	}
	v.State = Released
	if err := b.PutReservation(v); err != nil {
		return err
	}
	r.Made = v
	return nil
}

// take takes a quantity of a lot at a place out of what v holds. Errors: fault.Conflict where it does not hold as much.
func (v *Reservation) take(lot string, at Location, quantity int64) error {
	if v.State != Held {
		return fmt.Errorf("%w: reservation %s is %s", fault.Conflict, v.ID, v.State)
	}
	holds, left, rest := slices.Clone(v.Holds), quantity, int64(0)
	for i := range holds {
		h := &holds[i]
		if h.Location == at && (lot == "" || h.Lot == lot) {
			n := min(left, h.Left())
			h.Taken += n
			left -= n
		}
		rest += h.Left()
	}
	if left > 0 {
		return fmt.Errorf("%w: reservation %s holds %d less than the %d that are to be taken at %s", fault.Conflict, v.ID, left, quantity, at)
	}
	v.Holds = holds
	if rest == 0 {
		v.State = Fulfilled
	}
	return nil
}
