package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/sparkplug"
)

// EdgeNodeConfig says which Sparkplug B edge node this is, with one device of metrics of type Double.
type EdgeNodeConfig struct {
	URL      string // tcp://HOST:PORT
	User     string
	Password string
	Group    string
	Node     string
	Device   string
	Host     string            // the primary host, for which the edge node waits; "" = it does not
	Metrics  map[string]string // names, and the engUnit of each
	Log      *slog.Logger
}

// EdgeNode is one simulated edge node. What is reported while it has no session is kept and flushed as historical values when
// it has one again; with QoS 0, as the specification demands, so that a broken connection may lose what was just sent.
type EdgeNode struct {
	cfg   EdgeNodeConfig
	names []string // the alias of a metric is its place here
	more  chan struct{}

	mu     sync.Mutex
	live   bool // births are out, and the host is there
	queue  []edgeReading
	purged uint64
	bdSeq  uint64
	seq    uint64
	lose   int // messages that get their number but never leave
	births int
	link   *edgeLink // the session's connection; nil = none
}

type edgeReading struct {
	alias int
	at    time.Time
	value float64
	null  bool
	kept  bool
}

// NewEdgeNode makes an edge node; Run makes it work.
func NewEdgeNode(c EdgeNodeConfig) *EdgeNode {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	n := &EdgeNode{cfg: c, more: make(chan struct{}, 1), bdSeq: 255}
	for name := range c.Metrics {
		n.names = append(n.names, name)
	}
	slices.Sort(n.names)
	return n
}

// Live reports whether the edge node has a session.
func (n *EdgeNode) Live() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.live
}

// Idle reports whether everything that was reported is on its way, or lost.
func (n *EdgeNode) Idle() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.queue) == 0
}

// Births counts how often the edge node published its births.
func (n *EdgeNode) Births() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.births
}

// Lose lets the next messages be lost on their way.
func (n *EdgeNode) Lose(messages int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lose += messages
}

// Die breaks the connection without a word: the broker publishes the will.
func (n *EdgeNode) Die() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.link != nil && n.link.conn != nil {
		_ = n.link.conn.Close() // which the MQTT client would notice at its next ping only
		n.link.fail(errors.New("the edge node died"))
	}
}

// Report sends a metric's value, or keeps it. at is the edge node's clock.
func (n *EdgeNode) Report(at time.Time, metric string, value float64) {
	n.report(at, metric, value, false)
}

// ReportNull sends that a metric has no value.
func (n *EdgeNode) ReportNull(at time.Time, metric string) { n.report(at, metric, 0, true) }

func (n *EdgeNode) report(at time.Time, metric string, value float64, null bool) {
	alias := slices.Index(n.names, metric)
	if alias < 0 {
		return
	}
	n.mu.Lock()
	if len(n.queue) >= buffered {
		n.queue, n.purged = n.queue[1:], n.purged+1
	}
	n.queue = append(n.queue, edgeReading{alias, at, value, null, !n.live})
	n.mu.Unlock()
	n.wake()
}

func (n *EdgeNode) wake() {
	select {
	case n.more <- struct{}{}:
	default:
	}
}

// Run keeps sessions going until ctx ends; it then says goodbye and returns nil.
func (n *EdgeNode) Run(ctx context.Context) error {
	pause := firstPause
	for ctx.Err() == nil {
		err := n.session(ctx, func() { pause = firstPause })
		n.mu.Lock()
		n.live, n.link = false, nil
		n.mu.Unlock()
		if ctx.Err() != nil {
			break
		}
		n.cfg.Log.Debug("edge node has no session", "node", n.cfg.Node, "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
	return nil
}

// edgeLink is one connection.
type edgeLink struct {
	client  mqtt.Client
	conn    net.Conn
	lost    chan error
	host    chan bool // the host came or went
	rebirth chan struct{}
}

// session is one MQTT connection, and so one bdSeq; it gives why it ended.
func (n *EdgeNode) session(ctx context.Context, connected func()) error {
	l := &edgeLink{lost: make(chan error, 1), host: make(chan bool, 16), rebirth: make(chan struct{}, 1)}
	n.mu.Lock()
	n.bdSeq = (n.bdSeq + 1) % 256
	n.link = l
	n.mu.Unlock()
	l.client = mqtt.NewClient(n.options(l))
	defer l.client.Disconnect(0)
	if err := wait(ctx, l.lost, l.client.Connect(), connectWait); err != nil {
		return fmt.Errorf("cannot connect to %s: %w", n.cfg.URL, err)
	}
	topics := map[string]byte{n.topic(sparkplug.NCmd, ""): 1}
	if n.cfg.Host != "" {
		topics[sparkplug.Topic{Verb: sparkplug.State, Host: n.cfg.Host}.String()] = 1
	} else {
		l.host <- true
	}
	if err := wait(ctx, l.lost, l.client.SubscribeMultiple(topics, nil), tokenWait); err != nil {
		return err
	}
	connected()
	for {
		if err := n.next(ctx, l); err != nil {
			if ctx.Err() != nil {
				_ = l.client.Publish(n.topic(sparkplug.NDeath, ""), 1, false, n.death()).WaitTimeout(time.Second)
			}
			return err
		}
	}
}

func (l *edgeLink) fail(err error) {
	select {
	case l.lost <- err:
	default:
	}
}

// next waits for something to do and does it.
func (n *EdgeNode) next(ctx context.Context, l *edgeLink) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-l.lost:
		return err
	case there := <-l.host:
		if !there {
			_ = l.client.Publish(n.topic(sparkplug.NDeath, ""), 1, false, n.death()).WaitTimeout(time.Second)
			return errors.New("the host has gone")
		}
		return n.born(ctx, l)
	case <-l.rebirth:
		return n.born(ctx, l)
	case <-n.more:
		return n.flush(ctx, l)
	}
}

