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

// Herd is a site that never rests: goods with tags that edges see moving between bays.
type Herd struct {
	DB     *store.DB
	Intake *intake.Intake
	random *rand.Rand
	tags   []devices.Tag
	at     []uint16 // bay by tag
	bays   []string
	edges  []herdEdge
	begin  time.Time
	moved  int64
}

type herdEdge struct {
	id   string
	seq  uint64
	hash wire.Hash
}

// herdItems and herdBays are how many items and places a Herd has.
const (
	herdItems = 5000
	herdBays  = 10
)

// NewHerd fills a database's catalogue and gives a herd of so many tags, whose movements so many edges report.
func NewHerd(t testing.TB, db *store.DB, tags, edges int) *Herd {
	t.Helper()
	h := &Herd{
		DB: db, random: rand.New(rand.NewPCG(1, 2)), at: make([]uint16, tags), begin: time.Now().Add(-time.Hour),
		Intake: intake.New(intake.Config{Hub: "h", Now: time.Now, NewID: newID}, store.Intake{DB: db}),
	}
	rows := []catalog.Rows{{Kind: "items"}, {Kind: "locations"}, {Kind: "tags"}}
	for i := range herdItems {
		rows[0].Items = append(rows[0].Items, catalog.Item{ID: fmt.Sprintf("SKU-%05d", i), Name: catalog.Text{EN: "Item"}, Cost: 10_000})
	}
	for i := range herdBays {
		h.bays = append(h.bays, fmt.Sprintf("S%d-B-%03d", i/100, i))
		rows[1].Locations = append(rows[1].Locations, catalog.Location{Code: h.bays[i], Site: fmt.Sprintf("S%d", i/100), Kind: catalog.Bay})
	}
	for i := range tags {
		id := binary.BigEndian.AppendUint32([]byte{0x30, 0x14, 1, 2, 3, 4, 5, 6}, uint32(i)*2654435761)
		tag, err := devices.NewTag(devices.TagEPC, id)
		if err != nil {
			t.Fatal(err)
		}
		h.tags = append(h.tags, tag)
		h.at[i] = uint16(h.random.IntN(herdBays))
		rows[2].Tags = append(rows[2].Tags, catalog.TagItem{Tag: tag.String(), Item: fmt.Sprintf("SKU-%05d", i%herdItems), Units: 1})
	}
	for _, r := range rows {
		if _, err := (store.Catalog{DB: db}).Put(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range edges {
		h.edges = append(h.edges, herdEdge{id: fmt.Sprintf("E%04d", i)})
	}
	return h
}

// Batch makes envelopes of so many movements in all, each envelope of another edge with so many.
func (h *Herd) Batch(t testing.TB, movements, perEnvelope int) (batch []wire.Envelope) {
	t.Helper()
	for left := movements; left > 0; left -= perEnvelope {
		e := &h.edges[int(h.moved/int64(perEnvelope))%len(h.edges)]
		env := wire.Envelope{
			Edge: e.id, Epoch: 1, EpochStart: 1, Stream: wire.MainStream, FirstSeq: e.seq + 1, Before: e.hash,
		}
		for range min(left, perEnvelope) {
			m := h.move()
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

// move takes a tag to another bay, mostly one near it.
func (h *Herd) move() wire.Movement {
	n := h.random.IntN(len(h.tags))
	to := (int(h.at[n]) + 1 + h.random.IntN(9)) % herdBays
	h.at[n] = uint16(to)
	h.moved++
	at := h.begin.Add(time.Duration(h.moved) * time.Millisecond)
	return wire.Movement{
		Tag: h.tags[n], To: h.bays[to], BizStep: wire.Storing, Disposition: wire.Accessible, ReadPoint: "S1-E1:uhf-a1/" + fmt.Sprint(to%4),
		EventTime: at, FirstRead: at, LastRead: at, Reads: 3, Confidence: 900, HasRSSI: true, PeakRSSI: -5200,
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

// BenchmarkIntake is how many movements a second are taken into the ledger: 500 a transaction, of ten edges.
func BenchmarkIntake(b *testing.B, open Open) {
	db := open(b, time.Now, nil)
	h := NewHerd(b, db, 50_000, 10)
	const batch = 500
	for h.moved < 50_000 { // most tags are known
		h.Take(b, h.Batch(b, 2000, 200))
	}
	var work [][]wire.Envelope
	for range (b.N + batch - 1) / batch {
		work = append(work, h.Batch(b, batch, 50))
	}
	before := used()
	b.ReportAllocs()
	b.ResetTimer()
	for _, w := range work {
		h.Take(b, w)
	}
	n := float64(len(work) * batch)
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
