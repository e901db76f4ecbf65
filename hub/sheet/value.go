package sheet

import (
	"strconv"
	"strings"
	"time"
)

// Value is what a cell holds; the column's Kind says in which field. The zero Value is an empty cell.
type Value struct {
	Set  bool
	Text string    // Text, Enum, Tag, GTIN
	Int  int64     // Int; Decimal and Money in their smallest unit; Bool as 0 or 1
	Time time.Time // Time, and Date at midnight; UTC
}

// OfText makes a Value of a text; an empty one is no value.
func OfText(s string) Value { return Value{Set: s != "", Text: s} }

// OfInt makes a Value of a number, for Int, Decimal and Money.
func OfInt(n int64) Value { return Value{Set: true, Int: n} }

// OfBool makes a Value of a yes or no.
func OfBool(b bool) Value {
	if b {
		return OfInt(1)
	}
	return OfInt(0)
}

// OfTime makes a Value of a moment, or of the day that it is in UTC.
func OfTime(t time.Time) Value { return Value{Set: true, Time: t.Round(0).UTC()} }

// Bool tells a Bool column's yes from its no.
func (v Value) Bool() bool { return v.Int != 0 }

// format is the text of a Value as every format can carry it.
func (c *Column) format(v Value) string {
	switch {
	case !v.Set:
		return ""
	case c.Kind == Int:
		return strconv.FormatInt(v.Int, 10)
	case c.Kind == Decimal || c.Kind == Money:
		return formatScaled(v.Int, c.decimals())
	case c.Kind == Bool:
		return strconv.FormatBool(v.Bool())
	case c.Kind == Date:
		return v.Time.Format(time.DateOnly)
	case c.Kind == Time:
		return v.Time.Format(time.RFC3339Nano)
	}
	return v.Text
}

// formatScaled writes n counted in the last of some decimals, without zeros at the end: 125000 with 4 is 12.5.
func formatScaled(n int64, decimals int) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	if short := decimals + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	point := len(digits) - decimals
	frac := strings.TrimRight(digits[point:], "0")
	if frac == "" {
		return sign + digits[:point]
	}
	return sign + digits[:point] + "." + frac
}
