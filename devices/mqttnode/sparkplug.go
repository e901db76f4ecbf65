package mqttnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/sparkplug"
)

// Sparkplug is what the driver of Sparkplug B edge nodes needs beside Device, whose Topic is a filter such as
// spBv1.0/GROUP/+/NODE/#; Status and Events are not for it.
type Sparkplug struct {
	Device
	// Host names this host application on spBv1.0/STATE/HOST; "" is the gateway's client id and the device's id. No other host
	// may have it.
	Host    string
	Metrics []SparkplugMetric // what is measured; without any it is guessed from the metrics' names
	Reorder time.Duration     // how long a message that is missing is waited for; 0 = sparkplug.DefaultReorder
}

// stateAgain is the least time between two STATE messages.
const stateAgain = time.Second

// SparkplugHost is a Sparkplug host application for some edge nodes; it implements devices.Driver.
//
// It has a connection of its own, because a host's will is its STATE, and a will is a connection's. Edge nodes publish with
// QoS 0 and hosts have no persistent session, as the specification demands: what is sent while the gateway is away comes only
// if the edge node keeps it until STATE says that the host is there.
type SparkplugHost struct {
	conf   Sparkplug
	levels []string // of the filter
	vitals vitals
	known  contacts
	nodes  map[string]bool // the edge nodes that were heard of, and whether they are there
}

// NewSparkplug makes the driver.
func NewSparkplug(c Sparkplug) (*SparkplugHost, error) {
	if c.ID == "" {
		return nil, errors.New("device has no id")
	}
	if c.Broker == nil {
		return nil, fmt.Errorf("device %s speaks MQTT but the gateway's configuration has no mqtt section", c.ID)
	}
	if err := CheckSparkplugTopic(c.Topic); err != nil {
		return nil, fmt.Errorf("device %s: %w", c.ID, err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Host == "" {
		c.Host = c.Broker.conf.ClientID + "-" + c.ID
	}
	if strings.ContainsAny(c.Host, "/+#\x00") {
		return nil, fmt.Errorf("device %s: %q cannot be a host's name on a topic: it has one of / + #", c.ID, c.Host)
	}
	if err := c.Broker.claim(c.Host); err != nil {
		return nil, fmt.Errorf("device %s: %w", c.ID, err)
	}
	return &SparkplugHost{conf: c, levels: strings.Split(c.Topic, "/"), known: contacts{}}, nil
}

// CheckSparkplugTopic tells whether a filter covers whole sessions: spBv1.0/GROUP/+/NODE/#, GROUP and NODE may be +; or
// spBv1.0/GROUP/#; or spBv1.0/#.
func CheckSparkplugTopic(filter string) error {
	if err := validFilter(filter); err != nil {
		return err
	}
	l := strings.Split(filter, "/")
	if l[0] != sparkplug.Namespace || l[len(l)-1] != "#" || len(l) > 5 || len(l) >= 4 && l[2] != "+" || len(l) >= 2 && l[1] == string(sparkplug.State) {
		return fmt.Errorf("topic %q does not cover whole edge nodes; write spBv1.0/GROUP/+/NODE/# or spBv1.0/GROUP/#", filter)
	}
	return nil
}

// Run implements devices.Driver. It ends with an error when the connection breaks; nobody knows what is missed until the next.
func (h *SparkplugHost) Run(ctx context.Context, sink devices.Sink) error {
	h.vitals, h.nodes = vitals{expect: h.conf.Expect}, map[string]bool{}
	epoch, end := context.WithCancelCause(ctx)
	defer end(nil)
	l := &sparkplugLink{queue: make(chan Message, QueueLength), since: h.conf.Clock.Now(), state: sparkplug.Topic{Verb: sparkplug.State, Host: h.conf.Host}.String()}
	l.client = mqtt.NewClient(h.options(epoch, end, l))
	defer l.client.Disconnect(0)
	if err := h.join(epoch, l); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	h.hear(epoch, l, sink)
	if ctx.Err() != nil {
		l.leave()
		return nil
	}
	return context.Cause(epoch)
}

// sparkplugLink is one connection of a host.
type sparkplugLink struct {
	client mqtt.Client
	queue  chan Message
	state  string    // the topic
	since  time.Time // its STATE's timestamp, online and in the will alike
	told   time.Time // when it was said last that the host is there
	denied bool      // somebody said since that it is not
}

func (h *SparkplugHost) options(epoch context.Context, end context.CancelCauseFunc, l *sparkplugLink) *mqtt.ClientOptions {
	b := h.conf.Broker
	o := mqtt.NewClientOptions().AddBroker(b.conf.URL).SetClientID(h.conf.Host)
	o.SetUsername(b.conf.User).SetPassword(b.conf.Password).SetProtocolVersion(4)
	o.SetCleanSession(true).SetOrderMatters(true).SetAutoReconnect(false).SetConnectRetry(false)
	o.SetConnectTimeout(connectTimeout).SetKeepAlive(keepAlive).SetPingTimeout(pingTimeout).SetWriteTimeout(connectTimeout)
	o.SetBinaryWill(l.state, sparkplug.EncodeState(false, l.since), 1, true)
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) { return b.dial(epoch, u) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		select {
		case l.queue <- Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained()}:
		case <-epoch.Done():
		}
	})
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { end(fmt.Errorf("the connection broke: %w", err)) })
	return o
}

// join connects, subscribes, and says that the host is there, in the order that the specification demands.
func (h *SparkplugHost) join(epoch context.Context, l *sparkplugLink) error {
	if err := answer(epoch, l.client.Connect(), connectTimeout+time.Second); err != nil {
		return connectError(h.conf.Broker.conf, err)
	}
	token := l.client.SubscribeMultiple(map[string]byte{l.state: 1, h.conf.Topic: 1}, nil)
	if err := answer(epoch, token, subscribeTimeout); err != nil {
		return fmt.Errorf("cannot subscribe to %q: %w", h.conf.Topic, err)
	}
	if err := answerOf(token); err != nil {
		return err
	}
	return answer(epoch, l.say(h.conf.Clock.Now()), subscribeTimeout)
}

// answer waits for what the broker says.
func answer(ctx context.Context, token mqtt.Token, most time.Duration) error {
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-late.C:
		return fmt.Errorf("the broker does not answer within %s", most)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// say publishes that the host is there.
func (l *sparkplugLink) say(now time.Time) mqtt.Token {
	l.told = now
	return l.client.Publish(l.state, 1, true, sparkplug.EncodeState(true, l.since))
}

// affirm says again that the host is there when that was denied, though not in a storm.
func (l *sparkplugLink) affirm(now time.Time) {
	if l.denied && now.Sub(l.told) >= stateAgain {
		l.denied = false
		l.say(now)
	}
}

// leave publishes what the will would, and closes the connection.
func (l *sparkplugLink) leave() {
	l.client.Publish(l.state, 1, true, sparkplug.EncodeState(false, l.since)).WaitTimeout(disconnectWait)
	l.client.Disconnect(uint(disconnectWait.Milliseconds()))
}

// hear takes messages until the connection ends.
func (h *SparkplugHost) hear(epoch context.Context, l *sparkplugLink, sink devices.Sink) {
	host := sparkplug.NewHost(h.conf.Reorder)
	if group, node, ok := h.single(); ok {
		h.take(l, sink, host.Expect(group, node, h.conf.Clock.Now()), nil)
	}
	for {
		select {
		case <-epoch.Done():
			return
		case m := <-l.queue:
			events, err := h.message(l, host, m)
			h.take(l, sink, events, err)
		case <-h.timer(l, host):
			l.affirm(h.conf.Clock.Now())
			h.take(l, sink, host.Tick(h.conf.Clock.Now()), nil)
		}
	}
}

// single gives the one edge node that the filter covers.
func (h *SparkplugHost) single() (group, node string, ok bool) {
	if len(h.levels) < 5 || h.levels[1] == "+" || h.levels[3] == "+" {
		return "", "", false
	}
	return h.levels[1], h.levels[3], true
}

// timer fires when a session or the health may change by itself, or STATE has to be said again.
func (h *SparkplugHost) timer(l *sparkplugLink, host *sparkplug.Host) <-chan time.Time {
	now := h.conf.Clock.Now()
	wait := h.vitals.next(now)
	again := time.Duration(0)
	if l.denied {
		again = max(l.told.Add(stateAgain).Sub(now), time.Millisecond)
	}
	for _, d := range []time.Duration{host.Next(now), again} {
		if d > 0 && (wait == 0 || d < wait) {
			wait = d
		}
	}
	if wait == 0 {
		return nil
	}
	return time.After(h.conf.Clock.Wall(wait))
}

func (h *SparkplugHost) message(l *sparkplugLink, host *sparkplug.Host, m Message) ([]sparkplug.Event, error) {
	now := h.conf.Clock.Now()
	if m.Topic == l.state {
		if online, _, err := sparkplug.DecodeState(m.Payload); err == nil && !online {
			l.denied = true // by the will of the connection before
			l.affirm(now)
		}
		return nil, nil
	}
	topic, err := sparkplug.ParseTopic(m.Topic)
	if err != nil || topic.Verb == sparkplug.State || m.Retained {
		return nil, err // sessions have no retained messages
	}
	if len(m.Payload) > MaxPayload {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", m.Topic, len(m.Payload), MaxPayload)
	}
	p, err := sparkplug.Decode(m.Payload)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Topic, err)
	}
	return host.Hear(topic, p, now)
}

// take does what the events mean: it asks for births, judges the health, and hands on what was measured.
func (h *SparkplugHost) take(l *sparkplugLink, sink devices.Sink, events []sparkplug.Event, err error) {
	now := h.conf.Clock.Now()
	var r report
	if err != nil {
		h.conf.Log.Warn("message not understood", "device", h.conf.ID, "error", err)
		r.lost, r.lostWhy = 1, fmt.Sprintf("a message was not understood: %v", err)
	}
	for _, e := range events {
		switch e.Kind {
		case sparkplug.Ask:
			topic := sparkplug.Topic{Verb: sparkplug.NCmd, Group: e.Group, Node: e.Node}
			l.client.Publish(topic.String(), 0, false, sparkplug.Encode(sparkplug.Rebirth(now)))
			h.conf.Log.Info("births asked for", "device", h.conf.ID, "node", e.Node)
		case sparkplug.Lost:
			r.lost, r.lostWhy = r.lost+uint64(e.Count), e.Why
		case sparkplug.Came, sparkplug.Gone:
			h.presence(e, now)
		case sparkplug.Measured:
			h.vitals.heard(now)
			e.Reading.At = stampOrZero(e.Reading.At)
			sample := devices.Sample{Device: h.conf.ID, Channel: h.channel(e), HostTime: now}
			sparkplugMap(h.conf.Metrics).add(&r, e, sample, h.known)
		}
	}
	if r.lost > 0 {
		h.vitals.lost(r.lostWhy, now)
	}
	if health, ok := h.vitals.due(h.conf.ID, r.lost, now); ok {
		sink.Health(health)
	}
	r.hand(sink)
}

// presence notes births and deaths. The whole is down when no edge node is left.
func (h *SparkplugHost) presence(e sparkplug.Event, now time.Time) {
	who := e.Group + "/" + e.Node
	why := fmt.Sprintf("edge node %s is gone; check its power and network", who)
	if e.Device != "" {
		why = fmt.Sprintf("device %s of edge node %s is gone; check its power and cable", e.Device, who)
	}
	if e.Kind == sparkplug.Came {
		why = ""
		h.vitals.heard(now)
	}
	if e.Device != "" {
		h.vitals.trouble(trouble{name: who + "/" + e.Device, why: why}, now)
		return
	}
	h.nodes[who] = e.Kind == sparkplug.Came
	h.vitals.trouble(trouble{name: who, why: why}, now)
	if !slices.Contains(slices.Collect(maps.Values(h.nodes)), true) {
		h.vitals.presence(false, now)
	}
}

// Close gives the host's name back; the driver must not run any more.
func (h *SparkplugHost) Close() { h.conf.Broker.release(h.conf.Host) }

// channel names a metric by what the filter leaves open: group, edge node; then device and name.
func (h *SparkplugHost) channel(e sparkplug.Event) string {
	group, node := "", ""
	if len(h.levels) < 3 || h.levels[1] == "+" {
		group = e.Group
	}
	if len(h.levels) < 5 || h.levels[3] == "+" {
		node = e.Node
	}
	parts := slices.DeleteFunc([]string{group, node, e.Device, e.Reading.Name}, func(s string) bool { return s == "" })
	return strings.Join(parts, "/")
}

var _ devices.Driver = (*SparkplugHost)(nil)
