package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

// errOtherSites is for what is partly within reach: who asks sees it, and cannot change it alone.
var errOtherSites = fault.New(fault.Forbidden, "it is about places of other sites too: somebody who may do this there must do it")

// real reports whether a place within reach is one of a site.
func (r reach) real(location string) bool { return !ledger.IsVirtual(location) && r.place(location) }

// open reports whether goods may be taken from a place, or be given to it: it is within reach, or the world outside.
func (r reach) open(location string) bool { return ledger.IsVirtual(location) || r.place(location) }

// allows refuses a movement that is not between places within reach and the world outside.
func (r reach) allows(m ledger.Movement) error {
	if r.all {
		return nil
	}
	for _, l := range m.Lines {
		if !r.open(l.From) || !r.open(l.To) || !r.real(l.From) && !r.real(l.To) {
			return errOtherSites
		}
	}
	return nil
}

// boundBooks lets people move, reserve and pack what is within reach.
type boundBooks struct {
	Books
	movements Movements
	bounds    bounds
}

// Do does a command on the books within reach.
func (b boundBooks) Do(ctx context.Context, c ledger.Command) error {
	r, err := b.bounds.of(ctx)
	if err != nil {
		return err
	}
	if !r.all {
		c = fencedCommand{c, r}
	}
	return b.Books.Do(ctx, c)
}

// Reverse takes a movement within reach back.
func (b boundBooks) Reverse(ctx context.Context, id, actor string) (ledger.Movement, error) {
	m, err := b.movements.Movement(ctx, id)
	if m, err = found(ctx, b.bounds, m, err, reach.touches, "movement", id); err != nil {
		return ledger.Movement{}, err
	}
	r, err := b.bounds.of(ctx)
	if err == nil {
		err = r.allows(m)
	}
	if err != nil {
		return ledger.Movement{}, err
	}
	return b.Books.Reverse(ctx, id, actor)
}

// Balances are those of the sites within reach.
func (b boundBooks) Balances(ctx context.Context, f ledger.BalanceFilter) (page []ledger.Balance, next string, err error) {
	r, err := b.bounds.of(ctx)
	if err != nil {
		return nil, "", err
	}
	if !r.all {
		if len(r.sites) == 0 {
			return nil, "", nil
		}
		f.Sites = r.sites
	}
	return b.Books.Balances(ctx, f)
}

// fencedCommand does a command on the books within reach.
type fencedCommand struct {
	ledger.Command
	reach reach
}

// Do does it.
func (c fencedCommand) Do(b ledger.Books) error { return c.Command.Do(fence{b, c.reach}) }

// fence is around the books within reach: what is elsewhere is not there to be read, and is not written.
type fence struct {
	ledger.Books
	reach reach
}

// Balances are none elsewhere.
func (f fence) Balances(item string, at ledger.Location) ([]ledger.Balance, error) {
	if !f.reach.open(at) {
		return nil, nil
	}
	return f.Books.Balances(item, at)
}

// Position is that of a tag within reach, or in the world outside.
func (f fence) Position(tag devices.Tag) (*ledger.Position, error) {
	at, err := f.Books.Position(tag)
	if at != nil && !f.reach.open(at.Location) {
		at = nil
	}
	return at, err
}

// Post records a movement within reach.
func (f fence) Post(m ledger.Movement) error {
	if err := f.reach.allows(m); err != nil {
		return err
	}
	return f.Books.Post(m)
}

// Reservation is one that holds something within reach.
func (f fence) Reservation(id string) (ledger.Reservation, error) {
	v, err := f.Books.Reservation(id)
	if err == nil && !f.reach.holds(v) {
		return ledger.Reservation{}, fmt.Errorf("reservation %s: %w", id, fault.NotFound)
	}
	return v, err
}

