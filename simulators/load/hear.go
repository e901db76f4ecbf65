package load

import (
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// hear takes a packet of the broker.
func (e *edge) hear(p packet) {
	if p.kind != packetPublish || len(p.payload) == 0 {
		return // a PUBACK, or a catalogue, or a retained message that was cleared
	}
	var err error
	switch {
	case strings.HasSuffix(p.topic, wire.DownAck):
		var a wire.Ack
		if a, err = wire.DecodeAck(p.payload); err == nil {
			err = e.take(a, p.retained)
		}
	case strings.HasSuffix(p.topic, wire.DownCommand):
		var c wire.Command
		if c, err = wire.DecodeCommand(p.payload); err == nil {
			err = e.answer(c)
		}
	}
	if err != nil {
		e.problems.add(e.id, fmt.Errorf("message of the hub: %w", err))
	}
}

// take does what the hub's ack says.
func (e *edge) take(a wire.Ack, kept bool) error {
	if a.Edge != e.id {
		return fmt.Errorf("ack is for edge %q; this is %s", a.Edge, e.id)
	}
	e.acks.Add(1)
	now, before, epoch := e.now(), e.box.waiting(), e.box.epoch
	res, fresh, err := e.box.ack(a, kept, false)
	if res == gap && !kept && e.insist.heard(a.Epoch, a.Upto, now, e.plan.Uplink.Resend) {
		e.gone.Add(e.box.first - min(a.Upto+1, e.box.first))
		res, fresh, err = e.box.ack(a, kept, true)
	}
	if err != nil {
		return err
	}
	e.count(fresh, now)
	e.queued(e.box.waiting() - before)
	if !kept || res == forward {
		e.stuck = res == gap
	}
	if res != gap {
		e.insist = insistence{}
	}
	e.follow(res, now)
	if a.Epoch == epoch {
		e.takeSamples(a.SamplesUpto, now)
	}
	e.box.trim()
	return nil
}

func (e *edge) takeSamples(upto uint64, now time.Duration) {
	if n := e.samples.ack(upto); n > 0 {
		e.samplesWaiting.Add(-int64(n))
		e.samplesAcked.Add(uint64(n))
		e.side.acked(upto, now)
	}
}

// count notes how long it took to have rows acked for the first time.
func (e *edge) count(fresh []row, now time.Duration) {
	moved := 0
	for _, r := range fresh {
		if !r.moves {
			continue
		}
		moved++
		switch {
		case r.due == uncounted:
		case r.due >= e.linkedAt:
			e.latency.add(now - r.due)
		default:
			e.broken.add(now - r.due)
		}
	}
	e.acked.Add(uint64(moved))
	e.recordsAcked.Add(uint64(len(fresh)))
}

// follow brings the window to where the outbox's cursor is.
func (e *edge) follow(res result, now time.Duration) {
	switch res {
	case forward:
		e.main.acked(e.box.acked, now)
	case newEpoch:
		e.epochs.Add(1)
		e.sentUpto = e.box.start - 1
		e.main.restart(e.box.acked, now)
	case rewound:
		e.rewinds.Add(1)
		e.main.restart(e.box.acked, now)
	case gap:
		e.main.restart(e.box.acked, now)
	case same:
		if e.main.missed(now, e.plan.Uplink.Resend/5) {
			e.main.restart(e.box.acked, now)
		}
	case stale:
	}
}

// answer tells the hub what became of a command, once.
func (e *edge) answer(c wire.Command) error {
	if c.ID == e.answered {
		return nil
	}
	e.answered = c.ID
	e.commands.Add(1)
	return e.add([]wire.Record{{Answer: &wire.Answer{
		Command: c.ID, Error: "this gateway is simulated and does nothing by command", At: time.Now(),
	}}}, uncounted)
}
