package sparkplug

import (
	"fmt"
	"time"
)

// table is what the births of a session said of its metrics.
type table struct {
	metrics map[metricKey]*metric
	aliases map[uint64]*metric // nil where two metrics have the same alias: it then names neither
}

// metricKey names a metric of an edge node; the device is "" for its own.
type metricKey struct{ device, name string }

type metric struct {
	metricKey
	datatype Datatype
	unit     string
}

// told is what was last told of a metric, so that a birth that repeats it is no news.
type told struct {
	at    time.Time
	value Value
	null  bool
}

func newTable() table {
	return table{metrics: map[metricKey]*metric{}, aliases: map[uint64]*metric{}}
}

// birth notes the metrics of an edge node or of one of its devices, in place of what was known of it.
func (t table) birth(device string, p Payload) error {
	if len(t.metrics)+len(p.Metrics) > maxNodeMetrics {
		return fmt.Errorf("there are more than %d metrics", maxNodeMetrics)
	}
	for i, m := range p.Metrics {
		if m.Name == "" {
			return fmt.Errorf("metric %d has no name", i)
		}
	}
	t.forget(device)
	for _, m := range p.Metrics {
		known := &metric{metricKey{device, m.Name}, m.Datatype, m.Property("engUnit")}
		t.metrics[known.metricKey] = known
		if !m.HasAlias {
			continue
		}
		if other, taken := t.aliases[m.Alias]; taken && (other == nil || other.metricKey != known.metricKey) {
			known = nil
		}
		t.aliases[m.Alias] = known
	}
	return nil
}

func (t table) forget(device string) {
	for k := range t.metrics {
		if k.device == device {
			delete(t.metrics, k)
		}
	}
	for alias, m := range t.aliases {
		if m != nil && m.device == device {
			delete(t.aliases, alias)
		}
	}
}

// find gives what the births said of a metric of a message; nil where they did not name it.
func (t table) find(device string, m Metric) *metric {
	if m.Name != "" {
		return t.metrics[metricKey{device, m.Name}]
	}
	if known := t.aliases[m.Alias]; m.HasAlias && known != nil && known.device == device {
		return known
	}
	return nil
}

// read makes a Reading of a metric; ok is false where its name or its type is not known.
func (t table) read(device string, m Metric, sent time.Time) (r Reading, ok bool) {
	r = Reading{
		Name: m.Name, Datatype: m.Datatype, Value: m.Value, Null: m.Null || m.Value.Kind == NoValue, Historical: m.Historical,
		At: Time(m.Timestamp), Unit: m.Property("engUnit"),
	}
	if !m.HasTimestamp {
		r.At = sent
	}
	if known := t.find(device, m); known != nil {
		r.Name = known.name
		if r.Datatype == Unknown {
			r.Datatype = known.datatype
		}
		if r.Unit == "" {
			r.Unit = known.unit
		}
		return r, true
	}
	typed := r.Datatype != Unknown || r.Null || m.Value.Kind != Int && m.Value.Kind != Long
	return r, r.Name != "" && typed
}

// apply does what a message in its turn says.
func (n *node) apply(m message, now time.Time) []Event {
	switch m.Verb {
	case DBirth:
		return n.dbirth(m)
	case DDeath:
		return n.ddeath(m.Device)
	}
	events, unclear := n.tell(m, n.table)
	if m.Device != "" && !n.devices[m.Device] {
		unclear = true
	}
	if unclear && !n.asking && !n.wanting {
		n.unclear = true
		events = append(events, n.ask(now)...)
	}
	return events
}

// late does what a message says whose turn has passed.
func (n *node) late(m message, aliases bool) []Event {
	switch {
	case m.Verb == DBirth && aliases:
		return n.dbirth(m)
	case m.Verb == DBirth:
		return nil // it comes again
	case m.Verb == DDeath:
		return n.ddeath(m.Device)
	}
	t := n.table
	if !aliases {
		t = table{}
	}
	events, _ := n.tell(m, t)
	return events
}

func (n *node) dbirth(m message) []Event {
	if err := n.table.birth(m.Device, m.Payload); err != nil {
		return []Event{n.lost(1, fmt.Sprintf("DBIRTH of %s/%s: %v", n.key.node, m.Device, err))}
	}
	n.devices[m.Device] = true
	return append([]Event{n.event(Came, m.Device)}, n.news(m.Device, m.Payload)...)
}

func (n *node) ddeath(device string) []Event {
	if !n.devices[device] {
		return nil
	}
	delete(n.devices, device)
	n.table.forget(device)
	return []Event{n.event(Gone, device)}
}

// tell makes events of the values of a message. unclear tells that some have no name: of those only the historical ones are
// lost, because the births that are asked for repeat the others.
func (n *node) tell(m message, t table) (events []Event, unclear bool) {
	lost := 0
	for _, x := range m.Metrics {
		r, ok := t.read(m.Device, x, Time(m.Timestamp))
		if !ok {
			unclear = true
			if x.Historical {
				lost++
			}
			continue
		}
		events = append(events, n.measured(m.Device, r))
	}
	if lost > 0 {
		events = append(events, n.lost(lost, fmt.Sprintf("%d historical values of edge node %s came under aliases that no birth explains", lost, n.key.node)))
	}
	return events, unclear
}

// news makes events of the values of a birth that were not told already.
func (n *node) news(device string, p Payload) []Event {
	var events []Event
	for _, m := range p.Metrics {
		r, ok := n.table.read(device, m, Time(p.Timestamp))
		if !ok {
			continue
		}
		last, has := n.told[metricKey{device, r.Name}]
		if has && !r.At.IsZero() && last.at.Equal(r.At) && last.null == r.Null && last.value.Equal(r.Value) {
			continue
		}
		events = append(events, n.measured(device, r))
	}
	return events
}

func (n *node) measured(device string, r Reading) Event {
	if k := (metricKey{device, r.Name}); !r.Historical && n.table.metrics[k] != nil {
		if n.told == nil || len(n.told) > maxNodeMetrics {
			n.told = map[metricKey]told{}
		}
		n.told[k] = told{r.At, r.Value, r.Null}
	}
	e := n.event(Measured, device)
	e.Reading = r
	return e
}
