package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Books is what people and programs ask of the ledger; a store.Ledger is one.
type Books interface {
	// Do does a command. Errors: those of the command; fault.Unavailable.
	Do(ctx context.Context, c ledger.Command) error
	// MadeBy gives the id of what was recorded under a key; "" where nothing was.
	MadeBy(ctx context.Context, key string) (string, error)
	// Reverse takes a movement back. Errors: fault.NotFound, fault.Conflict.
	Reverse(ctx context.Context, id, actor string) (ledger.Movement, error)
	// Balances lists what is on hand or reserved.
	Balances(ctx context.Context, f ledger.BalanceFilter) (page []ledger.Balance, next string, err error)
}

// Periods closes the books; a store.Ledger does.
type Periods interface {
	Closes(ctx context.Context) ([]ledger.PeriodClose, error)
	// ClosePeriod closes them until a time. Errors: fault.Invalid.
	ClosePeriod(ctx context.Context, until time.Time, actor, reason string) (ledger.PeriodClose, error)
	// Ends gives the ends of the chains of movements.
	Ends(ctx context.Context) ([]ledger.Chain, error)
}

// ledgerRoutes are for goods and for the books about them.
func (s *server) ledgerRoutes() []route {
	return []route{
		{"POST", "/movements", at(tenant.LedgerPost), "move", "Move goods: a quantity, or what certain tags stand for", s.move, 256 << 10},
		{"POST", "/movements/{id}/reverse", at(tenant.LedgerPost), "reverseMovement", "Take a movement back by a new one", s.reverse, 0},
		{"GET", "/stock/balances", at(tenant.StockRead), "balances", "What is on hand and reserved, by item, location, lot and state", answer(s, s.balances), 0},
		{"GET", "/periods", at(tenant.StockRead), "periods", "Until when the books were closed, newest first", answer(s, s.periods), 0},
		{"POST", "/periods", all(tenant.PeriodClose), "closePeriod", "Close the books until a time, or, for a reason, open them again", answer(s, s.closePeriod), 0},
		{"GET", "/ledger/seal", all(tenant.StockRead), "seal", "One hash over all movements so far, to be written down elsewhere", answer(s, s.seal), 0},
		{"POST", "/quarantine/{id}/correct", at(tenant.DiscrepancySettle), "correctQuarantine", "Apply a movement with what a person knows better", answer(s, s.correct), 0},
	}
}

// Transfer says what goods go from where to where.
type Transfer struct {
	Item        string     `json:"item,omitempty" maxLength:"64" doc:"with a quantity; or tags instead"`
	Lot         string     `json:"lot,omitempty" maxLength:"64" doc:"empty = those that expire first"`
	Quantity    int64      `json:"quantity,omitempty" minimum:"1" maximum:"1000000000000" doc:"in the item's smallest unit"`
	Tags        []string   `json:"tags,omitempty" maxItems:"2000" doc:"tags with all that they stand for"`
	From        string     `json:"from" maxLength:"64" doc:"location, or SUPPLIER, CUSTOMER, PRODUCTION, LOSS, IN_TRANSIT"`
	FromState   string     `json:"from_state,omitempty" enum:"available,unseen,quarantine,in_transit,wip" doc:"empty = available"`
	To          string     `json:"to" maxLength:"64"`
	ToState     string     `json:"to_state,omitempty" enum:"available,unseen,quarantine,in_transit,wip" doc:"empty = as from_state"`
	Value       int64      `json:"value,omitempty" minimum:"0" doc:"of all of it, in 1/10000 of the currency"`
	Reservation string     `json:"reservation,omitempty" maxLength:"64" doc:"id of the reservation that it takes from"`
	At          *time.Time `json:"at,omitempty" doc:"when it happened; left out = now"`
}

type transferInput struct{ Body Transfer }

// created is the answer to what made something new.
type created[T any] struct {
	Location string `header:"Location"`
	Body     T
}

// made registers a handler that makes something new and gives its path below the prefix.
func made[I, O any](s *server, f func(context.Context, *I) (O, string, error)) func(huma.API, huma.Operation) {
	return func(a huma.API, op huma.Operation) {
		op.DefaultStatus = http.StatusCreated
		huma.Register(a, op, func(ctx context.Context, in *I) (*created[O], error) {
			out, at, err := f(ctx, in)
			if err != nil {
				return nil, s.problem(ctx, op, err)
			}
			return &created[O]{prefix + at, out}, nil
		})
	}
}

