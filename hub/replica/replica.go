// Package replica is this hub as one of several on one database: it says that it lives, takes its part of the work and
// gives up what is too much of it, by the rules of package lease.
//
// While a replica hears from the database it is sure of what it has until shortly before others may strike it off, by the
// machine's steady clock, which no wrong time of day disturbs. One that is not sure stops what it does, and what it writes
// all the same does not commit once another has taken over.
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/lease"
)

// Times of a replica.
const (
	Lives = 10 * time.Second // after it was heard
	Every = 3 * time.Second  // it says that it lives
)

// maxDeposed is how many replicas of before are remembered.
const maxDeposed = 64

// Store is what replicas share. Each method is one transaction, by the database's clock.
type Store interface {
	// Join makes a replica that lives for so long, in place of one of the same name.
	Join(ctx context.Context, r lease.Replica, lives time.Duration) error
	// Beat makes it live for so long again, and gives a View even where it fails. Errors: fault.NotFound where it was
	// struck off.
	Beat(ctx context.Context, r lease.Replica, lives time.Duration) (lease.View, error)
	// Act does what still fits and gives the leases that were taken, in their new terms. Errors: fault.NotFound.
	Act(ctx context.Context, me string, a lease.Actions) (taken []lease.Lease, err error)
	// Leave strikes it off.
	Leave(ctx context.Context, me string) error
}

// Config says who this hub is.
type Config struct {
	Name   string        // among the hubs of the database
	NewID  func() string // random text for ids
	Shared []string      // names of leases that replicas share out
	// Alone: no other hub may work on the database. Run fails where one does.
	Alone        bool
	Lives, Every time.Duration // 0 = the package's
	Log          *slog.Logger
	Metrics      prometheus.Registerer // nil = none
}

// Keeper keeps this hub's leases. Safe for concurrent use.
type Keeper struct {
	cfg   Config
	store Store
	log   *slog.Logger
	held  prometheus.Gauge
	lost  prometheus.Counter
	wake  chan struct{}

	mu      sync.Mutex
	me      lease.Replica
	has     map[string]lease.Lease
	leaving map[string]int64 // of has: the Share from which on it is left out
	once    map[string]bool  // leases that somebody wants who does something once
	sure    time.Time        // until when this replica is certainly alive
	part    int              // how many shared leases it should have
	number  int64
	settled int64 // the Share that is in force with those who work by it
	deposed []string
	changed chan struct{}
}

// New makes a Keeper that has nothing.
func New(c Config, store Store) *Keeper {
	if c.Lives == 0 {
		c.Lives, c.Every = Lives, Every
	}
	k := &Keeper{
		cfg: c, store: store, log: c.Log, wake: make(chan struct{}, 1), has: map[string]lease.Lease{}, leaving: map[string]int64{},
		once: map[string]bool{}, changed: make(chan struct{}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tallydock_replica_partitions", Help: "Partitions of edges that this hub serves.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_replica_struck_total", Help: "Times that this hub was silent for so long that others took its work over.",
		}),
	}
	if c.Metrics != nil {
		c.Metrics.MustRegister(k.held, k.lost)
	}
	return k
}

// Run takes part until ctx ends, and then gives everything up. Errors: fault.Conflict where another hub has this one's
// name, or is there where none may be.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.leave(context.WithoutCancel(ctx))
	for failing := false; ; {
		err := k.beat(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, fault.Conflict):
			return err
		case err != nil && !failing:
			k.log.Warn("cannot say that this hub lives; others take its work over if that lasts", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-k.wake:
		case <-time.After(k.pause()):
		}
	}
}

func (k *Keeper) leave(ctx context.Context) {
	ctx, done := context.WithTimeout(ctx, 5*time.Second)
	defer done()
	k.mu.Lock()
	me := k.me.ID
	k.forget()
	k.mu.Unlock()
	if me == "" {
		return
	}
	if err := k.store.Leave(ctx, me); err != nil {
		k.log.Warn("cannot give this hub's work up; others take it when its time is over", "error", err)
	}
}

// pause is how long until the next beat: less while something is about to move.
func (k *Keeper) pause() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.leaving) > 0 || k.shared() != k.part {
		return k.cfg.Every / 4
	}
	return k.cfg.Every
}

