package formula

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// maxSource is the longest formula in bytes; maxMemory is what one evaluation may put together, in elements.
const (
	maxSource = 1000
	maxMemory = 10_000
)

// Formula is a formula that can be evaluated, also by several goroutines at once.
type Formula struct {
	source  string
	program *vm.Program
	paths   []path
}

// Compile checks a formula. Errors name the column at which it goes wrong.
func Compile(source string) (Formula, error) {
	if len(source) > maxSource {
		return Formula{}, fmt.Errorf("formula has %d bytes; at most %d are possible", len(source), maxSource)
	}
	v := &visitor{}
	options := append(functions(), expr.AllowUndefinedVariables(), expr.DisableAllBuiltins(), expr.Patch(v), expr.MaxNodes(maxSource))
	for _, name := range builtins {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(source, options...)
	if err != nil {
		return Formula{}, fmt.Errorf("formula %q: %w", source, located(err))
	}
	if v.err != nil {
		return Formula{}, fmt.Errorf("formula %q: %w", source, v.err)
	}
	return Formula{source, program, v.paths()}, nil
}

// located writes an error of the language in one line.
func located(err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return fmt.Errorf("column %d: %s", at.Column+1, at.Message)
	}
	return err
}

// Source gives the formula as it was written.
func (f Formula) Source() string { return f.source }

// IsZero reports whether there is no formula.
func (f Formula) IsZero() bool { return f.program == nil }

// Scope is what the names of a formula mean.
type Scope struct{ names map[string]any }

// The names that are no members of the message.
const (
	rootName  = "$root"
	topicName = "$topic" // of topic() alone
)

// Of makes the Scope of a message or of an element of one: what encoding/json read. root is the whole message.
func Of(value, root any, topic string) Scope {
	names, ok := value.(map[string]any)
	if !ok {
		names = map[string]any{"value": value}
	}
	scope := make(map[string]any, len(names)+2)
	for k, v := range names {
		scope[k] = v
	}
	scope[rootName], scope[topicName] = root, strings.Split(topic, "/")
	return Scope{scope}
}

// Eval evaluates the formula. It fails where its parts are there but do not fit, such as a text that is divided.
func (f Formula) Eval(s Scope) (Value, error) {
	if f.program == nil {
		return Value{}, nil
	}
	absent, null := f.look(s)
	if len(f.paths) > 0 && absent == len(f.paths) {
		return Value{}, nil
	}
	if len(f.paths) > 0 && absent+null == len(f.paths) {
		return Value{kind: isNull}, nil
	}
	machine := vm.VM{MemoryBudget: maxMemory}
	out, err := machine.Run(f.program, s.names)
	switch {
	case err != nil && absent > 0, err == nil && out == nil && null == 0:
		return Value{}, nil
	case err != nil && null > 0, err == nil && out == nil:
		return Value{kind: isNull}, nil
	case err != nil:
		return Value{}, fmt.Errorf("formula %q: %w", f.source, located(err))
	}
	return valueOf(out)
}

// look counts the formula's paths that are not in the message, and those that are null there.
func (f Formula) look(s Scope) (absent, null int) {
	for _, p := range f.paths {
		v, ok := p.in(s.names)
		switch {
		case !ok:
			absent++
		case v == nil:
			null++
		}
	}
	return absent, null
}

// kind is what a Value is. The zero is nothing at all.
type kind uint8

const (
	isAbsent kind = iota
	isNull
	isNumber
	isBool
	isText
	isList
)

// Value is what a formula gives.
type Value struct {
	kind   kind
	number float64
	yes    bool
	text   string
	list   []any
}

func valueOf(out any) (Value, error) {
	switch v := out.(type) {
	case float64:
		return finite(v)
	case int:
		return Value{kind: isNumber, number: float64(v)}, nil
	case bool:
		return Value{kind: isBool, yes: v}, nil
	case string:
		return Value{kind: isText, text: v}, nil
	case []any:
		return Value{kind: isList, list: v}, nil
	case map[string]any:
		return Value{kind: isList, list: []any{v}}, nil
	}
	return Value{}, fmt.Errorf("value of type %T is none that a formula may give", out)
}

func finite(v float64) (Value, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Value{}, fmt.Errorf("%v is no number that can be", v)
	}
	return Value{kind: isNumber, number: v}, nil
}

// Absent reports whether the message says nothing of it; Null whether it says that there is no value.
func (v Value) Absent() bool { return v.kind == isAbsent }

// Null reports whether the message says that there is no value.
func (v Value) Null() bool { return v.kind == isNull }

// Number gives a number, also one that the message writes as a text.
func (v Value) Number() (float64, error) {
	switch v.kind {
	case isNumber:
		return v.number, nil
	case isText:
		if n, ok := parseNumber(v.text); ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s is no number", v)
}

// Bool gives true or false: also of the numbers 1 and 0 and of the words that devices use for the two states of a contact.
func (v Value) Bool() (bool, error) {
	switch v.kind {
	case isBool:
		return v.yes, nil
	case isNumber:
		if v.number == 0 || v.number == 1 {
			return v.number == 1, nil
		}
	case isText:
		switch strings.ToLower(v.text) {
		case "on", "true", "open", "1", "high":
			return true, nil
		case "off", "false", "closed", "close", "0", "low":
			return false, nil
		}
	}
	return false, fmt.Errorf("%s is neither true nor false", v)
}

// Text gives a text; a number as it is written.
func (v Value) Text() string {
	switch v.kind {
	case isNumber:
		return strconv.FormatFloat(v.number, 'f', -1, 64)
	case isText:
		return v.text
	case isBool:
		return strconv.FormatBool(v.yes)
	}
	return ""
}

// List gives the elements of an array; an object is a list of one.
func (v Value) List() ([]any, error) {
	if v.kind != isList {
		return nil, fmt.Errorf("%s is no list", v)
	}
	return v.list, nil
}

// String describes the value in an error.
func (v Value) String() string {
	switch v.kind {
	case isAbsent:
		return "nothing"
	case isNull:
		return "null"
	case isList:
		return "a list"
	case isText:
		if len(v.text) > 40 {
			return strconv.Quote(v.text[:40]) + "…"
		}
		return strconv.Quote(v.text)
	}
	return v.Text()
}

func parseNumber(s string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}
