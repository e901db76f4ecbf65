// Package ingest is the hub's ear on MQTT: it brings what edges publish to intake, and answers them.
//
// One goroutine works. It takes messages from a bounded queue, decodes them, has a batch of envelopes taken in one
// transaction, and publishes the acks, retained, after the commit; nothing else publishes acks, so they go out in order.
// The queue never blocks the MQTT client: a message that finds it full is dropped, counted and not acknowledged. A broker
// whose in-flight limit is below QueueSize cannot fill it, since a message is acknowledged to the broker only after it
// was dealt with. What is lost on the way, here or in the broker, the edge sends again: it had no ack.
//
// While the database refuses work the batch is held and tried again; the broker then holds back what follows.
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
	firstWait      = 100 * time.Millisecond
	longestWait    = 5 * time.Second
)

// Config says where the broker is.
type Config struct {
	Broker   string // tcp://host:port, or ssl://host:port
	TLS      *tls.Config
	User     string
	Password string
	ClientID string // unique at the broker; "" = "tallydock-hub"
	// Catalog gives what edges should know of the catalogue; nil = nothing. It is asked every CatalogEvery.
	Catalog func(ctx context.Context) ([]wire.CatalogItem, error)
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil = none
}

// Ingest is the hub's connection to its edges.
type Ingest struct {
	cfg    Config
	log    *slog.Logger
	in     *intake.Intake
	count  *metrics
	queue  chan mqtt.Message
	joined chan struct{} // a connection has begun: acks for all are due
	ready  chan struct{} // closed when the first connection has begun
	once   sync.Once

	mu     sync.Mutex
	client mqtt.Client // the present connection; nil where there is none
}

// New makes an Ingest that brings everything to in.
func New(c Config, in *intake.Intake) *Ingest {
	if c.ClientID == "" {
		c.ClientID = "tallydock-hub"
	}
	return &Ingest{
		cfg: c, log: c.Log, in: in, count: newMetrics(c.Metrics), queue: make(chan mqtt.Message, QueueSize),
		joined: make(chan struct{}, 1), ready: make(chan struct{}),
	}
}

// Run connects, works and reconnects until ctx ends, and then returns nil; it fails at once on what waiting cannot mend.
// It may be called once.
func (g *Ingest) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
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

func (g *Ingest) stayConnected(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		began := time.Now()
		if err := g.session(ctx); err != nil {
			g.log.Warn("no connection to the broker; trying again", "broker", g.cfg.Broker, "wait", wait, "error", err)
		}
		if time.Since(began) > time.Minute {
			wait = firstWait
		}
		if !sleep(ctx, wait) {
			return
		}
		wait = min(2*wait, longestWait)
	}
}

// session is one connection, from its beginning to its end. It returns nil when ctx ended.
func (g *Ingest) session(ctx context.Context) error {
	lost := make(chan error, 1)
	c := mqtt.NewClient(g.options(lost))
	defer c.Disconnect(250)
	if err := await(ctx, c.Connect(), connectTimeout); err != nil {
		return fmt.Errorf("cannot connect: %w", err)
	}
	g.use(c)
	defer g.use(nil)
	if err := g.subscribe(ctx, c); err != nil {
		return err
	}
	g.log.Info("listening to edges", "broker", g.cfg.Broker)
	g.once.Do(func() { close(g.ready) })
	select {
	case g.joined <- struct{}{}:
	default: // the worker has yet to see the one before
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-lost:
		return fmt.Errorf("connection lost: %w", err)
	}
}

// options of a connection. A clean session: what is missed while away, edges send again.
func (g *Ingest) options(lost chan<- error) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(g.cfg.Broker).SetClientID(g.cfg.ClientID).SetUsername(g.cfg.User).
		SetPassword(g.cfg.Password).SetCleanSession(true).SetAutoReconnect(false).SetConnectTimeout(connectTimeout).
		SetAutoAckDisabled(true).SetOrderMatters(true).SetWriteTimeout(answerTimeout).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	if g.cfg.TLS != nil {
		o.SetTLSConfig(g.cfg.TLS)
	}
	return o
}

func (g *Ingest) subscribe(ctx context.Context, c mqtt.Client) error {
	token := c.Subscribe(wire.HubFilter, 1, func(_ mqtt.Client, m mqtt.Message) { g.enqueue(m) })
	if err := await(ctx, token, answerTimeout); err != nil {
		return fmt.Errorf("cannot subscribe to %s: %w", wire.HubFilter, err)
	}
	// paho reports no error for the SUBACK code that means refusal.
	if code := token.(*mqtt.SubscribeToken).Result()[wire.HubFilter]; code > 2 {
		return fmt.Errorf("broker refuses user %s the subscription to %s: check the user's permissions", g.cfg.User, wire.HubFilter)
	}
	return nil
}

// enqueue runs in paho's reader and must not block.
func (g *Ingest) enqueue(m mqtt.Message) {
	select {
	case g.queue <- m:
	default:
		g.count.dropped.Inc()
	}
}

func (g *Ingest) use(c mqtt.Client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.client = c
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
