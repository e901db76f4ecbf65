package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/ingest"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/planner"
	"github.com/tallydock/tallydock/hub/replica"
	"github.com/tallydock/tallydock/hub/secret"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/valuation"
	"github.com/tallydock/tallydock/hub/web"
)

// house is a hub that is being built: what its parts share.
type house struct {
	*App
	db       *store.DB
	bus      *event.Bus
	life     *lifecycle
	id       string          // of the database
	keys     *secret.Keyring // that seal secrets
	broker   *broker.Broker
	members  *members
	uplink   *ingest.Ingest
	intake   *intake.Intake
	planner  *planner.Service
	valuer   *valuation.Service
	series   *series.Reader
	hooks    store.Webhooks
	webhooks *webhook.Service
	// enrolment is where edges get certificates; nil = they have none.
	enrolment *Enrolment
	keeper    *replica.Keeper // nil where no other hub can work on the database
	draining  atomic.Bool
}

// open starts the parts, each when those that it needs are ready.
func (h *house) open(ctx context.Context) (err error) {
	h.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if h.id, err = h.db.HubID(ctx); err != nil {
		return err
	}
	if h.keys, err = config.EnsureSecretKey(h.cfg); err != nil {
		return err
	}
	if err := h.registerMetrics(ctx); err != nil {
		return err
	}
	var logins config.Credentials // of the hub's own broker
	if h.cfg.MQTT.Broker == "" {
		if logins, err = config.EnsureCredentials(h.cfg); err != nil {
			return err
		}
	}
	for _, start := range []func(context.Context, config.Credentials) error{
		h.startEvents, h.startWebhooks, h.makeEnrolment, h.startBroker, h.startReplica, h.startSeries, h.startIngest, h.startValuation,
		h.startPlanner, h.startEnrolment, h.startAPI,
	} {
		if err := start(ctx, logins); err != nil {
			return err
		}
	}
	return errors.Join(h.once(ctx, "retention", h.forget), h.once(ctx, "reservations", h.expire), h.startWatchdog(ctx))
}

// startEvents lets consoles hear what is committed, here or by another hub.
func (h *house) startEvents(ctx context.Context, _ config.Credentials) error {
	return h.life.start(ctx, part{name: "events", run: func(ctx context.Context) error {
		return h.db.Follow(ctx, h.opt.Log.With("part", "events"))
	}})
}

func (h *house) startBroker(ctx context.Context, logins config.Credentials) error {
	if h.cfg.MQTT.Broker != "" {
		h.mqtt, h.members = h.cfg.MQTT.Broker, &members{set: func([]broker.User) error { return nil }} // who keeps it knows its users
		return nil
	}
	own, err := brokerUsers(h.cfg, logins)
	if err != nil {
		return err
	}
	conf, err := h.brokerTLS()
	if err != nil {
		return err
	}
	h.members = &members{own: own}
	if h.enrolment != nil {
		h.members.enrolled = h.enrolment.Usable
	}
	users, err := h.members.list(ctx)
	if err != nil {
		return err
	}
	h.broker, err = broker.New(broker.Config{
		Dir: filepath.Join(h.cfg.Data, "broker"), Listen: h.cfg.MQTT.Listen, Users: users, TLS: conf,
		Log: h.opt.Log.With("part", "broker"), Metrics: h.registry,
	})
	if err != nil {
		return err
	}
	h.members.set, h.members.last = h.broker.SetUsers, users
	if err := h.life.start(ctx, part{"broker", h.broker.Run, h.broker.Ready()}); err != nil {
		return err
	}
	h.mqtt = h.broker.Addr()
	return nil
}

func (h *house) startIngest(ctx context.Context, logins config.Credentials) error {
	h.intake = intake.New(intake.Config{
		Hub: h.id, Threshold: uint16(h.cfg.ConfidenceThreshold), Now: h.clock.Now, NewID: newID,
	}, h.kept())
	var ca *enrol.CA
	if h.enrolment != nil {
		ca = h.enrolment.CA
	}
	c, err := brokerOf(h.cfg, h.mqtt, logins, ca)
	if err != nil {
		return err
	}
	c.ClientID, c.Log, c.Metrics, c.Catalog = "hub-"+h.id, h.opt.Log.With("part", "ingest"), h.registry, store.Catalog{DB: h.db}.EdgeItems
	c.OneFilter = h.cfg.MQTT.Broker == ""
	if h.keeper != nil {
		c.Leases, c.ClientID = h.keeper, "hub"
	}
	h.uplink = ingest.New(c, h.intake)
	return h.life.start(ctx, part{name: "ingest", run: h.uplink.Run})
}