func (s *server) move(a huma.API, op huma.Operation) {
	made(s, func(ctx context.Context, in *transferInput) (Movement, string, error) {
		m, err := s.transfer(ctx, in.Body)
		return movementBody(m), "/movements/" + m.ID, err
	})(a, op)
}

// transfer moves goods; what was moved under the request's key already is given as it was.
func (s *server) transfer(ctx context.Context, t Transfer) (ledger.Movement, error) {
	tags, err := parseTags(t.Tags, "#/tags")
	if err != nil {
		return ledger.Movement{}, err
	}
	if err := s.checkGoods(ctx, t.Item, spot{"#/from", t.From}, spot{"#/to", t.To}); err != nil {
		return ledger.Movement{}, err
	}
	now, who := s.now(), sessionFrom(ctx).User
	c := &ledger.Transfer{
		ID: s.NewID(), Key: s.ledgerKey(ctx), Item: t.Item, Lot: t.Lot, Tags: tags, Quantity: t.Quantity, From: t.From,
		FromState: ledger.State(t.FromState), To: t.To, ToState: ledger.State(t.ToState), Value: t.Value, Held: t.Reservation,
		Actor: who, Source: "user:" + who, Recorded: now,
	}
	if t.At != nil {
		if t.At.After(now.Add(ledger.LateAfter)) {
			return ledger.Movement{}, wrong(ProblemPart{Pointer: "#/at", Code: "future", Message: "has not come yet"})
		}
		c.At = kept(*t.At)
	}
	err = s.Books.Do(ctx, c)
	if err == nil {
		return c.Made, nil
	}
	id, err := s.madeBefore(ctx, err, c.Key)
	if err != nil {
		return ledger.Movement{}, err
	}
	return s.Movements.Movement(ctx, id)
}

// now is the hub's time as the database will keep it.
func (s *server) now() time.Time { return kept(s.Clock.Now()) }

