package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/valuation"
)

// Valuation is what stock is worth and what goods cost that left; a store.Valuation is one, but for its Revaluer.
type Valuation interface {
	Values
	ValueReasons
	ValueProgress
	ValueDesk
}

// Values are the figures.
type Values interface {
	Worth(ctx context.Context, item string, known valuation.Known) ([]valuation.Worth, error)
	Layers(ctx context.Context, item string, known valuation.Known) ([]valuation.LayerLeft, error)
	Entries(ctx context.Context, f valuation.EntryFilter) (page []valuation.Recorded, next string, err error)
	Costs(ctx context.Context, f valuation.CostFilter) ([]valuation.Cost, error)
}

// ValueReasons say how figures came about.
type ValueReasons interface {
	Explain(ctx context.Context, movement string) ([]valuation.Explanation, error)
	Statements(ctx context.Context, movement string) ([]valuation.Statement, error)
	Methods(ctx context.Context, item string) ([]valuation.MethodChange, error)
}

// ValueProgress tells what is not valued yet, and why.
type ValueProgress interface {
	Behind(ctx context.Context) (valuation.Behind, error)
	Stuck(ctx context.Context) ([]valuation.StuckItem, error)
}

// ValueDesk takes what people say of costs.
type ValueDesk interface {
	SetCosts(ctx context.Context, s valuation.Statement) (valuation.Statement, error)
	SetItemCost(ctx context.Context, item string, cost int64) error
	SetMethod(ctx context.Context, item string, m valuation.Method, at time.Time, actor string) error
}

// Revaluer values an item again from its beginning; a *valuation.Service is one.
type Revaluer interface {
	Again(ctx context.Context, item string) (rows int, err error)
}

// valuationRoutes is the table of values.
func (s *server) valuationRoutes() []route {
	read, whole, write := at(tenant.FinanceRead), all(tenant.FinanceRead), all(tenant.FinanceWrite)
	return []route{
		{"GET", "/valuation/stock", read, "stockValue", "What stock is worth by item and site, with the layers of an item", answer(s, s.stockValue), 0},
		{"GET", "/valuation/entries", read, "valuationEntries", "The entries of an item's value, latest first", answer(s, s.valuationEntries), 0},
		{"GET", "/valuation/cost-of-goods", read, "costOfGoods", "What goods cost that left for the outside within a period", answer(s, s.costOfGoods), 0},
		{"GET", "/valuation/movements/{id}", read, "movementValue", "How the lines of a movement came to their values", answer(s, s.movementValue), 0},
		{"GET", "/valuation/state", whole, "valuationState", "What is not valued yet", answer(s, s.valuationState), 0},
		{"GET", "/valuation/items/{item}/methods", whole, "valuationMethods", "By what an item was ordered to be valued", answer(s, s.valuationMethods), 0},
		{"POST", "/valuation/items/{item}/method", write, "setMethod", "Have an item valued by another method", nothing(s, s.setMethod), 0},
		{"POST", "/valuation/items/{item}/cost", write, "setItemCost", "Set what a unit of an item costs where nobody says it", nothing(s, s.setItemCost), 0},
		{"POST", "/valuation/items/{item}/again", write, "valueAgain", "Value an item again from its beginning", answer(s, s.valueAgain), 0},
		{"POST", "/valuation/costs", write, "setCosts", "Say what receipts cost", answer(s, s.setCosts), 1 << 20},
	}
}

// KnownInput is a point in time of the books. (It is exported because huma fills no others when they are embedded.)
type KnownInput struct {
	At    time.Time `query:"at" doc:"what there was then; left out = now"`
	Known time.Time `query:"known" doc:"as it was known then; left out = as it is known now"`
	Basis string    `query:"basis" enum:"booked,effective" default:"booked" doc:"booked: what was closed stays as it was; effective: by what is known of it"`
}

func (in KnownInput) known() valuation.Known {
	return valuation.Known{At: in.At, Recorded: in.Known, Basis: valuation.Basis(in.Basis)}
}

// StockValue is what an item is worth at a site.
type StockValue struct {
	Item     string       `json:"item"`
	Site     string       `json:"site" doc:"IN_TRANSIT is what is on its way between sites; empty = places of no site"`
	Quantity int64        `json:"quantity" doc:"less than 0 where more went out than came in, by the books"`
	Value    int64        `json:"value" doc:"in 1/10000 of the currency"`
	Unit     int64        `json:"unit_value" doc:"of one unit, in 1/10000 of the currency, rounded"`
	Layers   []ValueLayer `json:"layers" doc:"the oldest first; of one item only, and none where its goods cost alike"`
}

// ValueLayer is goods that came in at one cost, with what is left of them.
type ValueLayer struct {
	Movement  string    `json:"movement"`
	Line      int       `json:"line"`
	At        time.Time `json:"at"`
	Quantity  int64     `json:"quantity"`
	Value     int64     `json:"value" doc:"in 1/10000 of the currency"`
	Left      int64     `json:"left"`
	LeftValue int64     `json:"left_value" doc:"in 1/10000 of the currency"`
}

