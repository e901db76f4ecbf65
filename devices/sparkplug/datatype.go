package sparkplug

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Datatype says what a value means.
type Datatype uint32

// The data types that a metric of one value has; the numbers are the specification's.
const (
	Unknown      Datatype = 0
	Int8         Datatype = 1
	Int16        Datatype = 2
	Int32        Datatype = 3
	Int64        Datatype = 4
	UInt8        Datatype = 5
	UInt16       Datatype = 6
	UInt32       Datatype = 7
	UInt64       Datatype = 8
	TypeFloat    Datatype = 9
	TypeDouble   Datatype = 10
	TypeBoolean  Datatype = 11
	TypeString   Datatype = 12
	TypeDateTime Datatype = 13
	TypeText     Datatype = 14
	TypeUUID     Datatype = 15
)

var typeNames = []string{
	"unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean", "String",
	"DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList", "Int8Array", "Int16Array",
	"Int32Array", "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array", "FloatArray", "DoubleArray",
	"BooleanArray", "StringArray", "DateTimeArray",
}

// String gives the specification's name.
func (d Datatype) String() string {
	if int(d) < len(typeNames) {
		return typeNames[d]
	}
	return "datatype " + strconv.Itoa(int(d))
}

// Number gives a value as a number: of a signed type from its two's complement in the message's unsigned field, of a Boolean
// 0 or 1, of a text the number that it writes. ok is false where the value is none. A value whose type is Unknown is a number
// only where its kind leaves no doubt: an integer might be signed.
func (d Datatype) Number(v Value) (n float64, ok bool) {
	switch v.Kind {
	case Int, Long:
		return d.integer(v.Bits)
	case Float, Double:
		return v.Number, !math.IsNaN(v.Number) && !math.IsInf(v.Number, 0)
	case Boolean:
		return float64(v.Bits & 1), true
	case Text:
		n, err := strconv.ParseFloat(strings.TrimSpace(string(v.Bytes)), 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

// integer narrows to the type's width, because edge nodes fill the rest of the field with the sign or with nothing.
func (d Datatype) integer(bits uint64) (float64, bool) {
	switch d {
	case Int8:
		return float64(int8(bits)), true
	case Int16:
		return float64(int16(bits)), true
	case Int32:
		return float64(int32(bits)), true
	case Int64:
		return float64(int64(bits)), true
	case UInt8:
		return float64(uint8(bits)), true
	case UInt16:
		return float64(uint16(bits)), true
	case UInt32:
		return float64(uint32(bits)), true
	case UInt64, TypeFloat, TypeDouble:
		return float64(bits), true
	}
	return 0, false
}

// Text writes a value for people.
func (d Datatype) Text(v Value) string {
	switch v.Kind {
	case NoValue:
		return "none"
	case Boolean:
		return strconv.FormatBool(v.Bits != 0)
	case Text:
		return strconv.Quote(string(v.Bytes))
	case Int, Long:
		if d == TypeDateTime {
			return Time(v.Bits).Format("2006-01-02T15:04:05.000Z07:00")
		}
		if n, ok := d.integer(v.Bits); ok {
			return strconv.FormatFloat(n, 'f', -1, 64)
		}
		return strconv.FormatUint(v.Bits, 10)
	case Float:
		return strconv.FormatFloat(v.Number, 'g', -1, 32)
	case Double:
		return strconv.FormatFloat(v.Number, 'g', -1, 64)
	}
	return fmt.Sprintf("%d bytes", len(v.Bytes))
}
