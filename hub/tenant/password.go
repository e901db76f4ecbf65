package tenant

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/tallydock/tallydock/hub/fault"
)

// cost is what one guess takes. It is written into every hash, so it can be raised without locking anybody out.
type cost struct {
	memory uint32 // KiB
	time   uint32
	lanes  uint8
}

// The cost of new hashes: the OWASP Password Storage Cheat Sheet's minimum for argon2id.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	lanes     = 1
	saltBytes = 16
	hashBytes = 32
)

// The bounds of a password's length: at least so many characters, at most so many bytes.
const (
	MinPassword = 10
	MaxPassword = 256
)

// HashPassword gives the PHC string of an argon2id hash with a random salt. Error: fault.Invalid for a bad length.
func HashPassword(password string) (string, error) {
	if err := checkLength(password); err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	c := cost{memoryKiB, passes, lanes}
	key := argon2.IDKey([]byte(password), salt, c.time, c.memory, c.lanes, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

func checkLength(password string) error {
	if n := utf8.RuneCountInString(password); n < MinPassword || len(password) > MaxPassword {
		return fmt.Errorf("%w: a password has at least %d characters and at most %d bytes; this one has %d and %d",
			fault.Invalid, MinPassword, MaxPassword, n, len(password))
	}
	return nil
}

// CheckPassword reports whether password has this hash. A hash that cannot be read is an error, not a mismatch.
func CheckPassword(hash, password string) (bool, error) {
	c, salt, want, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), salt, c.time, c.memory, c.lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

func parseHash(hash string) (c cost, salt, key []byte, err error) {
	part := strings.Split(hash, "$")
	if len(part) != 6 || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, fmt.Errorf("password hash is not argon2id version %d", argon2.Version)
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.lanes); err != nil {
		return c, nil, nil, fmt.Errorf("password hash has unreadable parameters %q: %w", part[3], err)
	}
	if c.memory < 8 || c.memory > 1<<20 || c.time < 1 || c.time > 64 || c.lanes < 1 {
		return c, nil, nil, fmt.Errorf("password hash has parameters out of range: %q", part[3])
	}
	if salt, err = base64.RawStdEncoding.DecodeString(part[4]); err != nil {
		return c, nil, nil, fmt.Errorf("password hash has an unreadable salt: %w", err)
	}
	if key, err = base64.RawStdEncoding.DecodeString(part[5]); err != nil || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, fmt.Errorf("password hash has an unreadable key")
	}
	return c, salt, key, nil
}

// NewPassword makes a password of 20 characters (100 bits) that can be read aloud: no 0, 1, l or o.
func NewPassword() string {
	const letters = "23456789abcdefghijkmnpqrstuvwxyz"
	b := make([]byte, 20)
	rand.Read(b)
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b[:5]) + "-" + string(b[5:10]) + "-" + string(b[10:15]) + "-" + string(b[15:])
}
