package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	answerWithin  = 30 * time.Second
	longestAnswer = 256 << 10 // bytes
)

// Refusal is a hub's answer that says no.
type Refusal struct {
	Status  int
	Kind    string
	Message string
}

// Error is what the hub says.
func (r *Refusal) Error() string {
	return fmt.Sprintf("the hub refuses (%d %s): %s", r.Status, r.Kind, r.Message)
}

// What goes over the wire; the package's comment has it.
type (
	enrolBody struct {
		Secret string `json:"secret"`
		Edge   string `json:"edge"`
		CSR    string `json:"csr"`
	}
	renewBody struct {
		Certificate string `json:"certificate"`
		CSR         string `json:"csr"`
		Nonce       string `json:"nonce"`
		Signature   []byte `json:"signature"`
	}
	issuedBody struct {
		Certificate string   `json:"certificate"`
		Trust       string   `json:"trust"`
		Brokers     []string `json:"brokers"`
	}
	nonceBody struct {
		Nonce string `json:"nonce"`
	}
	trustBody struct {
		Trust string `json:"trust"`
	}
	errorBody struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
)

// hub is the hub as one exchange of questions sees it.
type hub struct {
	base   string
	client http.Client
	now    func() time.Time
	skew   func(time.Duration) // hears by how much the hub's clock is ahead
	peer   []*x509.Certificate // that the hub showed with its last answer
}

// dialHub prepares an exchange; conf must verify who answers.
func (i *Identity) dialHub(base string, conf *tls.Config) *hub {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: i.cfg.Dial, TLSClientConfig: conf, DisableKeepAlives: true}
	return &hub{
		base: strings.TrimSuffix(base, "/"), now: i.cfg.Now, skew: i.measured,
		client: http.Client{
			Transport: t, Timeout: answerWithin,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // what it has to say is for this hub
		},
	}
}

// ask sends body (nil = none) as JSON and reads the answer into out.
func (h *hub) ask(ctx context.Context, method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	sent := h.now()
	resp, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("cannot ask the hub: %w", err)
	}
	defer resp.Body.Close()
	if resp.TLS == nil {
		return errors.New("the hub answers without TLS")
	}
	h.peer = resp.TLS.PeerCertificates
	h.compare(resp.Header.Get("Date"), sent)
	answer, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer+1))
	if err != nil {
		return fmt.Errorf("the hub's answer is not whole: %w", err)
	}
	if len(answer) > longestAnswer {
		return fmt.Errorf("the hub's answer has more than %d bytes", longestAnswer)
	}
	return understand(resp.StatusCode, answer, out)
}

func understand(status int, answer []byte, out any) error {
	if status != http.StatusOK {
		var e errorBody
		if json.Unmarshal(answer, &e) != nil || e.Error == "" {
			e = errorBody{http.StatusText(status), "it is no Tallydock hub, or the path in its address is wrong"}
		}
		return &Refusal{status, e.Error, e.Message}
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("the hub's answer cannot be read: %w", err)
	}
	return nil
}

// compare measures the hub's clock, whose Date has whole seconds.
func (h *hub) compare(date string, sent time.Time) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	now := h.now()
	h.skew(at.Add(500 * time.Millisecond).Sub(sent.Add(now.Sub(sent) / 2)))
}

// pinned is TLS for the first contact, at which the hub is known by the root in the token.
func (i *Identity) pinned(t Token) *tls.Config {
	host := hostOf(t.Hub)
	return i.tls(host, func(chain []*x509.Certificate) error {
		roots := x509.NewCertPool()
		found := false
		for _, c := range chain {
			if sha256.Sum256(c.Raw) == t.Root {
				roots.AddCert(c)
				found = true
			}
		}
		if !found {
			return fmt.Errorf("who answers at %s is not the hub that made the token: look whether the address is right, or ask for a new token", t.Hub)
		}
		return i.verify(roots, chain, host)
	}, nil)
}

// hostOf is the name or address in an URL.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// tls is a configuration whose server is verified by verify, with own as the certificate to show; nil = none.
func (i *Identity) tls(host string, verify func([]*x509.Certificate) error, own func() *tls.Certificate) *tls.Config {
	return &tls.Config{
		ServerName: host, MinVersion: tls.VersionTLS13, Time: i.cfg.Now,
		// The verification of the library is fixed when the configuration is made; VerifyConnection does it with the trust of
		// the moment, at every handshake.
		InsecureSkipVerify: true,
		VerifyConnection:   func(cs tls.ConnectionState) error { return verify(cs.PeerCertificates) },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if own != nil {
				if c := own(); c != nil {
					return c, nil
				}
			}
			return &tls.Certificate{}, nil
		},
	}
}

// verify checks a server's chain. Where nothing but the time is wrong it says so.
func (i *Identity) verify(roots *x509.CertPool, chain []*x509.Certificate, host string) error {
	if len(chain) == 0 {
		return errors.New("the hub shows no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), DNSName: host, CurrentTime: i.cfg.Now()}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	leaf := chain[0]
	_, err := leaf.Verify(o)
	if err == nil {
		i.dated(nil)
		return nil
	}
	o.CurrentTime = leaf.NotAfter
	if _, later := leaf.Verify(o); later != nil {
		return fmt.Errorf("the hub's certificate is not good: %w", err)
	}
	err = fmt.Errorf("the hub's certificate is valid from %s to %s, and this gateway's clock says %s: set the clock, or look after the hub",
		leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339), i.cfg.Now().UTC().Format(time.RFC3339))
	i.dated(err)
	return err
}

// dialer is how connections are made where Config has none.
func dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: answerWithin}).DialContext
}
