package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/mqttnode"
)

const (
	// buffered is how many events wait while the broker does not take them, as in an R700's event buffer.
	buffered = 20_000
	// together is how many waiting events go into one message.
	together = 64

	connectWait = 5 * time.Second
	tokenWait   = 10 * time.Second
	firstPause  = 200 * time.Millisecond
	longPause   = 5 * time.Second
)

// Config says which device this is and where its broker is.
type Config struct {
	ID       string
	URL      string // tcp://HOST:PORT
	User     string
	Password string
	Topic    string // of its messages
	Status   string // of its presence, retained: "online", and "offline" by its will
	Log      *slog.Logger
}

// outlet brings a device's events to the broker, in their order and at least once. Events wait while there is no
// connection; when too many wait, new ones are thrown away and counted.
type outlet struct {
	cfg      Config
	hello    func() []byte              // what the device says first on each connection; nil = nothing
	overflow func(purged uint64) []byte // tells that events were thrown away; nil = nobody is told
	joined   bool                       // several events may go into one message, a line each
	presence func(there bool) []byte    // what it says of its presence

	up     atomic.Bool
	lapsed atomic.Bool
	more   chan struct{}

	mu     sync.Mutex
	queue  []letter
	purged uint64
}

// letter is an event and the topic where it goes.
type letter struct {
	topic string
	event []byte
}

func newOutlet(c Config) *outlet {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &outlet{cfg: c, presence: mqttnode.EncodePresence, more: make(chan struct{}, 1)}
}

// Ready reports whether the device is connected to its broker.
func (o *outlet) Ready() bool { return o.up.Load() }

// Lapsed reports whether it was not at some moment since it was asked last.
func (o *outlet) Lapsed() bool { return o.lapsed.Swap(false) || !o.up.Load() }

// Purged counts the events that were thrown away and not yet told of.
func (o *outlet) Purged() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.purged
}

// offer queues an event.
func (o *outlet) offer(event []byte) { o.offerTo(o.cfg.Topic, event) }

// offerTo queues an event of another topic than the device's first.
func (o *outlet) offerTo(topic string, event []byte) {
	o.mu.Lock()
	switch {
	case len(o.queue) >= buffered:
		o.purged++
	case o.purged > 0 && o.overflow != nil:
		o.queue = append(o.queue, letter{o.cfg.Topic, o.overflow(o.purged)}, letter{topic, event})
		o.purged = 0
	default:
		o.queue = append(o.queue, letter{topic, event})
	}
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// Run keeps the connection up and sends, until ctx ends; it then says goodbye and returns nil.
func (o *outlet) Run(ctx context.Context) error {
	pause, level := firstPause, slog.LevelWarn
	for ctx.Err() == nil {
		err := o.session(ctx, func() { pause, level = firstPause, slog.LevelWarn })
		o.up.Store(false)
		o.lapsed.Store(true)
		if ctx.Err() != nil {
			break
		}
		o.cfg.Log.Log(ctx, level, "device has no connection to its broker", "device", o.cfg.ID, "error", err, "again_in", pause)
		level = slog.LevelDebug // until it was connected once more
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
	return nil
}

// session is one connection; it gives why it ended.
func (o *outlet) session(ctx context.Context, connected func()) error {
	lost := make(chan error, 1)
	c := mqtt.NewClient(o.options(lost))
	if err := wait(ctx, lost, c.Connect(), connectWait); err != nil {
		c.Disconnect(0)
		return fmt.Errorf("cannot connect to %s as %q: %w", o.cfg.URL, o.cfg.User, err)
	}
	defer c.Disconnect(100)
	connected()
	if err := o.greet(ctx, lost, c); err != nil {
		return err
	}
	o.up.Store(true)
	for {
		err := o.send(ctx, lost, c)
		if err != nil && ctx.Err() != nil {
			_ = c.Publish(o.cfg.Status, 1, true, o.presence(false)).WaitTimeout(time.Second)
		}
		if err != nil {
			return err
		}
	}
}

func (o *outlet) options(lost chan<- error) *mqtt.ClientOptions {
	opts := mqtt.NewClientOptions().AddBroker(o.cfg.URL).SetClientID("sim-" + o.cfg.ID)
	opts.SetUsername(o.cfg.User).SetPassword(o.cfg.Password).SetProtocolVersion(4)
	opts.SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false)
	opts.SetConnectTimeout(connectWait).SetKeepAlive(5 * time.Second).SetPingTimeout(3 * time.Second)
	opts.SetBinaryWill(o.cfg.Status, o.presence(false), 1, true)
	opts.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		select {
		case lost <- err:
		default:
		}
	})
	return opts
}

func (o *outlet) greet(ctx context.Context, lost <-chan error, c mqtt.Client) error {
	if err := wait(ctx, lost, c.Publish(o.cfg.Status, 1, true, o.presence(true)), tokenWait); err != nil {
		return err
	}
	if o.hello == nil {
		return nil
	}
	return wait(ctx, lost, c.Publish(o.cfg.Topic, 1, false, o.hello()), tokenWait)
}

// send publishes the next message, or waits for there to be one. What the broker did not acknowledge stays queued.
func (o *outlet) send(ctx context.Context, lost <-chan error, c mqtt.Client) error {
	message, n := o.next()
	if n == 0 {
		select {
		case <-o.more:
			return nil
		case err := <-lost:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := wait(ctx, lost, c.Publish(message.topic, 1, false, message.event), tokenWait); err != nil {
		return err
	}
	o.drop(n)
	return nil
}

// next gives the message to send and how many events are in it.
func (o *outlet) next() (letter, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return letter{}, 0
	}
	first, most := o.queue[0], 1
	if o.joined {
		most = together
	}
	n := 1
	for n < min(len(o.queue), most) && o.queue[n].topic == first.topic {
		n++
	}
	events := make([][]byte, n)
	for i := range events {
		events[i] = o.queue[i].event
	}
	return letter{first.topic, bytes.Join(events, []byte("\r\n"))}, n
}

func (o *outlet) drop(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.queue[:n])
	o.queue = o.queue[n:]
	if len(o.queue) == 0 {
		o.queue = nil
	}
}

// wait waits for the broker's answer.
func wait(ctx context.Context, lost <-chan error, t mqtt.Token, most time.Duration) error {
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case err := <-lost:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return errors.New("the broker does not answer")
	}
}
