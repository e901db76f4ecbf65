package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// Burden is how many bytes of the heap an edge of a plan takes that has told where its tags are, and 100 moves, all acked.
func Burden(p Plan) (int, error) {
	before := heap()
	l, err := New(p, Options{})
	if err != nil {
		return 0, err
	}
	for _, e := range l.edges {
		err := e.stock()
		for range 100 {
			err = errors.Join(err, e.add(e.goods.move(time.UnixMilli(1)), 0))
		}
		head := e.box.head()
		_, _, ackErr := e.box.ack(wire.Ack{Edge: e.id, Epoch: e.box.epoch, Upto: head, Hash: e.box.hashBefore(head + 1)}, false, false)
		e.box.trim()
		if err := errors.Join(err, ackErr); err != nil || e.box.waiting() != 0 {
			return 0, fmt.Errorf("%d records wait: %w", e.box.waiting(), err)
		}
	}
	after := heap()
	runtime.KeepAlive(l)
	return int(after-before) / len(l.edges), nil
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Quantiles gives what the histogram says of durations.
func Quantiles(list []time.Duration, q ...float64) (out []time.Duration) {
	var l latencies
	for _, d := range list {
		l.add(d)
	}
	c := l.counted()
	for _, q := range q {
		out = append(out, c.quantile(q))
	}
	return append(out, c.most())
}

// Happening is one thing of a calendar.
type Happening struct {
	Kind uint8
	At   time.Duration
}

// The kinds of Happening.
const (
	Moving, Closing, Opening, Alarming, Sampling = uint8(moving), uint8(closing), uint8(opening), uint8(alarming), uint8(sampling)
)

// Happenings is all that a plan has happen at an edge.
func Happenings(p Plan, edge int) (list []Happening) {
	c := newCalendar(p, edge)
	for {
		k, at := c.due()
		if at == never {
			return list
		}
		list = append(list, Happening{uint8(k), at})
		c.took(k, at)
	}
}

// Box is an outbox with the window of its uplink.
type Box struct {
	outbox
	next uint64
}

// NewBox makes an empty one.
func NewBox(edge string, epoch uint64, keep int) *Box { return &Box{newOutbox(edge, epoch, keep), 1} }

// Add puts a record into it.
func (b *Box) Add(r wire.Record) error { return b.add(r, uncounted) }

// Send gives an envelope of at most n records from where the last one ended; nil where there is none.
func (b *Box) Send(n int) *wire.Envelope {
	rows := b.read(b.next, n)
	if len(rows) == 0 {
		return nil
	}
	e := &wire.Envelope{
		Edge: b.edge, Epoch: b.epoch, EpochStart: b.start, Stream: wire.MainStream, FirstSeq: b.next, Before: b.hashBefore(b.next),
	}
	for _, r := range rows {
		e.Records = append(e.Records, r.raw)
	}
	b.next += uint64(len(rows))
	return e
}

// Ack takes the hub's word and sends again from behind what it has.
func (b *Box) Ack(a wire.Ack, kept, insisted bool) (forward, gone bool, fresh int, err error) {
	res, rows, err := b.ack(a, kept, insisted)
	fresh = len(rows)
	if res != stale {
		b.next = b.acked + 1
	}
	b.trim()
	return res == 1, res == gap, fresh, err
}

// Waiting is how many records are not acked, Kept how many are here, Epoch the present one.
func (b *Box) Waiting() int { return b.waiting() }

// Kept is how many records are here.
func (b *Box) Kept() int { return len(b.rows) }

// ReadPackets reads packets until there are no more, and gives how many payload bytes were kept.
func ReadPackets(b []byte) (packets, kept int, err error) {
	r := bufio.NewReaderSize(bytes.NewReader(b), 512)
	for {
		p, err := readPacket(r)
		if err != nil {
			return packets, kept, err
		}
		packets++
		kept += len(p.payload) + len(p.topic)
	}
}

// PublishPacket is a PUBLISH as an edge sends it.
func PublishPacket(id uint16, topic string, retained bool, payload []byte) []byte {
	return appendPublish(nil, id, topic, retained, payload)
}

// ConnectPacket is a CONNECT as an edge sends it.
func ConnectPacket(client, user, password, willTopic string, will []byte) []byte {
	return hello{client, user, password, 15, willTopic, will}.append(nil)
}

// SubscribePacket is a SUBSCRIBE as an edge sends it.
func SubscribePacket(id uint16, topic string) []byte { return appendSubscribe(nil, id, topic, 1) }
