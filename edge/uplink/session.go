package uplink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
)

// session is one connection from birth to loss. It belongs to Run's goroutine.
type session struct {
	*Uplink
	*link
	main     window
	samples  window
	had      uint64 // samples acked, when last looked
	insist   insistence
	stuck    bool // the hub asks for what is not here: nothing is sent until that is settled
	statusAt time.Time
}

// session connects and works until the connection is lost or ctx ends.
func (u *Uplink) session(ctx context.Context) error {
	l, err := u.dial(ctx)
	if err != nil {
		return err
	}
	again := false
	defer func() { u.hangUp(l, again) }()
	p := u.outbox.Position()
	s := &session{
		Uplink: u, link: l, main: window{size: u.cfg.Window, next: p.Acked + 1},
		samples: window{size: sampleWindow, next: p.SamplesAcked + 1}, had: p.SamplesAcked,
	}
	if err := s.sendStatus(); err != nil {
		return err
	}
	u.state.Store(&State{Connected: true, Since: time.Now()})
	u.cfg.Log.Info("connected to the hub's broker", "broker", l.login.Broker, "epoch", p.Epoch, "head", p.Head, "acked", p.Acked)
	err = s.loop(ctx)
	again = errors.Is(err, errRedial)
	return err
}

// errRedial ends a session after which another one begins at once.
var errRedial = errors.New("a new connection is due")

func (s *session) loop(ctx context.Context) error {
	tick := time.NewTicker(max(s.cfg.Resend/10, time.Millisecond))
	defer tick.Stop()
	for {
		if err := s.send(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.lost:
			return fmt.Errorf("connection lost: %w", err)
		case a := <-s.acks:
			if err := s.take(a); err != nil {
				return err
			}
		case <-s.outbox.Changed():
		case <-s.redial:
			return errRedial
		case <-s.news:
			if err := s.sendStatus(); err != nil {
				return err
			}
		case <-tick.C:
			if err := s.watch(); err != nil {
				return err
			}
		}
	}
}

// send sends what the windows take. Between two envelopes of samples it looks for main records again.
func (s *session) send(ctx context.Context) error {
	for ctx.Err() == nil && len(s.acks) == 0 && len(s.lost) == 0 && !s.stuck {
		n, err := s.sendMain()
		if n == 0 && err == nil {
			n, err = s.sendSamples()
		}
		if n == 0 || err != nil {
			return err
		}
	}
	return nil
}

func (s *session) sendMain() (int, error) {
	if !s.main.open() || s.main.next > s.outbox.Position().Head {
		return 0, nil
	}
	run, err := s.outbox.ReadMain(s.main.next, s.cfg.MaxRecords, maxEnvelopeBytes)
	if err != nil {
		return 0, fmt.Errorf("cannot read the outbox: %w", err)
	}
	if len(run.Records) == 0 || !s.main.takes(run.Epoch) {
		return 0, nil
	}
	before := run.Before
	for _, records := range envelopes(run) {
		e := wire.Envelope{Stream: wire.MainStream, Epoch: run.Epoch, EpochStart: run.EpochStart, Before: before}
		leaf := wire.UpMovements
		if records[0].Kind == outbox.Alarm {
			leaf = wire.UpAlarms
		}
		if err := s.sendEnvelope(leaf, e, records); err != nil {
			return 0, err
		}
		last := records[len(records)-1]
		before = last.Hash
		s.main.add(run.Epoch, last.Seq, time.Now())
	}
	return len(run.Records), nil
}

func (s *session) sendSamples() (int, error) {
	p := s.outbox.Position()
	if !s.samples.open() || s.samples.next > p.SamplesHead {
		return 0, nil
	}
	records, err := s.outbox.ReadSamples(s.samples.next, s.cfg.MaxRecords, maxEnvelopeBytes)
	if err != nil {
		return 0, fmt.Errorf("cannot read the samples: %w", err)
	}
	if len(records) == 0 {
		return 0, nil
	}
	e := wire.Envelope{Stream: wire.SampleStream, Epoch: p.Epoch, EpochStart: p.EpochStart}
	if err := s.sendEnvelope(wire.UpSamples, e, records); err != nil {
		return 0, err
	}
	s.samples.add(0, records[len(records)-1].Seq, time.Now())
	return len(records), nil
}

