package identity

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"strings"
	"unicode"

	"github.com/tallydock/tallydock/devices/wire"
)

// Token is what an operator of the hub gives for one gateway, once.
type Token struct {
	Hub    string   // https address
	Edge   string   // for which gateway it is
	Root   [32]byte // SHA-256 of the root by which the hub is known
	Secret []byte
}

const (
	tokenPrefix  = "td1."
	longestToken = 1024 // characters
	secretBytes  = 20
	sumBytes     = 4
)

// ParseToken reads a token as it was pasted: spaces and line breaks in it do not count.
func ParseToken(text string) (Token, error) {
	if len(text) > longestToken {
		return Token{}, fmt.Errorf("this is no token: it has %d characters, and a token has %d at most", len(text), longestToken)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	body, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok {
		return Token{}, fmt.Errorf("this is no token: one begins with %q", tokenPrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) < sumBytes || crc32.ChecksumIEEE(b[:len(b)-sumBytes]) != binary.BigEndian.Uint32(b[len(b)-sumBytes:]) {
		return Token{}, errors.New("the token is not whole or has a slip of the pen: copy it again, from " + tokenPrefix + " to its end")
	}
	return readToken(b[:len(b)-sumBytes])
}

// readToken takes a token's bytes apart.
func readToken(b []byte) (t Token, err error) {
	next := func(n int) (part []byte) {
		if n > len(b) {
			err = errors.New("the token is not of this version: bring this gateway's program up to date")
			return nil
		}
		part, b = b[:n], b[n:]
		return part
	}
	text := func() string {
		n := next(1)
		if err != nil {
			return ""
		}
		return string(next(int(n[0])))
	}
	t.Hub, t.Edge = text(), text()
	if root := next(len(t.Root)); err == nil {
		copy(t.Root[:], root)
	}
	t.Secret = next(secretBytes)
	if err == nil && len(b) > 0 {
		next(len(b) + 1) // there is more than this version knows
	}
	if err != nil {
		return Token{}, err
	}
	if err := wire.ValidEdgeID(t.Edge); err != nil {
		return Token{}, fmt.Errorf("the token's %w", err)
	}
	return t, ValidHub(t.Hub)
}

// ValidHub reports whether text is an address of a hub.
func ValidHub(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is not a hub's address https://HOST:PORT/PATH", text)
	}
	return nil
}
