package load

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
)

// send sends what the windows take; samples only while no main record waits.
func (e *edge) send() error {
	for !e.stuck {
		if err := e.flatOut(); err != nil {
			return err
		}
		n, err := e.sendMain()
		if n == 0 && err == nil {
			n, err = e.sendSamples()
		}
		if n == 0 || err != nil {
			return err
		}
	}
	return nil
}

func (e *edge) sendMain() (int, error) {
	if !e.main.open() {
		return 0, nil
	}
	rows := e.box.read(e.main.next, e.plan.Uplink.MaxRecords)
	all := len(rows)
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].alarm == rows[0].alarm {
			n++
		}
		if err := e.sendRows(rows[:n]); err != nil {
			return 0, err
		}
		rows = rows[n:]
	}
	return all, nil
}

// sendRows sends an envelope of records that go on one topic.
func (e *edge) sendRows(rows []row) error {
	first := e.main.next
	env := wire.Envelope{
		Epoch: e.box.epoch, EpochStart: e.box.start, Stream: wire.MainStream, FirstSeq: first, Before: e.box.hashBefore(first),
	}
	for _, r := range rows {
		env.Records = append(env.Records, r.raw)
	}
	leaf := wire.UpMovements
	if rows[0].alarm {
		leaf = wire.UpAlarms
	}
	last := first + uint64(len(rows)) - 1
	if first <= e.sentUpto {
		e.resent.Add(min(last, e.sentUpto) + 1 - first)
	}
	e.sentUpto = max(e.sentUpto, last)
	e.main.add(last, e.now())
	return e.sendEnvelope(leaf, env)
}

func (e *edge) sendSamples() (int, error) {
	if !e.side.open() {
		return 0, nil
	}
	first, records := e.samples.read(e.side.next, e.plan.Uplink.MaxRecords)
	if len(records) == 0 {
		return 0, nil
	}
	e.side.add(first+uint64(len(records))-1, e.now())
	return len(records), e.sendEnvelope(wire.UpSamples, wire.Envelope{
		Epoch: e.box.epoch, EpochStart: e.box.start, Stream: wire.SampleStream, FirstSeq: first, Records: records,
	})
}

func (e *edge) sendEnvelope(leaf string, env wire.Envelope) error {
	env.Edge = e.id
	codec := <-e.codecs
	payload, err := codec.Encode(env)
	e.codecs <- codec
	if err != nil {
		return fmt.Errorf("cannot encode records from %d on: %w", env.FirstSeq, err)
	}
	times := 1
	if e.plan.Duplicate > 0 && e.chance.Float64() < e.plan.Duplicate {
		times = 2
		e.doubled.Add(1)
	}
	e.envelopes.Add(1)
	for range times {
		if err := e.link.publish(wire.Topic(e.id, leaf), false, payload); err != nil {
			return fmt.Errorf("cannot publish: %w", err)
		}
	}
	return nil
}

// watch sends again what the hub has left without an answer, and the Status when it is time.
func (e *edge) watch() error {
	now, up := e.now(), e.plan.Uplink
	if now >= e.cutAt && !e.idle && e.start.Load() > 0 {
		return errCut
	}
	late := e.main.late(now, up.Resend)
	if late {
		e.main.restart(e.box.acked, now)
	}
	if e.side.late(now, up.Resend) {
		e.side.restart(e.samples.first-1, now)
	}
	asks := (late || e.stuck) && now-e.statusAt >= up.Resend/2
	if asks || now-e.statusAt >= up.Beat {
		if err := e.sendStatus(); err != nil {
			return err
		}
	}
	return e.link.keep(time.Now())
}

// sendStatus says how the edge is; the hub answers with its ack.
func (e *edge) sendStatus() error {
	payload, err := wire.EncodeStatus(e.status(true))
	if err != nil {
		return fmt.Errorf("cannot encode the status: %w", err)
	}
	e.statusAt = e.now()
	e.statuses.Add(1)
	if err := e.link.publish(wire.Topic(e.id, wire.UpStatus), true, payload); err != nil {
		return fmt.Errorf("cannot publish: %w", err)
	}
	return nil
}

func (e *edge) status(online bool) wire.Status {
	w := e.plan.World
	s := wire.Status{
		Edge: e.id, Site: w.Site(w.SiteOf(e.n)), Online: online, Epoch: e.box.epoch, EpochStart: e.box.start,
		Head: e.box.head(), Acked: e.box.acked, SamplesHead: e.samples.head(), SamplesThinned: e.samples.thinned,
		FreeBytes: 8 << 30, At: time.Now(), Software: "sim load",
		Doors: []wire.Door{{ID: w.Door(e.n), Location: w.Place(w.SiteOf(e.n), w.Bays), Devices: []string{"reader-1"}}},
	}
	for n := range e.plan.Devices {
		s.Devices = append(s.Devices, wire.Device{
			ID: fmt.Sprintf("reader-%d", n+1), Driver: "llrp", State: devices.Up, Since: e.began, Reads: e.box.head() * 20,
			Location: w.Place(w.SiteOf(e.n), n%w.Bays),
		})
	}
	return s
}
