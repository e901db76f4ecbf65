package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
)

// Prefix is what all keys of the machine's state begin with; then come the rule, 0 and the source.
const Prefix = "w/"

// saved is the stored form of a point. Version 1: 2026-11-22.
type saved struct {
	Version  int           `json:"v"`
	State    alarm.State   `json:"state"`
	Active   bool          `json:"active,omitempty"`
	ID       string        `json:"id,omitempty"`
	Shelved  int64         `json:"shelved,omitempty"` // until, µs since 1970
	Reason   string        `json:"reason,omitempty"`
	Class    string        `json:"class,omitempty"`
	Location string        `json:"location,omitempty"`
	Device   string        `json:"device,omitempty"`
	Priority uint8         `json:"priority"`
	Quantity uint8         `json:"quantity,omitempty"`
	Value    *int64        `json:"value,omitempty"`
	Limit    *int64        `json:"limit,omitempty"`
	On       time.Duration `json:"on,omitempty"`
	Off      time.Duration `json:"off,omitempty"`
	Side     int8          `json:"side,omitempty"`
	Last     int64         `json:"last,omitempty"`
	Broken   bool          `json:"broken,omitempty"`
}

// Flush hands out the points that changed since the last Flush. The slices are the caller's.
func (m *Machine) Flush(put func(key, value []byte)) {
	for k := range m.dirty {
		p := m.points[k]
		b, err := json.Marshal(p.save())
		if err != nil { // saved has only types that JSON can write
			panic(err)
		}
		put([]byte(Prefix+k.rule+"\x00"+k.source), b)
	}
	clear(m.dirty)
}

// Load takes back one key that Flush gave, before the first Step. An error means that the value is damaged or of a
// later version: the point is then as if it had never been.
func (m *Machine) Load(key, value []byte) error {
	rule, src, ok := strings.Cut(strings.TrimPrefix(string(key), Prefix), "\x00")
	if !ok {
		return fmt.Errorf("state key %q is not of an alarm point", key)
	}
	var s saved
	if err := json.Unmarshal(value, &s); err != nil {
		return fmt.Errorf("state %q cannot be taken back: %w", key, err)
	}
	if s.Version != 1 || s.State > alarm.OutOfService {
		return fmt.Errorf("state %q is of version %d, which this program does not know", key, s.Version)
	}
	k := pointKey{rule, src}
	p := m.point(k, face{
		Class: s.Class, Location: s.Location, Priority: s.Priority, Device: s.Device, Quantity: unit.Quantity(s.Quantity),
	})
	p.restore(s)
	slices.SortFunc(m.order, func(a, b *point) int {
		return strings.Compare(a.key.rule+"\x00"+a.key.source, b.key.rule+"\x00"+b.key.source)
	})
	return nil
}

// Restarted says, after Load, that time has passed in which nobody listened: silence counts from now on, and the time
// since the last values is a gap. Alarms of rules that are no longer configured return to normal.
func (m *Machine) Restarted(now time.Time) []Event {
	m.out = m.out[:0]
	for _, p := range m.order {
		p.Broken = true
		if kind, ok := m.ruleKind(p.key); !ok {
			p.Reason = "rule_removed"
			m.calm(p, now)
		} else if kind == NoData {
			p.Last = time.Time{}
		}
	}
	return m.out
}

// ruleKind tells what sort of rule a point belongs to; false where its rule or its device is configured no more.
func (m *Machine) ruleKind(k pointKey) (Kind, bool) {
	device, _, _ := strings.Cut(k.source, "/")
	switch k.rule {
	case DeviceDown, SensorQuality:
		return 0, m.down[device] != nil
	}
	for _, r := range m.spec.Rules {
		if r.ID == k.rule {
			return r.Kind, r.Device == device
		}
	}
	return 0, strings.HasPrefix(k.rule, "gateway-")
}

func (p *point) save() saved {
	s := saved{
		Version: 1, State: p.Alarm.State, Active: p.Alarm.Active, ID: p.Alarm.Occurrence, Shelved: micros(p.Alarm.ShelvedUntil),
		Reason: p.Reason, Class: p.Class, Location: p.Location, Device: p.Device, Priority: p.Priority,
		Quantity: uint8(p.Quantity), On: p.On, Off: p.Off, Side: p.Side, Last: micros(p.Last), Broken: p.Broken,
	}
	if p.HasValue {
		v := int64(p.Value)
		s.Value = &v
	}
	if p.HasLimit {
		v := int64(p.Limit)
		s.Limit = &v
	}
	return s
}

func (p *point) restore(s saved) {
	p.Alarm = alarm.Alarm{State: s.State, Active: s.Active, Occurrence: s.ID, ShelvedUntil: timeOf(s.Shelved)}
	p.Reason, p.On, p.Off, p.Side, p.Last, p.Broken = s.Reason, s.On, s.Off, s.Side, timeOf(s.Last), s.Broken
	if s.Value != nil {
		p.Value, p.HasValue = unit.Milli(*s.Value), true
	}
	if s.Limit != nil {
		p.Limit, p.HasLimit = unit.Milli(*s.Limit), true
	}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
