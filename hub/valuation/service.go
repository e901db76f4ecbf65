package valuation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/fault"
)

// Due are events that wait to be valued.
type Due struct {
	Round  int64 // the last one that was booked
	Events []Event
	Heads  map[string]State // of their items after all that is booked of them, where those are at hand
}

// Store keeps events and entries. Its methods may be called by several goroutines at a time.
type Store interface {
	// Due gives the first events that wait, about n, in the order of their keys, but for those of items that are stuck.
	Due(ctx context.Context, n int) (Due, error)
	// History gives the newest state of an item that is from before a moment, or the zero State, with all events after it.
	History(ctx context.Context, item string, before Moment) (History, error)
	// Booked sums the entries of an item whose steps are at a moment or later.
	Booked(ctx context.Context, item string, from Moment) (Booked, error)
	// Book records the round after one, all of it or nothing: the events of its changes no longer wait. Errors:
	// fault.Conflict where that round was booked by another one.
	Book(ctx context.Context, after int64, changes []Change) error
}

// Config is how a Service works.
type Config struct {
	Method Method        // by which items are valued that are new; "" = Average
	Every  time.Duration // how long it waits when nothing is due, 0 = a second
	Batch  int           // how many events a round has at most; 0 = 1,000
	Apart  int           // how many events apart states are kept, from which a fold can begin; 0 = 256
	// Told, where it is not nil, hears of each round that did something, and of each that failed. It must not block.
	Told func(Round, error)
}

// Round is what was done at once.
type Round struct {
	Number int64 // 0 where nothing was due
	Events int
	Items  int
	Rows   int
	Late   int      // items of which something was heard late
	Stuck  []string // items that cannot be valued
	More   bool     // more may be due
}

// Service values what the ledger records: it takes events from the queue, folds them, and books what they came to. One of
// several hubs does so; where two do for a moment, a round is booked by one of them, which costs work and harms nothing.
type Service struct {
	cfg   Config
	store Store
	clock clock.Clock
}

// New makes a Service.
func New(cfg Config, store Store, clk clock.Clock) *Service {
	if cfg.Method == "" {
		cfg.Method = Average
	}
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	if cfg.Batch == 0 {
		cfg.Batch = 1000
	}
	if cfg.Apart == 0 {
		cfg.Apart = 256
	}
	if cfg.Told == nil {
		cfg.Told = func(Round, error) {}
	}
	return &Service{cfg, store, clk}
}

// Run values until ctx ends. A round that fails is tried again.
func (s *Service) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		r, err := s.Once(ctx)
		if ctx.Err() == nil && (err != nil || r.Events > 0) {
			s.cfg.Told(r, err)
		}
		if err == nil && r.More {
			continue
		}
		if s.clock.Sleep(ctx, s.cfg.Every) != nil {
			break
		}
	}
	return nil
}

// Once does one round. Errors: fault.Conflict where another hub did it.
func (s *Service) Once(ctx context.Context) (Round, error) {
	due, err := s.store.Due(ctx, s.cfg.Batch)
	if err != nil || len(due.Events) == 0 {
		return Round{}, err
	}
	items := map[string][]Event{}
	for _, e := range due.Events {
		items[e.Item] = append(items[e.Item], e)
	}
	changes := make([]Change, 0, len(items))
	for _, item := range slices.Sorted(maps.Keys(items)) {
		c, err := s.value(ctx, item, items[item], due.Heads[item])
		if err != nil {
			return Round{}, fmt.Errorf("cannot value item %s: %w", item, err)
		}
		changes = append(changes, c)
	}
	if err := s.store.Book(ctx, due.Round, changes); err != nil {
		return Round{}, fmt.Errorf("cannot book the valuation of %d items: %w", len(changes), err)
	}
	return s.round(due, changes), nil
}

func (s *Service) round(due Due, changes []Change) Round {
	r := Round{Number: due.Round + 1, Events: len(due.Events), Items: len(changes), More: len(due.Events) >= s.cfg.Batch}
	for _, c := range changes {
		r.Rows += len(c.Rows)
		if c.Again {
			r.Late++
		}
		if c.Stuck != "" {
			r.Stuck = append(r.Stuck, c.Item)
		}
	}
	return r
}

// Again values an item again from its beginning: one that was stuck, whose events no longer wait for nothing after that, or
// whose rows are not what its events come to. It gives how many rows that took.
func (s *Service) Again(ctx context.Context, item string) (rows int, err error) {
	for range againMost {
		if rows, err = s.again(ctx, item); !errors.Is(err, fault.Conflict) {
			break
		}
	}
	return rows, err
}

// againMost is how often Again is tried while rounds are booked beside it.
const againMost = 5

func (s *Service) again(ctx context.Context, item string) (rows int, err error) {
	due, err := s.store.Due(ctx, 0)
	if err != nil {
		return 0, err
	}
	c, err := s.revalue(ctx, item, nil, Moment{}, State{})
	if err != nil {
		return 0, err
	}
	c.Again = true
	return len(c.Rows), s.store.Book(ctx, due.Round, []Change{c})
}

// value does the events of one item. One that cannot be valued makes the item stuck, and the others go on.
func (s *Service) value(ctx context.Context, item string, fresh []Event, head State) (Change, error) {
	slices.SortFunc(fresh, func(a, b Event) int { return a.Compare(b.Moment) })
	first := slices.MinFunc(fresh, bySince)
	from := first.since()
	from.Line = 0 // its lines may come in two rounds, and what some of them take back is booked at the first
	c, err := s.revalue(ctx, item, fresh, from, head)
	if errors.Is(err, fault.Invalid) {
		return Change{Item: item, Stuck: err.Error()}, nil
	}
	return c, err
}

func (s *Service) revalue(ctx context.Context, item string, fresh []Event, from Moment, head State) (Change, error) {
	h, err := s.history(ctx, item, fresh, from, head)
	if err != nil {
		return Change{}, err
	}
	if h.Base.Method == "" && len(h.Events) == 0 {
		fresh = slices.Insert(fresh, 0, genesis(item, s.cfg.Method))
	}
	var booked Booked
	if h.after(from) {
		if booked, err = s.store.Booked(ctx, item, from); err != nil {
			return Change{}, err
		}
	}
	return Revalue(item, h, fresh, from, booked, s.cfg.Apart)
}

// history goes on from the head where everything is later than that, and reads back otherwise, to where nothing is taken
// back that was before.
func (s *Service) history(ctx context.Context, item string, fresh []Event, from Moment, head State) (History, error) {
	if head.Method != "" && head.At.Before(from) {
		h := History{Base: head}
		if _, further := h.Reach(fresh); !further {
			return h, nil
		}
	}
	for {
		h, err := s.store.History(ctx, item, from)
		if err != nil {
			return h, err
		}
		var further bool
		if from, further = h.Reach(fresh); !further {
			return h, nil
		}
	}
}
