package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
)

// saved is the stored form of a point. Version 1: 2026-11-22. Version 2: 2026-11-22, all from Was on.
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

	Was    bool          `json:"was,omitempty"`
	Trend  trend         `json:"trend,omitzero"`
	Still  still         `json:"still,omitzero"`
	Rec    *record       `json:"rec,omitempty"`
	Newest *bucket       `json:"newest,omitempty"`
	Size   time.Duration `json:"size,omitempty"` // of Newest
	Total  time.Duration `json:"total,omitempty"`
	Track  *track        `json:"track,omitempty"`
	Esc    escalating    `json:"esc,omitzero"`
	Tally  tally         `json:"tally,omitzero"`
	Cal    Calibration   `json:"cal,omitzero"`
}

func (p *point) save() saved {
	s := saved{
		Version: 2, State: p.Alarm.State, Active: p.Alarm.Active, ID: p.Alarm.Occurrence, Shelved: micros(p.Alarm.ShelvedUntil),
		Reason: p.Reason, Class: p.Class, Location: p.Location, Device: p.Device, Priority: p.Priority,
		Quantity: uint8(p.Quantity), On: p.On, Off: p.Off, Side: p.Side, Last: micros(p.Last), Was: p.Alarm.Was,
		Trend: p.Trend, Still: p.Still, Rec: p.Rec, Total: p.Total, Track: p.Track, Esc: p.Esc, Tally: p.Tally,
	}
	if len(p.Trend.At) == 0 {
		s.Trend = trend{}
	}
	if p.cal != (Calibration{}) && p.cal.Quantity != 0 {
		s.Cal = p.cal
	}
	if p.HasValue {
		v := int64(p.Value)
		s.Value = &v
	}
	if p.HasLimit {
		v := int64(p.Limit)
		s.Limit = &v
	}
	if p.win != nil {
		s.Newest, s.Size = p.win.newest(), p.win.size
	}
	return s
}

// restore takes a point back; what could not have been stored is left out.
func (p *point) restore(s saved) {
	p.Alarm.State, p.Alarm.Active, p.Alarm.Occurrence, p.Alarm.ShelvedUntil = s.State, s.Active, s.ID, timeOf(s.Shelved)
	p.Alarm.Was = s.Was || s.Active
	p.Reason, p.On, p.Off, p.Side, p.Last = s.Reason, s.On, s.Off, s.Side, timeOf(s.Last)
	p.Total, p.Track, p.Tally, p.Still, p.cal = s.Total, s.Track, s.Tally, s.Still, s.Cal
	if len(s.Trend.At) == len(s.Trend.V) && len(s.Trend.V) <= trendLength+4 {
		p.Trend = s.Trend
	}
	if s.Esc.Level >= 0 {
		p.Esc = s.Esc
	}
	if s.Rec != nil {
		p.Rec = s.Rec
		p.Rec.Gaps = p.Rec.Gaps[max(len(p.Rec.Gaps)-maxGaps, 0):]
	}
	if p.Track != nil && p.Rec == nil {
		p.Track = nil
	}
	if s.Value != nil {
		p.Value, p.HasValue = unit.Milli(*s.Value), true
	}
	if s.Limit != nil && p.rule == nil {
		p.Limit, p.HasLimit = unit.Milli(*s.Limit), true
	}
	if p.win != nil && s.Newest != nil && p.win.size == s.Size {
		p.win.put(*s.Newest)
	}
}

// newest is the bucket that changes with each value.
func (w *window) newest() *bucket {
	if w.size == 0 {
		return &w.ring[0]
	}
	return w.at(w.top)
}

// put takes a stored bucket back.
func (w *window) put(b bucket) {
	if w.size == 0 {
		w.ring[0] = b
		return
	}
	if b.N <= 0 || b.Known < 0 || b.Known > w.size {
		return
	}
	if there := &w.ring[w.slot(b.N)]; b.N > there.N || b.N == there.N && b.Known >= there.Known {
		*there = b
	}
	w.top = max(w.top, b.N)
}

// chunk is the stored form of a part of a window.
type chunk struct {
	Size    time.Duration `json:"size"`
	Buckets []bucket      `json:"b"`
}

func (p *point) flushWindow(give func(key string, v any)) {
	if p.win == nil {
		return
	}
	for i, stale := range p.win.stale {
		if !stale || p.win.size == 0 {
			continue
		}
		p.win.stale[i] = false
		part := p.win.ring[i*chunkLength : min((i+1)*chunkLength, ringLength)]
		give("\x00w/"+strconv.Itoa(i)+"/"+p.key.rule+"\x00"+p.key.source, chunk{p.win.size, part})
	}
}

