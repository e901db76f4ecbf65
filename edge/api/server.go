package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/watch"
)

// Config of a Server.
type Config struct {
	Listen              string // host:port
	Token               string // what callers from elsewhere must show; "" only where Listen is a loopback address
	Edge, Site, Version string
	Now                 func() time.Time    // business time
	Speed               float64             // of the business time; 1, or a demonstration's
	Plan                *site.Plan          // the places to show, in its order
	Recovered           string              // what the store had lost when it was opened; "" = nothing
	Gatherer            prometheus.Gatherer // what /metrics shows
	Log                 *slog.Logger        // nil logs nothing
}

// Devices tells how each device is, in the configuration's order.
type Devices interface {
	Snapshot() []wire.Device
}

// Road is the gateway's work on reads and samples. Its methods may be called by any goroutine.
type Road interface {
	Standing() []watch.Standing // the alarms that are not normal
	Stalled() time.Duration     // machine time since the last progress
	// Local does what a person asks at the gateway, and returns once it is kept and shows in Standing, or why it changed
	// nothing.
	Local(ctx context.Context, c watch.Local) error
	// Ask calls fn while the machine stands still, and returns when fn has; fn must be short. The error says that the
	// gateway is stopping, or that ctx ended before fn was called.
	Ask(ctx context.Context, fn func(*reconcile.Machine)) error
}

// Outbox tells what the hub has and lacks.
type Outbox interface {
	Position() outbox.Position
}

// Link is the connection to the hub.
type Link struct {
	Connected bool
	Since     time.Time // machine time of the last change
	Err       error     // why there is none; nil while connected or before the first try
	AckedAt   time.Time // machine time at which the hub last said what it has; zero = not known
}

// Rooms are the parts of the gateway that are shown.
type Rooms struct {
	Devices  Devices
	Road     Road
	Outbox   Outbox
	Hub      func() Link
	Unsynced func() bool // whether the clock is doubtful
	Counter  Counter
	Lists    Lists
	// Recording shows what the devices say.
	Recording *recording.Tap
	// Config tells the state of the configuration; nil where there is only the file.
	Config func() wire.ConfigStatus
}

// Bounds of the server, machine time.
const (
	connections  = 64 // at once; more wait
	headerTime   = 5 * time.Second
	requestTime  = 10 * time.Second
	answerTime   = 30 * time.Second
	idleTime     = 60 * time.Second
	stopTime     = 3 * time.Second
	maxHeader    = 16 << 10
	patientFor   = 2 * time.Second  // for an answer of the Road
	stalledAfter = 10 * time.Second // without progress from which the gateway fails
)

// Server is the gateway's HTTP server.
type Server struct {
	Config
	Rooms
	ready    chan struct{}
	stopping chan struct{}
	addr     string    // set before ready is closed
	began    time.Time // machine time
	antennas map[string][]uint8
	tally    tally
}

// New makes a Server. An address that other machines can reach needs a token.
func New(c Config, r Rooms) (*Server, error) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot serve on %q: it is not host:port", c.Listen)
	}
	s := &Server{Config: c, Rooms: r, ready: make(chan struct{}), stopping: make(chan struct{}), began: time.Now(), antennas: map[string][]uint8{}}
	if !isLoopback(host) && c.Token == "" {
		return nil, fmt.Errorf("cannot serve on %s without a token: other machines can reach it; set one, or listen on 127.0.0.1", c.Listen)
	}
	if s.Speed == 0 {
		s.Speed = 1
	}
	for _, d := range r.Devices.Snapshot() {
		s.antennas[d.ID] = antennasOf(c.Plan, d.ID)
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Ready is closed once the server takes requests.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr is the address that the server listens on, once it is Ready.
func (s *Server) Addr() string { return s.addr }

// Run listens and serves, as Serve does.
func (s *Server) Run(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; stop what listens there, or choose another port", s.Listen, err)
	}
	return s.Serve(ctx, l)
}

// Serve serves on l, which it closes, until ctx ends; then it lets requests finish for a short while, and returns nil. It
// is for a program that took the address before it opened all else. Call Run or Serve once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	s.addr = l.Addr().String()
	close(s.ready)
	s.Log.Info("local page and API are served", "address", "http://"+s.addr, "token", s.Token != "")
	done := make(chan error, 1)
	go func() { done <- srv.Serve(netutil.LimitListener(l, connections)) }()
	select {
	case err := <-done:
		return fmt.Errorf("cannot serve on %s: %w", s.addr, err)
	case <-ctx.Done():
	}
	close(s.stopping)
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := srv.Shutdown(wait); err != nil {
		_ = srv.Close() // what did not finish in time is cut off
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve on %s: %w", s.addr, err)
	}
	return nil
}
