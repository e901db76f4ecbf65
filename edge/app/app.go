// Package app builds a gateway from its configuration, starts its parts in order and stops them in the reverse order.
//
// The order: the store's folder is locked, serial file numbers are held, the store is opened; then run the pipeline, the
// uplink, the HTTP server, the outputs, the site's MQTT connection and, last, the drivers. So nothing is read before it can
// be kept, and at the end what was read is kept before the store closes.
//
// An App is one gateway with one configuration. A Keeper runs one after the other, for a program whose configuration changes
// while it runs: because its file was changed, or because the hub sent another.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/api"
	"github.com/tallydock/tallydock/edge/catalog"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/fleet"
	"github.com/tallydock/tallydock/edge/identity"
	"github.com/tallydock/tallydock/edge/output"
	"github.com/tallydock/tallydock/edge/pipeline"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/store"
	"github.com/tallydock/tallydock/edge/uplink"
	"github.com/tallydock/tallydock/edge/watch"
)

// Options are what a program gives an App beside its configuration.
type Options struct {
	Log      *slog.Logger
	Software string    // name and version, for the hub and for people
	Built    time.Time // when the program was made; no clock is right that shows an earlier time. Zero = not known
	// Memory is the soft limit of the whole program's memory in bytes, where the environment sets none; 0 sets none.
	Memory int64
	// Level is the level of Log, which follows the configuration; nil = it stays.
	Level *slog.LevelVar
}

// Memory is the limit for a program that is a gateway and nothing else. The store's options are made for it.
const Memory = 64 << 20

// App is one gateway.
type App struct {
	conf    config.Config
	opt     Options
	had     inherited
	plan    *site.Plan
	clk     clock.Clock
	ready   chan struct{}
	closers []closer
	stage   stage

	registry *prometheus.Registry
	time     *steady
	store    *store.Store
	recovery store.Recovery
	pipeline *pipeline.Pipeline
	identity *identity.Identity // nil where the gateway signs in by a password
	uplink   *uplink.Uplink
	tap      *recording.Tap
	fleet    *fleet.Fleet
	outputs  *output.Outputs
	catalog  *catalog.Catalog
	site     *mqttnode.Broker // the site's; nil where nobody needs it
	api      *api.Server
}

// closer is something that was opened, to be closed at the end.
type closer struct {
	name  string
	close func() error
}

