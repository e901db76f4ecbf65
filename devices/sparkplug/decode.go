package sparkplug

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxMetrics bounds the metrics of one payload, and maxProperties the properties of one metric.
const (
	maxMetrics    = 20_000
	maxProperties = 256
)

// Decode reads a payload. Fields that the specification does not know are passed over; one that is cut or of another wire type
// than the specification's is an error.
func Decode(b []byte) (Payload, error) {
	var p Payload
	err := fields(b, func(f field) error { return p.set(f) })
	if err != nil {
		return Payload{}, fmt.Errorf("payload is no Sparkplug B: %w", err)
	}
	return p, nil
}

// field is one field of a protobuf message.
type field struct {
	number protowire.Number
	wire   protowire.Type
	bits   uint64 // of a varint, a fixed32 and a fixed64
	bytes  []byte // of a length-delimited one; it is a part of the message's bytes
	offset int
}

// fields walks a message.
func fields(b []byte, take func(field) error) error {
	for at := 0; at < len(b); {
		number, wire, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return fmt.Errorf("at byte %d: %w", at, protowire.ParseError(n))
		}
		f := field{number: number, wire: wire, offset: at}
		m := f.value(b[at+n:])
		if m < 0 {
			return fmt.Errorf("field %d at byte %d: %w", number, at, protowire.ParseError(m))
		}
		if err := take(f); err != nil {
			return fmt.Errorf("field %d at byte %d: %w", number, at, err)
		}
		at += n + m
	}
	return nil
}

// value reads the field's value and gives its length; negative is an error code of protowire.
func (f *field) value(b []byte) (n int) {
	switch f.wire {
	case protowire.VarintType:
		f.bits, n = protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(b)
		f.bits = uint64(v)
	case protowire.Fixed64Type:
		f.bits, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(b)
	default:
		n = protowire.ConsumeFieldValue(f.number, f.wire, b)
	}
	return n
}

var errWire = errors.New("wrong wire type")

// varint gives a varint's value.
func (f field) varint() (uint64, error) {
	if f.wire != protowire.VarintType {
		return 0, errWire
	}
	return f.bits, nil
}

func (f field) raw() ([]byte, error) {
	if f.wire != protowire.BytesType {
		return nil, errWire
	}
	return slices.Clone(f.bytes), nil
}

func (f field) text() (string, error) {
	if f.wire != protowire.BytesType {
		return "", errWire
	}
	if !utf8.Valid(f.bytes) {
		return "", errors.New("text is not UTF-8")
	}
	return string(f.bytes), nil
}

func (p *Payload) set(f field) (err error) {
	switch f.number {
	case 1:
		p.Timestamp, err = f.varint()
		p.HasTimestamp = true
	case 2:
		if f.wire != protowire.BytesType {
			return errWire
		}
		if len(p.Metrics) == maxMetrics {
			return fmt.Errorf("there are more than %d metrics", maxMetrics)
		}
		var m Metric
		if err := fields(f.bytes, func(f field) error { return m.set(f) }); err != nil {
			return fmt.Errorf("metric %d: %w", len(p.Metrics), err)
		}
		p.Metrics = append(p.Metrics, m)
	case 3:
		p.Seq, err = f.varint()
		p.HasSeq = true
	case 4:
		p.UUID, err = f.text()
	case 5:
		p.Body, err = f.raw()
	}
	return err
}

func (m *Metric) set(f field) (err error) {
	var bits uint64
	switch f.number {
	case 1:
		m.Name, err = f.text()
	case 2:
		m.Alias, err = f.varint()
		m.HasAlias = true
	case 3:
		m.Timestamp, err = f.varint()
		m.HasTimestamp = true
	case 4:
		bits, err = f.varint()
		m.Datatype = Datatype(min(bits, math.MaxUint32))
	case 5:
		bits, err = f.varint()
		m.Historical = bits != 0
	case 6:
		bits, err = f.varint()
		m.Transient = bits != 0
	case 7:
		bits, err = f.varint()
		m.Null = bits != 0
	case 8:
		m.MetaData, err = f.raw()
	case 9:
		m.Properties, err = properties(f)
	default:
		if f.number >= 10 && f.number <= 19 {
			m.Value, err = value(f, Kind(f.number))
		}
	}
	return err
}

// value reads a value's field.
func value(f field, kind Kind) (v Value, err error) {
	v.Kind = kind
	switch kind {
	case Int:
		v.Bits, err = f.varint()
		v.Bits = uint64(uint32(v.Bits))
	case Long:
		v.Bits, err = f.varint()
	case Boolean:
		var bits uint64
		if bits, err = f.varint(); bits != 0 {
			v.Bits = 1
		}
	case Float:
		if f.wire != protowire.Fixed32Type {
			return v, errWire
		}
		v.Number = float64(math.Float32frombits(uint32(f.bits)))
	case Double:
		if f.wire != protowire.Fixed64Type {
			return v, errWire
		}
		v.Number = math.Float64frombits(f.bits)
	case Text:
		var s string
		s, err = f.text()
		v.Bytes = []byte(s)
	default:
		v.Bytes, err = f.raw()
	}
	return v, err
}

// properties reads a property set: keys and values side by side.
func properties(f field) ([]Property, error) {
	if f.wire != protowire.BytesType {
		return nil, errWire
	}
	var keys []string
	var list []Property
	err := fields(f.bytes, func(f field) error {
		switch {
		case f.number == 1 && len(keys) < maxProperties:
			key, err := f.text()
			keys = append(keys, key)
			return err
		case f.number == 2 && len(list) < maxProperties:
			if f.wire != protowire.BytesType {
				return errWire
			}
			var p Property
			list = append(list, p)
			return fields(f.bytes, list[len(list)-1].set)
		case f.number == 1 || f.number == 2:
			return fmt.Errorf("there are more than %d properties", maxProperties)
		}
		return nil
	})
	if err == nil && len(keys) != len(list) {
		err = fmt.Errorf("%d keys of properties and %d values", len(keys), len(list))
	}
	for i := range min(len(keys), len(list)) {
		list[i].Key = keys[i]
	}
	return list, err
}

// A property's value has the fields of a metric's, seven lower; sets and lists of sets stay undecoded.
func (p *Property) set(f field) (err error) {
	var bits uint64
	switch {
	case f.number == 1:
		bits, err = f.varint()
		p.Type = Datatype(min(bits, math.MaxUint32))
	case f.number == 2:
		bits, err = f.varint()
		p.Null = bits != 0
	case f.number >= 3 && f.number <= 8:
		p.Value, err = value(f, Kind(f.number)+7)
	case f.number >= 9 && f.number <= 11:
		p.Value.Kind = Kind(f.number) + 8
		p.Value.Bits, p.Value.Number = 0, 0
		p.Value.Bytes, err = f.raw()
	}
	return err
}
