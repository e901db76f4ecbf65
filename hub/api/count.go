package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Counts keeps counts; a store.Ledger does. Errors of all: fault.NotFound; fault.Conflict where the count is in another
// state; fault.Invalid.
type Counts interface {
	Counts(ctx context.Context, state ledger.CountState, before string, limit int) (page []ledger.Count, next string, err error)
	// Count reads one with its lines.
	Count(ctx context.Context, id string) (ledger.Count, error)
	// OpenCount begins one. Errors: ledger.ErrDuplicate.
	OpenCount(ctx context.Context, c ledger.Count) error
	Sweep(ctx context.Context, id string, at ledger.Location, tags []devices.Tag, when time.Time) (ledger.Count, error)
	CountByHand(ctx context.Context, id string, h ledger.ByHand) (ledger.Count, error)
	SubmitCount(ctx context.Context, id, actor string) (ledger.Count, error)
	// DecideCount approves or rejects one. Errors: fault.Forbidden where who submitted it may not approve it.
	DecideCount(ctx context.Context, id string, approve bool, actor, reason string, alone int64) (ledger.Count, error)
	CancelCount(ctx context.Context, id, actor string) (ledger.Count, error)
}

// countRoutes are for looks at what is really there.
func (s *server) countRoutes() []route {
	return []route{
		{"GET", "/counts", at(tenant.StockRead), "counts", "Counts, newest first, without their lines", answer(s, s.counts), 0},
		{"POST", "/counts", at(tenant.LedgerCount), "openCount", "Begin a count", s.openCount, 256 << 10},
		{"GET", "/counts/{id}", at(tenant.StockRead), "count", "A count with its lines", answer(s, s.countOne), 0},
		{"POST", "/counts/{id}/sweeps", at(tenant.LedgerCount), "sweep", "Say which tags a sweep found at a place", answer(s, s.sweep), 8 << 20},
		{"POST", "/counts/{id}/hand", at(tenant.LedgerCount), "countByHand", "Say how much of an item a person counted at a place", answer(s, s.byHand), 0},
		{"POST", "/counts/{id}/submit", at(tenant.LedgerCount), "submitCount", "Compare a count with the books", answer(s, s.submitCount), 0},
		{"POST", "/counts/{id}/approve", at(tenant.LedgerPost), "approveCount", "Have the books say what was found", answer(s, s.approveCount), 0},
		{"POST", "/counts/{id}/reject", at(tenant.LedgerPost), "rejectCount", "Leave the books as they are", answer(s, s.rejectCount), 0},
		{"POST", "/counts/{id}/cancel", at(tenant.LedgerCount), "cancelCount", "Give an open count up", answer(s, s.cancelCount), 0},
	}
}

// Count is one look at what is really there.
type Count struct {
	ID          string      `json:"id"`
	State       string      `json:"state" enum:"open,submitted,posted,rejected,cancelled"`
	Site        string      `json:"site"`
	Locations   []string    `json:"locations"`
	Complete    bool        `json:"complete" doc:"what was not counted by hand is not there"`
	OpenedBy    string      `json:"opened_by"`
	OpenedAt    time.Time   `json:"opened_at"`
	SubmittedBy string      `json:"submitted_by"`
	SubmittedAt *time.Time  `json:"submitted_at"`
	DecidedBy   string      `json:"decided_by"`
	DecidedAt   *time.Time  `json:"decided_at"`
	Reason      string      `json:"reason"`
	Movement    string      `json:"movement" doc:"id of the movement that posted it"`
	Variance    int64       `json:"variance" doc:"value of what is missing and of what is too much together, in 1/10000 of the currency"`
	Lines       []CountLine `json:"lines" doc:"differences, and what was counted by hand; empty in lists"`
	Unknown     []string    `json:"unknown" doc:"tags that were seen and are on nothing that the catalogue knows"`
}

// CountLine is a difference between the books and what was found, or an agreement by hand.
type CountLine struct {
	Location   string `json:"location"`
	Item       string `json:"item"`
	Lot        string `json:"lot"`
	State      string `json:"state"`
	Tag        string `json:"tag"`
	Expected   int64  `json:"expected"`
	Counted    int64  `json:"counted"`
	Difference int64  `json:"difference"`
	From       string `json:"from" doc:"where the books had a tag that was found here"`
	Value      int64  `json:"value" doc:"of the difference, in 1/10000 of the currency"`
	Outcome    string `json:"outcome" doc:"why the line was not posted"`
}

func countBody(c ledger.Count) Count {
	return Count{
		ID: c.ID, State: string(c.State), Site: c.Site, Locations: bodies(c.Locations, func(l string) string { return l }), Complete: c.Complete,
		OpenedBy: c.OpenedBy, OpenedAt: c.OpenedAt.UTC(), SubmittedBy: c.SubmittedBy, SubmittedAt: timeOrNull(c.SubmittedAt),
		DecidedBy: c.DecidedBy, DecidedAt: timeOrNull(c.DecidedAt), Reason: c.Reason, Movement: c.Movement, Variance: c.Variance,
		Lines: bodies(c.Lines, countLineBody), Unknown: bodies(c.Unknown, devices.Tag.String),
	}
}

func countLineBody(l ledger.CountLine) CountLine {
	return CountLine{
		l.Location, l.Item, l.Lot, string(l.State), l.Tag.String(), l.Expected, l.Counted, l.Difference(), l.From, l.Value, l.Outcome,
	}
}

