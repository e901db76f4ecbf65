package tenant

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The parameters of a code: those that every authenticator knows (RFC 6238).
const (
	codePeriod   = 30 // seconds
	codeDigits   = 6
	codeDrift    = 1  // steps that a clock may be off, before and after
	factorBytes  = 20 // of the secret: the length of SHA-1's output (RFC 4226 section 4)
	codesAtOnce  = 10 // recovery codes
	codeAlphabet = "23456789abcdefghjkmnpqrstuvwxyz"
)

// CodeAt gives the code of a step, which is the Unix time divided by 30 s.
func CodeAt(secret []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", codeDigits, n%1_000_000)
}

// StepOf gives the step of a time.
func StepOf(t time.Time) int64 { return t.Unix() / codePeriod }

// matchCode finds the step, above last, whose code this is. It takes as long whichever it is.
func matchCode(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	for d := int64(-codeDrift); d <= codeDrift; d++ {
		s := StepOf(now) + d
		if subtle.ConstantTimeCompare([]byte(CodeAt(secret, s)), []byte(code)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}

// factorURI is what an authenticator reads from a QR code (Google Authenticator's key URI format).
func factorURI(issuer, user string, secret []byte) string {
	q := url.Values{
		"secret": {secretText(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {fmt.Sprint(codeDigits)},
		"period": {fmt.Sprint(codePeriod)},
	}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+user) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

func secretText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// newRecoveryCodes makes codes for the day when the authenticator is lost, with their hashes. A code has 59 bits, so its hash
// needs no salt and no cost.
func newRecoveryCodes() (codes []string, hashes [][32]byte) {
	for range codesAtOnce {
		var b strings.Builder
		for i := range 12 {
			if i == 4 || i == 8 {
				b.WriteByte('-')
			}
			b.WriteByte(codeAlphabet[pick(len(codeAlphabet))])
		}
		codes = append(codes, b.String())
		hashes = append(hashes, hashRecovery(b.String()))
	}
	return codes, hashes
}

// pick draws a number below n, each as likely as the others.
func pick(n int) int {
	var b [1]byte
	for {
		rand.Read(b[:])
		if int(b[0]) < 256/n*n {
			return int(b[0]) % n
		}
	}
}

func hashRecovery(code string) [32]byte {
	return sha256.Sum256([]byte("tallydock recovery:" + strings.ReplaceAll(strings.ToLower(code), "-", "")))
}
