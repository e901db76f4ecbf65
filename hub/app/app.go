package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/systemd"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/tenant"
)

// AdminPasswordFile holds the first user's password until it is changed.
const AdminPasswordFile = "admin-password.txt"

// ringSize is how many events are replayed from memory.
const ringSize = 4096

// Options are what a hub gets besides its configuration.
type Options struct {
	Version string
	Log     *slog.Logger
	Out     io.Writer        // for people: where the console is, and the first user's password
	Manager *systemd.Manager // nil = none
	// Drain is how long a hub that was asked to stop goes on serving, so that load balancers that ask /readyz hear of it.
	Drain time.Duration
}

// App is a hub.
type App struct {
	cfg   config.Config
	opt   Options
	clock clock.Clock
	ready chan struct{}
	url   string
	mqtt  string
	wake  atomic.Pointer[webhook.Dispatcher] // nil until there is one

	registry *prometheus.Registry
}

// New makes a hub of a checked configuration. Nothing is opened before Run.
func New(cfg config.Config, opt Options) (*App, error) {
	clk, err := clock.Parse(cfg.Clock)
	if err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	return &App{cfg: cfg, opt: opt, clock: clk, ready: make(chan struct{}), registry: prometheus.NewRegistry()}, nil
}

// Ready is closed when the hub answers; URL and MQTT then say where.
func (a *App) Ready() <-chan struct{} { return a.ready }

// URL is the console's address.
func (a *App) URL() string { return a.url }

// MQTT is the broker's host:port.
func (a *App) MQTT() string { return a.mqtt }

// Describe tells of every metric that the hub has while it runs, also of those that have no value yet.
func (a *App) Describe(to chan<- *prometheus.Desc) { a.registry.Describe(to) }

// Run runs the hub until ctx ends or a part fails, whose error it then returns.
func (a *App) Run(ctx context.Context) error {
	release, err := Lock(a.cfg.Data)
	if err != nil {
		return err
	}
	defer release()
	bus := event.New(ringSize)
	db, err := OpenDatabase(ctx, a.cfg, a.clock.Now, a.committed(bus))
	if err != nil {
		return a.notStarted(ctx, err)
	}
	h := &house{App: a, db: db, bus: bus, life: newLifecycle(a.opt.Log)}
	if err := h.open(ctx); err != nil {
		return errors.Join(a.notStarted(ctx, err), h.life.stop(), db.Close())
	}
	close(a.ready)
	return errors.Join(h.work(ctx), h.life.stop(), db.Close())
}

// notStarted is the error of a start that failed; none where it was asked to stop, because then anything may fail.
func (a *App) notStarted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		a.opt.Log.Info("hub was stopped while it started", "err", err)
		return nil
	}
	return err
}

// listen opens the port of console and API.
func (a *App) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the console (listen: %s): %w", a.cfg.Listen, err)
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	scheme := "http"
	if a.cfg.TLS.Cert != "" {
		cert, err := tls.LoadX509KeyPair(a.cfg.TLS.Cert, a.cfg.TLS.Key)
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("cannot use the certificate (tls): %w", err)
		}
		scheme = "https"
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	} else if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		a.opt.Log.Warn("console listens on the network without TLS: passwords can be read on the way; set tls, or listen on 127.0.0.1 behind a proxy",
			"listen", a.cfg.Listen)
	}
	a.url = scheme + "://" + net.JoinHostPort(host, port)
	return l, nil
}

// welcome makes the first user and tells its password, once.
func (a *App) welcome(ctx context.Context, users *tenant.Service) error {
	name, password, err := users.EnsureAdmin(ctx)
	if err != nil {
		return fmt.Errorf("cannot make the first user: %w", err)
	}
	fmt.Fprintf(a.opt.Out, "Tallydock hub %s\n  console   %s\n  MQTT      %s\n", a.opt.Version, a.url, a.mqtt)
	if password == "" {
		return nil
	}
	file := filepath.Join(a.cfg.Data, AdminPasswordFile)
	text := fmt.Sprintf("user %s\npassword %s\n\nIt must be changed at the first sign-in; this file goes then. Or by: hub passwd --config FILE %s\n", name, password, name)
	if err := config.WriteSecretFile(file, []byte(text)); err != nil {
		return fmt.Errorf("cannot keep the first user's password: %w", err)
	}
	fmt.Fprintf(a.opt.Out, "  user      %s\n  password  %s\n  The password was made now and is shown once; it is also in %s.\n  It must be changed at the first sign-in.\n",
		name, password, file)
	return nil
}

// ForgetAdminPassword removes the file with the first user's password, because it is changed.
func ForgetAdminPassword(data string) error {
	err := os.Remove(filepath.Join(data, AdminPasswordFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove the old password's file: %w", err)
	}
	return nil
}
