package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// shared is what the edges of a run have in common.
type shared struct {
	*counts
	*times
	plan   Plan
	codecs chan *wire.Codec
	room   *sync.Pool
}

// edge is one simulated gateway. It belongs to the goroutine of its run.
type edge struct {
	*shared
	n     int
	id    string
	login login

	box      outbox
	samples  samples
	goods    *goods
	calendar *calendar
	chance   *rand.Rand // of cuts and doubles
	sentUpto uint64     // last seq that was ever sent, of the epoch
	idle     bool       // nothing more will happen
	stocked  bool
	answered string // the last command
	statusAt time.Duration
	insist   insistence
	stuck    bool // the hub asks for what is not here: nothing is sent until that is settled
	main     window
	side     window
	link     *link
	linkedAt time.Duration // when the connection was made; never = there is none
	cutAt    time.Duration
}

// errCut is a connection that the plan has cut.
var errCut = errors.New("cut by the plan")

const (
	// wakeEvery is how soon an edge that waits for its next thing notices that the phase has changed.
	wakeEvery = time.Second
	// leastWait lets an edge that has much to do hear what has come.
	leastWait = 100 * time.Microsecond
)

func newEdge(s *shared, n int, l login) *edge {
	p := s.plan
	return &edge{
		shared: s, n: n, id: p.World.Edge(n), login: l, box: newOutbox(p.World.Edge(n), p.Epoch, p.Uplink.Keep),
		samples: samples{first: 1}, goods: newGoods(p.World, n, p.Epoch, p.Seed), calendar: newCalendar(p, n),
		chance: rand.New(rand.NewPCG(p.Seed, uint64(n)<<8|'x')),
	}
}

// run joins when its turn comes, and then stays connected as well as it can until ctx ends.
func (e *edge) run(ctx context.Context) {
	turn := e.plan.Ramp * time.Duration(e.n) / time.Duration(e.plan.World.Edges)
	if !pause(ctx, turn-e.now()) {
		return
	}
	wait := e.plan.Uplink.RetryFirst
	for try := 0; ctx.Err() == nil; try++ {
		began := e.now()
		err := e.session(ctx, e.plan.Brokers[(e.n+try)%len(e.plan.Brokers)])
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errCut):
			e.cuts.Add(1)
			if !e.rest(ctx, spread(e.chance, e.plan.Flapping.Down)) {
				return
			}
			continue
		}
		e.problems.add(e.id, err)
		if e.now()-began > e.plan.Uplink.RetryMost {
			wait = e.plan.Uplink.RetryFirst
		}
		if !e.rest(ctx, wait/2+rand.N(wait/2+1)) {
			return
		}
		wait = min(2*wait, e.plan.Uplink.RetryMost)
	}
}

// rest is a time without a connection, in which things happen all the same.
func (e *edge) rest(ctx context.Context, d time.Duration) bool {
	for end := e.now() + d; ; {
		if err := e.happen(); err != nil {
			e.problems.add(e.id, err)
		}
		left := end - e.now()
		if left <= 0 {
			return ctx.Err() == nil
		}
		if !pause(ctx, min(left, wakeEvery)) {
			return false
		}
	}
}

// pause reports whether d passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// spread draws a time with a mean, as something takes that ends by chance.
func spread(r *rand.Rand, mean time.Duration) time.Duration {
	return max(time.Duration(r.ExpFloat64()*float64(mean)), time.Millisecond)
}

// session is one connection from its beginning to its end.
func (e *edge) session(ctx context.Context, broker string) error {
	if err := e.join(ctx, broker); err != nil {
		return err
	}
	e.connected.Add(1)
	e.linkedAt = e.now()
	defer func() {
		e.connected.Add(-1)
		e.linkedAt = never
	}()
	if e.sessions.Add(1); !e.stocked {
		e.joined.Add(1)
		if err := e.stock(); err != nil {
			return err
		}
	}
	e.cutAt = never
	if e.plan.flaps(e.n) {
		e.cutAt = max(e.now(), e.loadBegins()) + spread(e.chance, e.plan.Flapping.Up)
	}
	err := e.work(ctx)
	if ctx.Err() != nil {
		e.part()
		return ctx.Err()
	}
	e.link.cut()
	return err
}

// loadBegins is when it did or will, as far as is known.
func (e *edge) loadBegins() time.Duration {
	if at := e.start.Load(); at > 0 {
		return time.Duration(at)
	}
	return e.plan.Ramp
}

// join connects, subscribes and says how the edge is.
func (e *edge) join(ctx context.Context, broker string) error {
	will, err := wire.EncodeStatus(e.status(false))
	if err != nil {
		return fmt.Errorf("cannot encode the will: %w", err)
	}
	e.link, err = dial(ctx, broker, e.login.tls, hello{
		client: clientID(e.id), user: e.login.User, password: e.login.Password, keepAlive: uint16(keepAlive / time.Second),
		willTopic: wire.Topic(e.id, wire.UpStatus), will: will,
	}, e.room)
	if err != nil {
		return err
	}
	now := e.now()
	e.main = window{size: e.plan.Uplink.Window, next: e.box.acked + 1, sent: e.main.sent[:0], news: now}
	e.side = window{size: sampleWindow, next: e.samples.first, sent: e.side.sent[:0], news: now}
	e.insist, e.stuck = insistence{}, false
	if err = e.listen(); err == nil {
		err = e.sendStatus()
	}
	if err != nil {
		e.link.cut()
	}
	return err
}

// listen subscribes to what the hub says; a broker may refuse configurations.
func (e *edge) listen() error {
	for _, leaf := range []string{wire.DownAck, wire.DownCommand, wire.DownConfig, wire.DownCatalog} {
		err := e.link.subscribe(wire.Topic(e.id, leaf), byte(e.plan.Uplink.DownQoS), e.hear)
		if err != nil && (leaf != wire.DownConfig || !errors.Is(err, errRefused)) {
			return fmt.Errorf("cannot subscribe to %s: %w", leaf, err)
		}
	}
	return nil
}

// part says good-bye: the edge is off on purpose.
func (e *edge) part() {
	if payload, err := wire.EncodeStatus(e.status(false)); err == nil {
		_ = e.link.publish(wire.Topic(e.id, wire.UpStatus), true, payload)
	}
	e.link.close()
}

// work does what is due, sends what may be sent, and reads until the next thing is due.
func (e *edge) work(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := e.happen(); err != nil {
			return err
		}
		if err := e.send(); err != nil {
			return err
		}
		if err := e.watch(); err != nil {
			return err
		}
		p, ok, err := e.link.read(e.began.Add(e.nextDue()))
		if err != nil {
			return fmt.Errorf("connection lost: %w", err)
		}
		if ok {
			e.hear(p)
		}
	}
	return nil
}

// nextDue is when something must be done though nothing is heard.
func (e *edge) nextDue() time.Duration {
	now := e.now()
	due := min(now+wakeEvery, e.statusAt+e.plan.Uplink.Beat)
	if start := e.start.Load(); start > 0 && !e.idle {
		due = min(due, e.cutAt)
		if _, at := e.calendar.due(); at < never {
			due = min(due, time.Duration(start)+at)
		}
	}
	for _, w := range []*window{&e.main, &e.side} {
		if len(w.sent) > 0 {
			due = min(due, w.news+e.plan.Uplink.Resend)
		}
	}
	return max(due, now+leastWait)
}
