package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/output"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/store"
	"github.com/tallydock/tallydock/edge/watch"
)

// Store keeps what the pipeline decides. Submit returns once the batch has a place in its queue; batches become durable
// in that order.
type Store interface {
	Submit(ctx context.Context, b store.Batch) (*store.Pending, error)
	Load(prefix []byte, fn func(key, value []byte) error) error
}

// Config of a Pipeline.
type Config struct {
	Store     Store
	Reconcile *reconcile.Machine
	Watch     *watch.Machine
	Now       func() time.Time // business time
	Unsynced  func() bool      // whether that time is doubtful; the driver's stamps are then not used
	Location  func(device string) string
	// Patient tells for which reads Read returns only when what they changed is durable: those that will not come again, and
	// that somebody, a broker, keeps until Read returns. Others hand over and go on, because waiting would spoil their
	// stamps or hold up their reader.
	Patient func(devices.Read) bool
	// Conditions tells what the gateway knows of itself that is an alarm; it is asked about once a second.
	Conditions func() []watch.Condition
	Outputs    Outputs       // the gateway's lamps and relays; nil = none
	Lights     []output.Door // the doors that have some of them
	Doors      []string      // for which lists may be given
	Every      time.Duration // samples of a channel are kept once in so long,
	Change     unit.Milli    // or when they changed by so much
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Bounds and times, machine time.
const (
	queueLength = 4096 // reads, samples and the like that wait; when it is full drivers wait
	batchLength = 512  // of them in one batch
	tickEvery   = 100 * time.Millisecond
	lookEvery   = time.Second
	stopWithin  = 10 * time.Second
)

// item is one thing in the queue; one field but read is set, or none.
type item struct {
	read    devices.Read
	gpi     *devices.GPI
	sample  *devices.Sample
	health  *devices.Health
	command *wire.Command
	ask     func()
	kept    chan struct{} // closed when what came of the item is durable; nil where nobody waits
}

var errStopped = errors.New("the gateway is stopping")

// Pipeline is the road. It is the Sink of all drivers.
type Pipeline struct {
	conf    Config
	queue   chan item
	stopped chan struct{}
	metrics *metrics
	lights  *output.Lights
	traces  traces
	counts  counted

	now      time.Time // of the last step
	ticked   time.Time // machine time of the last tick
	looked   time.Time // machine time of the last look at the conditions
	pending  *store.Pending
	batch    store.Batch     // what was decided since the last commit
	waiting  []store.Batch   // what could not be submitted yet, in order
	fresh    []chan struct{} // who waits for what was taken since the last commit
	sent     []chan struct{} // who waits for pending
	thin     map[channel]thinned
	keptTime time.Time

	standing atomic.Pointer[[]watch.Standing]
	progress atomic.Int64 // machine time of the last committed or idle round, ns since 1970
}

// New makes a Pipeline whose machines hold what the store kept.
func New(c Config) (*Pipeline, error) {
	p := &Pipeline{
		conf: c, queue: make(chan item, queueLength), stopped: make(chan struct{}), thin: map[channel]thinned{},
	}
	p.metrics = newMetrics(c.Registerer, p)
	p.lights = output.NewLights(c.Lights, p.want)
	p.standing.Store(&[]watch.Standing{})
	p.progress.Store(time.Now().UnixNano())
	if err := p.restore(); err != nil {
		return nil, err
	}
	return p, nil
}

// restore takes back the state. A value that is damaged is told and left out: tags come back as they are read.
func (p *Pipeline) restore() error {
	take := func(load func(k, v []byte) error) func(k, v []byte) error {
		return func(k, v []byte) error {
			if err := load(k, v); err != nil {
				p.conf.Log.Error("a part of the state is lost", "reason", err)
				p.batch.Delete = append(p.batch.Delete, k)
			}
			return nil
		}
	}
	err1 := p.conf.Store.Load([]byte(reconcile.Prefix), take(p.conf.Reconcile.Load))
	err2 := p.conf.Store.Load([]byte(watch.Prefix), take(p.conf.Watch.Load))
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("cannot load the state: %w", err)
	}
	p.conf.Reconcile.Restarted()
	p.alarms(p.conf.Watch.Restarted(p.step(p.conf.Now())))
	p.seedRooms()
	p.conf.Log.Info("state is loaded", "tags", p.conf.Reconcile.Tags(), "alarms", len(p.conf.Watch.Standing()))
	return nil
}

// Read implements devices.Sink.
func (p *Pipeline) Read(r devices.Read) {
	if r.HostTime.IsZero() || p.conf.Unsynced() {
		r.HostTime = p.conf.Now()
	}
	if p.conf.Patient(r) {
		p.handAndWait(item{read: r, kept: make(chan struct{})})
		return
	}
	p.push(item{read: r})
}

// GPI implements devices.Sink.
func (p *Pipeline) GPI(g devices.GPI) {
	if g.HostTime.IsZero() || p.conf.Unsynced() {
		g.HostTime = p.conf.Now()
	}
	p.push(item{gpi: &g})
}

