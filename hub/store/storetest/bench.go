package storetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/store"
)

// Herd is a company that never rests: goods with tags that edges see moving between bays.
type Herd struct {
	DB     *store.DB
	Intake *intake.Intake
	Shape  Shape
	random *rand.Rand
	tags   []herdTag
	turn   []uint32 // the first tags of loads in the order in which they move, again and again
	sites  []herdSite
	begin  time.Time
	moved  int64
}

// Shape is how large a Herd is and how it moves. A tag stays at its site, which has goods of so many items, and each item has
// so many bays near it there.
type Shape struct {
	Tags, Items, Sites, Range, Bays, Near int
	// Load is how many tags of an item move together, as pallets and cases do; their serial numbers follow each other. With 1
	// each tag moves alone, and serial numbers are at random: the worst that can be.
	Load int
}

// The Shapes that are measured.
var (
	OneSite = Shape{Tags: 50_000, Items: 5000, Sites: 1, Range: 5000, Bays: 10, Near: 10, Load: 1}
	Company = Shape{Tags: 1_000_000, Items: 20_000, Sites: 100, Range: 500, Bays: 100, Near: 5, Load: 1}
)

// InLoads is the Shape whose tags move in loads of so many.
func (s Shape) InLoads(of int) Shape {
	s.Load = of
	return s
}

// String names a Shape in a benchmark.
func (s Shape) String() string {
	if s.Load == 1 {
		return "each alone"
	}
	return fmt.Sprintf("loads of %d", s.Load)
}

// both is a Shape moving in loads, and alone.
func (s Shape) both() []Shape { return []Shape{s.InLoads(20), s} }

type herdTag struct {
	tag  devices.Tag
	item int
	near int
}

// herdSite is a site with what is yet to come of its edges.
type herdSite struct {
	edges []herdEdge
	next  int   // edge
	turn  int64 // how many movements it had
	step  int   // how far the load goes that is under way
}

type herdEdge struct {
	id   string
	seq  uint64
	hash wire.Hash
}

// edgesASite is how many edges report the movements of a site.
const edgesASite = 10

