package app

import (
	"context"
	"crypto/tls"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/backup"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/store"
)

// Bounds of what a scrape asks of the database.
const (
	figuresWithin = 5 * time.Second
	figuresFor    = 10 * time.Second // how long figures are shown before they are asked for again
)

// collector shows what this hub is and what its database says of the company. It asks the database at most every
// figuresFor, however many scrape.
type collector struct {
	version, hub, data string
	certificate, key   string // of the console; "" = none
	clock              clock.Clock
	db                 *store.DB
	bus                *event.Bus
	told               int64 // the last event before this hub began
	ready              func() error

	mu      sync.Mutex
	asked   time.Time
	figures store.Figures
	err     error
}

// metric is a metric of the collector.
type metric struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("tallydock_"+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("tallydock_"+name, help, labels, nil), prometheus.CounterValue}
}

// to sends a value.
func (m metric) to(out chan<- prometheus.Metric, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(m.Desc, m.kind, v, labels...)
}

// What this hub says of itself.
var (
	infoMetric    = gauge("hub_info", "Always 1; its labels say what runs.", "version", "hub", "database")
	readyMetric   = gauge("hub_ready", "1 while the hub does all its work, as /readyz says.")
	syncedMetric  = gauge("hub_clock_synced", "1 while a time service holds this machine's clock; not there where the kernel does not say.")
	freeMetric    = gauge("hub_data_free_bytes", "Bytes that the hub may still write where its data folder is.")
	diskMetric    = gauge("hub_data_size_bytes", "Bytes that the file system of the data folder holds in all.")
	expiryMetric  = gauge("hub_certificate_expiry_timestamp_seconds", "When the console's certificate ends, in Unix time; not there without one.")
	backupMetric  = gauge("backup_last_timestamp_seconds", "When hub backup last was done with this data folder, in Unix time; 0 = never.")
	behindMetric  = gauge("events_behind", "Events in the database that this hub's consoles have not been told yet.")
	databaseUp    = gauge("database_up", "1 while the database answers.")
	databaseSize  = gauge("database_size_bytes", "Size of the database.")
	databaseClock = gauge("database_clock_ahead_seconds", "By how much the database's clock is ahead of this machine's.")
)

// What the database says of the company: the same from every hub on it.
var (
	movementsMetric  = counter("ledger_movements_total", "Movements in the ledger.")
	quarantineMetric = gauge("quarantine_open", "Records from edges that wait for a person.")
	eventsMetric     = counter("events_total", "Events since the database was made.")
	edgesMetric      = gauge("fleet_edges", "Edges, by state: online, offline.", "state")
	onlineMetric     = gauge("fleet_edge_online", "1 while the hub hears the edge.", "edge", "site")
	lagMetric        = gauge("fleet_edge_lag_records", "Main records that the edge has and the hub does not, by the edge's last status.", "edge", "site")
	silentMetric     = gauge("fleet_edge_silent_seconds", "Time since the edge's last status.", "edge", "site")
	edgeFreeMetric   = gauge("fleet_edge_free_bytes", "Free bytes on the edge's disk.", "edge", "site")
	edgeClockMetric  = gauge("fleet_edge_clock_unsynced", "1 while the edge does not trust its clock.", "edge", "site")
	thinnedMetric    = gauge("fleet_edge_samples_thinned", "Samples that the edge gave up for want of space.", "edge", "site")
	devicesMetric    = gauge("fleet_devices", "Readers and sensors, by state.", "state")
	alarmsMetric     = gauge("alarms", "Alarms that are not normal, by state and priority (1 is the highest).", "state", "priority")
	excursionsMetric = gauge("excursions_open", "Times outside limits that go on.")
	sensorsMetric    = gauge("sensors", "Sensors that have ever sent a sample.")
	valueMetric      = gauge("sensor_value", "What a sensor last measured, in its quantity's unit; of 2000 sensors at most.",
		"sensor", "edge", "location", "quantity")
	sensorSilent = gauge("sensor_silent_seconds", "Age of a sensor's last sample; of 2000 sensors at most.", "sensor", "edge", "location", "quantity")
)

// hubMetrics lists all of the above.
var hubMetrics = []metric{
	infoMetric, readyMetric, syncedMetric, freeMetric, diskMetric, expiryMetric, backupMetric, behindMetric, databaseUp, databaseSize,
	databaseClock, movementsMetric, quarantineMetric, eventsMetric, edgesMetric, onlineMetric, lagMetric, silentMetric, edgeFreeMetric,
	edgeClockMetric, thinnedMetric, devicesMetric, alarmsMetric, excursionsMetric, sensorsMetric, valueMetric, sensorSilent,
}

