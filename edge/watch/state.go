package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
)

// Prefix is what all keys of the machine's state begin with. A point's key has then the rule, 0 and the source. The other
// keys have 0 at once, and then:
//
//	s/DEVICE 0 CHANNEL 0 QUANTITY   a series: when its last sample was
//	w/CHUNK/RULE 0 SOURCE           a part of a point's window
//	r/KIND NUMBER 0 LOCATION        of a room: t a tag that is in, s a stay that ended, x an excursion that ended
//	i/NAME                          a named input
//	m                               the metrics
const Prefix = "w/"

// Flush hands out what changed since the last Flush. The slices are the caller's.
func (m *Machine) Flush(put func(key, value []byte)) {
	give := func(key string, v any) {
		b, err := json.Marshal(v)
		if err != nil { // what is stored has only types that JSON can write
			panic(err)
		}
		put([]byte(Prefix+key), b)
	}
	for p := range m.dirty {
		give(p.key.rule+"\x00"+p.key.source, p.save())
		p.flushWindow(give)
	}
	clear(m.dirty)
	for _, se := range m.series {
		if se.dirty {
			se.dirty = false
			give(se.key.stored(), savedSeries{marks: se.marks, Broken: se.broken})
		}
	}
	for name, in := range m.inputs {
		if in.dirty {
			in.dirty = false
			give("\x00i/"+name, in)
		}
	}
	for _, r := range m.rooms {
		r.flush(give)
	}
	if m.metrics.dirty {
		m.metrics.dirty = false
		give("\x00m", &m.metrics)
	}
}

// Load takes back one key that Flush gave, before the first Step, in any order. An error means that the value is damaged
// or of a later version: the thing is then as if it had never been. What the configuration no longer names is left out.
func (m *Machine) Load(key, value []byte) error {
	rule, src, ok := strings.Cut(strings.TrimPrefix(string(key), Prefix), "\x00")
	switch {
	case !ok:
		return fmt.Errorf("state key %q is not of an alarm point", key)
	case rule == "":
		return m.loadOther(src, value)
	}
	var s saved
	if err := json.Unmarshal(value, &s); err != nil {
		return fmt.Errorf("state %q cannot be taken back: %w", key, err)
	}
	if s.Version < 1 || s.Version > 2 || s.State != 0 && !s.State.Known() {
		return fmt.Errorf("state %q is of version %d, which this program does not know", key, s.Version)
	}
	p := m.loaded(pointKey{rule, src})
	if p.rule == nil {
		p.face = face{
			Class: s.Class, Location: s.Location, Priority: s.Priority, Device: s.Device, Quantity: unit.Quantity(s.Quantity),
		}
	}
	p.restore(s)
	return nil
}

// loaded finds or makes a point that is being loaded, with its rule, where that is still configured.
func (m *Machine) loaded(k pointKey) *point {
	device, _, _ := strings.Cut(k.source, "/")
	for i := range m.spec.Rules {
		if r := &m.spec.Rules[i]; r.ID == k.rule && r.Device == device && (r.Channel == "" || source(device, r.Channel) == k.source) {
			return m.pointOf(r, k.source)
		}
	}
	if p := m.points[k]; p != nil {
		return p
	}
	return m.point(k, face{})
}

func (m *Machine) loadOther(key string, value []byte) error {
	kind, rest, _ := strings.Cut(key, "/")
	var err error
	switch kind {
	case "s":
		err = m.loadSeries(rest, value)
	case "w":
		err = m.loadChunk(rest, value)
	case "r":
		err = m.loadRoom(rest, value)
	case "i":
		err = m.loadInput(rest, value)
	case "m":
		err = m.metrics.load(value)
	default:
		err = fmt.Errorf("it is of a kind that this program does not know")
	}
	if err != nil {
		return fmt.Errorf("state %q cannot be taken back: %w", key, err)
	}
	return nil
}

// Restarted says, after Load, that this is a new run of the program. Silence that was near its end before may end now; a
// longer one counts from now on, because nobody listened. Alarms of rules that are no longer configured return to normal.
// Every local output is told as it is to be.
func (m *Machine) Restarted(now time.Time) []Event {
	m.begin(now)
	for k := range m.series {
		m.seriesOf(k)
	}
	slices.SortFunc(m.order, func(a, b *point) int {
		return strings.Compare(a.key.rule+"\x00"+a.key.source, b.key.rule+"\x00"+b.key.source)
	})
	for _, p := range m.order {
		m.lastValue(p)
		switch {
		case !m.configured(p):
			p.Reason = "rule_removed"
			m.end(p, now)
		case p.rule != nil && p.rule.Kind == NoData && !p.Alarm.Active && now.Sub(p.Last) >= p.rule.Silence:
			p.Last = time.Time{}
		}
	}
	m.moved = false
	for _, o := range m.outputs {
		why := m.wanted(o)
		o.on = why != ""
		m.signal(o, why, now)
	}
	return m.out
}

// lastValue gives a point that looks at values as they are the newest of them, which is stored with the series alone.
func (m *Machine) lastValue(p *point) {
	if p.rule == nil || !p.rule.limits() && p.rule.Kind != Stuck {
		return
	}
	_, channel, _ := strings.Cut(p.key.source, "/")
	se := m.series[seriesKey{p.rule.Device, channel, p.rule.Quantity}]
	if se == nil || se.Last.IsZero() {
		return
	}
	p.Value, p.HasValue = se.V, true
	p.cal = m.calibrationOf(p.rule.Device, channel, p.rule.Quantity, se.Last)
}

// end returns an alarm whose rule has gone, out of whatever hid it.
func (m *Machine) end(p *point, now time.Time) {
	p.Alarm.Latching = false
	m.calm(p, now)
	switch p.Alarm.State {
	case alarm.SuppressedByDesign:
		m.plant(p, alarm.Unsuppress, "the rule has gone", now)
	case alarm.OutOfService:
		m.plant(p, alarm.ReturnToService, "the rule has gone", now)
	case alarm.Latched:
		m.plant(p, alarm.Reset, "the rule has gone", now)
	}
}

// configured tells whether a point's rule or device is still configured.
func (m *Machine) configured(p *point) bool {
	device, _, _ := strings.Cut(p.key.source, "/")
	switch {
	case p.rule != nil:
		return true
	case Reserved(p.key.rule):
		return m.down[device] != nil
	}
	return strings.HasPrefix(p.key.rule, "gateway-")
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

// stored is a series' key.
func (k seriesKey) stored() string {
	return "\x00s/" + k.device + "\x00" + k.channel + "\x00" + strconv.Itoa(int(k.quantity))
}
