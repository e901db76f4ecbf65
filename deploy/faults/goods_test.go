package faults_test

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/store"
)

const edgeID = "FAULT-E1"

// producers is how many work at once in the tests of the store.
const producers = 4

// part is the name of one movement or sample: of which producer, in its how many-th batch, the how many-th in it. So
// whoever has some knows which others there must be.
type part struct{ producer, batch, index int }

// movementsIn and samplesIn tell how many a batch has.
func movementsIn(producer, batch int) int { return 1 + (batch*7+producer)%5 }
func samplesIn(producer, batch int) int   { return (batch + producer) % 3 }

var startOfGoods = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// goods makes a batch: its movements, its samples, and its number as the producer's state.
func goods(producer, batch int) store.Batch {
	var b store.Batch
	for i := range movementsIn(producer, batch) {
		b.Records = append(b.Records, movement(part{producer, batch, i}))
	}
	for i := range samplesIn(producer, batch) {
		b.Samples = append(b.Samples, wire.Record{Sample: &wire.Sample{
			Device: fmt.Sprintf("probe-%d", producer), Channel: fmt.Sprintf("%d/%d", batch, i), Location: "COLD-1",
			Quantity: unit.Temperature, Value: unit.Milli(batch%9000 + i), At: startOfGoods.Add(time.Duration(batch) * time.Second),
		}})
	}
	b.Put = []store.KV{{Key: fmt.Appendf(nil, "goods/%d", producer), Value: fmt.Append(nil, batch)}}
	for i := range 2 { // states as those of tags: many keys that change
		b.Put = append(b.Put, store.KV{Key: fmt.Appendf(nil, "t/%d/%d", producer, (batch*2+i)%500), Value: fmt.Appendf(nil, "%0120d", batch)})
	}
	return b
}

func movement(p part) wire.Record {
	tag, err := devices.NewTag(devices.TagEPC, fmt.Appendf(nil, "%02d-%08d-%02d", p.producer, p.batch, p.index))
	if err != nil {
		panic(err)
	}
	at := startOfGoods.Add(time.Duration(p.batch) * time.Second)
	return wire.Record{Movement: &wire.Movement{
		Tag: tag, From: "SZ1-DOCK-1", To: fmt.Sprintf("SZ1-A-%02d", p.batch%99), BizStep: wire.Storing, Disposition: wire.Accessible,
		ReadPoint: "uhf-a", EventTime: at, FirstRead: at, LastRead: at, Reads: 12, Confidence: 990,
	}}
}

// partOf reads the name back.
func partOf(r wire.Record) (p part, ok bool) {
	switch {
	case r.Movement != nil:
		n, err := fmt.Sscanf(string(r.Movement.Tag.Bytes()), "%02d-%08d-%02d", &p.producer, &p.batch, &p.index)
		return p, err == nil && n == 3 && p.producer < producers
	case r.Sample != nil:
		n1, err1 := fmt.Sscanf(r.Sample.Device, "probe-%d", &p.producer)
		n2, err2 := fmt.Sscanf(r.Sample.Channel, "%d/%d", &p.batch, &p.index)
		return p, err1 == nil && err2 == nil && n1+n2 == 3 && p.producer < producers
	}
	return p, false
}

// row is how far the goods of one kind of one producer have come: all before next are there, once each.
type row struct{ next part }

// take notes a part; it tells how many are missing before it and whether it was there already.
func (r *row) take(p part, in func(producer, batch int) int) (missing int, twice bool) {
	r.skip(in)
	if p.batch < r.next.batch || p.batch == r.next.batch && p.index < r.next.index {
		return 0, true
	}
	for r.next != p && r.next.batch <= p.batch {
		missing++
		r.next.index++
		r.skip(in)
	}
	r.next = part{p.producer, p.batch, p.index + 1}
	return missing, false
}

// skip goes to the next batch where this one is whole.
func (r *row) skip(in func(producer, batch int) int) {
	for r.next.index >= in(r.next.producer, r.next.batch) {
		r.next.batch, r.next.index = r.next.batch+1, 0
	}
}

// whole tells whether the last batch is there with all its parts, and which batch comes next.
func (r row) whole(in func(producer, batch int) int) (next int, whole bool) {
	r.skip(in)
	return r.next.batch, r.next.index == 0
}

// ledger is a hub in this process: it takes what follows what it has, by the rules of package wire, and counts the goods.
// It is a value: a copy is the hub at that moment.
type ledger struct {
	ack                wire.Ack
	movements, samples [producers]row
	moved, sampled     int
	lost, twice        int
	samplesLost        int
	others             int               // passes, alarms and what tests put beside the goods
	damaged            int               // records that are not readable
	heard              func(wire.Record) // gets each record that is taken and is no goods; nil = nobody
}

func newLedger() ledger {
	l := ledger{ack: wire.Ack{Edge: edgeID, Hub: "faults"}}
	for p := range producers {
		l.movements[p].next.producer, l.samples[p].next.producer = p, p
	}
	return l
}

// take takes an envelope. What does not follow is left out, as a hub does; the outbox sends it again.
func (l *ledger) take(e wire.Envelope) {
	if e.Stream == wire.SampleStream {
		l.takeSamples(e)
		return
	}
	before := e.Before
	for i, b := range e.Records {
		seq := e.FirstSeq + uint64(i)
		hash := wire.Chain(before, e.Epoch, seq, b)
		follows := e.Epoch == l.ack.Epoch && seq == l.ack.Upto+1 && before == l.ack.Hash
		begins := e.Epoch > l.ack.Epoch && seq == e.EpochStart && before == wire.Hash{}
		if follows || begins {
			l.ack.Epoch, l.ack.Upto, l.ack.Hash = e.Epoch, seq, hash
			l.count(seq, b)
		}
		before = hash
	}
}

func (l *ledger) count(seq uint64, b []byte) {
	r, err := wire.DecodeRecord(b)
	if err != nil || r.Seq != seq {
		l.damaged++
		return
	}
	p, ok := partOf(r)
	if !ok {
		l.other(r)
		return
	}
	missing, twice := l.movements[p.producer].take(p, movementsIn)
	l.lost += missing
	if twice {
		l.twice++
		return
	}
	l.moved++
}

func (l *ledger) takeSamples(e wire.Envelope) {
	for _, b := range e.Records {
		r, err := wire.DecodeRecord(b)
		if err != nil {
			l.damaged++
			continue
		}
		if r.Seq <= l.ack.SamplesUpto {
			continue
		}
		l.ack.SamplesUpto = r.Seq
		if p, ok := partOf(r); ok {
			missing, twice := l.samples[p.producer].take(p, samplesIn)
			l.samplesLost += missing
			if twice {
				l.twice++
			}
			l.sampled++
		} else {
			l.other(r)
		}
	}
}

func (l *ledger) other(r wire.Record) {
	l.others++
	if l.heard != nil {
		l.heard(r)
	}
}
