package mqttnode

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

const (
	deepest = 32 // objects and arrays within one another
	shown   = 40 // bytes of a device's text in an error
)

// scanner walks over JSON text (RFC 8259) and gives the values that it is asked for, without building anything of the
// others: readers send thousands of small events per second, and encoding/json spends several times as long on them. Texts
// that it gives lie in the payload itself. After each member or element that was announced, exactly one of object, array,
// word, number, whole and skip has to follow. A null is a value that is not there.
//
// There are two sorts of fault. Where the text is no JSON the scan ends: cut is set and nothing more is given. Where a value
// is only of another type than it should be, odd is set and the scan goes on after it.
type scanner struct {
	text  []byte
	at    int
	depth int
	fresh bool   // the object or array opened last has given nothing yet
	name  []byte // of the member given last
	cut   error
	odd   error
}

// walk calls take at each event of a payload: one JSON object, several one after the other (NDJSON, with line ends as
// keep-alives between them), or arrays of them. It ends with the first error of take, and where the payload is no JSON any
// more.
func walk(payload []byte, take func(*scanner) error) error {
	s := &scanner{text: payload}
	one := func() error {
		s.odd = nil
		return take(s)
	}
	for s.more() {
		if s.text[s.at] != '[' {
			if err := one(); err != nil {
				return cmp.Or(s.cut, err)
			}
			continue
		}
		s.array()
		for s.element() {
			if err := one(); err != nil {
				return cmp.Or(s.cut, err)
			}
		}
	}
	return s.cut
}

// more skips white space and tells whether something follows.
func (s *scanner) more() bool {
	if s.cut != nil {
		return false
	}
	for ; s.at < len(s.text); s.at++ {
		if c := s.text[s.at]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return true
		}
	}
	return false
}

// peek gives the first byte of what follows; 0 at the end, which is a fault.
func (s *scanner) peek() byte {
	if s.more() {
		return s.text[s.at]
	}
	s.fail("it ends too early")
	return 0
}

func (s *scanner) fail(why string) {
	if s.cut == nil {
		s.cut = fmt.Errorf("payload is no JSON at byte %d: %s", s.at, why)
	}
}

// wrong notes that the value of the member given last is not what it should be.
func (s *scanner) wrong(why string) {
	if s.odd == nil {
		s.odd = fmt.Errorf("%s %s", clip(s.name), why)
	}
}

// clip shows a device's text in an error.
func clip(b []byte) string {
	if len(b) > shown {
		return strconv.Quote(string(b[:shown])) + "…"
	}
	return strconv.Quote(string(b))
}

// open takes the bracket that opens an object or an array. A null is passed over; another value too, and noted.
func (s *scanner) open(bracket byte, kind string) bool {
	c := s.peek()
	if c != bracket {
		if c != 'n' && s.cut == nil {
			s.wrong("is no " + kind)
		}
		s.skip()
		return false
	}
	if s.depth++; s.depth > deepest {
		s.fail(fmt.Sprintf("it is nested deeper than %d", deepest))
		return false
	}
	s.at++
	s.fresh = true
	return true
}

// next goes to the next member or element of what is open; false at its end, which is taken.
func (s *scanner) next(end byte) bool {
	c := s.peek()
	first := s.fresh
	s.fresh = false
	if c == end {
		s.at++
		s.depth--
		return false
	}
	if first || s.cut != nil {
		return s.cut == nil
	}
	if c != ',' {
		s.fail("a comma is missing")
		return false
	}
	s.at++
	return true
}

// object opens an object; member gives what is in it.
func (s *scanner) object() bool { return s.open('{', "object") }

// member gives the name of the next member of an object, and false after the last.
func (s *scanner) member() ([]byte, bool) {
	if !s.next('}') {
		return nil, false
	}
	if s.peek() != '"' {
		s.fail("a name in quotes is missing")
		return nil, false
	}
	s.name = s.quoted()
	if s.peek() != ':' {
		s.fail("a colon is missing")
		return nil, false
	}
	s.at++
	return s.name, true
}

// array opens an array; element goes to each of its elements, and tells when there is none more.
func (s *scanner) array() bool { return s.open('[', "array") }

func (s *scanner) element() bool { return s.next(']') }

