package epcis

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// kind is what a JSON value is.
type kind byte

const (
	isNull kind = iota
	isBool
	isNumber
	isString
	isArray
	isObject
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// token is a value of a JSON text, or the name of a member: where its text is, and which token comes after all that is
// within it.
type token struct {
	start, end, next uint32
	kind             kind
	escaped          bool // a string with a backslash in it
}

// tree is a JSON text with its tokens. It costs 16 bytes a value besides the text, and keeps every number as written.
type tree struct {
	text   string
	tokens []token
}

// node is one value of a tree.
type node struct {
	t  *tree
	at uint32
}

func (n node) kind() kind { return n.t.tokens[n.at].kind }

// raw gives the value's text.
func (n node) raw() string {
	tok := n.t.tokens[n.at]
	return n.t.text[tok.start:tok.end]
}

// str gives the value of a string; of other values, the text.
func (n node) str() string { return n.t.tokens[n.at].str(n.t.text) }

func (tok token) str(text string) string {
	switch {
	case tok.kind != isString:
		return text[tok.start:tok.end]
	case !tok.escaped:
		return text[tok.start+1 : tok.end-1]
	}
	var s string
	_ = json.Unmarshal([]byte(text[tok.start:tok.end]), &s) // it was scanned: it cannot fail
	return s
}

// items goes through an array; of other values there are none.
func (n node) items() iter.Seq2[int, node] {
	return func(yield func(int, node) bool) {
		if n.kind() != isArray {
			return
		}
		i, end := 0, n.t.tokens[n.at].next
		for at := n.at + 1; at < end; at = n.t.tokens[at].next {
			if !yield(i, node{n.t, at}) {
				return
			}
			i++
		}
	}
}

// count gives the length of an array.
func (n node) count() (count int) {
	for range n.items() {
		count++
	}
	return count
}

// members goes through an object; of other values there are none.
func (n node) members() iter.Seq2[string, node] {
	return func(yield func(string, node) bool) {
		if n.kind() != isObject {
			return
		}
		end := n.t.tokens[n.at].next
		for at := n.at + 1; at < end; at = n.t.tokens[at+1].next {
			if !yield(node{n.t, at}.str(), node{n.t, at + 1}) {
				return
			}
		}
	}
}

// member gives one member of an object.
func (n node) member(name string) (node, bool) {
	for have, v := range n.members() {
		if have == name {
			return v, true
		}
	}
	return node{}, false
}

// parse reads a JSON text. It refuses what nests deeper than depth or has more than values values. Of members of one name
// only the last one counts, as for most readers, and the others are not in the tree, so that nobody who gets the text on
// from here can take another one.
func parse(text string, depth, values int) (node, error) {
	if !utf8.ValidString(text) {
		return node{}, fmt.Errorf("the text is not UTF-8")
	}
	s := &scanner{text: text, depth: depth, values: values, tokens: make([]token, 0, min(len(text)/12+4, values))}
	s.space()
	if err := s.value(); err != nil {
		return node{}, err
	}
	if s.space(); s.pos < len(text) {
		return node{}, s.fail("more text after the JSON value")
	}
	root := node{t: &tree{text, s.tokens}}
	if !s.twice {
		return root, nil
	}
	var b strings.Builder
	root.writeOnce(&b)
	return parse(b.String(), depth, values)
}

// writeOnce writes the value with the last one of the members of each name.
func (n node) writeOnce(b *strings.Builder) {
	switch n.kind() {
	case isObject:
		last := map[string]uint32{}
		for name, v := range n.members() {
			last[name] = v.at
		}
		separator := "{"
		for name, v := range n.members() {
			if last[name] == v.at {
				b.WriteString(separator + node{n.t, v.at - 1}.raw() + ":")
				v.writeOnce(b)
				separator = ","
			}
		}
		b.WriteString(strings.TrimSuffix(separator, ",") + "}")
	case isArray:
		separator := "["
		for _, item := range n.items() {
			b.WriteString(separator)
			item.writeOnce(b)
			separator = ","
		}
		b.WriteString(strings.TrimSuffix(separator, ",") + "]")
	default:
		b.WriteString(n.raw())
	}
}
