package sheet

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// narrow gives the ASCII forms of what Chinese keyboards type for digits and the signs of numbers and dates.
func narrow(text string) string {
	if isPlain(text) {
		return text
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～': // the full-width forms of ! to ~
			return r - '！' + '!'
		case r == '−':
			return '-'
		case r == '。':
			return '.'
		case r == '\u3000' || r == '\u00a0' || r == '\u202f' || r == '\u2009':
			return ' '
		}
		return r
	}, text))
}

var (
	scientific = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+$`)
	separated  = regexp.MustCompile(`^[+-]?[0-9]+([,' _][0-9]+)+(\.[0-9]+)?$|^[+-]?[0-9]+(\.[0-9]{3})*,[0-9]+$`)
)

// isNumber tells whether a text is digits with a sign, a point and decimals, or without.
func isNumber(text string) bool {
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	whole, frac, _ := strings.Cut(text, ".")
	return whole != "" && isDigits(whole) && isDigits(frac)
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// readNumber reads a number in narrow form.
func (c *Column) readNumber(text string) (Value, *finding) {
	switch {
	case isNumber(text):
	case scientific.MatchString(text):
		return Value{}, found(CodeShortened)
	case separated.MatchString(text):
		return Value{}, found(CodeSeparator)
	case c.Kind == Int:
		return Value{}, found(CodeNotWhole)
	default:
		return Value{}, found(CodeNotNumber)
	}
	whole, frac, _ := strings.Cut(text, ".")
	frac = strings.TrimRight(frac, "0")
	decimals := c.decimals()
	if len(frac) > decimals {
		if decimals == 0 {
			return Value{}, found(CodeNotWhole)
		}
		return Value{}, found(CodeDecimals, decimals)
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", decimals-len(frac)), 10, 64)
	if err != nil {
		return Value{}, c.outOfRange()
	}
	return OfInt(n), nil
}

// outside tells whether a value is less than Low or greater than High.
func (c *Column) outside(v Value) bool {
	switch {
	case !v.Set:
		return false
	case c.Kind == Date || c.Kind == Time:
		return c.Low.Set && v.Time.Before(c.Low.Time) || c.High.Set && v.Time.After(c.High.Time)
	}
	return c.Low.Set && v.Int < c.Low.Int || c.High.Set && v.Int > c.High.Int
}

// outOfRange says what the column's range is.
func (c *Column) outOfRange() *finding {
	low, high := OfInt(math.MinInt64), OfInt(math.MaxInt64)
	if c.Kind == Date || c.Kind == Time {
		low, high = OfTime(firstDay), OfTime(lastDay)
	}
	if c.Low.Set {
		low = c.Low
	}
	if c.High.Set {
		high = c.High
	}
	return found(CodeRange, c.format(low), c.format(high))
}

// exactDigits is how many digits of a number a spreadsheet keeps; maxExact is the first number beyond.
const (
	exactDigits = 15
	maxExact    = 1e15
)

// fromFloat gives a spreadsheet's number as the text that a person sees, rounded to the 15 digits that it keeps.
func fromFloat(col *Column, c cell) (cell, *finding) {
	if c.form == dated {
		if col.Kind == Time {
			return c, found(CodeNoZone)
		}
		return c, found(CodeDateCell)
	}
	if !isNumber(c.text) && !scientific.MatchString(c.text) {
		return c, found(CodeNotNumber)
	}
	f, err := strconv.ParseFloat(c.text, 64)
	if err != nil || math.Abs(f) >= maxExact {
		return c, found(CodeLostDigits)
	}
	seen, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', exactDigits, 64), 64)
	if err != nil {
		return c, found(CodeNotNumber)
	}
	return cell{typed, strconv.FormatFloat(seen, 'f', -1, 64)}, nil
}
