package influx

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/hub/series"
)

// Options are how a Drainer works.
type Options struct {
	Batch   int                   // samples of one request; 0 = 5,000
	Flights int                   // requests at a time; 0 = 4
	Every   time.Duration         // between two looks into a spool that was empty; 0 = 1 s
	Pause   time.Duration         // after a failure, doubled with each that follows; 0 = 0.5 s
	Longest time.Duration         // the longest pause; 0 = 30 s
	Metrics prometheus.Registerer // nil = none
	Log     *slog.Logger          // nil = slog.Default()
}

// Drainer brings samples from a spool to InfluxDB. It holds no more than Flights + 1 batches. A sample leaves the spool
// when InfluxDB has it or has refused it; any number of Drainers of one spool do no harm.
type Drainer struct {
	db      *DB
	spool   series.Spool
	opt     Options
	metrics *metrics
	flying  atomic.Int64 // batches between the spool's Next and its Done

	mu      sync.Mutex
	health  Health
	trouble [2]string // by place: what went wrong there last, "" where it went well
}

// Health is how a Drainer does.
type Health struct {
	Up      bool
	Reason  string // why not, and what to do
	Since   time.Time
	Backlog series.Backlog // as it was seconds ago
}

// place is where something can go wrong.
type place uint8

const (
	atInflux place = iota
	atSpool
)

// NewDrainer makes a Drainer.
func NewDrainer(db *DB, spool series.Spool, o Options) *Drainer {
	o.Batch, o.Flights = cmp.Or(o.Batch, batch), cmp.Or(o.Flights, 4)
	o.Every, o.Pause, o.Longest = cmp.Or(o.Every, time.Second), cmp.Or(o.Pause, time.Second/2), cmp.Or(o.Longest, 30*time.Second)
	o.Log = cmp.Or(o.Log, slog.Default())
	d := &Drainer{db: db, spool: spool, opt: o, metrics: newMetrics(), health: Health{Up: true, Since: time.Now()}}
	d.metrics.register(o.Metrics, d)
	return d
}

// Health tells how the Drainer does: by what it tried last.
func (d *Drainer) Health() Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Run drains until ctx ends, and returns nil when its goroutines have ended.
func (d *Drainer) Run(ctx context.Context) error {
	batches := make(chan []series.Spooled)
	var crew sync.WaitGroup
	for range d.opt.Flights {
		crew.Go(func() {
			for b := range batches {
				d.carry(ctx, b)
				d.flying.Add(-1)
			}
		})
	}
	crew.Go(func() { d.watch(ctx) })
	d.feed(ctx, batches)
	close(batches)
	crew.Wait()
	return nil
}

// feed takes batches from the spool until ctx ends. It begins again from the first sample when all that it took has
// arrived, for those that turned up below others.
func (d *Drainer) feed(ctx context.Context, batches chan<- []series.Spooled) {
	var after int64
	for ctx.Err() == nil {
		if d.flying.Load() == 0 {
			after = 0
		}
		some, err := d.spool.Next(ctx, after, d.opt.Batch)
		d.note(ctx, atSpool, err)
		if len(some) > 0 {
			d.flying.Add(1)
			select {
			case batches <- some:
				after = some[len(some)-1].Row
			case <-ctx.Done():
				d.flying.Add(-1)
			}
		}
		if len(some) < d.opt.Batch {
			sleep(ctx, d.opt.Every)
		}
	}
}

// carry brings a batch to InfluxDB and takes it out of the spool, or ends with ctx.
func (d *Drainer) carry(ctx context.Context, all []series.Spooled) {
	good, refused := valid(all)
	more, err := d.deliver(ctx, good)
	if err != nil {
		return
	}
	refused = append(refused, more...)
	if d.insist(ctx, atSpool, func() error { return d.settle(ctx, all, refused) }) != nil {
		return
	}
	d.metrics.written.Add(float64(len(all) - len(refused)))
	d.metrics.quarantined.Add(float64(len(refused)))
	if len(refused) > 0 {
		d.opt.Log.Warn("InfluxDB refuses samples; they are in the quarantine", "samples", len(refused), "first_reason", refused[0].Reason)
	}
}

// valid parts what cannot be written from the rest.
func valid(all []series.Spooled) (good []series.Spooled, refused []series.Refused) {
	for _, s := range all {
		if err := s.Validate(); err != nil {
			refused = append(refused, series.Refused{Row: s.Row, Reason: err.Error()})
		} else {
			good = append(good, s)
		}
	}
	return good, refused
}

// settle takes a batch out of the spool: those refused to where they are seen, then the others.
func (d *Drainer) settle(ctx context.Context, all []series.Spooled, refused []series.Refused) error {
	if len(refused) > 0 {
		if err := d.spool.Refuse(ctx, refused); err != nil {
			return err
		}
	}
	rows := make([]int64, len(all))
	for i, s := range all {
		rows[i] = s.Row
	}
	return d.spool.Done(ctx, rows)
}

// note remembers what came of a try, and logs where that has changed.
func (d *Drainer) note(ctx context.Context, where place, err error) {
	if ctx.Err() != nil {
		return
	}
	d.mu.Lock()
	before := d.health
	d.trouble[where] = ""
	if err != nil {
		d.trouble[where] = []string{"cannot write samples", "cannot use the spool of samples"}[where] + ": " + err.Error()
	}
	d.health.Reason = cmp.Or(d.trouble[:]...)
	d.health.Up = d.health.Reason == ""
	if before.Up != d.health.Up {
		d.health.Since = time.Now()
	}
	after := d.health
	d.mu.Unlock()
	switch {
	case before.Up && !after.Up:
		d.opt.Log.Warn("samples wait for InfluxDB", "error", after.Reason)
	case !before.Up && after.Up:
		d.opt.Log.Info("samples go to InfluxDB again", "after", after.Since.Sub(before.Since).Round(time.Second))
	}
}

// watchEvery is the time between two looks at the backlog.
const watchEvery = 5 * time.Second

// watch keeps the backlog of Health, until ctx ends.
func (d *Drainer) watch(ctx context.Context) {
	for ok := true; ok; ok = sleep(ctx, watchEvery) {
		b, err := d.spool.Backlog(ctx)
		if err != nil {
			continue // feed sees it too
		}
		d.mu.Lock()
		d.health.Backlog = b
		d.mu.Unlock()
	}
}

// sleep waits, and reports whether ctx is still there.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