func (s *session) sendEnvelope(leaf string, e wire.Envelope, records []outbox.Stored) error {
	e.Edge, e.FirstSeq = s.cfg.Edge, records[0].Seq
	for _, r := range records {
		e.Records = append(e.Records, r.Bytes)
	}
	payload, err := s.codec.Encode(e)
	if err != nil {
		return fmt.Errorf("cannot encode records from %d on: %w", e.FirstSeq, err)
	}
	s.metrics.sent(leaf, len(records))
	return s.publish(s.link, leaf, false, payload)
}

// take does what the hub's ack says.
func (s *session) take(a heardAck) error {
	if a.Edge != s.cfg.Edge {
		s.metrics.refused.Inc()
		s.cfg.Log.Warn("ack is for another edge", "edge", a.Edge, "hub", a.Hub)
		return nil
	}
	now := time.Now()
	word := outbox.Live
	if a.retained {
		word = outbox.Retained
	}
	result, err := s.outbox.Ack(a.Ack, word)
	if err != nil {
		return err
	}
	if result == outbox.Gap && word == outbox.Live && s.insist.heard(a.Epoch, a.Upto, now, s.cfg.Resend) {
		if result, err = s.outbox.Ack(a.Ack, outbox.Insisted); err != nil {
			return err
		}
	}
	s.metrics.acks.WithLabelValues(result.String()).Inc()
	if word == outbox.Live || result == outbox.Forward {
		s.stuck = result == outbox.Gap
	}
	if result != outbox.Gap {
		s.insist = insistence{}
		s.ackedAt.Store(now.UnixNano())
	}
	s.follow(result, now)
	return nil
}

// follow brings the windows to where the outbox's cursors are.
func (s *session) follow(result outbox.Result, now time.Time) {
	p := s.outbox.Position()
	switch result {
	case outbox.Forward:
		s.main.acked(p.Acked, now)
	case outbox.Rewound, outbox.NewEpoch, outbox.Gap:
		s.cfg.Log.Warn("the hub's word changes what is sent", "result", result, "epoch", p.Epoch, "acked", p.Acked)
		s.main.restart(p.Acked, now)
	case outbox.Same:
		if s.main.missed(now, s.cfg.Resend/5) {
			s.resend(now)
		}
	case outbox.Stale:
	}
	switch {
	case p.SamplesAcked < s.had || p.SamplesHead+1 < s.samples.next:
		s.samples.restart(p.SamplesAcked, now)
	case p.SamplesAcked > s.had:
		s.samples.acked(p.SamplesAcked, now)
	}
	s.had = p.SamplesAcked
}

func (s *session) resend(now time.Time) {
	s.metrics.resends.Inc()
	s.main.repeat(s.outbox.Position().Acked, now)
}

// watch sends again what the hub has left without an answer, and the Status when it is time.
func (s *session) watch() error {
	now := time.Now()
	late := s.main.late(now, s.cfg.Resend)
	if late {
		s.resend(now)
	}
	if s.samples.late(now, s.cfg.Resend) {
		s.samples.repeat(s.outbox.Position().SamplesAcked, now)
	}
	asks := (late || s.stuck) && now.Sub(s.statusAt) >= s.cfg.Resend/2
	if asks || now.Sub(s.statusAt) >= s.cfg.Beat {
		return s.sendStatus()
	}
	return nil
}

// sendStatus says how the edge is; the hub answers with its ack and with the commands that wait.
func (s *session) sendStatus() error {
	payload, err := wire.EncodeStatus(s.status(true))
	if err != nil {
		return fmt.Errorf("cannot encode the status: %w", err)
	}
	s.statusAt = time.Now()
	return s.publish(s.link, wire.UpStatus, true, payload)
}

// status is the program's Status with what the uplink knows.
func (u *Uplink) status(online bool) wire.Status {
	p := u.outbox.Position()
	st := u.cfg.Status()
	st.Edge, st.Site, st.Online, st.At = u.cfg.Edge, u.cfg.Site, online, u.cfg.Clock.Now()
	st.Epoch, st.EpochStart, st.Head, st.Acked = p.Epoch, p.EpochStart, p.Head, p.Acked
	st.SamplesHead, st.SamplesThinned, st.FreeBytes = p.SamplesHead, p.Thinned, uint64(max(p.Free, 0))
	return st
}
