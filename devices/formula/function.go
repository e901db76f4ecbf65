package formula

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
)

// builtins are the functions of the language that formulas may use: none of them makes much of little.
var builtins = []string{"abs", "ceil", "floor", "round", "min", "max", "len", "lower", "upper", "trim", "split"}

// ours are the functions that this package adds.
var ours = []string{"number", "f2c", "hex", "topic"}

func functions() []expr.Option {
	return []expr.Option{
		expr.Function("number", func(a ...any) (any, error) { return number(a[0]) }, new(func(any) any)),
		expr.Function("f2c", func(a ...any) (any, error) { return f2c(a[0]) }, new(func(any) any)),
		expr.Function("hex", func(a ...any) (any, error) { return hexNumber(a[0]) }, new(func(any) any)),
	}
}

// number turns a text into a number; null, and a text that is none, into null.
func number(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case float64, int:
		return v, nil
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		if n, ok := parseNumber(v); ok {
			return n, nil
		}
		return nil, nil
	}
	return nil, errors.New("number() of something that is neither number nor text")
}

func f2c(v any) (any, error) {
	v, err := number(v)
	if err != nil || v == nil {
		return nil, err
	}
	f, ok := v.(float64)
	if !ok {
		f = float64(v.(int)) // number gives nothing else
	}
	return (f - 32) * 5 / 9, nil
}

func hexNumber(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, errors.New("hex() of something that is no text")
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 53)
	if err != nil {
		return nil, fmt.Errorf("hex(%.20q) is no hexadecimal number", s)
	}
	return float64(n), nil
}