// registerMetrics shows what the hub, its database and the company are like.
func (h *house) registerMetrics(ctx context.Context) error {
	_, told, err := store.Events{DB: h.db}.Bounds(ctx)
	if err != nil {
		return err
	}
	h.db.Register(h.registry)
	h.registry.MustRegister(&collector{
		version: h.opt.Version, hub: h.id, data: h.cfg.Data, certificate: h.cfg.TLS.Cert, key: h.cfg.TLS.Key, clock: h.clock,
		db: h.db, bus: h.bus, told: told, ready: h.isReady,
	})
	return nil
}

// Describe implements prometheus.Collector.
func (*collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range hubMetrics {
		to <- m.Desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	c.machine(to)
	f, err := c.current()
	databaseUp.to(to, one(err == nil))
	if err != nil {
		return
	}
	databaseSize.to(to, float64(f.Size))
	databaseClock.to(to, f.ClockAhead.Seconds())
	behindMetric.to(to, float64(max(f.EventHead-max(c.told, c.bus.Last()), 0)))
	company(to, f, c.clock.Now())
}

// current gives the figures, not older than figuresFor.
func (c *collector) current() (store.Figures, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.asked) < figuresFor {
		return c.figures, c.err
	}
	ctx, done := context.WithTimeout(context.Background(), figuresWithin)
	defer done()
	c.figures, c.err = c.db.Figures(ctx)
	c.asked = time.Now()
	return c.figures, c.err
}

func (c *collector) machine(to chan<- prometheus.Metric) {
	infoMetric.to(to, 1, c.version, c.hub, c.db.Dialect())
	readyMetric.to(to, one(c.ready() == nil))
	if synced, known := ClockSynced(); known {
		syncedMetric.to(to, one(synced))
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(c.data, &fs) == nil {
		freeMetric.to(to, float64(fs.Bavail)*float64(fs.Bsize))
		diskMetric.to(to, float64(fs.Blocks)*float64(fs.Bsize))
	}
	if c.certificate != "" {
		if pair, err := tls.LoadX509KeyPair(c.certificate, c.key); err == nil {
			expiryMetric.to(to, float64(pair.Leaf.NotAfter.Unix()))
		}
	}
	last := 0.0
	if at := backup.Last(c.data); !at.IsZero() {
		last = float64(at.Unix())
	}
	backupMetric.to(to, last)
}

// company shows what the database says, at a time of business.
func company(to chan<- prometheus.Metric, f store.Figures, now time.Time) {
	movementsMetric.to(to, float64(f.Movements))
	quarantineMetric.to(to, float64(f.Quarantined))
	eventsMetric.to(to, float64(f.EventHead))
	excursionsMetric.to(to, float64(f.Excursions))
	sensorsMetric.to(to, float64(f.SensorCount))
	fleetOf(to, f.Edges, now)
	for _, d := range f.Devices {
		devicesMetric.to(to, float64(d.Number), d.State)
	}
	for _, a := range f.Alarms {
		alarmsMetric.to(to, float64(a.Number), a.State, strconv.FormatInt(a.Priority, 10))
	}
	for _, s := range f.Sensors {
		sensorSilent.to(to, now.Sub(s.At).Seconds(), s.ID, s.Edge, s.Location, s.Quantity.String())
		if s.Value != nil {
			valueMetric.to(to, *s.Value, s.ID, s.Edge, s.Location, s.Quantity.String())
		}
	}
}

func fleetOf(to chan<- prometheus.Metric, edges []fleet.Edge, now time.Time) {
	online := 0
	for _, e := range edges {
		if e.Online {
			online++
		}
		onlineMetric.to(to, one(e.Online), e.ID, e.Site)
		lagMetric.to(to, float64(e.Lag), e.ID, e.Site)
		silentMetric.to(to, now.Sub(e.SeenAt).Seconds(), e.ID, e.Site)
		edgeFreeMetric.to(to, float64(e.FreeBytes), e.ID, e.Site)
		edgeClockMetric.to(to, one(e.ClockUnsynced), e.ID, e.Site)
		thinnedMetric.to(to, float64(e.SamplesThinned), e.ID, e.Site)
	}
	edgesMetric.to(to, float64(online), "online")
	edgesMetric.to(to, float64(len(edges)-online), "offline")
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
