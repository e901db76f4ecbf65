package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
)

// Outbox is where the records come from. Its methods are called by one goroutine, but for Done.
type Outbox interface {
	Position() outbox.Position
	ReadMain(from uint64, maxRecords, maxBytes int) (outbox.Run, error)
	ReadSamples(from uint64, maxRecords, maxBytes int) ([]outbox.Stored, error)
	Ack(wire.Ack, outbox.Word) (outbox.Result, error)
	Done(command string) bool // whether a command was done already
	Changed() <-chan struct{} // a signal after commits
}

// Config of an Uplink. Zero values mean the defaults given here. All durations are machine time.
type Config struct {
	Edge, Site     string
	Broker         string // "tcp://host:port" or "ssl://host:port"
	User, Password string
	TLS            *tls.Config
	// Login is asked before each connection, and counts instead of Broker, User, Password and TLS; nil = these count.
	Login      func() (Login, error)
	Log        *slog.Logger
	Clock      clock.Clock
	Registerer prometheus.Registerer
	// Status gives what the program knows of itself: Software, ClockUnsynced, Devices. The uplink fills the rest. It may
	// be nil; it is called from Run's goroutine and must not block.
	Status func() wire.Status
	// Configuration gets what the hub wants the edge to work by, again at each connection, from a goroutine of its own; of
	// several that wait only the last. nil = the edge does not listen for it. Who signed it is not checked here.
	Configuration func(wire.Configuration)
	// Catalog gets the message of the hub's catalogue in the same way; nil = the edge does not listen for it.
	Catalog func(message []byte)

	Window     int           // envelopes on their way; 16
	MaxRecords int           // records in an envelope; 500
	Resend     time.Duration // how long the hub may leave an envelope without an ack; 5 s
	Beat       time.Duration // time between two Statuses; 30 s
	RetryFirst time.Duration // first wait before connecting again; 200 ms, doubled each time
	RetryMost  time.Duration // and at most; 30 s
}

// Login is where and as whom to connect.
type Login struct {
	Broker         string // "tcp://host:port" or "ssl://host:port"
	User, Password string
	TLS            *tls.Config
	ClientID       string // unique at the broker; "" = "edge-" and the edge's id
}

const (
	maxEnvelopeBytes = 256 << 10 // of records, before compression
	sampleWindow     = 1         // sample envelopes on their way
	lateCommand      = time.Minute
)

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Login == nil {
		fixed := Login{Broker: c.Broker, User: c.User, Password: c.Password, TLS: c.TLS}
		c.Login = func() (Login, error) { return fixed, nil }
	}
	if c.Status == nil {
		c.Status = func() wire.Status { return wire.Status{} }
	}
	c.Window = orElse(c.Window, 16)
	c.MaxRecords = min(orElse(c.MaxRecords, 500), wire.MaxRecords)
	c.Resend = orElse(c.Resend, 5*time.Second)
	c.Beat = orElse(c.Beat, 30*time.Second)
	c.RetryFirst = orElse(c.RetryFirst, 200*time.Millisecond)
	c.RetryMost = orElse(c.RetryMost, 30*time.Second)
	return c
}

func orElse[T ~int | ~int64](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}

// Uplink speaks with the hub.
type Uplink struct {
	cfg      Config
	outbox   Outbox
	codec    *wire.Codec
	commands chan wire.Command
	do       func(wire.Command)
	configs  chan wire.Configuration
	catalogs chan []byte
	news     chan struct{} // the Status says something new
	redial   chan struct{} // Login says something new
	metrics  *metrics
	state    atomic.Pointer[State]
	ackedAt  atomic.Int64 // machine time of the hub's last ack that fits, ns since 1970; 0 = none yet
}

// State is whether the uplink has a connection.
type State struct {
	Connected bool
	Since     time.Time // machine time of the last change
	Err       error     // why there is none; nil while connected or before the first try
	AckedAt   time.Time // machine time of the hub's last ack; zero = none yet
}

