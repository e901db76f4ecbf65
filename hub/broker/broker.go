// Package broker is the MQTT broker that the hub brings along: a NATS server in this process, of which nothing but its
// MQTT 3.1.1 listener is open to the network.
//
// Who may do what. Nobody connects without a certificate, or a name and a password; who shows a certificate is whose
// certificate it is, whatever name it gives. Each user has lists of topic filters to publish and to subscribe to. A subscription beyond them is answered with SUBACK 0x80, which clients must look at; a message published
// beyond them is dropped, though NATS answers with PUBACK, as MQTT 3.1.1 allows.
//
// A connection takes the place of another one with its client id (MQTT-3.1.4-2), so client ids are bound to users: whoever
// is not its owner cannot connect with it.
//
// TLS and plain connections share the one port. Without TLS a password is taken from this machine and the networks that
// Config names only. A connection is cut off when its user changes, and when its certificate expires or is revoked.
//
// What is kept. Retained messages, and the messages of QoS 1 for subscribers that have a persistent session, are files
// in Dir and survive kill -9. They are no proof of anything: an edge gives up a record only for the hub's own ack. Messages
// that nobody subscribes to are not kept, and the session of a subscriber that does not return within SessionExpiry is
// forgotten with all that waits for it. The hub's own connection needs no persistent session: what it misses while it is
// away, edges send again from their outbox, because no ack came. When MaxStore is used up, QoS 1 messages are refused
// until sessions are served or expire: publishers keep them.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
)

// Limits of the broker.
const (
	// MaxInFlight is how many messages of QoS 1 a subscription may have unacknowledged. A hub whose queue is longer can
	// never be given more than it holds. (NATS refuses subscriptions beyond a sum of 65,535 per session.)
	MaxInFlight = 2048
	// AckWait is after how long a message that was not acknowledged is sent again. MQTT asks for that at once when a client
	// comes back, but a NATS server waits, so that all that was on its way when a line broke comes so late and behind
	// younger messages; where lines break more often than that, never. A slow client gets copies, which cost it little.
	AckWait = 2 * time.Second
	// MaxPayload is the longest message in bytes: more than wire.MaxMessageBytes, for headers.
	MaxPayload = 1<<20 + 64<<10
	// SessionExpiry is how long a persistent session waits for its client.
	SessionExpiry = 7 * 24 * time.Hour
	// MaxStore is how many bytes of Dir the broker may use.
	MaxStore = 4 << 30

	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
	tlsTimeout   = 5 * time.Second // for the handshake
	recheckEvery = time.Minute
)

// Config says how the broker runs.
type Config struct {
	Dir     string // where it keeps its messages
	Listen  string // host:port for MQTT; port 0 = any free one
	Users   []User
	TLS     *TLS // nil = plain connections only, from everywhere
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil = none
}

// Broker is one MQTT broker.
type Broker struct {
	opts  *server.Options
	log   *slog.Logger
	users *users
	ready chan struct{}
	srv   *server.Server
	fatal chan error
}

// New builds a broker; nothing runs or listens yet. It fails on a bad address or user.
func New(c Config) (*Broker, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("broker: listen address %q: %w", c.Listen, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("broker: listen address %q: port %q is not a number from 0 to 65535", c.Listen, port)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	b := &Broker{log: c.Log, ready: make(chan struct{}), fatal: make(chan error, 1), users: newUsers(c.TLS, c.Log, c.Metrics)}
	if err := b.users.set(c.Users); err != nil {
		return nil, err
	}
	b.opts = options(c.Dir, host, int(n), b.users)
	if c.TLS != nil {
		b.opts.MQTT.TLSConfig, b.opts.MQTT.TLSTimeout, b.opts.AllowNonTLS = c.TLS.Config, tlsTimeout.Seconds(), true
	}
	return b, nil
}

func options(dir, host string, port int, auth server.Authentication) *server.Options {
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName: "tallydock", DontListen: true, NoSigs: true, NoSystemAccount: true,
		JetStream: true, StoreDir: dir, JetStreamMaxStore: MaxStore, JetStreamMaxMemory: 64 << 20,
		MaxPayload: MaxPayload, CustomClientAuthentication: auth,
		// Each subscription of QoS 1 is a consumer, of which a stream has a thousand at most by itself.
		JetStreamLimits: server.JSLimitOpts{DefaultMaxConsumers: -1},
		MQTT: server.MQTTOpts{
			Host: host, Port: port, MaxAckPending: MaxInFlight, AckWait: AckWait,
			ConsumerInactiveThreshold: SessionExpiry,
		},
	}
}

// Run starts the broker and serves until ctx ends, then stops it in order: nil, or what kept it from starting. It may be
// called once.
func (b *Broker) Run(ctx context.Context) error {
	s, err := server.NewServer(b.opts)
	if err != nil {
		return fmt.Errorf("broker: cannot set up the server in %s: %w", b.opts.StoreDir, err)
	}
	s.SetLoggerV2(natsLog{b.log, b.fatal}, false, false, false)
	b.srv = s
	b.users.serve(s)
	defer b.stop()
	go s.Start()
	if err := b.await(ctx, s); err != nil {
		return err
	}
	b.log.Info("broker is ready", "address", b.Addr(), "dir", b.opts.StoreDir)
	close(b.ready)
	tick := time.NewTicker(recheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-b.fatal:
			return fmt.Errorf("broker: %w", err)
		case <-tick.C:
			b.Recheck()
		}
	}
}

// await waits until the server accepts connections.
func (b *Broker) await(ctx context.Context, s *server.Server) error {
	deadline := time.Now().Add(startTimeout)
	for !s.ReadyForConnections(50 * time.Millisecond) {
		select {
		case err := <-b.fatal:
			return fmt.Errorf("broker: %w", err)
		case <-ctx.Done():
			return nil
		default:
		}
		if time.Now().After(deadline) {
			return errors.New("broker: the server did not come up within " + startTimeout.String())
		}
	}
	return nil
}

func (b *Broker) stop() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
	}()
	select {
	case <-done:
	case <-time.After(stopTimeout):
		b.log.Error("broker did not stop in time", "timeout", stopTimeout)
	}
}

// Ready is closed once the broker accepts connections.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// Addr is the address on which the broker listens, once it is Ready.
func (b *Broker) Addr() string {
	return net.JoinHostPort(b.opts.MQTT.Host, strconv.Itoa(b.opts.MQTT.Port))
}

// SetUsers replaces the users. Connections of users that are gone or whose password or permissions changed are closed.
func (b *Broker) SetUsers(users []User) error { return b.users.set(users) }

// Recheck closes the connections whose certificate TLS.Identify takes no more. It is to be called when certificates were
// revoked; that one expires is noticed within a minute without it.
func (b *Broker) Recheck() { b.users.recheck() }
