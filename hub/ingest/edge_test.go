package ingest_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
)

// edge is a gateway reduced to its duties on the wire: it keeps all records, sends what is not acked, and goes back to
// where the hub says it is. With trouble it also doubles, swaps and damages messages on the way.
type edge struct {
	t       *testing.T
	id      string
	client  mqtt.Client
	codec   *wire.Codec
	random  *rand.Rand
	trouble bool

	mu       sync.Mutex
	epoch    uint64
	start    uint64 // of the epoch
	records  [][]byte
	hashes   []wire.Hash
	ack      wire.Ack
	commands []wire.Command
	heard    chan struct{} // an ack came
	acks     int
	lowered  int // times that the hub was behind its own earlier ack
}

func newEdge(t *testing.T, addr, id string, trouble bool) *edge {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{
		t: t, id: id, codec: codec, random: rand.New(rand.NewPCG(7, 11)), trouble: trouble, epoch: 1, start: 1,
		heard: make(chan struct{}, 1),
	}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("edge-" + id).SetUsername(id).SetPassword("edge-pw").
		SetCleanSession(true).SetOrderMatters(true).SetMaxReconnectInterval(time.Second)
	o.SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe(wire.Topic(id, "down/#"), 1, e.hear)
	})
	e.client = mqtt.NewClient(o)
	if token := e.client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatalf("edge cannot connect: %v", token.Error())
	}
	t.Cleanup(func() { e.client.Disconnect(50) })
	return e
}

func (e *edge) hear(_ mqtt.Client, m mqtt.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if strings.HasSuffix(m.Topic(), wire.DownCommand) {
		if c, err := wire.DecodeCommand(m.Payload()); err == nil {
			e.commands = append(e.commands, c)
		}
		return
	}
	if strings.HasSuffix(m.Topic(), wire.DownCatalog) {
		return
	}
	a, err := wire.DecodeAck(m.Payload())
	if err != nil {
		e.t.Errorf("unreadable ack: %v", err)
		return
	}
	if a.Upto < e.ack.Upto {
		e.lowered++
	}
	e.ack = a
	e.acks++
	select {
	case e.heard <- struct{}{}:
	default:
	}
}

// put stores records, each encoded once with its seq.
func (e *edge) put(records ...wire.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range records {
		r.Seq = uint64(len(e.records)) + 1
		b, err := wire.EncodeRecord(r)
		if err != nil {
			e.t.Fatal(err)
		}
		e.putRaw(b)
	}
}

// putRaw stores bytes as the next record.
func (e *edge) putRaw(b []byte) {
	seq := uint64(len(e.records)) + 1
	before := wire.Hash{}
	if seq > e.start {
		before = e.hashes[len(e.hashes)-1]
	}
	e.records = append(e.records, b)
	e.hashes = append(e.hashes, wire.Chain(before, e.epoch, seq, b))
}

// envelope encodes at most n records from a seq on.
func (e *edge) envelope(from uint64, n int) []byte {
	env := wire.Envelope{Edge: e.id, Epoch: e.epoch, EpochStart: e.start, Stream: wire.MainStream, FirstSeq: from}
	if from > e.start {
		env.Before = e.hashes[from-2]
	}
	env.Records = e.records[from-1 : min(len(e.records), int(from)-1+n)]
	b, err := e.codec.Encode(env)
	if err != nil {
		e.t.Fatal(err)
	}
	return b
}

// deliver sends until the hub has acked everything, or fails after a while.
func (e *edge) deliver(ctx context.Context) {
	e.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		e.mu.Lock()
		from, last := e.ack.Upto+1, uint64(len(e.records))
		done := e.ack.Epoch == e.epoch && e.ack.Upto == last
		var window [][]byte
		for ; from <= last && len(window) < 8; from += 37 {
			window = append(window, e.envelope(from, 37))
		}
		e.mu.Unlock()
		if done {
			return
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			e.t.Fatalf("edge %s was not acked: %d of %d", e.id, e.ack.Upto, last)
		}
		e.publish(window)
		select {
		case <-e.heard:
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (e *edge) publish(window [][]byte) {
	if e.trouble {
		window = e.spoil(window)
	}
	for _, b := range window {
		e.client.Publish(wire.Topic(e.id, wire.UpMovements), 1, false, b).WaitTimeout(5 * time.Second)
	}
}

// spoil doubles every message, swaps some and damages a few.
func (e *edge) spoil(window [][]byte) [][]byte {
	var all [][]byte
	for _, b := range window {
		all = append(all, b, b)
		if e.random.IntN(8) == 0 {
			all = append(all, flipped(b, e.random.IntN(8*len(b))))
		}
	}
	for range len(all) / 4 {
		i, j := e.random.IntN(len(all)), e.random.IntN(len(all))
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// flipped is a copy of b with one bit changed.
func flipped(b []byte, bit int) []byte {
	bad := bytes.Clone(b)
	bad[bit/8] ^= 1 << (bit % 8)
	return bad
}

// status publishes what the edge says of itself.
func (e *edge) status(s wire.Status) {
	e.t.Helper()
	s.Edge, s.Site, s.Epoch, s.EpochStart, s.Head = e.id, "SZ1", e.epoch, e.start, uint64(len(e.records))
	b, err := wire.EncodeStatus(s)
	if err != nil {
		e.t.Fatal(err)
	}
	if !e.client.Publish(wire.Topic(e.id, wire.UpStatus), 1, true, b).WaitTimeout(5 * time.Second) {
		e.t.Fatal("status was not taken by the broker")
	}
}
