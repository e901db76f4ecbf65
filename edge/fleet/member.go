package fleet

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/wire"
)

// unheard is the reason of a device from which nothing was heard yet.
const unheard = "it has not answered yet; check that it is switched on and connected"

// member is one device at work. It is the Sink of its driver.
type member struct {
	id, kind, location string

	driver devices.Driver
	sink   devices.Sink
	clock  clock.Clock
	log    *slog.Logger

	reads    atomic.Uint64
	samples  [devices.Qualities]atomic.Uint64 // by quality
	lost     atomic.Uint64
	failures atomic.Uint64

	mu    sync.Mutex
	now   devices.Health
	since time.Time // business time since when the state is what it is
	upAt  time.Time // machine time since when the driver of now has not been down; zero while it is
	told  bool      // the sink has been told now
}

func newMember(s devices.Settings, d devices.Driver, c Config, sink devices.Sink) *member {
	return &member{
		id: s.ID, kind: s.Driver, driver: d, sink: sink, clock: c.Clock, log: c.Log.With("device", s.ID),
		now: devices.Health{Device: s.ID, State: devices.Down, Reason: unheard}, since: c.Clock.Now(),
	}
}

// run runs the driver again and again until ctx ends.
func (m *member) run(ctx context.Context) {
	var p pauses
	for ctx.Err() == nil {
		err := m.driver.Run(ctx, m)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("its driver ended without saying why; report this with the log")
		}
		pause := p.next(m.up(), rand.Float64())
		m.fail(err)
		m.log.Debug("device is tried again", "in", pause)
		wait(ctx, pause)
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// up is how long, in machine time, the device has been up until now.
func (m *member) up() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.upAt.IsZero() {
		return 0
	}
	return time.Since(m.upAt)
}

// fail reports that the driver gave up. The same reason again and again is told once.
func (m *member) fail(err error) {
	m.failures.Add(1)
	h := devices.Health{Device: m.id, State: devices.Down, Reason: err.Error(), At: m.clock.Now()}
	if m.note(h) {
		m.sink.Health(h)
	}
}

// Read implements devices.Sink.
func (m *member) Read(r devices.Read) {
	m.reads.Add(1)
	m.sink.Read(r)
}

// GPI implements devices.Sink.
func (m *member) GPI(g devices.GPI) { m.sink.GPI(g) }

// Sample implements devices.Sink.
func (m *member) Sample(s devices.Sample) {
	m.samples[min(s.Quality, devices.ClockUnsynced)].Add(1)
	m.sink.Sample(s)
}

// Health implements devices.Sink.
func (m *member) Health(h devices.Health) {
	m.lost.Add(h.Lost)
	m.note(h)
	m.sink.Health(h)
}

// note takes a report over and tells whether it says something new.
func (m *member) note(h devices.Health) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	news := !m.told || h.State != m.now.State || h.Reason != m.now.Reason
	if h.State != m.now.State {
		m.since = h.At
	}
	switch {
	case h.State == devices.Down:
		m.upAt = time.Time{}
	case m.upAt.IsZero():
		m.upAt = time.Now()
	}
	m.now, m.told = h, true
	if news {
		m.say(h)
	}
	return news
}

func (m *member) say(h devices.Health) {
	level := slog.LevelWarn
	if h.State == devices.Up {
		level = slog.LevelInfo
	}
	m.log.Log(context.Background(), level, "device is "+h.State.String(), "reason", h.Reason, "lost", h.Lost)
}

func (m *member) snapshot() wire.Device {
	m.mu.Lock()
	d := wire.Device{ID: m.id, Driver: m.kind, State: m.now.State, Reason: m.now.Reason, Since: m.since, Location: m.location}
	m.mu.Unlock()
	d.Reads, d.Lost = m.reads.Load(), m.lost.Load()
	for i := range m.samples {
		d.Reads += m.samples[i].Load()
	}
	return d
}
