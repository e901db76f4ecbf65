package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// Options are of a run, not of its load.
type Options struct {
	Out   io.Writer     // gets a line every so often; nil = nobody
	Every time.Duration // how often; 0 = 10 s
	Watch string        // id of a process of this machine whose usage is told, such as the hub's; "" = none
}

// Load is one run of a plan.
type Load struct {
	*shared
	opt   Options
	watch string
	edges []*edge
	stage atomic.Pointer[string]
	parts []Part
	load  *stretch // since the load began; nil before
}

const (
	// pollEvery is how often the run looks whether its edges have come far enough.
	pollEvery = 20 * time.Millisecond
	// beforehand is how long all edges know when the load begins.
	beforehand = wakeEvery + 200*time.Millisecond
)

// New builds a run; nothing is connected yet.
func New(p Plan, o Options) (*Load, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.Epoch == 0 {
		p.Epoch = uint64(time.Now().Unix())
	}
	if o.Every == 0 {
		o.Every = 10 * time.Second
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	known, err := logins(p)
	if err != nil {
		return nil, err
	}
	s := &shared{counts: &counts{}, times: &times{}, plan: p, codecs: make(chan *wire.Codec, runtime.GOMAXPROCS(0)), room: &sync.Pool{}}
	for range cap(s.codecs) {
		codec, err := wire.NewCodec()
		if err != nil {
			return nil, err
		}
		s.codecs <- codec
	}
	l := &Load{shared: s, opt: o, watch: cmp.Or(o.Watch, "none")}
	for n, login := range known {
		l.edges = append(l.edges, newEdge(s, n, login))
	}
	return l, nil
}

// Run makes the load and waits until the hub has acked all of it. When ctx ends, nothing new happens and the drain begins.
// The error says what is wrong with the outcome: what was not acked, and by which edges. It may be called once.
func (l *Load) Run(ctx context.Context) (Report, error) {
	l.began = time.Now()
	l.enter("joining")
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var edges, telling sync.WaitGroup
	for _, e := range l.edges {
		edges.Go(func() { e.run(running) })
	}
	told, end := context.WithCancel(running)
	telling.Go(func() { l.tell(told) })
	err := l.play(ctx)
	end()
	telling.Wait()
	report := l.report()
	stop()
	edges.Wait()
	if err == nil {
		err = l.account()
	}
	report.Phase = "done"
	return report, err
}

// play goes through the phases.
func (l *Load) play(ctx context.Context) error {
	if err := l.settle(ctx); err != nil {
		return err
	}
	l.start.Store(int64(l.now() + beforehand))
	l.await(ctx, beforehand, func() bool { return false })
	l.load = l.stretch()
	l.enter("load")
	l.await(ctx, l.plan.Duration, func() bool { return false })
	l.end.Store(int64(l.now()))
	l.enter("draining")
	l.await(context.WithoutCancel(ctx), l.plan.Drain, l.drained)
	return nil
}

// settle waits until all edges have joined and what they began with is acked.
func (l *Load) settle(ctx context.Context) error {
	l.await(ctx, l.plan.Ramp, func() bool { return false })
	l.enter("settling")
	all := int64(len(l.edges))
	l.await(ctx, l.plan.Settle, func() bool { return l.joined.Load() == all && l.waiting.Load() == 0 })
	if ctx.Err() != nil {
		return nil // what is on its way is still waited for
	}
	if n := l.joined.Load(); n < all {
		return fmt.Errorf("%d of %d edges did not get in within %v after the ramp", all-n, all, l.plan.Settle)
	}
	if n := l.waiting.Load(); n > 0 {
		return fmt.Errorf("the hub left %d records without an ack for %v before the load began; is it running, and is its catalogue imported?",
			n, l.plan.Settle)
	}
	return nil
}

// drained reports whether nothing more happens, and the hub has everything.
func (l *Load) drained() bool {
	return l.idleEdges.Load() >= l.joined.Load() && l.waiting.Load() == 0 && l.samplesWaiting.Load() == 0
}

// await waits until something is so, at most for a time and until ctx ends.
func (l *Load) await(ctx context.Context, most time.Duration, so func() bool) {
	limit := time.NewTimer(most)
	defer limit.Stop()
	look := time.NewTicker(pollEvery)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (l *Load) enter(phase string) { l.stage.Store(&phase) }

func (l *Load) phase() string { return *l.stage.Load() }

// tell writes a line every so often.
func (l *Load) tell(ctx context.Context) {
	tick := time.NewTicker(l.opt.Every)
	defer tick.Stop()
	for since := l.stretch(); ; since = l.stretch() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p := since.part()
			l.parts = append(l.parts, p)
			fmt.Fprintln(l.opt.Out, p)
		}
	}
}

// account says what is missing at the end; the edges must have stopped.
func (l *Load) account() error {
	var left []*edge
	records := 0
	for _, e := range l.edges {
		if n := e.box.waiting() + len(e.samples.rows); n > 0 {
			left = append(left, e)
			records += n
		}
	}
	if gone := l.gone.Load(); gone > 0 {
		return fmt.Errorf("the hub asked for %d records that were no longer kept; uplink.keep is %d", gone, l.plan.Uplink.Keep)
	}
	if len(left) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d records of %d edges were not acked within %v:", records, len(left), l.plan.Drain)
	slices.SortFunc(left, func(a, b *edge) int { return cmp.Compare(b.box.waiting(), a.box.waiting()) })
	for _, e := range left[:min(len(left), 10)] {
		fmt.Fprintf(&b, "\n  %s: records %d to %d of epoch %d, %d samples", e.id, e.box.acked+1, e.box.head(), e.box.epoch, len(e.samples.rows))
	}
	return errors.New(b.String())
}

// Truth is where everything is after Run.
func (l *Load) Truth() Truth {
	all := make([]*goods, 0, len(l.edges))
	for _, e := range l.edges {
		all = append(all, e.goods)
	}
	return truthOf(l.plan.World, all, l.made.Load())
}