func (m *Machine) loadChunk(rest string, value []byte) error {
	_, name, _ := strings.Cut(rest, "/")
	rule, src, ok := strings.Cut(name, "\x00")
	var c chunk
	if err := json.Unmarshal(value, &c); err != nil {
		return err
	}
	if !ok || rule == "" || len(c.Buckets) > chunkLength {
		return errors.New("it is no part of a window")
	}
	p := m.loaded(pointKey{rule, src})
	if p.win == nil || p.win.size != c.Size {
		return nil
	}
	for _, b := range c.Buckets {
		p.win.put(b)
	}
	return nil
}

// savedSeries is the stored form of a series.
type savedSeries struct {
	marks
	Broken bool `json:",omitempty"`
}

func (m *Machine) loadSeries(rest string, value []byte) error {
	parts := strings.Split(rest, "\x00")
	var s savedSeries
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	if len(parts) != 3 {
		return errors.New("its key does not name a device, a channel and a quantity")
	}
	q, err := strconv.ParseUint(parts[2], 10, 8)
	if err != nil {
		return err
	}
	k := seriesKey{parts[0], parts[1], unit.Quantity(q)}
	if m.rules[seriesRule{k.device, k.quantity}] != nil {
		m.series[k] = &series{key: k, marks: s.marks, broken: s.Broken}
	}
	return nil
}

func (m *Machine) loadInput(name string, value []byte) error {
	var in input
	if err := json.Unmarshal(value, &in); err != nil {
		return err
	}
	if m.inputs[name] != nil {
		m.inputs[name] = &in
	}
	return nil
}

func (x *metrics) load(value []byte) error {
	var s metrics
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	if s.Newest < 0 {
		return errors.New("it has a negative time")
	}
	*x = s
	return nil
}

func (r *room) flush(give func(key string, v any)) {
	for pl := range r.dirty {
		key := "\x00r/" + string(pl.kind) + strconv.Itoa(pl.n) + "\x00" + r.location
		switch pl.kind {
		case 't':
			give(key, r.in[r.places[pl.n]]) // without a tag where the place is free
		case 's':
			give(key, r.left[pl.n])
		case 'x':
			give(key, savedExcursion{r.number(pl.n), r.excursions[pl.n]})
		default:
			give(key, r.forgot)
		}
	}
	clear(r.dirty)
}

// number is how many excursions there were before the one in place n.
func (r *room) number(n int) int {
	last := r.excursionN - 1
	return last - (last-n)%MaxExcursions
}

// savedExcursion is the stored form of an excursion.
type savedExcursion struct {
	N         int
	Excursion Excursion
}

func (m *Machine) loadRoom(rest string, value []byte) error {
	name, location, ok := strings.Cut(rest, "\x00")
	if !ok || name == "" {
		return errors.New("its key does not name a part of a room")
	}
	r := m.rooms[location]
	if r == nil {
		return nil
	}
	n, err := strconv.Atoi(name[1:])
	if err != nil {
		return err
	}
	switch name[0] {
	case 't':
		return r.loadTag(n, value)
	case 's':
		return r.loadStay(n, value)
	case 'x':
		return r.loadExcursion(n, value)
	}
	return json.Unmarshal(value, &r.forgot)
}

func (r *room) loadTag(n int, value []byte) error {
	var s stay
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	if n < 0 || n >= MaxPresent {
		return fmt.Errorf("a room has places 0 to %d", MaxPresent-1)
	}
	for len(r.places) <= n {
		r.places = append(r.places, devices.Tag{})
	}
	r.rebuild = true
	if _, twice := r.in[s.Tag]; !s.Tag.IsZero() && !twice {
		s.Place, s.To = n, time.Time{}
		r.in[s.Tag], r.places[n] = s, s.Tag
	}
	return nil
}

func (r *room) loadStay(n int, value []byte) error {
	var s stay
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	if n < 0 || n >= MaxLeft || s.Place < 0 || s.Place%MaxLeft != n {
		return errors.New("its number does not fit its place")
	}
	for len(r.left) <= n {
		r.left = append(r.left, stay{})
	}
	r.left[n], r.leftN = s, max(r.leftN, s.Place+1)
	return nil
}

func (r *room) loadExcursion(n int, value []byte) error {
	var s savedExcursion
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	if n < 0 || n >= MaxExcursions || s.N < 0 || s.N%MaxExcursions != n {
		return errors.New("its number does not fit its place")
	}
	for len(r.excursions) <= n {
		r.excursions = append(r.excursions, Excursion{})
	}
	r.excursions[n], r.excursionN = s.Excursion, max(r.excursionN, s.N+1)
	return nil
}