// PutReservation stores one that changes nothing of what is held elsewhere.
func (f fence) PutReservation(v ledger.Reservation) error {
	was, err := f.Books.Reservation(v.ID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	for i, h := range v.Holds {
		same := i < len(was.Holds) && was.Holds[i] == h && (was.State == v.State || h.Left() == 0)
		if !same && !f.reach.place(h.Location) {
			return errOtherSites
		}
	}
	return f.Books.PutReservation(v)
}

// Contents are those of a parent that is not elsewhere.
func (f fence) Contents(parent devices.Tag) ([]devices.Tag, error) {
	here, elsewhere, err := f.look(parent, 0)
	if err == nil && elsewhere && !here {
		err = fmt.Errorf("%s: %w", parent, fault.NotFound)
	}
	if err != nil {
		return nil, err
	}
	return f.Books.Contents(parent)
}

// PutAggregation packs or unpacks what is within reach. The parent may be one that nothing is known of yet.
func (f fence) PutAggregation(a ledger.Aggregation) error {
	for _, tag := range append([]devices.Tag{a.Parent}, a.Children...) {
		here, elsewhere, err := f.look(tag, 0)
		if err != nil {
			return err
		}
		if elsewhere || !here && tag != a.Parent {
			return fmt.Errorf("%s: %w", tag, fault.NotFound)
		}
	}
	return f.Books.PutAggregation(a)
}

// mostLook is how deep packed things are looked through.
const mostLook = 8

// look reports whether a tag, or something in it, is within reach, and whether something of it is elsewhere.
func (f fence) look(tag devices.Tag, depth int) (here, elsewhere bool, err error) {
	at, err := f.Books.Position(tag)
	if err != nil {
		return false, false, err
	}
	if at != nil && !ledger.IsVirtual(at.Location) {
		here = f.reach.place(at.Location)
		elsewhere = !here
	}
	inside, err := f.Books.Contents(tag)
	for i := 0; i < len(inside) && err == nil && depth < mostLook; i++ {
		var h, e bool
		h, e, err = f.look(inside[i], depth+1)
		here, elsewhere = here || h, elsewhere || e
	}
	return here, elsewhere, err
}

// holds reports whether a reservation keeps, or kept, something within reach.
func (r reach) holds(v ledger.Reservation) bool {
	return r.all || slices.ContainsFunc(v.Holds, func(h ledger.Hold) bool { return r.place(h.Location) })
}

// part is what a reservation keeps within reach.
func (r reach) part(v ledger.Reservation) ledger.Reservation {
	if r.all {
		return v
	}
	v.Quantity = 0
	v.Holds = slices.DeleteFunc(slices.Clone(v.Holds), func(h ledger.Hold) bool { return !r.place(h.Location) })
	for _, h := range v.Holds {
		v.Quantity += h.Quantity
	}
	return v
}

type boundReservations struct {
	room   Reservations
	bounds bounds
}

// Reservation is one that keeps something within reach, and of that what is there.
func (v boundReservations) Reservation(ctx context.Context, id string) (ledger.Reservation, error) {
	one, err := v.room.Reservation(ctx, id)
	if one, err = found(ctx, v.bounds, one, err, reach.holds, "reservation", id); err != nil {
		return ledger.Reservation{}, err
	}
	r, err := v.bounds.of(ctx)
	return r.part(one), err
}

// Reservations are those that keep something within reach.
func (v boundReservations) Reservations(ctx context.Context, f ledger.ReservationFilter) ([]ledger.Reservation, string, error) {
	got, next, err := page(ctx, v.bounds, f.Before, func(before string) ([]ledger.Reservation, string, error) {
		f.Before = before
		return v.room.Reservations(ctx, f)
	}, reach.holds)
	if err != nil {
		return nil, "", err
	}
	r, err := v.bounds.of(ctx)
	for i := range got {
		got[i] = r.part(got[i])
	}
	return got, next, err
}

type boundUnits struct {
	Units
	bounds bounds
}

// Unit is a tag that is within reach, or that has something in it that is, with what of that is there.
func (u boundUnits) Unit(ctx context.Context, t devices.Tag) (ledger.Unit, error) {
	one, err := u.Units.Unit(ctx, t)
	if err != nil {
		return ledger.Unit{}, err
	}
	r, err := u.bounds.of(ctx)
	if err != nil || r.all {
		return one, err
	}
	at, err := u.Whereabouts(ctx, append([]devices.Tag{t}, one.Contents...))
	if err != nil {
		return ledger.Unit{}, err
	}
	one.Contents = slices.DeleteFunc(one.Contents, func(c devices.Tag) bool { return !r.place(at[c]) })
	place, known := at[t]
	if known && !ledger.IsVirtual(place) && !r.place(place) || !r.place(place) && len(one.Contents) == 0 {
		return ledger.Unit{}, fmt.Errorf("tag %s: %w", t, fault.NotFound)
	}
	return one, nil
}

// boundCounts lets people count at the sites within reach.
type boundCounts struct {
	room   Counts
	bounds bounds
}

func (r reach) count(c ledger.Count) bool { return r.site(c.Site) }

// hide hides where the books had what a count found here.
func (r reach) hide(c ledger.Count) ledger.Count {
	if r.all {
		return c
	}
	c.Lines = slices.Clone(c.Lines)
	for i := range c.Lines {
		if l := &c.Lines[i]; l.From != "" && !r.open(l.From) {
			l.From = elsewhere
		}
	}
	return c
}

// Counts are those at sites within reach.
func (v boundCounts) Counts(ctx context.Context, state ledger.CountState, before string, limit int) ([]ledger.Count, string, error) {
	return page(ctx, v.bounds, before, func(before string) ([]ledger.Count, string, error) {
		return v.room.Counts(ctx, state, before, limit)
	}, reach.count)
}

// Count is one of them.
func (v boundCounts) Count(ctx context.Context, id string) (ledger.Count, error) {
	return v.within(ctx, id, nil, func() (ledger.Count, error) { return v.room.Count(ctx, id) })
}

// within does something with a count at a site within reach that check, where there is one, finds nothing wrong with.
func (v boundCounts) within(ctx context.Context, id string, check func(reach, ledger.Count) error, do func() (ledger.Count, error)) (ledger.Count, error) {
	r, err := v.bounds.of(ctx)
	if err != nil {
		return ledger.Count{}, err
	}
	if r.all {
		return do()
	}
	c, err := v.room.Count(ctx, id)
	if c, err = found(ctx, v.bounds, c, err, reach.count, "count", id); err == nil && check != nil {
		err = check(r, c)
	}
	if err != nil {
		return ledger.Count{}, err
	}
	c, err = do()
	return r.hide(c), err
}

// OpenCount begins one at a site within reach.
func (v boundCounts) OpenCount(ctx context.Context, c ledger.Count) error {
	r, err := v.bounds.of(ctx)
	if err != nil {
		return err
	}
	if !r.count(c) {
		return fmt.Errorf("site %s: %w", c.Site, fault.NotFound)
	}
	return v.room.OpenCount(ctx, c)
}

// Sweep notes what was found.
func (v boundCounts) Sweep(ctx context.Context, id string, at ledger.Location, tags []devices.Tag, when time.Time) (ledger.Count, error) {
	return v.within(ctx, id, nil, func() (ledger.Count, error) { return v.room.Sweep(ctx, id, at, tags, when) })
}

// CountByHand notes what was counted.
func (v boundCounts) CountByHand(ctx context.Context, id string, h ledger.ByHand) (ledger.Count, error) {
	return v.within(ctx, id, nil, func() (ledger.Count, error) { return v.room.CountByHand(ctx, id, h) })
}

// SubmitCount compares one with the books.
func (v boundCounts) SubmitCount(ctx context.Context, id, actor string) (ledger.Count, error) {
	return v.within(ctx, id, nil, func() (ledger.Count, error) { return v.room.SubmitCount(ctx, id, actor) })
}

// DecideCount approves or rejects one. One that found what the books have at another site takes it from there: that is for
// those who may do so there too.
func (v boundCounts) DecideCount(ctx context.Context, id string, approve bool, actor, reason string, alone int64) (ledger.Count, error) {
	check := func(r reach, c ledger.Count) error {
		switch {
		case approve && c.State == ledger.CountOpen: // it has no lines yet to look at
			return fmt.Errorf("%w: count %s is %s", fault.Conflict, id, c.State)
		case approve && slices.ContainsFunc(c.Lines, func(l ledger.CountLine) bool { return l.From != "" && !r.open(l.From) }):
			return errOtherSites
		}
		return nil
	}
	return v.within(ctx, id, check, func() (ledger.Count, error) { return v.room.DecideCount(ctx, id, approve, actor, reason, alone) })
}

// CancelCount gives one up.
func (v boundCounts) CancelCount(ctx context.Context, id, actor string) (ledger.Count, error) {
	return v.within(ctx, id, nil, func() (ledger.Count, error) { return v.room.CancelCount(ctx, id, actor) })
}
