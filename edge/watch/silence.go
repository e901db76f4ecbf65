package watch

import (
	"time"

	"github.com/tallydock/tallydock/devices"
)

// heard notes a usable value for a rule that watches for silence.
func (m *Machine) heard(r *Rule, now time.Time) {
	p := m.silence(r)
	p.Last = now
	m.calm(p, now)
}

func (m *Machine) silence(r *Rule) *point {
	p := m.point(pointKey{r.ID, source(r.Device, r.Channel)}, face{
		Class: r.Class, Location: r.Location, Priority: uint8(r.Priority), Device: r.Device, Quantity: r.Quantity,
	})
	p.Reason = r.reason()
	return p
}

// silences raises the alarms of what was not heard for too long. Time in which the gateway did not listen does not
// count.
func (m *Machine) silences(now time.Time) {
	for i := range m.spec.Rules {
		r := &m.spec.Rules[i]
		if r.Kind != NoData {
			continue
		}
		p := m.silence(r)
		if p.Last.IsZero() {
			p.Last = now
		}
		if now.Sub(p.Last) >= r.Silence {
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
	for _, p := range m.order {
		if p.Device == h.Device && !p.Broken {
			p.Broken = true
			m.dirty[p.key] = true
		}
	}
}
