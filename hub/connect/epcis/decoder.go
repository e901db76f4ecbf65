package epcis

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// decoder reads a document and gathers what is wrong with it.
type decoder struct {
	limits   Limits
	path     []step
	problems []Problem
	more     int
	scope    *scope
}

// problem notes what is wrong at the path, or at a member below it.
func (d *decoder) problem(what, do string, below ...string) {
	if len(d.problems) >= d.limits.Problems {
		d.more++
		return
	}
	path := d.path
	for _, name := range below {
		path = append(path[:len(path):len(path)], step{name: name})
	}
	d.problems = append(d.problems, Problem{pathOf(path), what, do})
}

// found is how many problems there were, to see whether there are new ones.
func (d *decoder) found() int { return len(d.problems) + d.more }

func (d *decoder) err() error {
	if d.found() == 0 {
		return nil
	}
	return &Refusal{d.problems, d.more}
}

// in reads something below the path.
func (d *decoder) in(s step, read func()) {
	d.path = append(d.path, s)
	read()
	d.path = d.path[:len(d.path)-1]
}

// is reports whether the value is of a kind, and notes where it is not.
func (d *decoder) is(n node, k kind) bool {
	if n.kind() == k {
		return true
	}
	d.problem(fmt.Sprintf("%s is %s, not %s", shown(n), n.kind(), k), "write "+k.String())
	return false
}

func (d *decoder) text(n node) string {
	if !d.is(n, isString) {
		return ""
	}
	return n.str()
}

func (d *decoder) boolean(n node) bool { return d.is(n, isBool) && n.raw() == "true" }

func (d *decoder) decimal(n node) Decimal {
	if !d.is(n, isNumber) {
		return ""
	}
	number := Decimal(n.raw())
	if _, ok := number.parts(); !ok {
		d.problem(shown(n)+" is too large or too small", fmt.Sprintf("write a number within 10^±%d", mostExponent))
	}
	return number
}

