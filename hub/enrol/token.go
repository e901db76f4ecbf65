package enrol

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/tallydock/tallydock/hub/fault"
)

const (
	tokenPrefix = "td1."
	secretBytes = 20
)

// newSecret makes what a token is worth.
func newSecret() []byte {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // it never fails
	return secret
}

// FormatToken writes a token as people paste it: where the hub is, for which edge it is, by which root the hub is known, and
// the secret.
func FormatToken(hub, edge string, root [32]byte, secret []byte) (string, error) {
	if len(hub) > 255 || len(edge) > 255 || len(secret) != secretBytes {
		return "", fmt.Errorf("%w: the hub's address %q has more than 255 bytes", fault.Invalid, hub)
	}
	b := append([]byte{byte(len(hub))}, hub...)
	b = append(append(b, byte(len(edge))), edge...)
	b = append(append(b, root[:]...), secret...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

func secretHash(secret []byte) [32]byte { return sha256.Sum256(secret) }
