package catalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/tallydock/tallydock/devices/unit"
)

// RawType is how the bits of registers are to be read. Files may write it in either case.
type RawType string

// The types of a value in registers. The 8-bit types are half of one register: L its low byte, H its high byte.
const (
	Bit     RawType = "bit" // one bit of a register
	Int8L   RawType = "int8l"
	Int8H   RawType = "int8h"
	Uint8L  RawType = "uint8l"
	Uint8H  RawType = "uint8h"
	Int16   RawType = "int16"
	Uint16  RawType = "uint16"
	Int32   RawType = "int32"
	Uint32  RawType = "uint32"
	Int64   RawType = "int64"
	Uint64  RawType = "uint64"
	Float16 RawType = "float16" // IEEE 754 binary16
	Float32 RawType = "float32"
	Float64 RawType = "float64"
	String  RawType = "string" // of an Identity only: two characters a register
	BCD     RawType = "bcd"    // of an Identity only: four decimal digits a register
)

// numeric has the types that a value can have: how many bits they take and whether these are signed.
var numeric = map[RawType]struct {
	bits   int
	signed bool
	float  bool
}{
	Bit: {bits: 1}, Int8L: {8, true, false}, Int8H: {8, true, false}, Uint8L: {bits: 8}, Uint8H: {bits: 8},
	Int16: {16, true, false}, Uint16: {bits: 16}, Int32: {32, true, false}, Uint32: {bits: 32},
	Int64: {64, true, false}, Uint64: {bits: 64}, Float16: {16, true, true}, Float32: {32, true, true}, Float64: {64, true, true},
}

// UnmarshalText reads a type in either case.
func (t *RawType) UnmarshalText(b []byte) error {
	*t = RawType(strings.ToLower(string(b)))
	return nil
}

// Words tells how many registers a value of the type takes; 0 where the type is not a number's.
func (t RawType) Words() int { return (numeric[t].bits + 15) / 16 }

// end reports whether raw is the greatest or the least count of a type that counts beyond a byte; 0 is none.
func (t RawType) end(raw uint64) bool {
	kind := numeric[t]
	switch {
	case kind.float || kind.bits < 16:
		return false
	case kind.signed:
		return raw == mask(kind.bits-1) || raw == mask(kind.bits-1)+1
	}
	return raw == mask(kind.bits)
}

// Order says in which order the bytes of a value lie on the wire, by letters from A, the most significant one.
type Order string

// The orders of bytes. In a value of one register ABCD and CDAB are AB, and BADC and DCBA are BA; in one of four
// registers they are ABCDEFGH, HGFEDCBA, BADCFEHG and GHEFCDAB.
const (
	ABCD Order = "ABCD" // as Modbus has it: the most significant byte first
	DCBA Order = "DCBA" // the least significant byte first
	BADC Order = "BADC" // the most significant register first, the bytes of each swapped
	CDAB Order = "CDAB" // the least significant register first
)

// orderNames has every way to write an order, with the registers that the spelling is for; 0 = any.
var orderNames = map[string]struct {
	order Order
	words int
}{
	"": {ABCD, 0}, "AB": {ABCD, 1}, "BA": {DCBA, 1}, "ABCD": {ABCD, 0}, "DCBA": {DCBA, 0}, "BADC": {BADC, 0}, "CDAB": {CDAB, 0},
	"ABCDEFGH": {ABCD, 4}, "HGFEDCBA": {DCBA, 4}, "BADCFEHG": {BADC, 4}, "GHEFCDAB": {CDAB, 4},
}

// arrange turns bytes of the wire into bytes with the most significant one first, or back: each order is its own inverse.
func (o Order) arrange(b []byte) {
	name := orderNames[strings.ToUpper(string(o))].order
	if name == DCBA {
		slices.Reverse(b)
		return
	}
	if name == BADC || name == CDAB {
		for i := 0; i+1 < len(b); i += 2 {
			b[i], b[i+1] = b[i+1], b[i]
		}
	}
	if name == CDAB {
		slices.Reverse(b)
	}
}

// Factor is a number of up to nine decimals, in billionths: 0.01 is Factor(10_000_000).
type Factor int64

// perMilli is how many billionths a thousandth has.
const perMilli = 1_000_000

// UnmarshalText reads a decimal number such as "0.1" or "0.0625".
func (f *Factor) UnmarshalText(b []byte) error {
	whole, frac, _ := strings.Cut(string(b), ".")
	if whole == "" || len(frac) > 9 || strings.ContainsAny(frac, "+-_") {
		return fmt.Errorf("%q is not a decimal number of up to 9 decimals", b)
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 9-len(frac)), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not a decimal number of up to 9 decimals", b)
	}
	*f = Factor(v)
	return nil
}

// Float gives the factor as a number.
func (f Factor) Float() float64 { return float64(f) / 1e9 }

// greatest bounds a value, as unit.MilliFromFloat does.
const greatest = unit.Milli(9e15)

// The reasons for which registers hold no value.
var (
	errNotANumber = errors.New("not_a_number")
	errInfinite   = errors.New("infinite")
	errTooLarge   = errors.New("too_large")
)