var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// parseTime reads a date, a time and an offset, as xsd:dateTimeStamp and RFC 3339 have them.
func parseTime(s string) (time.Time, bool) {
	if !dateTime.MatchString(s) {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

func (d *decoder) time(n node) time.Time {
	if !d.is(n, isString) {
		return time.Time{}
	}
	t, ok := parseTime(n.str())
	if !ok {
		d.problem(quote(n.str())+" is no time with its offset", "write it as 2026-03-02T09:30:00.000+08:00")
	}
	return t
}

// isURI reports whether s starts with a scheme and has no character that must be escaped. Letters of any language are taken,
// as in an IRI.
func isURI(s string) bool {
	colon := strings.IndexByte(s, ':')
	if colon < 1 {
		return false
	}
	for i := range colon {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	escaped := false
	for i := colon; i < len(s); i++ {
		switch s[i] {
		case '<', '>', '"', '{', '}', '|', '\\', '^', '`', 0x7f:
			return false
		case '%':
			escaped = true
		default:
			if s[i] <= ' ' {
				return false
			}
		}
	}
	return !escaped || escapesRight(s)
}

func escapesRight(s string) bool {
	_, err := url.PathUnescape(s)
	return err == nil
}

func (d *decoder) uri(n node) string {
	if !d.is(n, isString) {
		return ""
	}
	s := n.str()
	if !isURI(s) {
		d.problem(quote(s)+" is no URI", "write it with its scheme, as urn:… or https://…")
	}
	return s
}

// uris reads a list of URIs; unique ones are refused twice.
func (d *decoder) uris(n node, unique bool) []string {
	var all []string
	seen := map[string]bool{}
	d.list(n, func(item node) {
		s := d.uri(item)
		if unique && seen[s] {
			d.problem(quote(s)+" is in the list twice", "name it once")
		}
		if unique {
			seen[s] = true
		}
		all = append(all, s)
	})
	return all
}

// list reads each element of an array.
func (d *decoder) list(n node, each func(item node)) {
	if !d.is(n, isArray) {
		return
	}
	for i, item := range n.items() {
		d.in(step{index: i}, func() { each(item) })
	}
}

// word reads a standard word or a URI of somebody's own.
func (d *decoder) word(n node, v *vocabulary) string {
	if !d.is(n, isString) {
		return ""
	}
	s := n.str()
	if v.words[s] {
		return s
	}
	switch bare := v.word(s); {
	case v.refused.MatchString(s) && v.words[bare]:
		d.problem(quote(s)+" is not how JSON names this", "write "+bare)
	case v.refused.MatchString(s) || !isURI(s):
		d.problem(fmt.Sprintf("%s is no standard %s", quote(s), v.what), "write one of "+v.list()+", or a URI of your own")
	}
	return v.word(d.scope.prefixes.full(s))
}

// others is what becomes of members that a shape does not name.
type others int

const (
	refused    others = iota // none may be there
	namespaced               // extensions, whose names have a prefix
	ignored                  // anything
)

// shape is what an object may have.
type shape[T any] struct {
	what     string // for errors
	fields   map[string]func(d *decoder, into *T, v node)
	required []string
	others   others
	extend   func(into *T, m Member) // takes what is not a field; nil drops it
}

// read reads an object.
func (s *shape[T]) read(d *decoder, n node, into *T) {
	if !d.is(n, isObject) {
		return
	}
	for name, v := range n.members() {
		d.in(step{name: name}, func() {
			if field := s.fields[name]; field != nil {
				field(d, into, v)
			} else {
				s.other(d, name, v, into)
			}
		})
	}
	d.require(n, s.what, s.required...)
}

func (s *shape[T]) other(d *decoder, name string, v node, into *T) {
	switch {
	case s.others == refused:
		d.problem(fmt.Sprintf("%s has no member %s", s.what, quote(name)), "leave it out")
	case s.others == namespaced && !isURI(name):
		d.problem(fmt.Sprintf("%s has no member %s", s.what, quote(name)),
			"leave it out, or give it a prefix that @context defines, as example:"+name)
	case s.extend != nil:
		s.extend(into, Member{name, d.scope.prefixes.full(name), json.RawMessage(v.raw())})
	}
}

// require notes the members that are not there.
func (d *decoder) require(n node, what string, names ...string) {
	for _, name := range names {
		if _, ok := n.member(name); !ok {
			d.problem(what+" needs it, and it is not there", "add it", name)
		}
	}
}

// These make readers of fields that are one value.

func textField[T any](at func(*T) *string) func(*decoder, *T, node) {
	return func(d *decoder, into *T, v node) { *at(into) = d.text(v) }
}

func uriField[T any](at func(*T) *string) func(*decoder, *T, node) {
	return func(d *decoder, into *T, v node) { *at(into) = d.uri(v) }
}

func timeField[T any](at func(*T) *time.Time) func(*decoder, *T, node) {
	return func(d *decoder, into *T, v node) { *at(into) = d.time(v) }
}

func decimalField[T any](at func(*T) *Decimal) func(*decoder, *T, node) {
	return func(d *decoder, into *T, v node) { *at(into) = d.decimal(v) }
}

func wordField[T any](vocabulary *vocabulary, at func(*T) *string) func(*decoder, *T, node) {
	return func(d *decoder, into *T, v node) { *at(into) = d.word(v, vocabulary) }
}

// matchField reads text of a form.
func matchField[T any](form *regexp.Regexp, do string, at func(*T) *string) func(*decoder, *T, node) {
	return func(d *decoder, into *T, v node) {
		s := d.text(v)
		if v.kind() == isString && !form.MatchString(s) {
			d.problem(quote(s)+" is not of its form", do)
		}
		*at(into) = s
	}
}

// listField reads an array of objects.
func listField[T, E any](of *shape[E], least int, at func(*T) *[]E) func(*decoder, *T, node) {
	return func(d *decoder, into *T, v node) {
		d.list(v, func(item node) {
			var e E
			of.read(d, item, &e)
			*at(into) = append(*at(into), e)
		})
		if v.kind() == isArray && len(*at(into)) < least {
			d.problem("the list is empty", fmt.Sprintf("give at least %d, or leave it out", least))
		}
	}
}