// NewHerd fills a database's catalogue and gives a herd.
func NewHerd(t testing.TB, db *store.DB, shape Shape) *Herd {
	t.Helper()
	h := &Herd{
		DB: db, Shape: shape, random: rand.New(rand.NewPCG(1, 2)), begin: time.Now().Add(-time.Hour),
		Intake: intake.New(intake.Config{Hub: "h", Now: time.Now, NewID: newID}, store.Intake{DB: db}),
		sites:  make([]herdSite, shape.Sites),
	}
	rows := []catalog.Rows{{Kind: "items"}, {Kind: "locations"}, {Kind: "tags"}}
	for i := range shape.Items {
		rows[0].Items = append(rows[0].Items, catalog.Item{ID: sku(i), Name: catalog.Text{EN: "Item"}, Cost: 10_000})
	}
	for s := range h.sites {
		for i := range shape.Bays {
			rows[1].Locations = append(rows[1].Locations, catalog.Location{Code: bay(s, i), Site: fmt.Sprintf("S%d", s), Kind: catalog.Bay})
		}
		for i := range edgesASite {
			h.sites[s].edges = append(h.sites[s].edges, herdEdge{id: fmt.Sprintf("S%d-E%d", s, i)})
		}
	}
	near := make([]int, shape.Sites)
	for i := range shape.Tags {
		site, n := i%shape.Sites, i/shape.Sites
		if n%shape.Load == 0 {
			near[site] = h.random.IntN(shape.Near)
		}
		item := (site*317 + n/shape.Load%shape.Range) % shape.Items
		tag, err := shape.epc(item, i)
		if err != nil {
			t.Fatal(err)
		}
		h.tags = append(h.tags, herdTag{tag: tag, item: item, near: near[site]})
		rows[2].Tags = append(rows[2].Tags, catalog.TagItem{Tag: tag.String(), Item: sku(item), Units: 1})
	}
	for i := range shape.Tags / shape.Sites / shape.Load {
		h.turn = append(h.turn, uint32(i*shape.Load))
	}
	h.random.Shuffle(len(h.turn), func(i, j int) { h.turn[i], h.turn[j] = h.turn[j], h.turn[i] })
	for _, r := range rows {
		if _, err := (store.Catalog{DB: db}).Put(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// epc is a tag of 96 bits: of an item, then its serial number.
func (s Shape) epc(item, serial int) (devices.Tag, error) {
	id := binary.BigEndian.AppendUint32([]byte{0x30, 0x14, 1, 2}, uint32(item))
	if s.Load == 1 {
		id, serial = []byte{0x30, 0x14, 1, 2, 3, 4, 5, 6}, serial*2654435761
	}
	return devices.NewTag(devices.TagEPC, binary.BigEndian.AppendUint32(id, uint32(serial)))
}

func sku(i int) string { return fmt.Sprintf("SKU-%05d", i) }

func bay(site, i int) string { return fmt.Sprintf("S%d-B-%03d", site, i) }

// Batch makes envelopes of so many movements in all, each envelope of another edge with so many.
func (h *Herd) Batch(t testing.TB, movements, perEnvelope int) (batch []wire.Envelope) {
	t.Helper()
	for left := movements; left > 0; left -= perEnvelope {
		s := int(h.moved/int64(perEnvelope)) % len(h.sites)
		site := &h.sites[s]
		e := &site.edges[site.next%len(site.edges)]
		site.next++
		env := wire.Envelope{
			Edge: e.id, Epoch: 1, EpochStart: 1, Stream: wire.MainStream, FirstSeq: e.seq + 1, Before: e.hash,
		}
		for range min(left, perEnvelope) {
			m := h.move(s, e.id)
			e.seq++
			raw, err := wire.EncodeRecord(wire.Record{Seq: e.seq, Movement: &m})
			if err != nil {
				t.Fatal(err)
			}
			e.hash = wire.Chain(e.hash, 1, e.seq, raw)
			env.Records = append(env.Records, raw)
		}
		batch = append(batch, env)
	}
	return batch
}

// move takes the next tag of a site to another bay that is near its item, where the others of its load go too.
func (h *Herd) move(site int, edge string) wire.Movement {
	s := &h.sites[site]
	turn, nth := s.turn/int64(h.Shape.Load), int(s.turn%int64(h.Shape.Load))
	if s.turn++; nth == 0 {
		s.step = 1 + h.random.IntN(h.Shape.Near-1)
	}
	tag := &h.tags[(int(h.turn[turn%int64(len(h.turn))])+nth)*h.Shape.Sites+site]
	tag.near = (tag.near + s.step) % h.Shape.Near
	h.moved++
	at := h.begin.Add(time.Duration(h.moved) * time.Millisecond)
	return wire.Movement{
		Tag: tag.tag, To: bay(site, (tag.item*7+tag.near)%h.Shape.Bays), BizStep: wire.Storing, Disposition: wire.Accessible,
		ReadPoint: edge + ":uhf-a1/" + fmt.Sprint(tag.near%4), EventTime: at, FirstRead: at, LastRead: at, Reads: 3, Confidence: 900,
		HasRSSI: true, PeakRSSI: -5200,
	}
}

// Take has a batch taken.
func (h *Herd) Take(t testing.TB, batch []wire.Envelope) {
	t.Helper()
	r, err := h.Intake.Take(context.Background(), batch)
	if err != nil || r.Parked > 0 || r.Unfit > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// know has each tag moved once.
func (h *Herd) know(t testing.TB) {
	t.Helper()
	for h.moved < int64(h.Shape.Tags) {
		h.Take(t, h.Batch(t, 2000, 200))
	}
}

// benchBatch is how many movements the benchmarks give to a transaction, and perMessage how many of them come from an edge.
const benchBatch, perMessage = 500, 50

// BenchmarkIntake is how many movements a second are taken into the ledger: 500 a transaction, of ten edges.
func BenchmarkIntake(b *testing.B, open Open) {
	for _, shape := range OneSite.both() {
		b.Run(shape.String(), func(b *testing.B) { benchmarkIntake(b, open(b, time.Now, nil), shape) })
	}
}

func benchmarkIntake(b *testing.B, db *store.DB, shape Shape) {
	h := NewHerd(b, db, shape)
	h.know(b)
	var work [][]wire.Envelope
	for range (b.N + benchBatch - 1) / benchBatch {
		work = append(work, h.Batch(b, benchBatch, perMessage))
	}
	before := used()
	b.ReportAllocs()
	b.ResetTimer()
	for _, w := range work {
		h.Take(b, w)
	}
	n := float64(len(work) * benchBatch)
	b.ReportMetric(n/b.Elapsed().Seconds(), "movements/s")
	b.ReportMetric(float64(used()-before)/1e3/n, "cpu-µs/movement")
}

// used is the processor time of this process, which says more than its time on a machine that others use too.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
