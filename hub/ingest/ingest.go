// Package ingest is the hub's ear on MQTT: it brings what edges publish to intake, and answers them.
//
// One goroutine works. It takes messages from a bounded queue, decodes them, has a batch of envelopes taken in one
// transaction, and publishes the acks, retained, after the commit; nothing else publishes acks, so they go out in order.
// The queue never blocks the MQTT client: a message that finds it full is dropped, counted and not acknowledged. A broker
// whose in-flight limit is below QueueSize cannot fill it, since a message is acknowledged to the broker only after it
// was dealt with. What is lost on the way, here or in the broker, the edge sends again: it had no ack.
//
// While the database refuses work the batch is held and tried again; the broker then holds back what follows.
//
// Where several hubs serve the edges each subscribes to the partitions that it has a lease of, and tells their edges how
// far they were taken when it gets one, so that they send again what the hub before had in its hands. What it writes commits
// only under that lease. It says nothing while it is not sure of its leases, and it takes the connection of a hub from
// which it took a lease away, by the client id: so an ack from before comes to the broker before, or never.
package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/lease"
)

// Bounds of the queue and of a transaction.
const (
	QueueSize    = 4096 // messages that wait
	batchRecords = 1000 // records at which a batch is taken
	batchSize    = 512  // messages at which a batch is taken: thousands of edges have little to say each

	// SilentAfter is how long, on the machine's clock, an edge may send nothing before it counts as offline: three of its
	// statuses and some more.
	SilentAfter = 100 * time.Second

	// CatalogEvery is how soon, on the machine's clock, edges hear of a catalogue that changed.
	CatalogEvery = 20 * time.Second

	connectTimeout = 10 * time.Second
	answerTimeout  = 10 * time.Second
	// listenTimeout bounds a subscription to listenAtOnce partitions, for each of which a cluster must agree on something;
	// what it refuses is asked for again listenAgain later.
	listenTimeout = 60 * time.Second
	listenAtOnce  = 8
	listenAgain   = time.Second
	// deposeTimeout bounds an attempt to take away the connection of a hub from before.
	deposeTimeout = 3 * time.Second
	// deposeGrace is how soon this hub notices that it ended its own connection by that.
	deposeGrace = 100 * time.Millisecond
	// unreadyAfter is how long a hub may have no connection until others should serve its edges.
	unreadyAfter = 10 * time.Second
	firstWait    = 100 * time.Millisecond
	longestWait  = 5 * time.Second
)

// Leases say which edges this hub serves, where several hubs do: the shared leases of lease.Partition. *replica.Keeper
// are some. All methods are called from several goroutines and must not block.
type Leases interface {
	// Share gives what this hub has now.
	Share() lease.Share
	// Settle says that nothing is under way any longer for partitions that are not in the Share.
	Settle(lease.Share)
	// Sure reports whether nobody else can serve this hub's partitions by now.
	Sure() bool
	// Ready says whether edges can be heard.
	Ready(bool)
}

// Config says where the broker is.
type Config struct {
	Broker   string // tcp://host:port, or ssl://host:port
	TLS      *tls.Config
	User     string
	Password string
	ClientID string // unique at the broker; "" = "tallydock-hub"; with Leases the beginning of one for each replica
	Leases   Leases // nil = this hub serves all edges
	// OneFilter: subscribe once to what all edges say, whatever this hub serves; for a broker of this hub's own.
	OneFilter bool
	// Catalog gives what edges should know of the catalogue; nil = nothing. It is asked every CatalogEvery.
	Catalog func(ctx context.Context) ([]wire.CatalogItem, error)
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil = none
}

// Ingest is the hub's connection to its edges.
type Ingest struct {
	cfg    Config
	leases Leases
	log    *slog.Logger
	in     *intake.Intake
	count  *metrics
	queue  chan mqtt.Message
	joined chan struct{} // fresh has more
	ready  chan struct{} // closed when the first connection has begun
	once   sync.Once

	gone    time.Time       // when the last connection ended, or Run began
	deposed map[string]bool // replicas whose connections were taken
	// sameName: the broker has one connection for each user.
	sameName bool

	mu     sync.Mutex
	client mqtt.Client  // the present connection; nil where there is none
	fresh  map[int]bool // partitions that are heard since lately: acks for their edges are due
}

// New makes an Ingest that brings everything to in.
func New(c Config, in *intake.Intake) *Ingest {
	if c.ClientID == "" {
		c.ClientID = "tallydock-hub"
	}
	leases := c.Leases
	if leases == nil {
		leases, c.OneFilter = newAlone(c.ClientID), true
	}
	return &Ingest{
		cfg: c, leases: leases, log: c.Log, in: in, count: newMetrics(c.Metrics), queue: make(chan mqtt.Message, QueueSize),
		joined: make(chan struct{}, 1), ready: make(chan struct{}), fresh: map[int]bool{}, deposed: map[string]bool{},
	}
}

// Run connects, works and reconnects until ctx ends, and then returns nil; it fails at once on what waiting cannot mend.
// It may be called once.
func (g *Ingest) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g.gone = time.Now()
	w, err := newWorker(g)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(ctx)
	}()
	g.stayConnected(ctx)
	<-done
	return nil
}

// Ready is closed once edges are heard for the first time.
func (g *Ingest) Ready() <-chan struct{} { return g.ready }

// enqueue runs in paho's reader and must not block.
func (g *Ingest) enqueue(m mqtt.Message) {
	select {
	case g.queue <- m:
	default:
		g.count.dropped.Inc()
	}
}

// publish hands a message to the present connection; without one it fails at once.
func (g *Ingest) publish(topic string, retained bool, payload []byte) (mqtt.Token, error) {
	g.mu.Lock()
	c := g.client
	g.mu.Unlock()
	if c == nil || !c.IsConnectionOpen() {
		return nil, errors.New("not connected to the broker")
	}
	return c.Publish(topic, 1, retained, payload), nil
}

// Send brings a command to its edge, which may be away: then nobody hears it, and it goes again with the edge's next
// status. It is a fleet.Commander.
func (g *Ingest) Send(ctx context.Context, edge string, c wire.Command) error {
	b, err := wire.EncodeCommand(c)
	if err != nil {
		return fmt.Errorf("cannot encode command %s: %w", c.ID, err)
	}
	token, err := g.publish(wire.Topic(edge, wire.DownCommand), false, b)
	if err != nil {
		return err
	}
	return await(ctx, token, answerTimeout)
}

func await(ctx context.Context, t mqtt.Token, most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-timer.C:
		return fmt.Errorf("no answer within %s", most)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
