package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices"
)

// silent is a rule that watches for silence, with its point once there is one.
type silent struct {
	rule  *Rule
	point *point
}

// heard notes a usable value for the rules that watch for silence.
func (m *Machine) heard(s *devices.Sample, now time.Time) {
	for _, w := range m.listens[seriesRule{s.Device, s.Quantity}] {
		if w.rule.Channel != "" && w.rule.Channel != s.Channel {
			continue
		}
		p := m.silence(w, now)
		p.Last = now
		m.dirty[p] = true
		m.calm(p, now)
	}
}

func (m *Machine) silence(s *silent, now time.Time) *point {
	if s.point == nil {
		s.point = m.pointOf(s.rule, source(s.rule.Device, s.rule.Channel))
	}
	if s.point.Last.IsZero() {
		s.point.Last = now
		m.dirty[s.point] = true
	}
	return s.point
}

// silences raises the alarms of what was not heard for too long.
func (m *Machine) silences(now time.Time) {
	for _, s := range m.silent {
		if p := m.silence(s, now); now.Sub(p.Last) >= s.rule.Silence {
			m.raise(p, now)
		}
	}
	for _, d := range m.spec.Devices {
		st := m.down[d.ID]
		if !st.up && st.since.IsZero() {
			st.since = now
		}
		if !st.up && now.Sub(st.since) >= DownAfter {
			m.raise(m.deviceDown(d), now)
		}
	}
}

func (m *Machine) deviceDown(d Device) *point {
	p := m.point(pointKey{DeviceDown, d.ID}, face{Class: "device", Location: d.Location, Priority: 9, Device: d.ID})
	p.Reason = "device_down"
	return p
}

// health notes whether a device is down. A degraded device is not.
func (m *Machine) health(h *devices.Health, now time.Time) {
	st := m.down[h.Device]
	if st == nil {
		return
	}
	if h.State != devices.Down {
		st.up, st.since = true, time.Time{}
		if p := m.points[pointKey{DeviceDown, h.Device}]; p != nil {
			m.calm(p, now)
		}
		return
	}
	if st.up || st.since.IsZero() {
		st.up, st.since = false, now
	}
	for _, se := range m.series {
		if se.key.device == h.Device && !se.broken {
			se.broken, se.dirty = true, true
		}
	}
	m.lose(h.Device, now)
}