type stockValueInput struct {
	KnownInput
	Item   string `query:"item" maxLength:"200"`
	Site   string `query:"site" maxLength:"200"`
	Before string `query:"before" maxLength:"1000" doc:"cursor: next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"5000" default:"500"`
}

func (s *server) stockValue(ctx context.Context, in *stockValueInput) (list[StockValue], error) {
	after, err := readPlaceCursor(in.Before)
	if err != nil {
		return list[StockValue]{}, err
	}
	worth, err := s.Valuation.Worth(ctx, in.Item, in.known())
	if err != nil {
		return list[StockValue]{}, err
	}
	page, next := []StockValue{}, ""
	for _, w := range worth {
		place := [2]string{w.Item, w.Area}
		if in.Site != "" && w.Area != in.Site || after != nil && !laterPlace(place, *after) {
			continue
		}
		if len(page) == in.Limit {
			l := page[len(page)-1]
			next = placeCursor(l.Item, l.Site)
			break
		}
		page = append(page, StockValue{w.Item, w.Area, w.Quantity, w.Value, w.Unit(), []ValueLayer{}})
	}
	if in.Item != "" {
		err = s.addLayers(ctx, in, page)
	}
	return listOf(page, next), err
}

func (s *server) addLayers(ctx context.Context, in *stockValueInput, page []StockValue) error {
	layers, err := s.Valuation.Layers(ctx, in.Item, in.known())
	for _, l := range layers {
		for i := range page {
			if page[i].Site == l.Area {
				page[i].Layers = append(page[i].Layers, ValueLayer{l.Movement, l.Line, l.At.UTC(), l.Quantity, l.Value, l.Left, l.LeftValue})
			}
		}
	}
	return err
}

func placeCursor(item, site string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(item + "\x00" + site))
}

func readPlaceCursor(text string) (*[2]string, error) {
	if text == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	item, site, ok := strings.Cut(string(b), "\x00")
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, text)
	}
	return &[2]string{item, site}, nil
}

func laterPlace(a, b [2]string) bool { return a[0] > b[0] || a[0] == b[0] && a[1] > b[1] }

// ValueEntry is an entry of an item's value. Nothing changes one: what is found out later is added.
type ValueEntry struct {
	Kind       string    `json:"kind" doc:"receipt, issue; adjust: changes what goods cost that came or went before"`
	Site       string    `json:"site"`
	Movement   string    `json:"movement" doc:"whose line came to this; or a change of method"`
	Line       int       `json:"line"`
	Step       string    `json:"step" doc:"the movement at which it came about"`
	CausedBy   string    `json:"caused_by" doc:"the movement, statement of costs or change of method that made it necessary"`
	Outside    string    `json:"outside" doc:"the line's other side; empty = another site"`
	Quantity   int64     `json:"quantity"`
	Value      int64     `json:"value" doc:"in 1/10000 of the currency"`
	At         time.Time `json:"effective_at"`
	BookedAt   time.Time `json:"booked_at" doc:"effective_at, or the first moment that was open then"`
	RecordedAt time.Time `json:"recorded_at"`
}

func valueEntry(r valuation.Recorded) ValueEntry {
	return ValueEntry{
		string(r.Kind), r.Area, r.Of.Movement, r.Of.Line, r.Step.Movement, r.CausedBy, r.Outside, r.Quantity, r.Value, r.At.UTC(),
		r.BookedAt.UTC(), r.RecordedAt.UTC(),
	}
}

func valueEntries(all []valuation.Recorded) []ValueEntry {
	out := make([]ValueEntry, len(all))
	for i, r := range all {
		out[i] = valueEntry(r)
	}
	return out
}

// PeriodInput is a period. (It is exported because huma fills no others when they are embedded.)
type PeriodInput struct {
	From  time.Time `query:"from"`
	To    time.Time `query:"to" doc:"until before this"`
	Basis string    `query:"basis" enum:"booked,effective" default:"booked" doc:"which of an entry's times counts"`
}

