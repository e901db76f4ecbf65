package enrol

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

const (
	nonceLife   = 5 * time.Minute
	nonceBytes  = 8 + 16 + 32 // expiry, randomness, MAC
	mostNonces  = 1 << 16     // used ones that are remembered
	proofPrefix = "tallydock renew 1\n"
)

// RenewalProof is what the key of a certificate signs for its renewal.
func RenewalProof(nonce string, csr []byte) []byte {
	sum := sha256.Sum256(csr)
	return append([]byte(proofPrefix+nonce+"\n"), sum[:]...)
}

// nonces makes nonces and takes each once. They are not kept until they are used, and hubs of one CA take each other's.
type nonces struct {
	key []byte

	mu   sync.Mutex
	used map[string]time.Time // until when
}

// nonceKey is the same for all hubs of a CA.
func (c *CA) nonceKey() ([]byte, error) {
	key, err := c.issuer().key.Bytes()
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, key, nil, "tallydock enrol nonce", 32)
}

func (n *nonces) make(now time.Time) (nonce string, expires time.Time) {
	expires = now.Add(nonceLife)
	b := binary.BigEndian.AppendUint64(make([]byte, 0, nonceBytes), uint64(expires.Unix()))
	b = b[:24]
	_, _ = rand.Read(b[8:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(n.sum(b)), expires
}

// sum appends the MAC.
func (n *nonces) sum(b []byte) []byte {
	mac := hmac.New(sha256.New, n.key)
	mac.Write(b)
	return mac.Sum(b)
}

// take uses a nonce up.
func (n *nonces) take(nonce string, now time.Time) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != nonceBytes || !hmac.Equal(b, n.sum(b[:24:24])) {
		return fmt.Errorf("%w: the nonce is not of this hub; get one, and ask again", fault.Forbidden)
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, twice := n.used[nonce]; twice || !now.Before(expires) {
		return fmt.Errorf("%w: the nonce was used or is older than %v; get a new one, and ask again", fault.Forbidden, nonceLife)
	}
	if len(n.used) >= mostNonces {
		for old, until := range n.used {
			if !now.Before(until) {
				delete(n.used, old)
			}
		}
	}
	if len(n.used) >= mostNonces {
		return fmt.Errorf("%w: too many renewals at once; ask again in some minutes", fault.Unavailable)
	}
	n.used[nonce] = expires
	return nil
}
