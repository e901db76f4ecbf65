package epcis

import (
	"math"
	"strconv"
	"strings"
)

// Decimal is a number as it was written; "" where there is none.
type Decimal string

// parts are a number's sign, its digits without zeros at either end, and the power of ten of the point before the first
// digit: 0.05 is {digits: "5", exponent: -1}. Zero has no digits.
type parts struct {
	negative bool
	digits   string
	exponent int
}

// mostExponent is the highest and lowest exponent that is calculated with.
const mostExponent = 400

// parts reads a number, also with a plus sign, zeros ahead or nothing before the point. It reports false for what is no
// number, or one that is too large or too small to calculate with.
func (d Decimal) parts() (parts, bool) {
	s := string(d)
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil {
			return parts{}, false
		}
		s, exponent = s[:i], e
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" || exponent > mostExponent || exponent < -mostExponent {
		return parts{}, false
	}
	exponent += len(whole)
	trimmed := strings.TrimLeft(digits, "0")
	exponent -= len(digits) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, "0")
	if trimmed == "" {
		return parts{}, true
	}
	return parts{negative, trimmed, exponent}, true
}

// Compare gives -1, 0 or 1 where d is less than, equal to or more than other. It reports false where either is no number.
func (d Decimal) Compare(other Decimal) (int, bool) {
	a, ok := d.parts()
	b, ok2 := other.parts()
	if !ok || !ok2 {
		return 0, false
	}
	switch {
	case a.negative != b.negative:
		return 1 - 2*toInt(a.negative), true
	case a.negative:
		a, b = b, a
	}
	switch {
	case a.digits == "" || b.digits == "":
		return toInt(a.digits != "") - toInt(b.digits != ""), true
	case a.exponent != b.exponent:
		return 2*toInt(a.exponent > b.exponent) - 1, true
	default:
		return strings.Compare(a.digits, b.digits), true
	}
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Plain writes the number without exponent, sign of plus and zeros that say nothing: 1.50e1 is "15".
func (d Decimal) Plain() (string, bool) {
	p, ok := d.parts()
	if !ok {
		return "", false
	}
	var b strings.Builder
	if p.negative {
		b.WriteByte('-')
	}
	n := len(p.digits)
	switch {
	case n == 0:
		b.WriteByte('0')
	case p.exponent <= 0:
		b.WriteString("0." + strings.Repeat("0", -p.exponent) + p.digits)
	case p.exponent >= n:
		b.WriteString(p.digits + strings.Repeat("0", p.exponent-n))
	default:
		b.WriteString(p.digits[:p.exponent] + "." + p.digits[p.exponent:])
	}
	return b.String(), true
}

// Units gives the number times 10^scale. It reports false where that is not a whole number of 64 bits.
func (d Decimal) Units(scale int) (int64, bool) {
	p, ok := d.parts()
	if !ok || len(p.digits) > 19 || scale < 0 || scale > 18 {
		return 0, false
	}
	zeros := p.exponent + scale - len(p.digits)
	if p.digits == "" {
		return 0, true
	}
	if zeros < 0 || len(p.digits)+zeros > 19 {
		return 0, false
	}
	v, err := strconv.ParseUint(p.digits+strings.Repeat("0", zeros), 10, 64)
	if err != nil || v > math.MaxInt64 {
		return 0, false
	}
	if p.negative {
		return -int64(v), true
	}
	return int64(v), true
}