// beat says that this hub lives, and does what follows from what the database says.
func (k *Keeper) beat(ctx context.Context) error {
	me, err := k.join(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	v, err := k.store.Beat(ctx, me, k.cfg.Lives)
	if errors.Is(err, fault.NotFound) {
		return k.struck(v)
	}
	if err != nil {
		return err
	}
	if err := k.rivals(v); err != nil {
		return err
	}
	a := k.plan(began, v)
	if a.None() {
		return nil
	}
	taken, err := k.store.Act(ctx, me.ID, a)
	if errors.Is(err, fault.NotFound) {
		return k.struck(v)
	}
	if err != nil {
		return err
	}
	k.done(me.ID, a, taken)
	return nil
}

// join makes a replica where there is none.
func (k *Keeper) join(ctx context.Context) (lease.Replica, error) {
	k.mu.Lock()
	me := k.me
	k.mu.Unlock()
	if me.ID != "" {
		return me, nil
	}
	me.ID, me.Name = k.cfg.Name+"-"+k.cfg.NewID(), k.cfg.Name
	if err := k.store.Join(ctx, me, k.cfg.Lives); err != nil {
		return me, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.me.ID, k.me.Name = me.ID, me.Name
	return k.me, nil
}

// struck begins anew, without anything.
func (k *Keeper) struck(v lease.View) error {
	k.mu.Lock()
	k.forget()
	k.mu.Unlock()
	k.lost.Inc()
	for _, r := range v.Replicas {
		if r.Name == k.cfg.Name && r.Until.After(v.Now) {
			return fmt.Errorf("%w: another hub works under the name %s: give each its own (replica)", fault.Conflict, r.Name)
		}
	}
	k.log.Warn("this hub was silent for so long that others took its work over; it begins anew")
	k.nudge()
	return nil
}

func (k *Keeper) rivals(v lease.View) error {
	if !k.cfg.Alone {
		return nil
	}
	for _, r := range v.Replicas {
		if r.Name != k.cfg.Name && r.Until.After(v.Now) {
			return fmt.Errorf("%w: hub %s works on the same database; several hubs need one broker outside of them: set mqtt.broker in each", fault.Conflict, r.Name)
		}
	}
	return nil
}

// plan takes in what the database says and gives what to do.
func (k *Keeper) plan(began time.Time, v lease.View) lease.Actions {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sure = began.Add(k.cfg.Lives - k.cfg.Lives/10)
	known := map[string]lease.Lease{}
	for _, l := range v.Leases {
		known[l.Name] = l
	}
	for name, l := range k.has {
		if known[name].Holder != l.Holder || known[name].Term != l.Term {
			k.drop(name)
		}
	}
	v.Leases = k.wanted(known)
	k.part = lease.Part(k.me.ID, v)
	a := lease.Step(k.me.ID, v)
	for _, l := range a.Give {
		if _, ok := k.leaving[l.Name]; !ok {
			k.leaving[l.Name] = k.number + 1
		}
	}
	if slices.ContainsFunc(a.Give, func(l lease.Lease) bool { return k.leaving[l.Name] > k.number }) {
		k.tell()
	}
	a.Give = slices.DeleteFunc(a.Give, func(l lease.Lease) bool { return k.leaving[l.Name] > k.settled })
	return a
}

// wanted are the leases of this hub's kinds of work, as they are known; new ones where they are not.
func (k *Keeper) wanted(known map[string]lease.Lease) (all []lease.Lease) {
	for _, name := range k.cfg.Shared {
		l := known[name]
		l.Name, l.Shared = name, true
		all = append(all, l)
	}
	for name := range k.once {
		l := known[name]
		l.Name = name
		all = append(all, l)
	}
	return all
}

// done takes in what became of actions.
func (k *Keeper) done(me string, a lease.Actions, taken []lease.Lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.me.ID != me {
		return
	}
	for _, l := range a.Give {
		k.drop(l.Name)
	}
	for _, l := range taken {
		k.has[l.Name] = l
		i := slices.IndexFunc(a.Take, func(t lease.Lease) bool { return t.Name == l.Name })
		if from := a.Take[i].Holder; l.Shared && from != "" && !slices.Contains(k.deposed, from) {
			k.deposed = append(k.deposed[max(0, len(k.deposed)-maxDeposed+1):], from)
		}
	}
	if len(taken) > 0 {
		k.tell()
	}
	if len(a.Strike)+len(taken)+len(a.Give) > 0 {
		k.log.Info("work is shared out anew", "taken", len(taken), "given up", len(a.Give), "partitions", k.shared(), "struck off", strings.Join(a.Strike, " "))
	}
}

// drop forgets a lease.
func (k *Keeper) drop(name string) {
	delete(k.has, name)
	if _, told := k.leaving[name]; told {
		delete(k.leaving, name)
		return
	}
	k.tell()
}

// forget forgets all that this replica was.
func (k *Keeper) forget() {
	k.me.ID, k.sure = "", time.Time{}
	clear(k.has)
	clear(k.leaving)
	k.tell()
}

// tell says that what this hub has is different now.
func (k *Keeper) tell() {
	k.number++
	close(k.changed)
	k.changed = make(chan struct{})
	k.held.Set(float64(k.shared()))
}

// shared counts the shared leases that are worked by.
func (k *Keeper) shared() (n int) {
	for name, l := range k.has {
		if _, leaves := k.leaving[name]; l.Shared && !leaves {
			n++
		}
	}
	return n
}

func (k *Keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Ready says whether this hub can do shared work.
func (k *Keeper) Ready(can bool) {
	k.mu.Lock()
	changed := k.me.Ready != can
	k.me.Ready = can
	k.mu.Unlock()
	if changed {
		k.nudge()
	}
}

// Sure reports whether nobody can have taken this hub's work over by now.
func (k *Keeper) Sure() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Now().Before(k.sure)
}

// Share gives what this hub has of the shared leases.
func (k *Keeper) Share() lease.Share {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := lease.Share{ID: k.me.ID, Number: k.number, Claims: map[string]lease.Claim{}, Deposed: slices.Clone(k.deposed), Changed: k.changed}
	for name, l := range k.has {
		if _, leaves := k.leaving[name]; l.Shared && !leaves {
			s.Claims[name] = lease.Claim{Name: name, Holder: l.Holder, Term: l.Term}
		}
	}
	return s
}

// Settle says that nothing is under way any longer by leases that are not in s, so that they may be given up.
func (k *Keeper) Settle(s lease.Share) {
	k.mu.Lock()
	k.settled = max(k.settled, s.Number)
	due := len(k.leaving) > 0
	k.mu.Unlock()
	if due {
		k.nudge()
	}
}
