package webhook

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/hub/fault"
)

const (
	settleWithin = 2 * time.Second        // for one try to write an outcome down
	settleFirst  = 100 * time.Millisecond // wait after the first try that failed; doubles
	settleLast   = 5 * time.Second        // the longest such wait
)

// Sender makes one attempt; Client is one. It returns soon after ctx ends, and may be called by many goroutines.
type Sender interface {
	Send(ctx context.Context, e Endpoint, m Message, at time.Time) Outcome
}

// Config is how a Dispatcher works. What is zero gets the value of DefaultConfig.
type Config struct {
	Worker      string        // name of this process among all replicas
	Concurrency int           // messages in hand
	PerEndpoint int           // of them for one endpoint
	Poll        time.Duration // how often it looks for work without being woken
	Lease       time.Duration // an attempt is cut off after three quarters of it
	Grace       time.Duration // how long attempts may go on after a stop
	Now         func() time.Time
	Jitter      func() float64 // from 0 to below 1
	Log         *slog.Logger
	Metrics     prometheus.Registerer // nil = none
}

// DefaultConfig is how a Dispatcher works where nothing else is said.
func DefaultConfig() Config {
	return Config{
		Worker: "hub", Concurrency: 64, PerEndpoint: 4, Poll: time.Second, Lease: time.Minute, Grace: 5 * time.Second,
		Now: time.Now, Jitter: rand.Float64, Log: slog.New(slog.DiscardHandler),
	}
}

func (c Config) filled() Config {
	d := DefaultConfig()
	fill(&c.Worker, d.Worker)
	fill(&c.Concurrency, d.Concurrency)
	fill(&c.PerEndpoint, d.PerEndpoint)
	fill(&c.Poll, d.Poll)
	fill(&c.Lease, d.Lease)
	fill(&c.Grace, d.Grace)
	fill(&c.Log, d.Log)
	if c.Now == nil {
		c.Now = d.Now
	}
	if c.Jitter == nil {
		c.Jitter = d.Jitter
	}
	return c
}