// bitsOf gives the bits of the value that lies in words, which has to be as many as the type takes.
func (r Register) bitsOf(words []uint16) uint64 {
	b := make([]byte, 0, 8)
	for _, w := range words {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	r.Order.arrange(b)
	var v uint64
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	switch r.Type {
	case Bit:
		v = v >> r.Bit & 1
	case Int8H, Uint8H:
		v >>= 8
	case Int8L, Uint8L:
		v &= 0xFF
	}
	return v
}

// value scales the bits of a value. Counts are scaled in whole numbers, exactly; a float is taken as it is. Both are
// rounded to the nearest thousandth, and a half away from zero.
func (r Register) value(raw uint64) (unit.Milli, error) {
	kind := numeric[r.Type]
	if kind.float {
		return r.fromFloat(floatOf(r.Type, raw))
	}
	negative := kind.signed && raw>>(kind.bits-1)&1 == 1
	if negative {
		raw = ^(raw | ^uint64(0)<<(kind.bits-1)) + 1 // its magnitude
	}
	high, low := bits.Mul64(raw, uint64(r.Scale))
	low, carry := bits.Add64(low, perMilli/2, 0)
	if high += carry; high >= perMilli {
		return 0, errTooLarge
	}
	quotient, _ := bits.Div64(high, low, perMilli)
	if quotient > uint64(greatest) {
		return 0, errTooLarge
	}
	if negative {
		return -unit.Milli(quotient) + r.Offset, nil
	}
	return unit.Milli(quotient) + r.Offset, nil
}

func (r Register) fromFloat(f float64) (unit.Milli, error) {
	switch {
	case math.IsNaN(f):
		return 0, errNotANumber
	case math.IsInf(f, 0):
		return 0, errInfinite
	}
	v, err := unit.MilliFromFloat(f * r.Scale.Float())
	if err != nil {
		return 0, errTooLarge
	}
	return v + r.Offset, nil
}

func floatOf(t RawType, raw uint64) float64 {
	switch t {
	case Float16:
		return half(uint16(raw))
	case Float32:
		return float64(math.Float32frombits(uint32(raw)))
	}
	return math.Float64frombits(raw)
}

// half reads IEEE 754 binary16: sign, 5 bits of exponent, 10 bits of fraction.
func half(h uint16) float64 {
	fraction, exponent, sign := float64(h&0x3FF), int(h>>10&0x1F), 1.0
	if h>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	case exponent < 0x1F:
		return sign * math.Ldexp(1024+fraction, exponent-25)
	case fraction != 0:
		return math.NaN()
	}
	return math.Inf(int(sign))
}

// toHalf is the inverse of half for what a thermometer may show: the nearest number, or infinity.
func toHalf(f float64) uint16 {
	sign := uint16(0)
	if math.Signbit(f) {
		sign, f = 0x8000, -f
	}
	if math.IsNaN(f) {
		return 0x7E00
	}
	fraction, exponent := math.Frexp(f) // f = fraction × 2^exponent, fraction in [0.5, 1)
	if f != 0 && exponent > -14 {
		n := uint64(math.RoundToEven(fraction*2048)) + uint64(exponent+13)<<10
		return sign | uint16(min(n, 0x7C00))
	}
	return sign | uint16(math.RoundToEven(math.Ldexp(f, 24)))
}

// Raw is the inverse of what Measure does, for simulators: the registers that hold the count nearest to v. The other bits
// of a register that the value shares come from words, which may be nil.
func (r Register) Raw(v unit.Milli, words []uint16) []uint16 {
	out := make([]uint16, r.Type.Words())
	copy(out, words)
	raw := r.counts(v)
	b := make([]byte, 8)
	binary.BigEndian.PutUint64(b, r.within(out, raw))
	b = b[8-2*len(out):]
	r.Order.arrange(b)
	for i := range out {
		out[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return out
}

// counts gives the bits of the count nearest to v, as far as the type reaches.
func (r Register) counts(v unit.Milli) uint64 {
	kind := numeric[r.Type]
	f := float64(v-r.Offset) / 1000 / r.Scale.Float()
	switch r.Type {
	case Float16:
		return uint64(toHalf(f))
	case Float32:
		return uint64(math.Float32bits(float32(f)))
	case Float64:
		return math.Float64bits(f)
	}
	if kind.signed {
		edge := math.Ldexp(1, kind.bits-1)
		return uint64(int64(math.Round(max(-edge, min(f, math.Nextafter(edge, 0)))))) & mask(kind.bits)
	}
	return uint64(math.Round(max(0, min(f, math.Nextafter(math.Ldexp(1, kind.bits), 0))))) & mask(kind.bits)
}

func mask(bits int) uint64 { return ^uint64(0) >> (64 - bits) }

// within puts the bits of a part of a register into the rest of it.
func (r Register) within(words []uint16, raw uint64) uint64 {
	var whole uint64
	if len(words) == 1 {
		whole = Register{Type: Uint16, Order: r.Order}.bitsOf(words)
	}
	switch r.Type {
	case Bit:
		return whole&^(1<<r.Bit) | raw<<r.Bit
	case Int8H, Uint8H:
		return whole&0xFF | raw<<8
	case Int8L, Uint8L:
		return whole&0xFF00 | raw
	}
	return raw
}