type countsInput struct {
	PageInput
	State string `query:"state" enum:"open,submitted,posted,rejected,cancelled,all" default:"all"`
}

func (s *server) counts(ctx context.Context, in *countsInput) (list[Count], error) {
	state := ledger.CountState(in.State)
	if in.State == "all" {
		state = ""
	}
	page, next, err := s.Counts.Counts(ctx, state, in.Cursor, in.Limit)
	return pageOf(bodies(page, countBody), next), err
}

func (s *server) countOne(ctx context.Context, in *ByID) (Count, error) {
	c, err := s.Counts.Count(ctx, in.ID)
	return countBody(c), err
}

type openCountInput struct {
	Body struct {
		Site      string   `json:"site" minLength:"1" maxLength:"64"`
		Locations []string `json:"locations" minItems:"1" maxItems:"2000"`
		Complete  bool     `json:"complete,omitempty" doc:"what is not counted by hand is not there"`
	}
}

func (s *server) openCount(a huma.API, op huma.Operation) {
	made(s, func(ctx context.Context, in *openCountInput) (Count, string, error) {
		c, err := s.opened(ctx, in)
		return countBody(c), "/counts/" + c.ID, err
	})(a, op)
}

// opened begins a count; one that was begun under the request's key already is given as it is.
func (s *server) opened(ctx context.Context, in *openCountInput) (ledger.Count, error) {
	var places []spot
	for i, l := range in.Body.Locations {
		places = append(places, spot{fmt.Sprintf("#/locations/%d", i), l})
	}
	if err := s.checkGoods(ctx, "", places...); err != nil {
		return ledger.Count{}, err
	}
	c := ledger.Count{
		ID: s.NewID(), Key: s.ledgerKey(ctx), Site: in.Body.Site, Locations: in.Body.Locations, Complete: in.Body.Complete,
		OpenedBy: sessionFrom(ctx).User, OpenedAt: s.now(),
	}
	err := s.Counts.OpenCount(ctx, c)
	if err != nil {
		if c.ID, err = s.madeBefore(ctx, err, ledger.CountKey(c.Key)); err != nil {
			return ledger.Count{}, err
		}
	}
	return s.Counts.Count(ctx, c.ID)
}

type sweepInput struct {
	ByID
	Body struct {
		Location string     `json:"location" minLength:"1" maxLength:"64"`
		Tags     []string   `json:"tags" maxItems:"100000" doc:"none = it was swept and nothing is there"`
		At       *time.Time `json:"at,omitempty" doc:"left out = now"`
	}
}

func (s *server) sweep(ctx context.Context, in *sweepInput) (Count, error) {
	tags, err := sweptTags(in.Body.Tags)
	if err != nil {
		return Count{}, err
	}
	when := s.now()
	if in.Body.At != nil {
		when = kept(*in.Body.At)
	}
	c, err := s.Counts.Sweep(ctx, in.ID, in.Body.Location, tags, when)
	return countBody(c), err
}

// sweptTags reads the tags of a sweep, which may see one more than once. It names the first that cannot be read.
func sweptTags(texts []string) ([]devices.Tag, error) {
	tags := make([]devices.Tag, len(texts))
	for i, text := range texts {
		var err error
		if tags[i], err = devices.ParseTag(text); err != nil {
			return nil, wrong(ProblemPart{Pointer: fmt.Sprintf("#/tags/%d", i), Code: "not_a_tag", Message: err.Error()})
		}
	}
	return tags, nil
}

type byHandInput struct {
	ByID
	Body struct {
		Location string `json:"location" minLength:"1" maxLength:"64"`
		Item     string `json:"item" minLength:"1" maxLength:"64"`
		Lot      string `json:"lot,omitempty" maxLength:"64"`
		Quantity int64  `json:"quantity" minimum:"0" maximum:"1000000000000"`
	}
}

func (s *server) byHand(ctx context.Context, in *byHandInput) (Count, error) {
	b := in.Body
	c, err := s.Counts.CountByHand(ctx, in.ID, ledger.ByHand{
		Location: b.Location, Item: b.Item, Lot: b.Lot, Quantity: b.Quantity, Actor: sessionFrom(ctx).User, At: s.now(),
	})
	return countBody(c), err
}

func (s *server) submitCount(ctx context.Context, in *nothingInput) (Count, error) {
	c, err := s.Counts.SubmitCount(ctx, in.ID, sessionFrom(ctx).User)
	return countBody(c), err
}

type commentInput struct {
	ByID
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"1000"`
	}
}

func (s *server) approveCount(ctx context.Context, in *commentInput) (Count, error) {
	c, err := s.Counts.DecideCount(ctx, in.ID, true, sessionFrom(ctx).User, in.Body.Reason, s.CountAlone)
	return countBody(c), err
}

func (s *server) rejectCount(ctx context.Context, in *reasonInput) (Count, error) {
	c, err := s.Counts.DecideCount(ctx, in.ID, false, sessionFrom(ctx).User, in.Body.Reason, s.CountAlone)
	return countBody(c), err
}

func (s *server) cancelCount(ctx context.Context, in *nothingInput) (Count, error) {
	c, err := s.Counts.CancelCount(ctx, in.ID, sessionFrom(ctx).User)
	return countBody(c), err
}
