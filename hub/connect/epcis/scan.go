package epcis

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// scanner makes the tokens of a JSON text (RFC 8259).
type scanner struct {
	text          string
	pos           int
	depth, values int // how much more is allowed
	tokens        []token
	names         []string // of the objects that are open
	twice         bool     // an object has two members of one name
}

// tooMuch marks an error of a limit, not of the grammar.
type tooMuch struct{ error }

func (s *scanner) fail(what string) error {
	before := s.text[:min(s.pos, len(s.text))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[1+strings.LastIndexByte(before, '\n'):])
	return fmt.Errorf("line %d, column %d: %s", line, column, what)
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek gives the next character, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) open(k kind) (at int, err error) {
	if s.values--; s.values < 0 {
		return 0, tooMuch{s.fail("more values than are taken at once")}
	}
	s.tokens = append(s.tokens, token{start: uint32(s.pos), kind: k})
	return len(s.tokens) - 1, nil
}

func (s *scanner) close(at int) {
	s.tokens[at].end, s.tokens[at].next = uint32(s.pos), uint32(len(s.tokens))
}

func (s *scanner) value() error {
	switch c := s.peek(); c {
	case '{':
		return s.nested(isObject, '}', s.pair)
	case '[':
		return s.nested(isArray, ']', s.value)
	case '"':
		return s.string()
	case 't':
		return s.word("true", isBool)
	case 'f':
		return s.word("false", isBool)
	case 'n':
		return s.word("null", isNull)
	default:
		return s.number()
	}
}

// nested reads an object or an array.
func (s *scanner) nested(k kind, end byte, element func() error) error {
	at, err := s.open(k)
	if err != nil {
		return err
	}
	if s.depth--; s.depth < 0 {
		return tooMuch{s.fail("it nests deeper than is taken")}
	}
	base := len(s.names)
	s.pos++
	s.space()
	for first := true; s.peek() != end; first = false {
		if !first {
			if s.peek() != ',' {
				return s.fail(fmt.Sprintf("%q or %q is missing", ',', end))
			}
			s.pos++
			s.space()
		}
		if err := element(); err != nil {
			return err
		}
		s.space()
	}
	s.pos++
	s.depth++
	s.close(at)
	s.twice = s.twice || repeated(s.names[base:])
	s.names = s.names[:base]
	return nil
}

// pair reads a name and its value.
func (s *scanner) pair() error {
	if s.peek() != '"' {
		return s.fail("the name of a member is missing")
	}
	at := len(s.tokens)
	if err := s.string(); err != nil {
		return err
	}
	s.names = append(s.names, s.tokens[at].str(s.text))
	s.space()
	if s.peek() != ':' {
		return s.fail("':' is missing")
	}
	s.pos++
	s.space()
	return s.value()
}

// repeated reports whether a name is there twice.
func repeated(names []string) bool {
	const few = 16
	if len(names) > few {
		all := make(map[string]bool, len(names))
		for _, n := range names {
			all[n] = true
		}
		return len(all) < len(names)
	}
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			return true
		}
	}
	return false
}

func (s *scanner) word(word string, k kind) error {
	at, err := s.open(k)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(s.text[s.pos:], word) {
		return s.fail("a JSON value is missing")
	}
	s.pos += len(word)
	s.close(at)
	return nil
}

func (s *scanner) string() error {
	at, err := s.open(isString)
	if err != nil {
		return err
	}
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			s.close(at)
			return nil
		case c == '\\':
			s.tokens[at].escaped = true
			if err := s.escape(); err != nil {
				return err
			}
		case c < ' ':
			return s.fail("a control character in a string must be escaped")
		}
	}
	return s.fail("a string does not end")
}

// escape reads what follows a backslash, up to its last character.
func (s *scanner) escape() error {
	s.pos++
	c := s.peek()
	if c == 'u' {
		for range 4 {
			s.pos++
			if c := s.peek(); (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return s.fail("\\u needs four hexadecimal digits")
			}
		}
		return nil
	}
	if c == 0 || strings.IndexByte(`"\/bfnrt`, c) < 0 {
		return s.fail("this escape is none of JSON's")
	}
	return nil
}

func (s *scanner) number() error {
	at, err := s.open(isNumber)
	if err != nil {
		return err
	}
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return s.fail("a JSON value is missing")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.fail("digits are missing after the decimal point")
		}
	}
	if s.peek()|0x20 == 'e' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.fail("digits are missing in the exponent")
		}
	}
	s.close(at)
	return nil
}

// digits reads as many as there are, and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}
