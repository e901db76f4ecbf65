package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/lease"
)

// worker is the one goroutine that decodes, has taken and answers.
type worker struct {
	*Ingest
	codec  *wire.Codec
	share  lease.Share
	serves [wire.Partitions]service
	heard  map[string]time.Time // by edge, on the machine's clock
	// configs is what edges said last of their configurations.
	configs map[string]wire.ConfigStatus
	catalog catalog
}

// service is what this hub has of a partition.
type service struct {
	ours  bool
	claim lease.Claim // zero where there is no other hub
	since time.Time
}

func newWorker(g *Ingest) (*worker, error) {
	codec, err := wire.NewCodec()
	if err != nil {
		return nil, err
	}
	return &worker{
		Ingest: g, codec: codec, heard: map[string]time.Time{}, configs: map[string]wire.ConfigStatus{}, catalog: catalog{told: map[string]bool{}},
	}, nil
}

func (w *worker) run(ctx context.Context) {
	silence := time.NewTicker(SilentAfter / 4)
	defer silence.Stop()
	look := time.NewTicker(CatalogEvery)
	defer look.Stop()
	w.readCatalog(ctx)
	w.reshare()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.share.Changed:
			w.reshare()
		case <-w.joined:
			w.reshare()
			w.ackAll(ctx, w.takeFresh())
		case <-look.C:
			w.readCatalog(ctx)
		case <-silence.C:
			w.noteSilence(ctx)
		case m := <-w.queue:
			w.work(ctx, m)
		}
	}
}

// reshare takes in which partitions are this hub's now. As it runs between two transactions, none is under way for others.
func (w *worker) reshare() {
	w.share = w.leases.Share()
	for p := range w.serves {
		s := &w.serves[p]
		claim, ours := w.share.Claims[lease.Partition(p)]
		if ours && (!s.ours || s.claim != claim) {
			s.since = time.Now()
		}
		s.ours, s.claim = ours, claim
	}
	for edge := range w.heard {
		if !w.serving(edge) {
			delete(w.heard, edge)
		}
	}
	w.leases.Settle(w.share)
}

// serving reports whether an edge is this hub's to serve.
func (w *worker) serving(edge string) bool { return w.serves[wire.Partition(edge)].ours }

// under gives a context for transactions of these edges.
func (w *worker) under(ctx context.Context, edges ...string) context.Context {
	var claims []lease.Claim
	for _, e := range edges {
		if s := w.serves[wire.Partition(e)]; s.claim != (lease.Claim{}) && !slices.Contains(claims, s.claim) {
			claims = append(claims, s.claim)
		}
	}
	return lease.With(ctx, claims...)
}

// batch is what one transaction takes.
type batch struct {
	messages  []mqtt.Message
	envelopes []wire.Envelope
	records   int
}

func (b *batch) full() bool { return b.records >= batchRecords || len(b.messages) >= batchSize }

// work deals with a message and with those that wait behind it, up to a batch.
func (w *worker) work(ctx context.Context, m mqtt.Message) {
	var b batch
	w.add(ctx, &b, m)
	for !b.full() {
		select {
		case m := <-w.queue:
			w.add(ctx, &b, m)
			continue
		default:
		}
		break
	}
	w.take(ctx, &b)
}

// add decodes a message into the batch, or deals with it at once where it is no envelope.
func (w *worker) add(ctx context.Context, b *batch, m mqtt.Message) {
	edge, leaf, err := wire.ParseTopic(m.Topic())
	if err != nil {
		w.count.messages.WithLabelValues("foreign").Inc()
		w.log.Warn("message on a topic of no edge", "topic", m.Topic(), "error", err)
		m.Ack()
		return
	}
	if !w.serving(edge) { // another hub's by now
		m.Ack()
		return
	}
	w.heard[edge] = time.Now()
	switch leaf {
	case wire.UpStatus:
		w.status(ctx, edge, m)
	case wire.UpMovements, wire.UpAlarms, wire.UpSamples:
		e, err := w.envelope(edge, leaf, m.Payload())
		if err != nil {
			w.bad(ctx, edge, m, err)
			return
		}
		w.count.messages.WithLabelValues(leaf[len("up/"):]).Inc()
		b.messages = append(b.messages, m)
		b.envelopes = append(b.envelopes, e)
		b.records += len(e.Records)
	default:
		w.bad(ctx, edge, m, fmt.Errorf("topic %s is not known here", leaf))
	}
}