func fill[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Dispatcher sends what is due. Every replica of a hub may run one on the same Queue.
type Dispatcher struct {
	cfg    Config
	queue  Queue
	sender Sender
	count  *metrics
	wake   chan struct{}
	done   chan string // endpoint of a delivery that is in hand no more; never full
	sends  sync.WaitGroup
	busy   map[string]int // deliveries in hand, by endpoint; Run's goroutine's
	inHand int            // their sum
}

// NewDispatcher makes a Dispatcher that Run starts.
func NewDispatcher(c Config, q Queue, s Sender) *Dispatcher {
	c = c.filled()
	return &Dispatcher{
		cfg: c, queue: q, sender: s, count: newMetrics(c.Metrics),
		wake: make(chan struct{}, 1), done: make(chan string, c.Concurrency), busy: map[string]int{},
	}
}

// Wake says that something may be due: after a commit it need not wait for the next look.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run sends until ctx ends. Then it claims no more, lets attempts go on for the Grace, cuts them off, and gives back what
// had no outcome. Call it once.
func (d *Dispatcher) Run(ctx context.Context) error {
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	look := time.NewTicker(d.cfg.Poll)
	defer look.Stop()
	for ctx.Err() == nil {
		d.claim(ctx, sending)
		select {
		case <-ctx.Done():
		case endpoint := <-d.done:
			d.ended(endpoint)
		case <-d.wake:
		case <-look.C:
		}
	}
	grace := time.AfterFunc(d.cfg.Grace, cut)
	defer grace.Stop()
	d.sends.Wait()
	return nil
}

// ended notes that a delivery is in hand no more, and those that ended meanwhile.
func (d *Dispatcher) ended(endpoint string) {
	for {
		d.inHand--
		if d.busy[endpoint]--; d.busy[endpoint] == 0 {
			delete(d.busy, endpoint)
		}
		select {
		case endpoint = <-d.done:
		default:
			return
		}
	}
}

// claim takes what there is room for, and sends each in a goroutine of its own.
func (d *Dispatcher) claim(ctx, sending context.Context) {
	room := d.cfg.Concurrency - d.inHand
	if room == 0 {
		return
	}
	now := d.cfg.Now()
	claimed, err := d.queue.Claim(ctx, Claim{d.cfg.Worker, now, d.cfg.Lease, room, d.cfg.PerEndpoint, d.busy})
	if err != nil {
		if ctx.Err() == nil {
			d.count.troubles.WithLabelValues("claim").Inc()
			d.cfg.Log.WarnContext(ctx, "cannot claim webhook deliveries; trying again", "err", err)
		}
		return
	}
	for _, c := range claimed {
		d.busy[c.Delivery.Endpoint]++
		d.inHand++
		d.count.inHand.Inc()
		d.count.late.Observe(now.Sub(c.Delivery.Due).Seconds())
		d.sends.Go(func() {
			d.deliver(sending, c)
			d.count.inHand.Dec()
			d.done <- c.Delivery.Endpoint
		})
	}
}

// deliver makes an attempt and writes down what came of it. The attempt ends before its lease does.
func (d *Dispatcher) deliver(ctx context.Context, c Claimed) {
	sending, cancel := context.WithTimeout(ctx, d.cfg.Lease*3/4)
	defer cancel()
	at := d.cfg.Now()
	o := d.sender.Send(sending, c.Endpoint, c.Message, at)
	d.count.attempts.WithLabelValues(o.kind()).Inc()
	d.count.took.Observe(o.Took.Seconds())
	if !o.OK() && ctx.Err() != nil {
		d.settle(ctx, c, Settlement{Delivery: Release(c.Delivery, d.cfg.Now())})
		return
	}
	next, change, err := Step(c.Delivery, o, d.cfg.Now(), d.cfg.Jitter())
	if err != nil {
		d.cfg.Log.ErrorContext(ctx, "webhook delivery was claimed in a state that it cannot be sent in", "err", err)
		return
	}
	attempt := o.attempt(at, d.cfg.Worker)
	d.settle(ctx, c, Settlement{next, &attempt, change})
}

// settle writes an outcome down. While the database does not take it, it tries again until the lease ends or ctx does; then
// the delivery is sent again, by whoever claims it.
func (d *Dispatcher) settle(ctx context.Context, c Claimed, s Settlement) {
	log := d.cfg.Log.With("delivery", c.Delivery.ID, "message", c.Message.ID, "endpoint", c.Endpoint.ID)
	for wait := settleFirst; ; wait = min(2*wait, settleLast) {
		e, err := d.trySettle(ctx, s)
		switch {
		case err == nil:
			d.settled(ctx, log, c.Endpoint, e, s.Delivery)
			return
		case errors.Is(err, fault.Conflict):
			d.count.stale.Inc()
			log.InfoContext(ctx, "webhook outcome came too late; the message may be sent again", "err", err)
			return
		}
		d.count.troubles.WithLabelValues("settle").Inc()
		log.WarnContext(ctx, "cannot write down a webhook outcome", "err", err)
		if !pause(ctx, wait) || !d.cfg.Now().Before(c.Delivery.Lease.Until) {
			log.WarnContext(ctx, "webhook outcome is given up; the message will be sent again")
			return
		}
	}
}

// trySettle is one try; it is made even when ctx has ended.
func (d *Dispatcher) trySettle(ctx context.Context, s Settlement) (Endpoint, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	return d.queue.Settle(ctx, s)
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settled counts and tells what became of a delivery and its endpoint.
func (d *Dispatcher) settled(ctx context.Context, log *slog.Logger, before, after Endpoint, delivery Delivery) {
	if delivery.State != Pending {
		d.count.ended.WithLabelValues(string(delivery.State)).Inc()
	}
	if delivery.State == Failed {
		log.WarnContext(ctx, "webhook message is not sent any more", "why", delivery.Note)
	}
	if before.State == Enabled && after.State == Disabled && after.Turned.By == ByHub {
		d.count.disabled.Inc()
		log.WarnContext(ctx, "webhook endpoint is disabled", "why", after.Turned.Why)
	}
}