// New makes an uplink. commands gets each of the hub's commands that is not Done, one at a time, from a goroutine of its
// own, so it may block. A command may come again as long as it is not Done, in a minute at the earliest.
func New(cfg Config, box Outbox, commands func(wire.Command)) (*Uplink, error) {
	if err := wire.ValidEdgeID(cfg.Edge); err != nil {
		return nil, fmt.Errorf("cannot make uplink: %w", err)
	}
	if cfg.Broker == "" && cfg.Login == nil {
		return nil, errors.New("cannot make uplink: no broker is given")
	}
	codec, err := wire.NewCodec()
	if err != nil {
		return nil, fmt.Errorf("cannot make uplink: %w", err)
	}
	u := &Uplink{
		cfg: cfg.withDefaults(), outbox: box, codec: codec, do: commands, commands: make(chan wire.Command, 256),
		configs: make(chan wire.Configuration, 1), catalogs: make(chan []byte, 1), news: make(chan struct{}, 1),
		redial: make(chan struct{}, 1), metrics: newMetrics(),
	}
	u.state.Store(&State{Since: time.Now()})
	u.metrics.register(cfg.Registerer, u)
	return u, nil
}

// State tells whether there is a connection.
func (u *Uplink) State() State {
	s := *u.state.Load()
	if at := u.ackedAt.Load(); at != 0 {
		s.AckedAt = time.Unix(0, at)
	}
	return s
}

// Run connects and sends until ctx ends, and connects again whenever the connection is lost. It returns nil then, or the
// error of an outbox that no longer works.
func (u *Uplink) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { u.runCommands(ctx) })
	running.Go(func() { u.runConfigurations(ctx) })
	running.Go(func() { u.runCatalogs(ctx) })
	defer running.Wait()
	wait := u.cfg.RetryFirst
	for {
		started := time.Now()
		err := u.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if boxErr := u.outbox.Position().Err; boxErr != nil {
			return fmt.Errorf("uplink stops: %w", boxErr)
		}
		if errors.Is(err, errRedial) {
			wait = u.cfg.RetryFirst
			continue
		}
		if time.Since(started) > u.cfg.RetryMost {
			wait = u.cfg.RetryFirst
		}
		u.disconnected(err, wait)
		pause := time.NewTimer(wait/2 + rand.N(wait/2+1)) // so that many edges do not come at once
		select {
		case <-pause.C:
			wait = min(2*wait, u.cfg.RetryMost)
		case <-u.redial:
			wait = u.cfg.RetryFirst
		case <-ctx.Done():
		}
		pause.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

func (u *Uplink) disconnected(err error, wait time.Duration) {
	u.state.Store(&State{Since: time.Now(), Err: err})
	u.cfg.Log.Warn("no connection to the hub's broker", "err", err, "again_within", wait)
}

// runCommands hands commands over, each once.
func (u *Uplink) runCommands(ctx context.Context) {
	handed := map[string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-u.commands:
			for id, at := range handed {
				if time.Since(at) > lateCommand || u.outbox.Done(id) {
					delete(handed, id)
				}
			}
			if _, twice := handed[c.ID]; twice || u.outbox.Done(c.ID) {
				continue
			}
			handed[c.ID] = time.Now()
			u.do(c)
		}
	}
}

// runConfigurations hands configurations over.
func (u *Uplink) runConfigurations(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-u.configs:
			u.cfg.Configuration(c)
		}
	}
}

// Redial has the uplink connect at once by what Login says now. A connection that there is ends before; the hub is not told that
// the edge goes, because it comes back.
func (u *Uplink) Redial() {
	select {
	case u.redial <- struct{}{}:
	default: // it will connect anew already
	}
}

// Tell has the hub told the Status now, because it says something new; without a connection, with the next one.
func (u *Uplink) Tell() {
	select {
	case u.news <- struct{}{}:
	default: // it will be told already
	}
}
