// Package planner runs the planning: it takes demand, stock and terms of supply from the books, lets forecast and
// replenish judge each item at each site, and keeps what they propose until a person approves or rejects it.
//
// The life of a proposal:
//
//	proposed ──approve──> approved   (a purchase order exists)
//	    │ ├──reject────> rejected    (with the person's reason)
//	    └─next run────> superseded  (the figures are newer)
//
// There is one open proposal per item and site at most, and what is on order counts into the position, so a run never
// asks twice for the same need.
package planner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/forecast"
	"github.com/tallydock/tallydock/hub/replenish"
)

// HistoryDays is how far back demand is taken into account.
const HistoryDays = 365

// State is where a proposal stands.
type State string

// The states of a proposal.
const (
	Proposed   State = "proposed"
	Approved   State = "approved"
	Rejected   State = "rejected"
	Superseded State = "superseded"
)

// Input is what the books say of one item at one site.
type Input struct {
	Item     string
	Site     string
	Source   catalog.Source // whom it would be bought from
	Demand   []float64      // a day each, oldest first, the last one yesterday
	LastDay  time.Time      // the day of the last Demand, midnight UTC
	Position replenish.Position
}

// Proposal is an order that the planner suggests.
type Proposal struct {
	ID           string       `json:"id"`
	State        State        `json:"state"`
	CreatedAt    time.Time    `json:"created_at"`
	Item         string       `json:"item"`
	ItemName     catalog.Text `json:"item_name"`
	Site         string       `json:"site"`
	Supplier     string       `json:"supplier"`
	SupplierName catalog.Text `json:"supplier_name"`
	Quantity     int64        `json:"quantity"`
	UnitCost     int64        `json:"-"` // 1/10000 of the currency
	DueAt        time.Time    `json:"due_at"`
	DecidedAt    time.Time    `json:"decided_at,omitzero"`
	DecidedBy    string       `json:"decided_by"`
	Reason       string       `json:"reason"`
	Explain      Explain      `json:"explain"`
}

// Order is a purchase order.
type Order struct {
	ID        string    `json:"id"`
	Proposal  string    `json:"proposal"`
	Supplier  string    `json:"supplier"`
	Item      string    `json:"item"`
	Site      string    `json:"site"`
	Quantity  int64     `json:"quantity"`
	OrderedAt time.Time `json:"ordered_at"`
	DueAt     time.Time `json:"due_at"`
	Received  int64     `json:"received"`
	Cancelled bool      `json:"-"`
}

// Run is one planning run.
type Run struct {
	ID         string    `json:"run"`
	At         time.Time `json:"at"`
	Considered int       `json:"considered"` // items at sites
	Proposed   int       `json:"proposals"`
}

// Verdict is a person's answer to a proposal.
type Verdict struct {
	State    State
	Quantity int64 // what to order, where Approved
	At       time.Time
	Actor    string
	Reason   string
	Order    Order // what to place, where Approved
}

// MaxPage is the longest page of proposals.
const MaxPage = 500

// Filter chooses proposals; an empty field chooses all.
type Filter struct {
	State  State
	Site   string
	Before string // cursor: what the page before gave as next
	Limit  int    // 1 to MaxPage; 0 = MaxPage
}

// Store keeps what the planner needs and makes. Each method is one transaction.
type Store interface {
	// Inputs gives every item at every site that somebody supplies, with its demand of the days from first on up to and
	// without today.
	Inputs(ctx context.Context, first, today time.Time) ([]Input, error)
	// LastRun is when the newest run was; zero where there was none.
	LastRun(ctx context.Context) (time.Time, error)
	// SaveRun stores a run's proposals; open proposals of before become Superseded.
	SaveRun(ctx context.Context, run Run, proposals []Proposal) error
	// Proposals lists proposals, newest first, those of a run by item and site; next is the cursor of the page after, "" at
	// the end. Errors: fault.Invalid for a cursor that is no proposal's.
	Proposals(ctx context.Context, f Filter) (page []Proposal, next string, err error)
	// Proposal reads one. Errors: fault.NotFound.
	Proposal(ctx context.Context, id string) (Proposal, error)
	// Decide answers an open proposal. Errors: fault.NotFound; fault.Conflict where it is not open.
	Decide(ctx context.Context, id string, v Verdict) (Proposal, error)
	// Orders lists the purchase orders, newest first, with what was received of each.
	Orders(ctx context.Context) ([]Order, error)
}

// Config is what a company sets for all items.
type Config struct {
	ServiceLevel float64       // of a cycle, e.g. 0.95
	ReviewDays   float64       // days between runs that decide
	Every        time.Duration // how often Loop runs, in business time
}

// Service is the planner.
type Service struct {
	cfg   Config
	store Store
	clock clock.Clock
	log   *slog.Logger
}

// New makes the planner.
func New(cfg Config, store Store, clk clock.Clock, log *slog.Logger) *Service {
	return &Service{cfg, store, clk, log}
}