// envelope decodes one and checks that it is of the edge, and of the stream, of its topic.
func (w *worker) envelope(edge, leaf string, payload []byte) (wire.Envelope, error) {
	e, err := w.codec.Decode(payload)
	switch {
	case err != nil:
		return e, err
	case e.Edge != edge:
		return e, fmt.Errorf("envelope of edge %s on the topic of edge %s", e.Edge, edge)
	case (e.Stream == wire.SampleStream) != (leaf == wire.UpSamples):
		return e, fmt.Errorf("envelope of stream %d on topic %s", e.Stream, leaf)
	}
	return e, nil
}

// bad has a message noted that is of no use.
func (w *worker) bad(ctx context.Context, edge string, m mqtt.Message, cause error) {
	w.count.messages.WithLabelValues("bad").Inc()
	w.log.Warn("message of an edge cannot be used", "edge", edge, "topic", m.Topic(), "bytes", len(m.Payload()), "error", cause)
	if ok, _ := w.insist(ctx, func() error { return w.in.BadMessage(w.under(ctx, edge), edge, m.Payload(), cause) }); ok {
		m.Ack()
	}
}

// status stores an edge's status and answers it with the ack and the commands that it still owes an answer.
func (w *worker) status(ctx context.Context, edge string, m mqtt.Message) {
	if len(m.Payload()) == 0 { // a retained status that was cleared
		m.Ack()
		return
	}
	s, err := wire.DecodeStatus(m.Payload())
	if err == nil && s.Edge != edge {
		err = fmt.Errorf("status of edge %s on the topic of edge %s", s.Edge, edge)
	}
	if err != nil {
		w.bad(ctx, edge, m, err)
		return
	}
	w.count.messages.WithLabelValues("status").Inc()
	var ack wire.Ack
	var pending []wire.Command
	ok, lost := w.insist(ctx, func() (err error) {
		ack, pending, err = w.in.Status(w.under(ctx, edge), s)
		return err
	})
	if !ok {
		return
	}
	m.Ack()
	if len(lost) > 0 {
		return
	}
	w.noteConfig(edge, s.Config)
	if !s.Online {
		delete(w.heard, edge)
		return
	}
	w.ack(ack)
	w.tellCatalog(edge)
	for _, c := range pending {
		if b, err := wire.EncodeCommand(c); err == nil {
			w.tell(wire.Topic(edge, wire.DownCommand), false, b)
		}
	}
}

func (b *batch) edges() (all []string) {
	for _, e := range b.envelopes {
		all = append(all, e.Edge)
	}
	return all
}

// leaveOut takes out what is of partitions whose leases were lost: their edges send it again, to another hub.
func (b *batch) leaveOut(leases []string) {
	var kept batch
	for i, e := range b.envelopes {
		if slices.Contains(leases, lease.Partition(wire.Partition(e.Edge))) {
			b.messages[i].Ack()
			continue
		}
		kept.messages, kept.envelopes = append(kept.messages, b.messages[i]), append(kept.envelopes, e)
	}
	*b = kept
}

