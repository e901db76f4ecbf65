package api

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/planner"
)

// moneyUnit is how many of the ledger's smallest units of money make one of the currency.
const moneyUnit = 10_000

// Planner plans, and keeps what people decided; *planner.Service is one.
type Planner interface {
	Run(ctx context.Context) (planner.Run, error)
	Proposals(ctx context.Context, f planner.Filter) (page []planner.Proposal, next string, err error)
	Proposal(ctx context.Context, id string) (planner.Proposal, error)
	Approve(ctx context.Context, id string, quantity *int64, actor, comment string) (planner.Proposal, error)
	Reject(ctx context.Context, id, actor, reason string) (planner.Proposal, error)
	Orders(ctx context.Context) ([]planner.Order, error)
}

// Proposal is an order that the planner suggests, with every figure behind it.
type Proposal struct {
	ID           string          `json:"id"`
	State        planner.State   `json:"state" enum:"proposed,approved,rejected,superseded"`
	CreatedAt    time.Time       `json:"created_at"`
	Item         string          `json:"item"`
	ItemName     catalog.Text    `json:"item_name"`
	Site         string          `json:"site"`
	Supplier     string          `json:"supplier"`
	SupplierName catalog.Text    `json:"supplier_name"`
	Quantity     int64           `json:"quantity"`
	UnitCost     float64         `json:"unit_cost" doc:"in the currency"`
	Cost         float64         `json:"cost" doc:"in the currency"`
	DueAt        time.Time       `json:"due_at"`
	DecidedAt    *time.Time      `json:"decided_at"`
	DecidedBy    string          `json:"decided_by"`
	Reason       string          `json:"reason"`
	Explain      planner.Explain `json:"explain"`
}

func proposalBody(p planner.Proposal) Proposal {
	e := p.Explain
	e.Forecast, e.Demand = listOf(e.Forecast, "").Items, listOf(e.Demand, "").Items
	return Proposal{
		ID: p.ID, State: p.State, CreatedAt: p.CreatedAt.UTC(), Item: p.Item, ItemName: p.ItemName, Site: p.Site,
		Supplier: p.Supplier, SupplierName: p.SupplierName, Quantity: p.Quantity, UnitCost: float64(p.UnitCost) / moneyUnit,
		Cost: float64(p.UnitCost*p.Quantity) / moneyUnit, DueAt: p.DueAt.UTC(), DecidedAt: timeOrNull(p.DecidedAt),
		DecidedBy: p.DecidedBy, Reason: p.Reason, Explain: e,
	}
}

type proposalsInput struct {
	PageInput
	SiteInput
	State string `query:"state" enum:"proposed,approved,rejected,superseded,all" default:"proposed"`
}

func (s *server) proposals(ctx context.Context, in *proposalsInput) (list[Proposal], error) {
	state := planner.State(in.State)
	if in.State == "all" {
		state = ""
	}
	page, next, err := s.Planner.Proposals(ctx, planner.Filter{State: state, Site: in.Site, Before: in.Cursor, Limit: in.Limit})
	if err != nil {
		return list[Proposal]{}, err
	}
	return pageOf(bodies(page, proposalBody), next), nil
}

func (s *server) proposal(ctx context.Context, in *ByID) (Proposal, error) {
	p, err := s.Planner.Proposal(ctx, in.ID)
	return proposalBody(p), err
}

type approveInput struct {
	ByID
	Body struct {
		Quantity *int64 `json:"quantity,omitempty" minimum:"1" doc:"a multiple of the pack; left out = as proposed"`
		Comment  string `json:"comment,omitempty" maxLength:"1000"`
	}
}

func (s *server) approve(ctx context.Context, in *approveInput) (Proposal, error) {
	p, err := s.Planner.Approve(ctx, in.ID, in.Body.Quantity, sessionFrom(ctx).User, in.Body.Comment)
	return proposalBody(p), err
}

type reasonInput struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" pattern:"\\S" patternDescription:"more than spaces"`
	}
}

func (s *server) reject(ctx context.Context, in *reasonInput) (Proposal, error) {
	p, err := s.Planner.Reject(ctx, in.ID, sessionFrom(ctx).User, in.Body.Reason)
	return proposalBody(p), err
}

// PlanRun is what a run of the planner did.
type PlanRun struct {
	Run       string `json:"run"`
	Proposals int    `json:"proposals"`
	TookMS    int64  `json:"took_ms"`
}

func (s *server) plan(ctx context.Context, _ *struct{ Body *struct{} }) (PlanRun, error) {
	start := time.Now()
	r, err := s.Planner.Run(ctx)
	return PlanRun{r.ID, r.Proposed, time.Since(start).Milliseconds()}, err
}

// PurchaseOrder is goods that were ordered.
type PurchaseOrder struct {
	ID        string    `json:"id"`
	Supplier  string    `json:"supplier"`
	Item      string    `json:"item"`
	Site      string    `json:"site"`
	Quantity  int64     `json:"quantity"`
	OrderedAt time.Time `json:"ordered_at"`
	DueAt     time.Time `json:"due_at"`
	Received  int64     `json:"received"`
	State     string    `json:"state" enum:"open,received,cancelled"`
	Proposal  string    `json:"proposal"`
}

func (s *server) orders(ctx context.Context, in *LongPageInput) (list[PurchaseOrder], error) {
	all, err := s.Planner.Orders(ctx)
	if err != nil {
		return list[PurchaseOrder]{}, err
	}
	return cut(bodies(all, orderBody), func(o PurchaseOrder) string { return o.ID }, *in)
}

func orderBody(o planner.Order) PurchaseOrder {
	return PurchaseOrder{
		o.ID, o.Supplier, o.Item, o.Site, o.Quantity, o.OrderedAt.UTC(), o.DueAt.UTC(), o.Received, orderState(o), o.Proposal,
	}
}

func orderState(o planner.Order) string {
	switch {
	case o.Cancelled:
		return "cancelled"
	case o.Received >= o.Quantity:
		return "received"
	default:
		return "open"
	}
}