// kept is where what edges send is kept; their samples on their way to InfluxDB, where there is one.
func (h *house) kept() store.Intake {
	return store.Intake{DB: h.db, Spooled: h.cfg.Influx.URL != ""}
}

// dialable is the address at which a listener of this machine can be reached from it.
func dialable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}

func (h *house) startPlanner(ctx context.Context, _ config.Credentials) error {
	p := h.cfg.Plan
	h.planner = planner.New(planner.Config{ServiceLevel: p.ServiceLevel, ReviewDays: p.ReviewDays, Every: p.Every},
		store.Planning{DB: h.db}, h.clock, h.opt.Log.With("part", "planner"))
	if p.Every == 0 {
		return nil // by hand only
	}
	return h.once(ctx, "planner", h.planner.Loop)
}

func (h *house) startAPI(ctx context.Context, _ config.Credentials) error {
	users, err := h.users()
	if err != nil {
		return err
	}
	if err := (store.Idempotency{DB: h.db}).Recover(ctx); err != nil {
		return err
	}
	rooms := h.rooms(users)
	if rooms.Provider, err = h.provider(); err != nil {
		return err
	}
	trusted, err := h.cfg.Proxies()
	if err != nil {
		return fmt.Errorf("trusted_proxies: %w", err)
	}
	handler, err := api.New(api.Config{
		PublicURL: h.cfg.PublicURL, Proxies: trusted, Limits: api.RateLimits(h.cfg.RateLimits),
		Version: h.opt.Version, Hub: h.id, Sites: sites(h.cfg), Clock: h.clock, Log: h.opt.Log.With("part", "api"),
		Healthy: h.healthy, Metrics: h.registry, NewID: newID, CountAlone: int64(h.cfg.Counts.Alone) * moneyUnit,
	}, rooms)
	if err != nil {
		return err
	}
	l, err := h.listen()
	if err != nil {
		return err
	}
	err = h.life.start(ctx, part{name: "api", run: func(ctx context.Context) error {
		return serve(ctx, l, h.probes(handler), h.opt.Log.With("part", "http"))
	}})
	if err != nil {
		return err
	}
	return h.welcome(ctx, users)
}

// captures takes events of EPCIS.
func (h *house) captures() *capture.Service {
	return capture.New(capture.Config{Now: h.clock.Now, NewID: newID, Limits: api.EPCISLimits()}, store.Captures{DB: h.db})
}

func (h *house) rooms(users *tenant.Service) api.Rooms {
	cat := store.Catalog{DB: h.db}
	alarms, books := store.Fleet{DB: h.db}, store.Ledger{DB: h.db}
	events := h.captures()
	return api.Rooms{
		Tenant: people{users, h.cfg.Data, h.opt.Log.With("part", "door")}, Audit: store.Audit{DB: h.db}, View: store.View{DB: h.db}, Movements: books, Fleet: alarms,
		Alarms: fleet.Service{
			Store: alarms, Commands: alarms, Edges: h.uplink, Now: h.clock.Now, NewID: newID, Log: h.opt.Log.With("part", "fleet"),
		},
		Exporter: cat, References: cat, ItemDocs: store.Items(h.db), PackDocs: store.Packs(h.db), LocationDocs: store.Locations(h.db),
		SupplierDocs: store.Suppliers(h.db), LotDocs: store.Lots(h.db), PolicyDocs: store.Policies(h.db),
		Books: books, Reservations: books, Units: books, Counts: books, Periods: books, Answers: store.Idempotency{DB: h.db},
		Series: h.series, Catalog: cat, Importer: catalog.NewImporter(cat), Planner: h.planner,
		Parked: h.kept(), Settler: settler{h.intake, events}, Capture: events, EPCIS: store.EPCIS{DB: h.db}, OwnEvents: store.OwnEvents{DB: h.db},
		Valuation: store.Valuation{DB: h.db}, Revaluer: h.valuer, Webhooks: webhookDesk{h.webhooks}, Bus: h.bus, Events: store.Events{DB: h.db},
		Scrape: promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{}), Console: web.Handler(),
	}
}

// moneyUnit is how many of the ledger's smallest units of money make one of the currency.
const moneyUnit = 10_000

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// healthy reports whether the parts run; one that fails ends the hub, so a hub that answers has them all.
func (h *house) healthy() error {
	select {
	case <-h.ready:
		return nil
	default:
		return fmt.Errorf("still starting")
	}
}

// sites counts the sites that the configuration names.
func sites(c config.Config) int {
	seen := map[string]bool{}
	for _, e := range c.Edges {
		seen[e.Site] = true
	}
	for _, s := range c.DeviceSites {
		seen[s] = true
	}
	return len(seen)
}
