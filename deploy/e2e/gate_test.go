package e2e_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
)

// gate is an edge gateway reduced to its duties on the wire: it keeps all records, sends what is not acked, and goes back to
// where the hub says it is. What it decides is a function of its id and of how much it decided, so that it can be played
// again.
type gate struct {
	id     string
	number int
	client mqtt.Client
	codec  *wire.Codec

	mu      sync.Mutex
	records [][]byte
	hashes  []wire.Hash
	made    []time.Time // when each was decided
	ack     wire.Ack
	sent    uint64        // the last record that is on its way
	slowest time.Duration // from a decision to its ack
	lowered int           // live acks that were older than one before
	heard   chan struct{} // an ack came
}

const (
	gateTags   = 40
	gatePlaces = 6
	gateItems  = 8
)

func gateID(n int) string { return fmt.Sprintf("SZ1-G%02d", n) }

func gateTag(gate, n int) devices.Tag {
	t, err := devices.NewTag(devices.TagEPC, []byte{0xe2, 0, 0, 0, 0, 0, 0, 0, 0, byte(gate), byte(n >> 8), byte(n)})
	if err != nil {
		panic(err)
	}
	return t
}

func gatePlace(n int) string { return fmt.Sprintf("SZ1-A-%02d", n+1) }

// gateCatalogue is what the gates move and where.
func gateCatalogue(gates int) []catalog.Rows {
	items, at, tags := catalog.Rows{Kind: "items"}, catalog.Rows{Kind: "locations"}, catalog.Rows{Kind: "tags"}
	at.Locations = []catalog.Location{{Code: "SZ1", Site: "SZ1", Kind: catalog.Site}}
	for i := range gatePlaces {
		at.Locations = append(at.Locations, catalog.Location{Code: gatePlace(i), Site: "SZ1", Parent: "SZ1", Kind: catalog.Bay})
	}
	for i := range gateItems {
		items.Items = append(items.Items, catalog.Item{ID: fmt.Sprintf("SKU-%d", i), Unit: "EA"})
	}
	for g := range gates {
		for i := range gateTags {
			tags.Tags = append(tags.Tags, catalog.TagItem{Tag: gateTag(g, i).String(), Item: fmt.Sprintf("SKU-%d", (g+i)%gateItems)})
		}
	}
	return []catalog.Rows{items, at, tags}
}

func openGate(t *testing.T, broker string, number int) *gate {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{id: gateID(number), number: number, codec: codec, heard: make(chan struct{}, 1)}
	o := mqtt.NewClientOptions().AddBroker(broker).SetClientID(g.id).SetUsername(g.id).SetCleanSession(true).SetOrderMatters(true).
		SetConnectRetry(true).SetConnectRetryInterval(200 * time.Millisecond).SetMaxReconnectInterval(500 * time.Millisecond).
		SetKeepAlive(5 * time.Second).SetConnectTimeout(5 * time.Second).SetWriteTimeout(2 * time.Second)
	o.SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe(wire.Topic(g.id, "down/#"), 1, g.hear)
		g.status(c)
	})
	g.client = mqtt.NewClient(o)
	g.client.Connect()
	t.Cleanup(func() { g.client.Disconnect(20) })
	return g
}

func (g *gate) status(c mqtt.Client) {
	g.mu.Lock()
	s := wire.Status{Edge: g.id, Site: "SZ1", Online: true, At: time.Now(), Epoch: 1, EpochStart: 1, Head: uint64(len(g.records))}
	g.mu.Unlock()
	if b, err := wire.EncodeStatus(s); err == nil {
		c.Publish(wire.Topic(g.id, wire.UpStatus), 1, true, b)
	}
}

func (g *gate) hear(_ mqtt.Client, m mqtt.Message) {
	if m.Topic() != wire.Topic(g.id, wire.DownAck) {
		return
	}
	a, err := wire.DecodeAck(m.Payload())
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.Upto < g.ack.Upto {
		g.sent = a.Upto
		if !m.Retained() {
			g.lowered++
		}
	}
	for seq := g.ack.Upto + 1; seq <= a.Upto && seq <= uint64(len(g.made)); seq++ {
		g.slowest = max(g.slowest, time.Since(g.made[seq-1]))
	}
	g.ack = a
	select {
	case g.heard <- struct{}{}:
	default:
	}
}

// decide adds n movements.
func (g *gate) decide(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for range n {
		i := len(g.records)
		at := time.Date(2026, 3, 2, 12, 0, i, 0, time.UTC)
		b, err := wire.EncodeRecord(wire.Record{Seq: uint64(i) + 1, Movement: &wire.Movement{
			Tag: gateTag(g.number, i%gateTags), To: gatePlace((i/gateTags + g.number) % gatePlaces), BizStep: wire.Storing,
			Disposition: wire.Accessible, ReadPoint: g.id + ":a/0", EventTime: at, FirstRead: at, LastRead: at, Reads: 3, Confidence: 900,
		}})
		if err != nil {
			panic(err)
		}
		var before wire.Hash
		if i > 0 {
			before = g.hashes[i-1]
		}
		g.records, g.hashes = append(g.records, b), append(g.hashes, wire.Chain(before, 1, uint64(i)+1, b))
		g.made = append(g.made, time.Now())
	}
}

// run sends what is not acked until ctx ends, and again what is not acked for a second; each time that pace passes it
// decides burst movements more, while it may.
func (g *gate) run(ctx context.Context, burst int, pace time.Duration, may func() bool) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	silence := time.NewTimer(time.Second)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if may() {
				g.decide(burst)
			}
		case <-g.heard:
			silence.Reset(time.Second)
		case <-silence.C:
			g.again()
			silence.Reset(time.Second)
		}
		for _, b := range g.window() {
			g.client.Publish(wire.Topic(g.id, wire.UpMovements), 1, false, b)
		}
	}
}

// again has all sent again that is not acked.
func (g *gate) again() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sent = g.ack.Upto
}

// window gives the envelopes that are due, a few beyond what is acked.
func (g *gate) window() (all [][]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.client.IsConnectionOpen() {
		return nil
	}
	const atOnce, ahead = 60, 240
	for g.sent = max(g.sent, g.ack.Upto); g.sent < min(uint64(len(g.records)), g.ack.Upto+ahead); {
		e := wire.Envelope{Edge: g.id, Epoch: 1, EpochStart: 1, Stream: wire.MainStream, FirstSeq: g.sent + 1}
		if g.sent > 0 {
			e.Before = g.hashes[g.sent-1]
		}
		e.Records = g.records[g.sent:min(len(g.records), int(g.sent)+atOnce)]
		b, err := g.codec.Encode(e)
		if err != nil {
			panic(err)
		}
		all, g.sent = append(all, b), g.sent+uint64(len(e.Records))
	}
	return all
}

func (g *gate) acked() (upto, decided int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.ack.Upto), len(g.records)
}
