package load

import (
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// happen makes records of all that was due by now.
func (e *edge) happen() error {
	start, end := time.Duration(e.start.Load()), time.Duration(e.end.Load())
	if e.idle || start == 0 || !e.stocked {
		return nil
	}
	if end > 0 {
		e.calendar.end = min(e.calendar.end, max(end-start, 0))
	}
	for now := e.now(); ; {
		k, at := e.calendar.due()
		if at == never && (!e.plan.FlatOut || now-start >= e.calendar.end) {
			e.idle = true
			e.idleEdges.Add(1)
			return nil
		}
		if at > now-start {
			return nil
		}
		if err := e.decide(k, start+at); err != nil {
			return err
		}
		e.calendar.took(k, at)
		if start+at > e.linkedAt {
			e.late.add(now - start - at)
		}
	}
}

// decide makes the records of one thing.
func (e *edge) decide(k kind, due time.Duration) error {
	at := e.began.Add(due)
	switch k {
	case moving:
		return e.add(e.goods.move(at), due)
	case opening:
		return e.add(e.goods.openPass(at), due)
	case closing:
		return e.add(e.goods.closePass(at, e.plan.Passes.Tags), due)
	case alarming:
		return e.add(e.goods.alarm(at), due)
	default:
		e.samplesWaiting.Add(1)
		thinned := e.samples.thinned
		err := e.samples.add(e.goods.sample(e.calendar.sensor%e.plan.Sensors, at))
		if e.samples.thinned > thinned {
			e.samplesWaiting.Add(-1)
			e.samplesThinned.Add(1)
		}
		return err
	}
}

// stock puts the goods where they are at the beginning.
func (e *edge) stock() error {
	e.stocked = true
	if !e.plan.Preload {
		return nil
	}
	return e.add(e.goods.stock(time.Now()), uncounted)
}

// add puts records into the outbox.
func (e *edge) add(list []wire.Record, due time.Duration) error {
	for _, r := range list {
		if err := e.box.add(r, due); err != nil {
			return err
		}
		if r.Movement != nil {
			e.made.Add(1)
		}
	}
	e.records.Add(uint64(len(list)))
	e.queued(len(list))
	return nil
}

// flatOut makes movements for an envelope that the window takes, where the plan is to be as fast as possible.
func (e *edge) flatOut() error {
	if !e.plan.FlatOut || e.idle || e.start.Load() == 0 {
		return nil
	}
	for e.main.open() && e.box.head()+1 < e.main.next+uint64(e.plan.Uplink.MaxRecords) {
		now := e.now()
		list := e.goods.move(e.began.Add(now))
		if err := e.add(list, now); err != nil || len(list) == 0 {
			return err
		}
	}
	return nil
}
