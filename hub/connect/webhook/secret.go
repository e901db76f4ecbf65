package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

const (
	secretPrefix = "whsec_"
	secretBytes  = 32 // of one that is made here
	leastSecret  = 24
	mostSecret   = 64
)

// Secret is a key that messages are signed with. It shows itself by Reveal alone.
type Secret struct{ key string } // the bytes themselves

// NewSecret makes a secret of 32 bytes of random.
func NewSecret(random io.Reader) (Secret, error) {
	key := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, key); err != nil {
		return Secret{}, fmt.Errorf("cannot make a webhook secret: %w", err)
	}
	return Secret{string(key)}, nil
}

// ParseSecret reads what Reveal wrote: whsec_ and 24 to 64 bytes in base64.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, fmt.Errorf("%w: webhook secret does not begin with %s", fault.Invalid, secretPrefix)
	}
	if len(encoded) > base64.StdEncoding.EncodedLen(mostSecret) {
		return Secret{}, fmt.Errorf("%w: webhook secret is longer than %d bytes", fault.Invalid, mostSecret)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil { // not wrapped: it would tell where in the secret
		return Secret{}, fmt.Errorf("%w: webhook secret is not base64 after %s", fault.Invalid, secretPrefix)
	}
	if len(key) < leastSecret || len(key) > mostSecret {
		return Secret{}, fmt.Errorf("%w: webhook secret has %d bytes and not %d to %d", fault.Invalid, len(key), leastSecret, mostSecret)
	}
	return Secret{string(key)}, nil
}

// Reveal gives the secret as its receiver enters it. Show it to who may see it, or store it; nothing else.
func (s Secret) Reveal() string {
	return secretPrefix + base64.StdEncoding.EncodeToString([]byte(s.key))
}

// IsZero reports whether there is none.
func (s Secret) IsZero() bool { return s.key == "" }

// String hides it.
func (s Secret) String() string { return secretPrefix + "…" }

// GoString hides it from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides it from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides it from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Secret) sum(id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(s.key))
	io.WriteString(h, id+"."+timestamp+".")
	h.Write(body)
	return h.Sum(nil)
}

// Secrets are an endpoint's. After a rotation messages are signed with both, so that the receiver can change over at leisure.
type Secrets struct {
	Current  Secret
	Previous Secret    // zero = none
	Until    time.Time // the previous one counts before it
}

// Rotate puts next in force, and keeps the current one until the moment given.
func (s Secrets) Rotate(next Secret, until time.Time) Secrets {
	return Secrets{Current: next, Previous: s.Current, Until: until}
}

// At gives those in force, the current one first.
func (s Secrets) At(now time.Time) []Secret {
	if s.Previous.IsZero() || !now.Before(s.Until) {
		return []Secret{s.Current}
	}
	return []Secret{s.Current, s.Previous}
}