func (n *EdgeNode) options(l *edgeLink) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(n.cfg.URL).SetClientID("sim-" + n.cfg.Group + "-" + n.cfg.Node)
	o.SetUsername(n.cfg.User).SetPassword(n.cfg.Password).SetProtocolVersion(4)
	o.SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false)
	o.SetConnectTimeout(connectWait).SetKeepAlive(5 * time.Second).SetPingTimeout(3 * time.Second)
	o.SetBinaryWill(n.topic(sparkplug.NDeath, ""), n.death(), 1, false)
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		c, err := net.DialTimeout("tcp", u.Host, connectWait)
		n.mu.Lock()
		defer n.mu.Unlock()
		l.conn = c
		return c, err
	})
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { l.fail(err) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { n.hear(l, m) })
	return o
}

// hear takes a command or the host's STATE; it does not block the connection.
func (n *EdgeNode) hear(l *edgeLink, m mqtt.Message) {
	if t, err := sparkplug.ParseTopic(m.Topic()); err == nil && t.Verb == sparkplug.State {
		if there, _, err := sparkplug.DecodeState(m.Payload()); err == nil {
			select {
			case l.host <- there:
			default: // one of many is enough
			}
		}
		return
	}
	if p, err := sparkplug.Decode(m.Payload()); err == nil && sparkplug.IsRebirth(p) {
		select {
		case l.rebirth <- struct{}{}:
		default:
		}
	}
}

func (n *EdgeNode) topic(verb sparkplug.Verb, device string) string {
	return sparkplug.Topic{Verb: verb, Group: n.cfg.Group, Node: n.cfg.Node, Device: device}.String()
}

func (n *EdgeNode) death() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return sparkplug.Encode(sparkplug.Payload{Metrics: []sparkplug.Metric{n.bdSeqMetric()}})
}

func (n *EdgeNode) bdSeqMetric() sparkplug.Metric {
	return sparkplug.Metric{Name: "bdSeq", Datatype: sparkplug.UInt64, Value: sparkplug.Value{Kind: sparkplug.Long, Bits: n.bdSeq}}
}

// born publishes the births; no metric has a value in them.
func (n *EdgeNode) born(ctx context.Context, l *edgeLink) error {
	n.mu.Lock()
	n.seq = 0
	n.births++
	node := []sparkplug.Metric{n.bdSeqMetric(), {
		Name: sparkplug.RebirthMetric, Datatype: sparkplug.TypeBoolean, Value: sparkplug.Value{Kind: sparkplug.Boolean},
	}}
	n.mu.Unlock()
	var device []sparkplug.Metric
	for alias, name := range n.names {
		device = append(device, sparkplug.Metric{
			Name: name, Alias: uint64(alias), HasAlias: true, Datatype: sparkplug.TypeDouble, Null: true,
			Properties: []sparkplug.Property{{
				Key: "engUnit", Type: sparkplug.TypeString, Value: sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte(n.cfg.Metrics[name])},
			}},
		})
	}
	now := time.Now()
	if err := n.publish(ctx, l, now, sparkplug.NBirth, "", node); err != nil {
		return err
	}
	if err := n.publish(ctx, l, now, sparkplug.DBirth, n.cfg.Device, device); err != nil {
		return err
	}
	n.mu.Lock()
	n.live = true
	n.mu.Unlock()
	return n.flush(ctx, l)
}

// flush sends what waits, several values in a message.
func (n *EdgeNode) flush(ctx context.Context, l *edgeLink) error {
	for {
		n.mu.Lock()
		if !n.live {
			n.mu.Unlock()
			return nil // it waits for the host
		}
		batch := slices.Clone(n.queue[:min(len(n.queue), together)])
		n.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		var metrics []sparkplug.Metric
		for _, r := range batch {
			m := sparkplug.Metric{
				Alias: uint64(r.alias), HasAlias: true, Timestamp: sparkplug.Millis(r.at), HasTimestamp: true, Historical: r.kept, Null: r.null,
			}
			if !r.null {
				m.Value = sparkplug.Value{Kind: sparkplug.Double, Number: r.value}
			}
			metrics = append(metrics, m)
		}
		if err := n.publish(ctx, l, batch[len(batch)-1].at, sparkplug.DData, n.cfg.Device, metrics); err != nil {
			return err
		}
		n.mu.Lock()
		n.queue = n.queue[len(batch):]
		n.mu.Unlock()
	}
}

// publish sends the next message of the session, or loses it.
func (n *EdgeNode) publish(ctx context.Context, l *edgeLink, at time.Time, verb sparkplug.Verb, device string, metrics []sparkplug.Metric) error {
	n.mu.Lock()
	p := sparkplug.Payload{Timestamp: sparkplug.Millis(at), HasTimestamp: true, Metrics: metrics, Seq: n.seq, HasSeq: true}
	n.seq = (n.seq + 1) % 256
	lost := n.lose > 0
	if lost {
		n.lose--
	}
	n.mu.Unlock()
	if lost {
		return nil
	}
	return wait(ctx, l.lost, l.client.Publish(n.topic(verb, device), 0, false, sparkplug.Encode(p)), tokenWait)
}
