package faults_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/tallydock/tallydock/deploy/e2e"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/broker"
)

const password = "faults"

// startBroker runs the hub's own broker until the test ends and gives its address.
func startBroker(t *testing.T) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	user := func(name string) broker.User {
		return broker.User{Name: name, PasswordHash: string(hash), Publish: []string{"td/#"}, Subscribe: []string{"td/#"}}
	}
	b, err := broker.New(broker.Config{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler), Users: []broker.User{user(edgeID), user("hub")},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Errorf("broker: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	select {
	case <-b.Ready():
	case <-time.After(30 * time.Second):
		t.Fatal("the broker does not come up")
	}
	return b.Addr()
}

// peer is a hub that is nothing but the rules of package wire: it takes envelopes into a ledger and says what it has.
type peer struct {
	t      *testing.T
	client *e2e.MQTT
	in     chan message
	tell   chan struct{} // something was taken

	mu     sync.Mutex
	ledger ledger
	deaf   bool
	status wire.Status
}

type message struct {
	topic   string
	payload []byte
}

// startPeer connects a hub and works until the test ends.
func startPeer(t *testing.T, address string, l ledger) *peer {
	t.Helper()
	h := &peer{t: t, in: make(chan message, 10_000), tell: make(chan struct{}, 1), ledger: l}
	client, err := e2e.DialMQTT(address, "hub", password, 1000, func(topic string, payload []byte) {
		select {
		case h.in <- message{topic, append([]byte(nil), payload...)}:
		default: // the edge sends it again
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Subscribe(wire.HubFilter); err != nil {
		t.Fatal(err)
	}
	h.client = client
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { h.run(stop) })
	t.Cleanup(func() {
		close(stop)
		running.Wait()
		_ = client.Close()
	})
	return h
}

func (h *peer) run(stop <-chan struct{}) {
	codec, err := wire.NewCodec()
	if err != nil {
		h.t.Error(err)
		return
	}
	for {
		select {
		case m := <-h.in:
			h.take(codec, m)
		case <-stop:
			return
		}
	}
}

// take does what a message asks, and answers with what the hub has.
func (h *peer) take(codec *wire.Codec, m message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, leaf, err := wire.ParseTopic(m.topic)
	if err != nil || h.deaf {
		return
	}
	if leaf == wire.UpStatus {
		if st, err := wire.DecodeStatus(m.payload); err == nil {
			h.status = st
		}
	} else {
		e, err := codec.Decode(m.payload)
		if err != nil {
			h.t.Errorf("%s: %v", m.topic, err)
			return
		}
		h.ledger.take(e)
		select {
		case h.tell <- struct{}{}:
		default:
		}
	}
	h.say()
}

func (h *peer) say() {
	a := h.ledger.ack
	a.At = time.Now()
	b, err := wire.EncodeAck(a)
	if err == nil {
		err = h.client.Publish(wire.Topic(edgeID, wire.DownAck), b)
	}
	if err != nil {
		h.t.Errorf("the hub cannot say what it has: %v", err)
	}
}

// look gives the hub's books as they are now.
func (h *peer) look() ledger {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ledger
}

// hear makes the hub take what comes, or not.
func (h *peer) hear(does bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf = !does
}
