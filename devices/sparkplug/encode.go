package sparkplug

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Encode writes a payload; it is Decode's inverse.
func Encode(p Payload) []byte {
	var b []byte
	if p.HasTimestamp {
		b = appendVarint(b, 1, p.Timestamp)
	}
	for _, m := range p.Metrics {
		b = appendBytes(b, 2, m.encode())
	}
	if p.HasSeq {
		b = appendVarint(b, 3, p.Seq)
	}
	if p.UUID != "" {
		b = appendBytes(b, 4, []byte(p.UUID))
	}
	if len(p.Body) > 0 {
		b = appendBytes(b, 5, p.Body)
	}
	return b
}

func (m Metric) encode() []byte {
	var b []byte
	if m.Name != "" {
		b = appendBytes(b, 1, []byte(m.Name))
	}
	if m.HasAlias {
		b = appendVarint(b, 2, m.Alias)
	}
	if m.HasTimestamp {
		b = appendVarint(b, 3, m.Timestamp)
	}
	if m.Datatype != Unknown {
		b = appendVarint(b, 4, uint64(m.Datatype))
	}
	for number, set := range []bool{5: m.Historical, 6: m.Transient, 7: m.Null} {
		if set {
			b = appendVarint(b, protowire.Number(number), 1)
		}
	}
	if len(m.MetaData) > 0 {
		b = appendBytes(b, 8, m.MetaData)
	}
	if len(m.Properties) > 0 {
		b = appendBytes(b, 9, encodeProperties(m.Properties))
	}
	return m.Value.append(b, protowire.Number(m.Value.Kind))
}

// append writes the value as a field of a number; nothing where there is none.
func (v Value) append(b []byte, number protowire.Number) []byte {
	switch v.Kind {
	case NoValue:
		return b
	case Int, Long, Boolean:
		return appendVarint(b, number, v.Bits)
	case Float:
		b = protowire.AppendTag(b, number, protowire.Fixed32Type)
		return protowire.AppendFixed32(b, math.Float32bits(float32(v.Number)))
	case Double:
		b = protowire.AppendTag(b, number, protowire.Fixed64Type)
		return protowire.AppendFixed64(b, math.Float64bits(v.Number))
	default:
		return appendBytes(b, number, v.Bytes)
	}
}

func encodeProperties(list []Property) []byte {
	var b []byte
	for _, p := range list {
		b = appendBytes(b, 1, []byte(p.Key))
	}
	for _, p := range list {
		var value []byte
		if p.Type != Unknown {
			value = appendVarint(value, 1, uint64(p.Type))
		}
		if p.Null {
			value = appendVarint(value, 2, 1)
		}
		number := protowire.Number(p.Value.Kind) - 7
		if p.Value.Kind >= DataSet {
			number = protowire.Number(p.Value.Kind) - 8
		}
		b = appendBytes(b, 2, p.Value.append(value, number))
	}
	return b
}

func appendVarint(b []byte, number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), v)
}

func appendBytes(b []byte, number protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), v)
}
