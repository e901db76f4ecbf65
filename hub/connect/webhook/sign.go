package webhook

import (
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"        // the message, the same at every attempt
	HeaderTimestamp = "Webhook-Timestamp" // of the attempt, seconds since 1970
	HeaderSignature = "Webhook-Signature" // one for each secret, parted by spaces
)

// Tolerance is how far a receiver's clock and a message's timestamp may be apart.
const Tolerance = 5 * time.Minute

const (
	signatureVersion = "v1," // HMAC-SHA256 of id.timestamp.body
	mostSignatures   = 16    // that Verify looks at
)

// Sign puts the three headers of an attempt at a moment into h. The id must not have a full stop.
func Sign(h http.Header, secrets []Secret, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		signatures[i] = signatureVersion + base64.StdEncoding.EncodeToString(s.sum(id, timestamp, body))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
}

// Verify is the receiver's side: it fails with fault.Forbidden unless one of the secrets signed body and the headers not
// longer ago than Tolerance.
func Verify(h http.Header, body []byte, secrets []Secret, now time.Time) error {
	id, timestamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return fmt.Errorf("%w: %s or %s is missing or malformed", fault.Forbidden, HeaderID, HeaderTimestamp)
	}
	if least, most := now.Add(-Tolerance).Unix(), now.Add(Tolerance).Unix(); seconds < least || seconds > most {
		return fmt.Errorf("%w: %s is more than %v off this clock", fault.Forbidden, HeaderTimestamp, Tolerance)
	}
	for i, text := range strings.Split(h.Get(HeaderSignature), " ") {
		encoded, ok := strings.CutPrefix(text, signatureVersion)
		if i == mostSignatures {
			break
		}
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if ok && err == nil && signedBy(secrets, sum, id, timestamp, body) {
			return nil
		}
	}
	return fmt.Errorf("%w: no signature in %s is by a secret of this endpoint", fault.Forbidden, HeaderSignature)
}

func signedBy(secrets []Secret, sum []byte, id, timestamp string, body []byte) bool {
	for _, s := range secrets {
		if hmac.Equal(sum, s.sum(id, timestamp, body)) {
			return true
		}
	}
	return false
}