// take has the batch taken and publishes the acks.
func (w *worker) take(ctx context.Context, b *batch) {
	if len(b.envelopes) == 0 {
		return
	}
	var r intake.Result
	for {
		ok, lost := w.insist(ctx, func() (err error) {
			began := time.Now()
			r, err = w.in.Take(w.under(ctx, b.edges()...), b.envelopes)
			w.count.seconds.Observe(time.Since(began).Seconds())
			return err
		})
		if !ok {
			return
		}
		if len(lost) == 0 {
			break
		}
		if b.leaveOut(lost); len(b.envelopes) == 0 {
			return
		}
	}
	for _, m := range b.messages {
		m.Ack()
	}
	for _, a := range r.Acks {
		w.ack(a)
	}
	w.count.records.WithLabelValues("taken").Add(float64(r.Records))
	w.count.records.WithLabelValues("sample").Add(float64(r.Samples))
	w.count.records.WithLabelValues("parked").Add(float64(r.Parked))
	w.count.records.WithLabelValues("skipped").Add(float64(r.Skipped))
	if r.Parked > 0 || r.Unfit > 0 || r.Careful {
		w.log.Warn("not everything of a batch could be used", "records", r.Records, "parked", r.Parked, "unfit envelopes", r.Unfit)
	}
}

// insist runs f until it succeeds, and reports whether it did before ctx ended. What the database will never take is
// logged and left, for it would hold up all that follows; and so is what is for another hub to do, with the leases that
// were lost.
func (w *worker) insist(ctx context.Context, f func() error) (ok bool, lost []string) {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := f()
		var fenced *lease.ErrFenced
		switch {
		case err == nil:
			return true, nil
		case ctx.Err() != nil:
			return false, nil
		case errors.As(err, &fenced):
			w.log.Warn("what edges sent is for another hub to take", "leases", fenced.Names)
			w.count.fenced.Inc()
			return true, fenced.Names
		case errors.Is(err, intake.ErrRefused):
			w.log.Error("database refuses what an edge sent; it is left out", "error", err)
			return true, nil
		}
		w.count.retries.Inc()
		w.log.Error("cannot store what an edge sent; trying again", "wait", wait, "error", err)
		if !sleep(ctx, wait) {
			return false, nil
		}
	}
}

// ackAll tells the edges of partitions how far they were taken, so that a hub that was restored from a copy, or has taken
// them over, gets what it misses.
func (w *worker) ackAll(ctx context.Context, partitions map[int]bool) {
	for edge := range w.catalog.told {
		if partitions[wire.Partition(edge)] {
			delete(w.catalog.told, edge)
		}
	}
	acks, err := w.in.Acks(ctx)
	if err != nil {
		w.log.Error("cannot tell edges how far they were taken; their next status asks again", "error", err)
		return
	}
	for _, a := range acks {
		if partitions[wire.Partition(a.Edge)] && w.serving(a.Edge) {
			w.ack(a)
		}
	}
}

func (w *worker) ack(a wire.Ack) {
	b, err := wire.EncodeAck(a)
	if err != nil {
		w.log.Error("cannot encode an ack", "edge", a.Edge, "error", err)
		return
	}
	w.tell(wire.Topic(a.Edge, wire.DownAck), true, b)
}

// tell publishes without waiting: whatever is lost is said again with the edge's next message or status. It says nothing
// that another hub may know better by now.
func (w *worker) tell(topic string, retained bool, payload []byte) {
	if !w.leases.Sure() {
		return
	}
	if _, err := w.publish(topic, retained, payload); err != nil {
		w.log.Debug("cannot answer an edge now", "topic", topic, "error", err)
	}
}

// noteSilence has edges counted as offline that said nothing for too long, such as those that died together with the
// broker, which then published no will for them.
func (w *worker) noteSilence(ctx context.Context) {
	heard := make([]string, 0, len(w.heard))
	for edge, at := range w.heard {
		if time.Since(at) < SilentAfter {
			heard = append(heard, edge)
		} else {
			delete(w.heard, edge)
		}
	}
	var claims []lease.Claim
	listened := [wire.Partitions]bool{}
	for p, s := range w.serves {
		listened[p] = s.ours && time.Since(s.since) >= SilentAfter
		if listened[p] && s.claim != (lease.Claim{}) {
			claims = append(claims, s.claim)
		}
	}
	silent := func(edge string) bool { return listened[wire.Partition(edge)] && !slices.Contains(heard, edge) }
	if err := w.in.Silent(lease.With(ctx, claims...), silent); err != nil {
		w.log.Error("cannot note which edges are silent", "error", err)
	}
}