// settle is how long after its start a hub waits with its first plan, so that gateways can have told what there is.
const settle = time.Hour

// Loop runs the planning every Config.Every of business time, also over restarts, until ctx ends. A plan that is due at
// the start waits an hour.
func (s *Service) Loop(ctx context.Context) error {
	last, err := s.store.LastRun(ctx)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	wait := max(settle, min(last.Add(s.cfg.Every).Sub(now), s.cfg.Every))
	for s.clock.Sleep(ctx, wait) == nil {
		if _, err := s.Run(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("planning failed; it runs again in its time", "error", err)
		}
		wait = s.cfg.Every
	}
	return nil
}

// Run judges every item at every site and stores what it proposes.
func (s *Service) Run(ctx context.Context) (Run, error) {
	now := s.clock.Now()
	today := now.UTC().Truncate(24 * time.Hour)
	inputs, err := s.store.Inputs(ctx, today.AddDate(0, 0, -HistoryDays), today)
	if err != nil {
		return Run{}, err
	}
	run := Run{ID: newID(), At: now, Considered: len(inputs)}
	var proposals []Proposal
	for _, in := range inputs {
		p, err := s.judge(in, now)
		if err != nil {
			s.log.Warn("item is left out of the plan", "item", in.Item, "site", in.Site, "error", err)
			continue
		}
		if p.Quantity > 0 {
			proposals = append(proposals, p)
		}
	}
	run.Proposed = len(proposals)
	if err := s.store.SaveRun(ctx, run, proposals); err != nil {
		return Run{}, err
	}
	s.log.Info("planning done", "considered", run.Considered, "proposed", run.Proposed)
	return run, nil
}

func (s *Service) judge(in Input, now time.Time) (Proposal, error) {
	terms := replenish.Terms{
		LeadTime: in.Source.LeadTime, LeadTimeSD: in.Source.LeadTimeSD, ReviewDays: s.cfg.ReviewDays,
		ServiceLevel: s.cfg.ServiceLevel, MOQ: in.Source.MOQ, PackMultiple: in.Source.PackMultiple,
	}
	f := forecast.Fit(in.Demand, terms.Horizon())
	d, err := replenish.Decide(f, terms, in.Position)
	if err != nil {
		return Proposal{}, err
	}
	return Proposal{
		ID: newID(), State: Proposed, CreatedAt: now, Item: in.Item, Site: in.Site, Supplier: in.Source.Supplier,
		Quantity: d.Quantity, UnitCost: in.Source.Price, DueAt: now.Add(days(in.Source.LeadTime)),
		Explain: explain(in, terms, f, d, now),
	}, nil
}

// Approve orders what a proposal asks for, or another quantity that keeps to the supplier's terms (nil = as proposed).
func (s *Service) Approve(ctx context.Context, id string, quantity *int64, actor, comment string) (Proposal, error) {
	p, err := s.store.Proposal(ctx, id)
	if err != nil {
		return Proposal{}, err
	}
	q := p.Quantity
	if quantity != nil {
		q = *quantity
	}
	terms := replenish.Terms{MOQ: p.Explain.MOQ, PackMultiple: p.Explain.PackMultiple}
	if fit := terms.Round(float64(q)); q <= 0 || fit != q {
		return Proposal{}, fmt.Errorf("%w: quantity %d does not keep to the supplier's terms (at least %d, a multiple of %d); the next that does is %d",
			fault.Invalid, q, terms.MOQ, max(1, terms.PackMultiple), max(fit, terms.Round(1)))
	}
	now := s.clock.Now()
	return s.store.Decide(ctx, id, Verdict{
		State: Approved, Quantity: q, At: now, Actor: actor, Reason: comment,
		Order: Order{
			ID: newID(), Proposal: id, Supplier: p.Supplier, Item: p.Item, Site: p.Site, Quantity: q, OrderedAt: now,
			DueAt: now.Add(days(p.Explain.LeadTime)),
		},
	})
}

// Reject answers a proposal with no, for a reason.
func (s *Service) Reject(ctx context.Context, id, actor, reason string) (Proposal, error) {
	if reason == "" {
		return Proposal{}, fmt.Errorf("%w: say why the proposal is rejected", fault.Invalid)
	}
	return s.store.Decide(ctx, id, Verdict{State: Rejected, At: s.clock.Now(), Actor: actor, Reason: reason})
}

// Proposals lists proposals, newest first.
func (s *Service) Proposals(ctx context.Context, f Filter) (page []Proposal, next string, err error) {
	return s.store.Proposals(ctx, f)
}

// Proposal reads one.
func (s *Service) Proposal(ctx context.Context, id string) (Proposal, error) {
	return s.store.Proposal(ctx, id)
}

// Orders lists the purchase orders, newest first.
func (s *Service) Orders(ctx context.Context) ([]Order, error) { return s.store.Orders(ctx) }

func days(d float64) time.Duration { return time.Duration(d * 24 * float64(time.Hour)) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }
