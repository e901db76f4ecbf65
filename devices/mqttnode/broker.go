package mqttnode

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Times of the connection, all machine time.
const (
	connectTimeout = 10 * time.Second
	keepAlive      = 30 * time.Second
	pingTimeout    = 10 * time.Second
	firstPause     = 200 * time.Millisecond // before the second attempt to connect; doubles up to longestPause
	longestPause   = 30 * time.Second
	disconnectWait = 250 * time.Millisecond
)

// QueueLength is how many messages wait for a driver before the connection stands still.
const QueueLength = 256

// MaxPayload is the longest message, in bytes, that is looked at.
const MaxPayload = 1 << 20

// Config says how to reach the site's broker.
type Config struct {
	URL      string // "tcp://host:1883" or "ssl://host:8883"
	User     string
	Password string
	ClientID string       // names the persistent session: one per gateway, and never changed
	TLS      *tls.Config  // for ssl://; nil trusts the system's authorities
	Log      *slog.Logger // nil logs nothing
	Joined   func()       // is called after each new connection, and must not block; nil = nobody wants to know
}

var (
	plainSchemes = []string{"tcp", "mqtt"}
	tlsSchemes   = []string{"ssl", "tls", "mqtts"}
)

// Broker is the gateway's connection to the site's broker.
type Broker struct {
	conf Config

	mu      sync.Mutex
	subs    []*Subscription
	client  mqtt.Client     // nil while not connected
	epoch   context.Context // ends with the connection that client is
	problem error           // why there is no connection
	hosts   []string        // names of Sparkplug hosts, each with a connection of its own
}

// Message is one message of a device.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool // it was said before the subscription, nobody knows when
	Again    bool // the broker has sent it before and got no acknowledgement
	ack      func()
}

// Ack tells the broker that the message is taken care of.
func (m Message) Ack() {
	if m.ack != nil {
		m.ack()
	}
}

// New makes a Broker. Make all drivers before Run connects it: a message that waits in the broker for a driver that is
// not there yet is passed over.
func New(c Config) (*Broker, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Port() == "" || !slices.Contains(append(plainSchemes, tlsSchemes...), u.Scheme) {
		return nil, fmt.Errorf("broker %q is not tcp://HOST:PORT or ssl://HOST:PORT", c.URL)
	}
	if c.ClientID == "" || len(c.ClientID) > 64 {
		return nil, errors.New("the MQTT client id has to be 1 to 64 characters: it names the session in the broker")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Broker{conf: c, problem: errors.New("not connected yet")}, nil
}

// claim takes a name for a Sparkplug host, which is its client id too.
func (b *Broker) claim(host string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if host == b.conf.ClientID || slices.Contains(b.hosts, host) {
		return fmt.Errorf("host name %q is taken; give each Sparkplug device a name of its own", host)
	}
	b.hosts = append(b.hosts, host)
	return nil
}

func (b *Broker) release(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts = slices.DeleteFunc(b.hosts, func(h string) bool { return h == host })
}

// Run keeps the connection up until ctx ends, and returns nil then. Call it once.
func (b *Broker) Run(ctx context.Context) error {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := b.session(ctx)
		b.setDown(err)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		b.conf.Log.Warn("no connection to the site's broker", "broker", b.conf.URL, "error", err, "again_in", pause)
		wait(ctx, pause)
		pause = min(2*pause, longestPause)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// session connects once and returns why the connection ended.
func (b *Broker) session(ctx context.Context) error {
	epoch, end := context.WithCancelCause(ctx)
	defer end(nil)
	client := mqtt.NewClient(b.options(epoch, end))
	token := client.Connect()
	select {
	case <-token.Done():
	case <-time.After(connectTimeout + time.Second):
		client.Disconnect(0)
		return fmt.Errorf("%s does not answer within %s", b.conf.URL, connectTimeout)
	case <-ctx.Done():
		client.Disconnect(0)
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return connectError(b.conf, err)
	}
	defer client.Disconnect(uint(disconnectWait.Milliseconds()))
	b.setUp(epoch, client)
	b.conf.Log.Info("connected to the site's broker", "broker", b.conf.URL)
	if b.conf.Joined != nil {
		b.conf.Joined()
	}
	<-epoch.Done()
	return context.Cause(epoch)
}

func connectError(c Config, err error) error {
	if strings.Contains(strings.ToLower(err.Error()), "not authorized") ||
		strings.Contains(strings.ToLower(err.Error()), "bad user name or password") {
		return fmt.Errorf("%s refuses user %q (%w); check user and password_file", c.URL, c.User, err)
	}
	return fmt.Errorf("cannot connect to %s: %w", c.URL, err)
}

// options of one connection. Reconnecting is Run's work, so that no goroutine of the client outlives it, and so that
// messages that were not acknowledged on the old connection are sent anew by the broker.
func (b *Broker) options(epoch context.Context, end context.CancelCauseFunc) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(b.conf.URL).SetClientID(b.conf.ClientID)
	o.SetUsername(b.conf.User).SetPassword(b.conf.Password)
	o.SetCleanSession(false).SetOrderMatters(true).SetAutoAckDisabled(true)
	o.SetAutoReconnect(false).SetConnectRetry(false).SetProtocolVersion(4)
	o.SetConnectTimeout(connectTimeout).SetKeepAlive(keepAlive).SetPingTimeout(pingTimeout)
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) { return b.dial(epoch, u) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { b.dispatch(epoch, m) })
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { end(fmt.Errorf("the connection broke: %w", err)) })
	return o
}

// dial opens the transport; ctx ends a dial that hangs.
func (b *Broker) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if slices.Contains(plainSchemes, u.Scheme) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", u.Host)
	}
	d := tls.Dialer{Config: b.conf.TLS}
	return d.DialContext(ctx, "tcp", u.Host)
}

// dispatch gives a message to each subscription that wants it and waits for room in its queue; it is acknowledged when
// all of them have taken it. A message that nobody wants is acknowledged at once: it belongs to a subscription of an
// earlier configuration.
func (b *Broker) dispatch(epoch context.Context, m mqtt.Message) {
	wanted := b.wanting(m.Topic())
	if len(wanted) == 0 || len(m.Payload()) > MaxPayload {
		b.conf.Log.Debug("message passed over", "topic", m.Topic(), "bytes", len(m.Payload()))
		m.Ack()
		return
	}
	ack := ackOnce(len(wanted), m.Ack)
	for _, s := range wanted {
		msg := Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained(), Again: m.Duplicate(), ack: ack}
		select {
		case s.queue <- msg:
		case <-s.left:
			ack()
		case <-epoch.Done():
			return
		}
	}
}

// ackOnce makes an ack that does its work at the n-th call.
func ackOnce(n int, ack func()) func() {
	var mu sync.Mutex
	return func() {
		mu.Lock()
		n--
		last := n == 0
		mu.Unlock()
		if last {
			ack()
		}
	}
}

func (b *Broker) wanting(topic string) []*Subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	var wanted []*Subscription
	for _, s := range b.subs {
		if slices.ContainsFunc(s.filters, func(f string) bool { return Matches(f, topic) }) {
			wanted = append(wanted, s)
		}
	}
	return wanted
}

// setUp subscribes on a new connection: once for all where the filters have a common beginning and the broker grants it,
// else filter by filter. One subscription keeps the messages in order and in time: a NATS server counts what is in flight
// per subscription and per session alike, so that with several of them a burst on one makes messages of others wait for
// its redelivery, seconds later.
func (b *Broker) setUp(epoch context.Context, client mqtt.Client) {
	b.mu.Lock()
	b.client, b.epoch, b.problem = client, epoch, nil
	subs := slices.Clone(b.subs)
	b.mu.Unlock()
	var filters []string
	for _, s := range subs {
		filters = append(filters, s.filters...)
	}
	all := cover(filters)
	if all == "" {
		for _, s := range subs {
			s.ask(epoch, client)
		}
		return
	}
	request(epoch, client, []string{all}, func(err error) {
		for _, s := range subs {
			if err == nil {
				s.setAnswer(epoch, nil)
			} else {
				s.ask(epoch, client)
			}
		}
	})
}

func (b *Broker) setDown(err error) {
	b.mu.Lock()
	b.client, b.epoch, b.problem = nil, nil, err
	subs := slices.Clone(b.subs)
	b.mu.Unlock()
	for _, s := range subs {
		s.setLink(fmt.Errorf("no connection to the site's broker: %w", err))
	}
}
