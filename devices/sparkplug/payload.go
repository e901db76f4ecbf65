package sparkplug

import (
	"slices"
	"time"
)

// Payload is one message's content.
type Payload struct {
	Timestamp    uint64 // when it was sent, in milliseconds since 1970, where HasTimestamp
	HasTimestamp bool
	Metrics      []Metric
	Seq          uint64 // 0 to 255, where HasSeq
	HasSeq       bool
	UUID         string
	Body         []byte
}

// Metric is one named value.
type Metric struct {
	Name         string // "" where the alias stands for it
	Alias        uint64 // where HasAlias
	HasAlias     bool
	Timestamp    uint64 // when it was measured, as Payload's, where HasTimestamp
	HasTimestamp bool
	Datatype     Datatype // Unknown where the message leaves it out, as data messages may
	Historical   bool     // it was kept by the edge node and says nothing of now
	Transient    bool
	Null         bool // there is no value
	MetaData     []byte
	Properties   []Property
	Value        Value
}

// Property is one property of a metric, such as engUnit.
type Property struct {
	Key   string
	Type  Datatype
	Null  bool
	Value Value
}

// Kind is how a value lies in the message.
type Kind uint8

// The kinds of a value, by the numbers of a metric's fields. NoValue is that there is none.
const (
	NoValue   Kind = 0
	Int       Kind = 10 // up to 32 bits, in Bits
	Long      Kind = 11 // 64 bits, in Bits
	Float     Kind = 12 // in Number
	Double    Kind = 13 // in Number
	Boolean   Kind = 14 // 0 or 1 in Bits
	Text      Kind = 15 // in Bytes
	Bytes     Kind = 16 // in Bytes
	DataSet   Kind = 17 // undecoded, in Bytes
	Template  Kind = 18 // undecoded, in Bytes
	Extension Kind = 19 // undecoded, in Bytes
)

// Value is a metric's value as it lies in the message; Datatype.Number gives it a meaning.
type Value struct {
	Kind   Kind
	Bits   uint64
	Number float64
	Bytes  []byte
}

// Equal reports whether two values are the same, bit by bit.
func (v Value) Equal(w Value) bool {
	return v.Kind == w.Kind && v.Bits == w.Bits && (v.Number == w.Number || v.Number != v.Number && w.Number != w.Number) &&
		slices.Equal(v.Bytes, w.Bytes)
}

// Time turns milliseconds since 1970 into a time; the zero time for those that no clock would give.
func Time(ms uint64) time.Time {
	const year3000 = 32_503_680_000_000
	if ms == 0 || ms > year3000 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// Millis is Time's inverse.
func Millis(t time.Time) uint64 {
	if ms := t.UnixMilli(); !t.IsZero() && ms > 0 {
		return uint64(ms)
	}
	return 0
}

// Property gives a property's text; "" where it is not there or no text.
func (m Metric) Property(key string) string {
	for _, p := range m.Properties {
		if p.Key == key && p.Value.Kind == Text && !p.Null {
			return string(p.Value.Bytes)
		}
	}
	return ""
}
