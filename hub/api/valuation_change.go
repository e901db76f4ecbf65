package api

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/valuation"
)

// ByItem is the input of a route about one item. (It is exported because huma fills no others when they are embedded.)
type ByItem struct {
	Item string `path:"item" minLength:"1" maxLength:"200"`
}

// MethodChange is an order to value an item by a method from a moment on.
type MethodChange struct {
	Method string     `json:"method" doc:"average, fifo"`
	From   *time.Time `json:"from" doc:"null = from its beginning"`
	Actor  string     `json:"actor"`
	At     time.Time  `json:"recorded_at"`
}

func (s *server) valuationMethods(ctx context.Context, in *ByItem) (list[MethodChange], error) {
	all, err := s.Valuation.Methods(ctx, in.Item)
	out := make([]MethodChange, len(all))
	for i, c := range all {
		out[i] = MethodChange{string(c.Method), timeOrNull(c.At), c.Actor, c.RecordedAt.UTC()}
	}
	return listOf(out, ""), err
}

type setMethodInput struct {
	ByItem
	Body struct {
		Method string     `json:"method" enum:"average,fifo"`
		From   *time.Time `json:"from,omitempty" doc:"not before the open period; left out = from the item's beginning, while nothing is closed"`
	}
}

func (s *server) setMethod(ctx context.Context, in *setMethodInput) error {
	var from time.Time
	if in.Body.From != nil {
		from = *in.Body.From
	}
	return s.Valuation.SetMethod(ctx, in.Item, valuation.Method(in.Body.Method), from, sessionFrom(ctx).User)
}

type setItemCostInput struct {
	ByItem
	Body struct {
		Cost int64 `json:"cost" minimum:"0" doc:"of one unit, in 1/10000 of the currency"`
	}
}

func (s *server) setItemCost(ctx context.Context, in *setItemCostInput) error {
	return s.Valuation.SetItemCost(ctx, in.Item, in.Body.Cost)
}

// ValuedAgain is what valuing again came to.
type ValuedAgain struct {
	Entries int `json:"entries" doc:"that were added because what was kept was not right"`
}

func (s *server) valueAgain(ctx context.Context, in *struct {
	ByItem
	Body *struct{}
},
) (ValuedAgain, error) {
	n, err := s.Revaluer.Again(ctx, in.Item)
	return ValuedAgain{n}, err
}

type setCostsInput struct {
	Body struct {
		Reference string     `json:"reference" maxLength:"200" doc:"of the paper that says so"`
		Lines     []LineCost `json:"lines" minItems:"1" maxItems:"2000"`
	}
}

// LineCost is what a line that brought goods in from outside is worth.
type LineCost struct {
	Movement string `json:"movement" maxLength:"36"`
	Line     int    `json:"line,omitempty" minimum:"0"`
	Value    int64  `json:"value" minimum:"0" doc:"of the whole line, in 1/10000 of the currency; 0 = it cost nothing"`
}

// CostStatement is what somebody said of costs.
type CostStatement struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

func (s *server) setCosts(ctx context.Context, in *setCostsInput) (CostStatement, error) {
	said := valuation.Statement{Reference: in.Body.Reference, Actor: sessionFrom(ctx).User}
	for _, l := range in.Body.Lines {
		said.Lines = append(said.Lines, valuation.Said{Movement: l.Movement, Line: l.Line, Value: l.Value})
	}
	said, err := s.Valuation.SetCosts(ctx, said)
	return CostStatement{said.ID, said.At.UTC()}, err
}
