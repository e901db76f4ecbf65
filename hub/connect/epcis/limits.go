package epcis

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
)

// Limits are how much is taken of one document. What is 0 has its default.
type Limits struct {
	Bytes    int64 // of text; 8 MiB, at most 1 GiB
	Depth    int   // of objects and arrays in one another; 64, which is also the most
	Events   int   // 10,000
	Values   int   // JSON values, names of members included; 1,000,000
	Problems int   // told of one document; 50
}

const (
	defaultBytes    = 8 << 20
	mostBytes       = 1 << 30
	mostDepth       = 64
	defaultEvents   = 10_000
	defaultValues   = 1_000_000
	defaultProblems = 50
)

func (l Limits) orDefault() Limits {
	set := func(v *int, otherwise int) {
		if *v <= 0 {
			*v = otherwise
		}
	}
	set(&l.Depth, mostDepth)
	set(&l.Events, defaultEvents)
	set(&l.Values, defaultValues)
	set(&l.Problems, defaultProblems)
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	l.Bytes, l.Depth = min(l.Bytes, mostBytes), min(l.Depth, mostDepth)
	return l
}

// read takes the whole text, if it is not more than the limit.
func (l Limits) read(r io.Reader) (string, error) {
	var b strings.Builder
	n, err := io.Copy(&b, io.LimitReader(r, l.Bytes+1))
	if err != nil {
		return "", fmt.Errorf("cannot read the document: %w", err)
	}
	if n > l.Bytes {
		return "", fmt.Errorf("%w: more than %d bytes: send fewer events at once", ErrTooLarge, l.Bytes)
	}
	return b.String(), nil
}

// ErrTooLarge, a fault.Invalid: a document or an answer is more than its limit.
var ErrTooLarge = fault.New(fault.Invalid, "too large")

// Problem is one thing that is wrong with a document or a query.
type Problem struct {
	Path string `json:"path"` // JSON path, e.g. "$.epcisBody.eventList[2].action"; of a query, the parameter
	What string `json:"what"` // is wrong there
	Do   string `json:"do"`   // to make it right
}

func (p Problem) String() string { return p.Path + ": " + p.What + ": " + p.Do }

// Refusal is the error of a document or a query that is not taken, with all that is wrong, as far as the limit goes. It
// is a fault.Invalid.
type Refusal struct {
	Problems []Problem
	More     int // problems beyond these
}

// told is how many problems the text of a Refusal has.
const told = 5

func (r *Refusal) Error() string {
	var b strings.Builder
	for i, p := range r.Problems[:min(told, len(r.Problems))] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.String())
	}
	if rest := len(r.Problems) + r.More - told; rest > 0 {
		fmt.Fprintf(&b, "; and %d more", rest)
	}
	return b.String()
}

// Unwrap makes it a fault.Invalid.
func (r *Refusal) Unwrap() error { return fault.Invalid }

// step is one step of a JSON path: a member, or the element of an array where name is empty.
type step struct {
	name  string
	index int
}

func pathOf(steps []step) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range steps {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case strings.ContainsAny(s.name, ":.[]@/ \"'"):
			b.WriteString("[" + strconv.Quote(s.name) + "]")
		default:
			b.WriteString("." + s.name)
		}
	}
	return b.String()
}

// quote gives text for an error, cut where it is long.
func quote(s string) string { return strconv.Quote(cut(s)) }

// shown gives a value for an error.
func shown(n node) string {
	if n.kind() == isString {
		return quote(n.str())
	}
	raw := n.raw()
	return cut(strings.Join(strings.Fields(raw[:min(len(raw), 4*mostShown)]), " "))
}

const mostShown = 60

func cut(s string) string {
	if len(s) > mostShown {
		return strings.ToValidUTF8(s[:mostShown], "") + "…"
	}
	return s
}