// kept is a time as the database keeps it, so that what was just made reads as it will read later.
func kept(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func parseTags(texts []string, at string) ([]devices.Tag, error) {
	var tags []devices.Tag
	var bad []ProblemPart
	for i, text := range texts {
		tag, err := devices.ParseTag(text)
		switch {
		case err != nil:
			bad = append(bad, ProblemPart{Pointer: fmt.Sprintf("%s/%d", at, i), Code: "not_a_tag", Message: err.Error()})
		case slices.Contains(tags, tag):
			bad = append(bad, ProblemPart{Pointer: fmt.Sprintf("%s/%d", at, i), Code: "double", Message: "is named twice"})
		}
		tags = append(tags, tag)
	}
	if len(bad) > 0 {
		return nil, wrong(bad...)
	}
	return tags, nil
}

// spot is a location that a body names.
type spot struct{ pointer, code string }

// checkGoods refuses an item and locations that the catalogue does not have; an empty item is none.
func (s *server) checkGoods(ctx context.Context, item string, places ...spot) error {
	ask := catalog.References{Items: []string{item}}
	for _, p := range places {
		ask.Locations = append(ask.Locations, p.code)
	}
	known, err := s.References.KnownOf(ctx, ask)
	if err != nil {
		return err
	}
	var bad []ProblemPart
	if item != "" && !known.Items[item] {
		bad = append(bad, ProblemPart{Pointer: "#/item", Code: "unknown_item", Message: "is no item of the catalogue"})
	}
	for _, p := range places {
		if !ledger.IsVirtual(p.code) && !known.Locations[p.code] {
			bad = append(bad, ProblemPart{Pointer: p.pointer, Code: "unknown_location", Message: "is no location of the catalogue"})
		}
	}
	if len(bad) > 0 {
		return wrong(bad...)
	}
	return nil
}

func (s *server) reverse(a huma.API, op huma.Operation) {
	made(s, func(ctx context.Context, in *nothingInput) (Movement, string, error) {
		m, err := s.Books.Reverse(ctx, in.ID, sessionFrom(ctx).User)
		return movementBody(m), "/movements/" + m.ID, err
	})(a, op)
}

// Balance is how much of an item, lot and state is at a place.
type Balance struct {
	Item     string `json:"item"`
	Location string `json:"location"`
	Lot      string `json:"lot"`
	State    string `json:"state"`
	Quantity int64  `json:"quantity"`
	Reserved int64  `json:"reserved" doc:"of quantity, promised to somebody"`
	Free     int64  `json:"free"`
}

func balanceBody(b ledger.Balance) Balance {
	return Balance{b.Item, b.Location, b.Lot, string(b.State), b.Quantity, b.Reserved, b.Free()}
}

type balancesInput struct {
	PageInput
	Item     string `query:"item" maxLength:"200"`
	Location string `query:"location" maxLength:"200" doc:"empty = everywhere but in the world outside"`
	Lot      string `query:"lot" maxLength:"200"`
}

func (s *server) balances(ctx context.Context, in *balancesInput) (list[Balance], error) {
	page, next, err := s.Books.Balances(ctx, ledger.BalanceFilter{
		Item: in.Item, Location: in.Location, Lot: in.Lot, After: in.Cursor, Limit: in.Limit,
	})
	return pageOf(bodies(page, balanceBody), next), err
}

// bodies makes the form of the API of each of a list.
func bodies[T, B any](all []T, of func(T) B) []B {
	out := make([]B, len(all))
	for i, v := range all {
		out[i] = of(v)
	}
	return out
}

// PeriodClose says until when the books were closed.
type PeriodClose struct {
	ID     string    `json:"id"`
	Until  time.Time `json:"until"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

func closeBody(c ledger.PeriodClose) PeriodClose {
	return PeriodClose{c.ID, c.Until.UTC(), c.Actor, kept(c.At), c.Reason}
}

func (s *server) periods(ctx context.Context, _ *empty) (list[PeriodClose], error) {
	all, err := s.Periods.Closes(ctx)
	return pageOf(bodies(all, closeBody), ""), err
}

type closeInput struct {
	Body struct {
		Until  time.Time `json:"until" doc:"what happened before cannot be posted any longer"`
		Reason string    `json:"reason,omitempty" maxLength:"1000" doc:"needed where the books are opened again"`
	}
}

func (s *server) closePeriod(ctx context.Context, in *closeInput) (PeriodClose, error) {
	c, err := s.Periods.ClosePeriod(ctx, kept(in.Body.Until), sessionFrom(ctx).User, in.Body.Reason)
	return closeBody(c), err
}

// Seal is one hash over all movements of the ledger.
type Seal struct {
	Seal      string `json:"seal" doc:"who wrote it down elsewhere can show later that nothing from before was changed: hub verify"`
	Movements int64  `json:"movements"`
	Chains    int    `json:"chains"`
}

// seal reads the ends of the chains; that the movements come to them is for hub verify, which reads them all.
func (s *server) seal(ctx context.Context, _ *empty) (Seal, error) {
	ends, err := s.Periods.Ends(ctx)
	out := Seal{Seal: ledger.SealOf(ends), Chains: len(ends)}
	for _, e := range ends {
		out.Movements += e.Link
	}
	return out, err
}

type correctInput struct {
	ByID
	Body struct {
		Item   string `json:"item,omitempty" maxLength:"64" doc:"what the tag is on"`
		Lot    string `json:"lot,omitempty" maxLength:"64"`
		To     string `json:"to,omitempty" maxLength:"64" doc:"where it went"`
		Reason string `json:"reason" minLength:"1" maxLength:"1000" pattern:"\\S" patternDescription:"more than spaces" doc:"how it is known"`
	}
}

func (s *server) correct(ctx context.Context, in *correctInput) (QuarantineEntry, error) {
	b := in.Body
	if b.Item == "" && b.To == "" {
		return QuarantineEntry{}, wrong(
			ProblemPart{Pointer: "#/item", Code: "empty", Message: "say what is right: an item or a place"},
			ProblemPart{Pointer: "#/to", Code: "empty", Message: "say what is right: an item or a place"})
	}
	e, err := s.Settler.Correct(ctx, in.ID, sessionFrom(ctx).User, intake.Correction{Item: b.Item, Lot: b.Lot, To: b.To, Reason: b.Reason})
	return QuarantineEntry{e}, err
}