type valuationEntriesInput struct {
	PeriodInput
	Item   string `query:"item" required:"true" minLength:"1" maxLength:"200"`
	Site   string `query:"site" maxLength:"200"`
	Before string `query:"before" maxLength:"2000" doc:"cursor: next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

func (s *server) valuationEntries(ctx context.Context, in *valuationEntriesInput) (list[ValueEntry], error) {
	f := valuation.EntryFilter{Item: in.Item, From: in.From, To: in.To, Basis: valuation.Basis(in.Basis), Before: in.Before, Limit: in.Limit}
	if in.Site != "" {
		f.Area = &in.Site
	}
	page, next, err := s.Valuation.Entries(ctx, f)
	return listOf(valueEntries(page), next), err
}

// GoodsCost is what goods of an item cost that left a site for the outside within a period, less those that came back.
type GoodsCost struct {
	Item     string `json:"item"`
	Site     string `json:"site"`
	Outside  string `json:"outside" doc:"CUSTOMER, PRODUCTION, LOSS; SUPPLIER with what came from there, less than 0"`
	Quantity int64  `json:"quantity"`
	Value    int64  `json:"value" doc:"in 1/10000 of the currency"`
	Adjusted int64  `json:"adjusted" doc:"of value: found out later, or of what left before"`
}

type costOfGoodsInput struct {
	PeriodInput
	Item    string `query:"item" maxLength:"200"`
	Outside string `query:"outside" enum:"CUSTOMER,PRODUCTION,LOSS,SUPPLIER" doc:"left out = all"`
}

func (s *server) costOfGoods(ctx context.Context, in *costOfGoodsInput) (list[GoodsCost], error) {
	all, err := s.Valuation.Costs(ctx, valuation.CostFilter{
		From: in.From, To: in.To, Basis: valuation.Basis(in.Basis), Outside: in.Outside, Item: in.Item,
	})
	out := make([]GoodsCost, len(all))
	for i, c := range all {
		out[i] = GoodsCost{c.Item, c.Area, c.Outside, c.Quantity, c.Value, c.Adjusted}
	}
	return listOf(out, ""), err
}

// MovementValue is how a movement came to its values.
type MovementValue struct {
	Lines []LineValue `json:"lines"`
	Said  []SaidCost  `json:"said" doc:"what was said of its costs, the last word first"`
}

// LineValue is how a line came to its value at a site.
type LineValue struct {
	Item     string       `json:"item"`
	Line     int          `json:"line"`
	Site     string       `json:"site"`
	Before   StockBefore  `json:"before" doc:"what was there just before, as known now"`
	Quantity int64        `json:"quantity"`
	Value    int64        `json:"value" doc:"in 1/10000 of the currency; its entries add up to it"`
	Entries  []ValueEntry `json:"entries" doc:"in the order in which they were recorded"`
	Uses     []LayerUse   `json:"uses" doc:"of which layers the goods were"`
	UsedBy   []LayerUse   `json:"used_by" doc:"who used the layer that this is"`
	Late     []string     `json:"late" doc:"movements that were heard of late and made entries necessary"`
}

// StockBefore is what was there.
type StockBefore struct {
	Quantity int64 `json:"quantity"`
	Value    int64 `json:"value" doc:"in 1/10000 of the currency"`
}

// LayerUse is how much of a layer a line used.
type LayerUse struct {
	Movement string `json:"movement" doc:"that used"`
	Line     int    `json:"line"`
	Layer    string `json:"layer" doc:"the movement that brought the goods; empty where they are yet to come"`
	Quantity int64  `json:"quantity"`
	Value    int64  `json:"value" doc:"in 1/10000 of the currency"`
}

// SaidCost is what was said of a line's cost.
type SaidCost struct {
	Statement string    `json:"statement"`
	Line      int       `json:"line"`
	Value     int64     `json:"value" doc:"in 1/10000 of the currency"`
	Reference string    `json:"reference"`
	Actor     string    `json:"actor"`
	At        time.Time `json:"at"`
}

func (s *server) movementValue(ctx context.Context, in *ByID) (MovementValue, error) {
	lines, err := s.Valuation.Explain(ctx, in.ID)
	if err != nil {
		return MovementValue{}, err
	}
	said, err := s.Valuation.Statements(ctx, in.ID)
	out := MovementValue{make([]LineValue, len(lines)), make([]SaidCost, len(said))}
	for i, x := range lines {
		out.Lines[i] = LineValue{
			Item: x.Item, Line: x.Line, Site: x.Area, Before: StockBefore{x.Before.Quantity, x.Before.Value}, Quantity: x.Quantity,
			Value: x.Value, Entries: valueEntries(x.Rows), Uses: layerUses(x.Uses), UsedBy: layerUses(x.UsedBy), Late: []string{},
		}
		for _, c := range x.Late {
			out.Lines[i].Late = append(out.Lines[i].Late, c.Movement)
		}
	}
	for i, w := range said {
		out.Said[i] = SaidCost{w.ID, w.Lines[0].Line, w.Lines[0].Value, w.Reference, w.Actor, w.At.UTC()}
	}
	return out, err
}

func layerUses(all []valuation.Used) []LayerUse {
	out := make([]LayerUse, len(all))
	for i, u := range all {
		out[i] = LayerUse{u.Of.Movement, u.Of.Line, u.Layer.Movement, u.Quantity, u.Value}
	}
	return out
}

// ValuationState is what is not valued yet.
type ValuationState struct {
	Waiting int64       `json:"waiting" doc:"lines that wait to be valued"`
	Since   *time.Time  `json:"since" doc:"when the oldest of them was recorded"`
	Stuck   []StuckItem `json:"stuck" doc:"items that cannot be valued until somebody does something"`
}

// StuckItem is an item that cannot be valued.
type StuckItem struct {
	Item   string    `json:"item"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

func (s *server) valuationState(ctx context.Context, _ *empty) (ValuationState, error) {
	b, err := s.Valuation.Behind(ctx)
	if err != nil {
		return ValuationState{}, err
	}
	stuck, err := s.Valuation.Stuck(ctx)
	out := ValuationState{b.Events, timeOrNull(b.Since), make([]StuckItem, len(stuck))}
	for i, x := range stuck {
		out.Stuck[i] = StuckItem{x.Item, x.Since.UTC(), x.Reason}
	}
	return out, err
}