// Sample implements devices.Sink.
func (p *Pipeline) Sample(s devices.Sample) {
	unsynced := p.conf.Unsynced()
	if s.HostTime.IsZero() || unsynced {
		s.HostTime = p.conf.Now()
	}
	if unsynced && s.Quality == devices.Good {
		s.Quality, s.Reason = devices.ClockUnsynced, "clock_unsynced"
	}
	p.push(item{sample: &s})
}

// Health implements devices.Sink.
func (p *Pipeline) Health(h devices.Health) { p.push(item{health: &h}) }

// Command takes a command of the hub.
func (p *Pipeline) Command(c wire.Command) { p.push(item{command: &c}) }

// handAndWait pushes an item and waits until what came of it is kept. When the store has failed it waits for the end of
// the program, so that nothing is acknowledged that was not kept.
func (p *Pipeline) handAndWait(it item) {
	p.push(it)
	select {
	case <-it.kept:
	case <-p.stopped:
	}
}

// push waits while the queue is full; what comes after the end of Run is dropped.
func (p *Pipeline) push(it item) {
	select {
	case p.queue <- it:
	case <-p.stopped:
	}
}

// Standing lists the alarms that are not normal.
func (p *Pipeline) Standing() []watch.Standing { return *p.standing.Load() }

// Stalled tells for how long the pipeline has made no progress; the disk is full or broken then.
func (p *Pipeline) Stalled() time.Duration { return time.Since(time.Unix(0, p.progress.Load())) }

// Run works until ctx ends, then finishes what is in the queue and makes it durable. Stop the drivers first. It returns
// nil, or why the store failed; who waits for a read to be kept then still waits.
func (p *Pipeline) Run(ctx context.Context) error {
	err := p.work(ctx)
	if err == nil {
		close(p.stopped)
	}
	return err
}

func (p *Pipeline) work(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case it := <-p.queue:
			p.take(it)
		case <-tick.C:
		case <-p.durable():
		case <-ctx.Done():
			return p.finish(context.WithoutCancel(ctx))
		}
		if err := p.round(ctx); err != nil {
			if ctx.Err() != nil {
				return p.finish(context.WithoutCancel(ctx))
			}
			return err
		}
	}
}

// round takes what else waits, ticks, and hands over what came of it.
func (p *Pipeline) round(ctx context.Context) error {
	p.drain(batchLength)
	p.tick()
	p.look()
	return p.commit(ctx)
}

func (p *Pipeline) drain(most int) {
	for range most {
		select {
		case it := <-p.queue:
			p.take(it)
		default:
			return
		}
	}
}

func (p *Pipeline) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	for len(p.queue) > 0 {
		p.drain(batchLength)
		if err := p.commit(ctx); err != nil {
			return fmt.Errorf("cannot finish what was read: %w", err)
		}
	}
	if err := p.commit(ctx); err != nil {
		return fmt.Errorf("cannot finish what was read: %w", err)
	}
	return p.settle(ctx)
}

// step moves the time of the steps on; it never goes back.
func (p *Pipeline) step(t time.Time) time.Time {
	if t.After(p.now) {
		p.now = t
	}
	return p.now
}

func (p *Pipeline) take(it item) {
	p.metrics.steps.Inc()
	if it.kept != nil {
		p.fresh = append(p.fresh, it.kept)
	}
	switch {
	case it.ask != nil:
		it.ask()
	case it.sample != nil:
		p.alarms(p.conf.Watch.Step(watch.Input{Sample: it.sample}, p.step(it.sample.HostTime)))
		p.keep(it.sample)
	case it.gpi != nil:
		now := p.step(it.gpi.HostTime)
		p.decided(p.conf.Reconcile.Step(reconcile.Input{GPI: it.gpi}, now))
		p.alarms(p.conf.Watch.Step(watch.Input{GPI: it.gpi}, now))
	case it.health != nil:
		now := p.step(p.conf.Now())
		p.decided(p.conf.Reconcile.Step(reconcile.Input{Health: it.health}, now))
		p.alarms(p.conf.Watch.Step(watch.Input{Health: it.health}, now))
		if p.conf.Outputs != nil {
			p.conf.Outputs.Health(*it.health)
		}
	case it.command != nil:
		p.command(it.command)
	default:
		p.decided(p.conf.Reconcile.Step(reconcile.Input{Read: &it.read}, p.step(it.read.HostTime)))
	}
}

// tick tells the machines the time. While more waits in the queue, time goes no further than what was read, because
// what was not read yet says more than silence.
func (p *Pipeline) tick() {
	machine := time.Now()
	idle := len(p.queue) == 0
	if machine.Sub(p.ticked) < tickEvery && idle || machine.Sub(p.ticked) < lookEvery && !idle {
		return
	}
	p.ticked = machine
	now := p.now
	if idle {
		now = p.step(p.conf.Now())
	}
	p.decided(p.conf.Reconcile.Step(reconcile.Input{}, now))
	p.alarms(p.conf.Watch.Step(watch.Input{}, now))
	p.lights.Tick(now)
}

// look turns what the gateway knows of itself into alarms.
func (p *Pipeline) look() {
	if machine := time.Now(); machine.Sub(p.looked) >= lookEvery {
		p.looked = machine
		for _, c := range p.conf.Conditions() {
			p.alarms(p.conf.Watch.Step(watch.Input{Condition: &c}, p.now))
		}
	}
}