// word gives a text; nil where it is null or no text.
func (s *scanner) word() []byte {
	if c := s.peek(); c != '"' {
		if c != 'n' && s.cut == nil {
			s.wrong("is no text")
		}
		s.skip()
		return nil
	}
	return s.quoted()
}

// maybe gives a text, and passes over what is none, for members on which nothing depends.
func (s *scanner) maybe() []byte {
	if s.peek() == '"' {
		return s.quoted()
	}
	s.skip()
	return nil
}

// number gives a number; false where it is null or no number.
func (s *scanner) number() (float64, bool) {
	digits := s.digits()
	if digits == nil {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		s.wrong("is no number that can be")
		return 0, false
	}
	return v, true
}

// whole gives a whole number from lowest to highest; false where it is null or no such number.
func (s *scanner) whole(lowest, highest int64) (int64, bool) {
	digits := s.digits()
	if digits == nil {
		return 0, false
	}
	v, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		f, _ := strconv.ParseFloat(string(digits), 64)
		if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			s.wrong("is no whole number that can be")
			return 0, false
		}
		v = int64(f)
	}
	if v < lowest || v > highest {
		s.wrong(fmt.Sprintf("is %d, which is not possible", v))
		return 0, false
	}
	return v, true
}

// digits takes a number as it is written; nil where there is none.
func (s *scanner) digits() []byte {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		if c != 'n' && s.cut == nil {
			s.wrong("is no number")
		}
		s.skip()
		return nil
	}
	return s.figure()
}

// skip takes any value.
func (s *scanner) skip() {
	switch c := s.peek(); c {
	case 0:
		s.fail("a zero byte")
	case '"':
		s.quoted()
	case '{':
		s.object()
		for _, ok := s.member(); ok; _, ok = s.member() {
			s.skip()
		}
	case '[':
		s.array()
		for s.element() {
			s.skip()
		}
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.figure()
	}
}

// value gives any value as it is written, and a text without its quotes.
func (s *scanner) value() []byte {
	if s.peek() == '"' {
		return s.quoted()
	}
	from := s.at
	s.skip()
	if s.cut != nil {
		return nil
	}
	return s.text[from:s.at]
}

func (s *scanner) literal(word string) {
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		s.fail("a value is missing")
		return
	}
	s.at += len(word)
}

// figure takes a number, by RFC 8259's grammar.
func (s *scanner) figure() []byte {
	from := s.at
	if s.ahead() == '-' {
		s.at++
	}
	if s.ahead() == '0' {
		s.at++
	} else if !s.run() {
		return nil
	}
	if s.ahead() == '.' {
		s.at++
		if !s.run() {
			return nil
		}
	}
	if c := s.ahead(); c == 'e' || c == 'E' {
		s.at++
		if c := s.ahead(); c == '+' || c == '-' {
			s.at++
		}
		if !s.run() {
			return nil
		}
	}
	return s.text[from:s.at]
}

// ahead gives the next byte without passing over white space; 0 at the end.
func (s *scanner) ahead() byte {
	if s.cut == nil && s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// run takes one or more decimal digits.
func (s *scanner) run() bool {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	if s.at == from {
		s.fail("a value is missing")
	}
	return s.at > from
}

// quoted takes a text in quotes. Texts with an escape are rare, and encoding/json resolves them.
func (s *scanner) quoted() []byte {
	from := s.at + 1
	escaped := false
	for i := from; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			if escaped {
				return s.unescape(s.at, i+1)
			}
			s.at = i + 1
			return s.text[from:i:i]
		case c == '\\':
			escaped = true
			i++ // whatever it is, it does not end the text
		case c < ' ':
			s.at = i
			s.fail("a control character in a text")
			return nil
		}
	}
	s.at = len(s.text)
	s.fail("a text has no end")
	return nil
}

func (s *scanner) unescape(from, to int) []byte {
	var text string
	if err := json.Unmarshal(s.text[from:to], &text); err != nil {
		s.fail("a text has an escape that is none")
		return nil
	}
	s.at = to
	return []byte(text)
}

// errNoObject is the fault of an event that is something else.
var errNoObject = errors.New("an event is no JSON object")

// longest is how many bytes of a device's text are given to people.
const longest = 160

// printable gives a device's text for people, without what cannot be printed, and the beginning of a long one.
func printable(b []byte) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(b[:min(len(b), 2*longest)]), ""))
	return strings.ToValidUTF8(text[:min(len(text), longest)], "")
}
