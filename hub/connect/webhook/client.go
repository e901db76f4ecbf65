package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	// SendWithin is how long an attempt may take where nothing else is said.
	SendWithin = 20 * time.Second

	readBody    = 64 << 10 // bytes of an answer that are read, so that its connection can be used again
	keptBody    = 1 << 10  // of them that are kept
	readHead    = 16 << 10 // bytes of an answer's head
	idleWithin  = 30 * time.Second
	idlePerHost = 4
	userAgent   = "Tallydock-Webhook/1"
)

// Client sends messages. It connects to nothing that its Policy forbids, follows no redirect, and has no proxy but the one
// it is given. Safe for concurrent use.
type Client struct {
	policy Policy
	http   *http.Client
}

// ClientConfig is how a Client reaches the world; the zero value is right where no proxy stands between.
type ClientConfig struct {
	Within time.Duration // for an attempt, from the name's resolution to the end of the answer; 0 = SendWithin
	// Proxy takes all connections. It resolves names itself, so it must refuse private networks itself; here only addresses
	// in URLs are looked at.
	Proxy    *url.URL
	Roots    *x509.CertPool // nil = the machine's
	Resolver *net.Resolver  // nil = the machine's
}

// NewClient makes a Client.
func NewClient(p Policy, c ClientConfig) *Client {
	dialer := &net.Dialer{Resolver: c.Resolver, ControlContext: p.control}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
		DisableCompression:     true, // an excerpt needs none, and it cannot swell
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleWithin,
		MaxResponseHeaderBytes: readHead,
	}
	if c.Proxy != nil {
		dialer.ControlContext = nil // the only one to connect to is the proxy
		t.Proxy = http.ProxyURL(c.Proxy)
	}
	return &Client{p, &http.Client{
		Transport:     t,
		Timeout:       cmp.Or(c.Within, SendWithin),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// control is asked for every connection, after names were resolved and before the first packet.
func (p Policy) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("webhook address cannot be read: %w", err)
	}
	return p.CheckAddress(a)
}

// Send makes one attempt, signed for the moment at. It takes ClientConfig.Within at most.
func (c *Client) Send(ctx context.Context, e Endpoint, m Message, at time.Time) Outcome {
	if err := c.policy.CheckURL(e.URL); err != nil {
		cause := BadURL
		if errors.As(err, new(*AddressError)) {
			cause = Refused
		}
		return Outcome{Cause: cause, Detail: err.Error()}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(m.Body))
	if err != nil {
		return Outcome{Cause: BadURL, Detail: "the url cannot be read"}
	}
	r.Header.Set("Content-Type", ContentType)
	r.Header.Set("User-Agent", userAgent)
	Sign(r.Header, e.Secrets.At(at), m.ID, at, m.Body)
	began := time.Now()
	o := c.do(r, at)
	o.Took = time.Since(began)
	return o
}

func (c *Client) do(r *http.Request, at time.Time) Outcome {
	answer, err := c.http.Do(r)
	if err != nil {
		cause, detail := unanswered(r.Context(), err)
		return Outcome{Cause: cause, Detail: detail}
	}
	defer answer.Body.Close()
	o := answered(answer, at)
	body, _ := io.ReadAll(io.LimitReader(answer.Body, readBody)) // as far as it came: the head has said what counts
	o.Excerpt = excerpt(body)
	return o
}

// Close closes connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }
