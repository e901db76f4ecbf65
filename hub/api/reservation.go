package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Reservations reads reservations; a store.Ledger does.
type Reservations interface {
	// Reservation reads one. Errors: fault.NotFound.
	Reservation(ctx context.Context, id string) (ledger.Reservation, error)
	Reservations(ctx context.Context, f ledger.ReservationFilter) (page []ledger.Reservation, next string, err error)
}

// reservationRoutes are for goods that are kept for somebody.
func (s *server) reservationRoutes() []route {
	return []route{
		{"GET", "/reservations", at(tenant.StockRead), "reservations", "Reservations, newest first", answer(s, s.reservations), 0},
		{"POST", "/reservations", at(tenant.LedgerPost), "reserve", "Keep a quantity for somebody", s.reserve, 0},
		{"GET", "/reservations/{id}", at(tenant.StockRead), "reservation", "A reservation with what it holds", answer(s, s.reservation), 0},
		{"POST", "/reservations/{id}/release", at(tenant.LedgerPost), "releaseReservation", "Give up what a reservation still holds", answer(s, s.release), 0},
	}
}

// Reservation keeps goods for somebody until they are taken or it is released.
type Reservation struct {
	ID       string     `json:"id"`
	Item     string     `json:"item"`
	Quantity int64      `json:"quantity"`
	For      string     `json:"for" doc:"what for: an order's number, say"`
	Actor    string     `json:"actor"`
	At       time.Time  `json:"at"`
	Expires  *time.Time `json:"expires"`
	State    string     `json:"state" enum:"held,fulfilled,released"`
	Holds    []Hold     `json:"holds"`
}

// Hold is a part of a reservation: so much of one lot at one place.
type Hold struct {
	Lot      string `json:"lot"`
	Location string `json:"location"`
	Quantity int64  `json:"quantity"`
	Taken    int64  `json:"taken" doc:"of quantity"`
}

func reservationBody(r ledger.Reservation) Reservation {
	return Reservation{
		ID: r.ID, Item: r.Item, Quantity: r.Quantity, For: r.For, Actor: r.Actor, At: r.At.UTC(), Expires: timeOrNull(r.Expires),
		State: string(r.State), Holds: bodies(r.Holds, func(h ledger.Hold) Hold { return Hold{h.Lot, h.Location, h.Quantity, h.Taken} }),
	}
}

type reservationsInput struct {
	PageInput
	State string `query:"state" enum:"held,fulfilled,released,all" default:"held"`
	Item  string `query:"item" maxLength:"200"`
}

func (s *server) reservations(ctx context.Context, in *reservationsInput) (list[Reservation], error) {
	f := ledger.ReservationFilter{State: ledger.ReservationState(in.State), Item: in.Item, Before: in.Cursor, Limit: in.Limit}
	if in.State == "all" {
		f.State = ""
	}
	page, next, err := s.Reservations.Reservations(ctx, f)
	return pageOf(bodies(page, reservationBody), next), err
}

func (s *server) reservation(ctx context.Context, in *ByID) (Reservation, error) {
	r, err := s.Reservations.Reservation(ctx, in.ID)
	return reservationBody(r), err
}

type reserveInput struct {
	Body struct {
		Item     string     `json:"item" minLength:"1" maxLength:"64"`
		Lot      string     `json:"lot,omitempty" maxLength:"64" doc:"empty = those that expire first"`
		Places   []string   `json:"places" minItems:"1" maxItems:"500" doc:"locations, those first that shall serve first"`
		Quantity int64      `json:"quantity" minimum:"1" maximum:"1000000000000"`
		For      string     `json:"for,omitempty" maxLength:"200"`
		Expires  *time.Time `json:"expires,omitempty" doc:"left out = never"`
	}
}

func (s *server) reserve(a huma.API, op huma.Operation) {
	made(s, func(ctx context.Context, in *reserveInput) (Reservation, string, error) {
		r, err := s.reserved(ctx, in)
		return reservationBody(r), "/reservations/" + r.ID, err
	})(a, op)
}

// reserved reserves; what was reserved under the request's key already is given as it is.
func (s *server) reserved(ctx context.Context, in *reserveInput) (ledger.Reservation, error) {
	b := in.Body
	var places []spot
	for i, p := range b.Places {
		places = append(places, spot{fmt.Sprintf("#/places/%d", i), p})
	}
	if err := s.checkGoods(ctx, b.Item, places...); err != nil {
		return ledger.Reservation{}, err
	}
	c := &ledger.Reserve{
		ID: s.NewID(), Key: s.ledgerKey(ctx), Item: b.Item, Lot: b.Lot, Places: b.Places, Quantity: b.Quantity, For: b.For,
		Actor: sessionFrom(ctx).User, At: s.now(),
	}
	if b.Expires != nil {
		c.Expires = kept(*b.Expires)
	}
	err := s.Books.Do(ctx, c)
	if err == nil {
		return c.Made, nil
	}
	id, err := s.madeBefore(ctx, err, ledger.ReservationKey(c.Key))
	if err != nil {
		return ledger.Reservation{}, err
	}
	return s.Reservations.Reservation(ctx, id)
}

func (s *server) release(ctx context.Context, in *nothingInput) (Reservation, error) {
	c := &ledger.Release{ID: in.ID}
	err := s.Books.Do(ctx, c)
	return reservationBody(c.Made), err
}
