package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Cause is why an attempt had no answer.
type Cause string

// The causes.
const (
	Answered  Cause = ""        // it had one
	BadURL    Cause = "url"     // the configuration no longer allows its URL
	Refused   Cause = "address" // it leads to an address that is not allowed
	NoName    Cause = "name"    // its host's name does not resolve
	NoTLS     Cause = "tls"     // no TLS 1.2 or later, or a certificate that does not prove who it is
	TimedOut  Cause = "timeout"
	NoConnect Cause = "connect" // nobody takes the connection
	CutOff    Cause = "cut"     // the connection ended before the answer's head
	Stopped   Cause = "stopped" // the hub stopped
)

// Outcome is how an attempt ended.
type Outcome struct {
	Status     int // of HTTP; 0 = no answer, for Cause
	Cause      Cause
	Detail     string // for a person, where it did not go well
	Excerpt    string // the beginning of the answer's body
	Took       time.Duration
	RetryAfter time.Duration // the rest that a 429 or 503 asked for; 0 = none
}

// OK reports whether the endpoint took the message: a 2xx, whatever becomes of the answer's body.
func (o Outcome) OK() bool { return o.Status >= 200 && o.Status < 300 }

// Attempt is an outcome as the log keeps it.
type Attempt struct {
	At      time.Time // its beginning, and the timestamp that was signed
	Took    time.Duration
	Status  int // 0 = no answer
	Error   string
	Excerpt string
	Worker  string
}

// attempt gives o for the log.
func (o Outcome) attempt(at time.Time, worker string) Attempt {
	return Attempt{At: at, Took: o.Took, Status: o.Status, Error: o.Detail, Excerpt: o.Excerpt, Worker: worker}
}

// unanswered says why err kept an answer from coming. It tells no address that a name resolved to.
func unanswered(ctx context.Context, err error) (Cause, string) {
	var address *AddressError
	var name *net.DNSError
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.As(err, &address):
		return Refused, address.Error()
	case errors.Is(ctx.Err(), context.Canceled):
		return Stopped, "the hub stopped before there was an answer"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return TimedOut, "no answer in time"
	case errors.As(err, &name):
		return NoName, "the host's name does not resolve"
	case errors.As(err, &certificate):
		return NoTLS, "the certificate does not prove who it is: " + reason(certificate.Err)
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record), errors.As(err, &alert), strings.Contains(err.Error(), "tls: "):
		return NoTLS, "TLS 1.2 or later cannot be agreed on"
	case errors.As(err, &op) && op.Op == "dial":
		return NoConnect, "nobody takes the connection"
	}
	return CutOff, "the connection ended, or made no sense, before there was an answer"
}

// reason gives what is wrong with a certificate in words of our own: its text could be the receiver's.
func reason(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return "nobody known signed it"
	case errors.As(err, &host):
		return "it is for another host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it has expired, or is not valid yet"
	}
	return "it is not valid"
}

// answered reads the head of an answer.
func answered(r *http.Response, now time.Time) Outcome {
	o := Outcome{Status: r.StatusCode}
	switch {
	case o.OK():
	case r.StatusCode >= 300 && r.StatusCode < 400:
		o.Detail = "it answered with a redirect, which is not followed: set the url that it leads to"
	default:
		o.Detail = strings.TrimSpace("it answered " + strconv.Itoa(r.StatusCode) + " " + http.StatusText(r.StatusCode))
	}
	if r.StatusCode == http.StatusTooManyRequests || r.StatusCode == http.StatusServiceUnavailable {
		o.RetryAfter = retryAfter(r.Header.Get("Retry-After"), now)
	}
	return o
}

// retryAfter reads the header: seconds, or a moment. What cannot be read, or is past, is no rest; a long one is cut.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}

// excerpt makes text of the beginning of a body, at most keptBody bytes.
func excerpt(body []byte) string {
	text := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || r != '\n' && unicode.IsControl(r) {
			return ' '
		}
		return r
	}, string(body[:min(len(body), keptBody)]))
	return strings.TrimSpace(cutText(text, keptBody))
}