// New makes a gateway of a checked configuration; it opens nothing.
func New(c config.Config, opt Options) (*App, error) {
	plan, err := c.Plan()
	if err != nil {
		return nil, fmt.Errorf("cannot make the plan of read points: %w", err)
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &App{conf: c, opt: opt, plan: plan, clk: c.BusinessClock(), ready: make(chan struct{}), registry: prometheus.NewRegistry()}, nil
}

// Ready is closed once everything runs.
func (a *App) Ready() <-chan struct{} { return a.ready }

// Addr is where the HTTP server listens, once Ready.
func (a *App) Addr() string { return a.api.Addr() }

// Describe tells of every metric that the gateway has while it runs, also of those that have no value yet.
func (a *App) Describe(to chan<- *prometheus.Desc) { a.registry.Describe(to) }

// Run runs the gateway until ctx ends or a part fails, stops everything, and returns what failed. Call it once.
func (a *App) Run(ctx context.Context) (err error) {
	a.stage = stage{log: a.opt.Log, within: a.conf.Stop, failed: make(chan error, 1)}
	limitMemory(a.opt.Memory)
	defer func() { err = errors.Join(err, a.closeAll()) }()
	defer a.stage.stop()
	if err := a.build(ctx); err != nil {
		if ctx.Err() != nil { // because then anything may fail
			a.opt.Log.Info("gateway was stopped while it started", "err", err)
			return nil
		}
		return err
	}
	a.opt.Log.Info("gateway runs", "edge", a.conf.Edge, "site", a.conf.Site, "api", "http://"+a.Addr(), "devices", len(a.conf.Devices),
		"clock_speed", a.clk.Speed())
	close(a.ready)
	select {
	case <-ctx.Done():
		a.opt.Log.Info("gateway stops")
		return nil
	case err := <-a.stage.failed:
		return err
	}
}

// build opens and starts the parts in their order.
func (a *App) build(ctx context.Context) error {
	if err := a.takeFolder(); err != nil {
		return err
	}
	ports, err := port.NewOpener(a.serialPorts())
	if err != nil {
		return err
	}
	a.closeLater("ports", ports.Close)
	if err := a.openStore(ctx); err != nil {
		return err
	}
	if err := a.openCatalog(); err != nil {
		return err
	}
	a.makeOutputs()
	a.openIdentity()
	if err := a.startPipeline(); err != nil {
		return err
	}
	if err := a.startUplink(); err != nil {
		return err
	}
	broker, err := a.makeFleet(ports)
	if err != nil {
		return err
	}
	if err := a.startAPI(); err != nil {
		return err
	}
	if err := a.startOutputs(); err != nil {
		return err
	}
	if broker != nil {
		a.stage.start("mqtt", broker.Run)
	}
	if len(a.conf.Devices) > 0 { // a fleet of none ends at once
		a.stage.start("fleet", a.fleet.Run)
	}
	return nil
}

func (a *App) openStore(ctx context.Context) error {
	st, recovery, err := store.Open(ctx, store.Options{
		Dir: a.conf.Data, Edge: a.conf.Edge, Log: a.opt.Log.With("part", "store"), Registerer: a.registry,
		Retention: a.conf.Retention.Acked, RetentionBytes: a.conf.Retention.AckedBytes,
		MinFree: a.conf.Space.MinFree, BallastBytes: a.conf.Space.Ballast,
	})
	if err != nil {
		return err
	}
	a.closeLater("store", st.Close)
	a.store, a.recovery = st, recovery
	if !recovery.Clean() {
		a.opt.Log.Error("the store was not as it should be", "found", recovery.String())
	}
	return a.setTime()
}

// setTime makes the business time of what is known of it.
func (a *App) setTime() error {
	if a.had.time != nil && a.had.time.clk == a.clk {
		a.time = a.had.time
		return nil
	}
	var kept time.Time
	if err := a.store.Load([]byte(pipeline.TimeKey), func(_, v []byte) error {
		if t, err := time.Parse(time.RFC3339, string(v)); err == nil {
			kept = t
		}
		return nil
	}); err != nil {
		return err
	}
	floor, believed := floorOf(a.opt.Built, kept)
	if !believed {
		a.opt.Log.Error("the time that was kept is a lifetime after this program was made; it does not count", "kept", kept, "made", a.opt.Built)
	}
	a.time = newSteady(a.clk, floor, systemClock())
	if a.time.Unsynced() {
		a.opt.Log.Warn("the machine's clock is not set, or behind what it has shown before; times are guesses until it is set",
			"clock", time.Now(), "at_least", floor, "taken", a.time.Now())
	}
	return nil
}

func (a *App) startPipeline() error {
	par := reconcile.Defaults().AtSpeed(a.clk.Speed())
	par.Trace = true
	p, err := pipeline.New(pipeline.Config{
		Store: a.store, Reconcile: reconcile.New(a.plan, par), Watch: watch.New(a.conf.Watch(a.plan)), Now: a.time.Now,
		Unsynced: a.time.Unsynced, Location: func(d string) string { return a.conf.LocationOf(a.plan, d) },
		Patient: a.patient(), Conditions: a.conditions, Outputs: a.outputs, Lights: a.conf.Lights(), Doors: a.doorIDs(), Every: a.conf.Samples.Every, Change: a.conf.Samples.Change.Milli,
		Log: a.opt.Log.With("part", "pipeline"), Registerer: a.registry,
	})
	if err != nil {
		return err
	}
	a.pipeline = p
	a.stage.start("pipeline", p.Run)
	return nil
}

func (a *App) startUplink() error {
	limits := limitsOf(a.conf.Watch(a.plan))
	u, err := uplink.New(uplink.Config{
		Edge: a.conf.Edge, Site: a.conf.Site, Login: a.logins(),
		Log: a.opt.Log.With("part", "uplink"), Clock: a.clk, Registerer: a.registry,
		Status: func() wire.Status {
			return wire.Status{
				Software: a.opt.Software, ClockUnsynced: a.time.Unsynced(), Devices: a.fleet.Snapshot(), Limits: limits,
				Doors: doorsOf(a.plan), Config: a.configStatus(),
			}
		},
		Configuration: a.had.offer, Catalog: a.takeCatalog,
	}, a.store, a.pipeline.Command)
	if err != nil {
		return err
	}
	a.uplink = u
	return nil
}

// makeFleet makes the drivers, and the connection to the site's broker where one of them needs it, and starts the uplink,
// which tells the hub of them.
func (a *App) makeFleet(ports *port.Opener) (*mqttnode.Broker, error) {
	var broker *mqttnode.Broker
	if m := a.conf.MQTT; m != nil && (a.hasAddress("mqtt:") || a.publishes()) {
		var err error
		var conf *tls.Config // nil = none, or the system's
		if m.Identity {
			if conf, err = a.tlsFor(m.URL); err != nil {
				return nil, err
			}
		}
		broker, err = mqttnode.New(mqttnode.Config{
			URL: m.URL, User: m.User, Password: m.Password.Reveal(), ClientID: "td-site-" + a.conf.Edge, Log: a.opt.Log.With("part", "mqtt"),
			Joined: a.outputs.Renew, TLS: conf,
		})
		if err != nil {
			return nil, err
		}
	}
	env := all.Env{Ports: ports, MQTT: broker, Clock: a.clk, Log: a.opt.Log}
	a.tap = recording.NewTap(a.pipeline, a.time.Now)
	f, err := fleet.New(fleet.Config{
		Devices: a.conf.DeviceSettings(), Env: env, Location: func(d string) string { return a.conf.LocationOf(a.plan, d) },
		Log: a.opt.Log, Clock: a.clk, Registerer: a.registry,
	}, stamper{a.tap, a.time})
	if err != nil {
		return nil, err
	}
	a.fleet, a.site = f, broker
	a.stage.start("uplink", a.uplink.Run)
	if a.identity != nil {
		a.stage.start("identity", a.identity.Run)
	}
	return broker, nil
}

// patient tells which reads the pipeline has to keep before they are acknowledged: those at doors and tables by readers
// behind a broker.
func (a *App) patient() func(devices.Read) bool {
	mqtt := map[string]bool{}
	for _, d := range a.conf.Devices {
		mqtt[d.ID] = strings.HasPrefix(d.Address, "mqtt:")
	}
	return func(r devices.Read) bool {
		p, ok := a.plan.Find(r.Device, r.Antenna)
		return ok && mqtt[r.Device] && p.Kind != site.Shelf
	}
}

func (a *App) hasAddress(prefix string) bool {
	for _, d := range a.conf.Devices {
		if strings.HasPrefix(d.Address, prefix) {
			return true
		}
	}
	return false
}

func (a *App) serialPorts() int {
	n := 0
	for _, d := range a.conf.Devices {
		if strings.HasPrefix(d.Address, "serial:") {
			n++
		}
	}
	return n
}

func (a *App) closeLater(name string, f func() error) { a.closers = append(a.closers, closer{name, f}) }

func (a *App) closeAll() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].close(); err != nil {
			errs = append(errs, fmt.Errorf("cannot close the %s: %w", a.closers[i].name, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}
