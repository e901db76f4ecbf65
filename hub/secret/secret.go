// Package secret keeps what the database must not show: it seals small texts with a key that lives outside of it, so that a
// copy of the database, or a backup, gives away no authenticator, no webhook secret and no client secret.
//
// A sealed text says by which key it was sealed. A Keyring seals by its first key and opens by any of its keys: to change
// keys, put a new one in front (Rotate), seal everything again (Reseal), and then drop the old one. Each text is bound to a
// label, such as "totp/anna", so that one cannot be put in another's place.
//
// The form: version (1 byte, 1), id of the key (8 bytes), nonce (24 bytes), XChaCha20-Poly1305 of the text with the label as
// additional data.
package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/tallydock/tallydock/hub/fault"
)

const (
	version   = 1
	idBytes   = 8
	keyBytes  = chacha20poly1305.KeySize
	headBytes = 1 + idBytes + chacha20poly1305.NonceSizeX
	keyPrefix = "tdsk1:" // of a key's text
	maxKeys   = 16
)

// Errors of Open besides those of a spoilt text.
var (
	ErrKey     = fault.New(fault.Unavailable, "it was sealed with a key that this hub does not have; put that key back")
	ErrChanged = fault.New(fault.Invalid, "it does not open: it was changed, or belongs elsewhere")
)

// Keyring seals and opens. Safe for concurrent use.
type Keyring struct{ keys []key }

type key struct {
	id   [idBytes]byte
	aead cipher.AEAD
}

// NewKey makes a key's text.
func NewKey() string {
	raw := make([]byte, keyBytes)
	rand.Read(raw)
	return keyPrefix + base64.StdEncoding.EncodeToString(raw)
}

// Parse reads keys, a line each, the one to seal by first; lines that are empty or begin with # do not count.
func Parse(text string) (*Keyring, error) {
	k := &Keyring{}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		one, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of the secret keys: %w", n+1, err)
		}
		k.keys = append(k.keys, one)
	}
	if len(k.keys) == 0 || len(k.keys) > maxKeys {
		return nil, fmt.Errorf("%w: %d secret keys; there must be 1 to %d", fault.Invalid, len(k.keys), maxKeys)
	}
	return k, nil
}

// parseKey does not say what stands in the line: it is a secret.
func parseKey(line string) (key, error) {
	encoded, ok := strings.CutPrefix(line, keyPrefix)
	if !ok {
		return key{}, fmt.Errorf("%w: it does not begin with %s", fault.Invalid, keyPrefix)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) != keyBytes {
		return key{}, fmt.Errorf("%w: it is not %d bytes in base64 after %s", fault.Invalid, keyBytes, keyPrefix)
	}
	aead, err := chacha20poly1305.NewX(raw)
	if err != nil {
		return key{}, err
	}
	k := key{aead: aead}
	sum := sha256.Sum256(append([]byte("tallydock key id:"), raw...))
	copy(k.id[:], sum[:])
	return k, nil
}

// Seal closes text under the first key.
func (k *Keyring) Seal(label string, text []byte) []byte {
	out := make([]byte, headBytes, headBytes+len(text)+chacha20poly1305.Overhead)
	out[0] = version
	copy(out[1:], k.keys[0].id[:])
	nonce := out[1+idBytes : headBytes]
	rand.Read(nonce)
	return k.keys[0].aead.Seal(out, nonce, text, []byte(label))
}

// Open gives the text of what Seal made with this label. Errors: ErrKey, ErrChanged.
func (k *Keyring) Open(label string, sealed []byte) ([]byte, error) {
	if len(sealed) < headBytes+chacha20poly1305.Overhead || sealed[0] != version {
		return nil, fmt.Errorf("sealed %s: %w", label, ErrChanged)
	}
	id, nonce := sealed[1:1+idBytes], sealed[1+idBytes:headBytes]
	for _, one := range k.keys {
		if !bytes.Equal(one.id[:], id) {
			continue
		}
		text, err := one.aead.Open(nil, nonce, sealed[headBytes:], []byte(label))
		if err != nil {
			return nil, fmt.Errorf("sealed %s: %w", label, ErrChanged)
		}
		return text, nil
	}
	return nil, fmt.Errorf("sealed %s by key %s: %w", label, hex.EncodeToString(id), ErrKey)
}

// Reseal gives what was sealed under an older key under the first one; changed is false where it is already.
func (k *Keyring) Reseal(label string, sealed []byte) (fresh []byte, changed bool, err error) {
	text, err := k.Open(label, sealed)
	if err != nil || bytes.Equal(sealed[1:1+idBytes], k.keys[0].id[:]) {
		return sealed, false, err
	}
	return k.Seal(label, text), true, nil
}

// IDs name the keys, the one to seal by first.
func (k *Keyring) IDs() []string {
	ids := make([]string, len(k.keys))
	for i, one := range k.keys {
		ids[i] = hex.EncodeToString(one.id[:])
	}
	return ids
}
