package sparkplug

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// DecodeJSON reads the view of a payload that the specification's examples and its tools print:
//
//	{"timestamp":…,"metrics":[{"name":…,"timestamp":…,"dataType":"Double","value":4.3}],"seq":2}
func DecodeJSON(b []byte) (Payload, error) {
	var view struct {
		Timestamp *uint64
		Seq       *uint64
		UUID      string
		Metrics   []metricView
	}
	if err := json.Unmarshal(b, &view); err != nil {
		return Payload{}, fmt.Errorf("payload is no JSON view of Sparkplug B: %w", err)
	}
	if view.Timestamp == nil && view.Seq == nil && view.Metrics == nil {
		return Payload{}, fmt.Errorf("payload is no JSON view of Sparkplug B: timestamp, metrics and seq are missing")
	}
	p := Payload{UUID: view.UUID}
	p.Timestamp, p.HasTimestamp = number(view.Timestamp)
	p.Seq, p.HasSeq = number(view.Seq)
	for i, v := range view.Metrics {
		m, err := v.metric()
		if err != nil {
			return Payload{}, fmt.Errorf("metric %d: %w", i, err)
		}
		p.Metrics = append(p.Metrics, m)
	}
	return p, nil
}

type metricView struct {
	Name         string
	Alias        *uint64
	Timestamp    *uint64
	DataType     string
	Value        json.RawMessage
	IsNull       bool
	IsHistorical bool
	IsTransient  bool
}

func number(n *uint64) (uint64, bool) {
	if n == nil {
		return 0, false
	}
	return *n, true
}

func (v metricView) metric() (Metric, error) {
	m := Metric{Name: v.Name, Null: v.IsNull, Historical: v.IsHistorical, Transient: v.IsTransient}
	m.Alias, m.HasAlias = number(v.Alias)
	m.Timestamp, m.HasTimestamp = number(v.Timestamp)
	if v.DataType != "" {
		i := slices.IndexFunc(typeNames, func(n string) bool { return strings.EqualFold(n, v.DataType) })
		if i < 0 {
			return m, fmt.Errorf("dataType %q is not known", v.DataType)
		}
		m.Datatype = Datatype(i)
	}
	var err error
	m.Value, err = valueOf(m.Datatype, v.Value)
	return m, err
}

// valueOf makes a value of JSON, by its type where that is known.
func valueOf(d Datatype, raw json.RawMessage) (Value, error) {
	var v any
	if len(raw) == 0 {
		return Value{}, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return Value{}, err
	}
	switch v := v.(type) {
	case nil:
		return Value{}, nil
	case bool:
		if v {
			return Value{Kind: Boolean, Bits: 1}, nil
		}
		return Value{Kind: Boolean}, nil
	case string:
		return Value{Kind: Text, Bytes: []byte(v)}, nil
	case float64:
		if d == Unknown || d == TypeFloat || d == TypeDouble {
			return Value{Kind: Double, Number: v}, nil
		}
		var n int64
		var u uint64
		if json.Unmarshal(raw, &n) == nil {
			return Value{Kind: Long, Bits: uint64(n)}, nil
		}
		if json.Unmarshal(raw, &u) == nil {
			return Value{Kind: Long, Bits: u}, nil
		}
		return Value{}, fmt.Errorf("value %s is none of %s", raw, d)
	}
	return Value{}, nil // of a kind that is not decoded
}
