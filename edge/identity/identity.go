package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says who the gateway is and where it keeps that.
type Config struct {
	Dir     string // folder of its files; made where it is missing
	KeyFile string // a private key that was made otherwise, PEM; "" = Enrol makes one
	Edge    string
	Hub     string           // https address that counts before the token's; "" = the token's
	Now     func() time.Time // the machine's clock; nil = time.Now
	Log     *slog.Logger     // nil = none
	Metrics prometheus.Registerer
	// Changed is called by Run when there is another certificate than before, so that connections can be made by it; nil =
	// nobody wants to know. It must not block.
	Changed func()
	// Dial makes connections to the hub; nil = by TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Identity is the gateway's. It may be used by many goroutines.
type Identity struct {
	cfg  Config
	has  atomic.Pointer[material] // nil = none
	busy sync.Mutex               // over what asks the hub and writes the file
	seen struct {
		sync.Mutex
		observed
	}
}

// observed is what alarms need beside the certificate.
type observed struct {
	skew    time.Duration // by which the hub's clock is ahead
	date    error         // why the hub's certificate does not fit the clock
	refusal *Refusal      // of the last renewal
	broken  error         // why what is in the folder cannot be used
}

// Open reads the identity. There is an Identity in any case, with which Enrol is possible; the error says why one that is
// there cannot be used. A gateway that was never enrolled is no error.
func Open(c Config) (*Identity, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Dial == nil {
		c.Dial = dialer()
	}
	if c.Changed == nil {
		c.Changed = func() {}
	}
	i := &Identity{cfg: c}
	i.register(c.Metrics)
	m, err := i.load()
	if errors.Is(err, fs.ErrNotExist) {
		return i, nil
	}
	if err != nil {
		i.observe(func(o *observed) { o.broken = err })
		return i, fmt.Errorf("cannot use this gateway's identity: %w", err)
	}
	i.has.Store(m)
	return i, nil
}

// Enrol gets the first certificate, or with replace one in the place of another. It may be called again after any error; the
// token then still counts, unless the hub says otherwise. Error: a Refusal where the hub says no.
func (i *Identity) Enrol(ctx context.Context, text string, replace bool) error {
	i.busy.Lock()
	defer i.busy.Unlock()
	t, err := ParseToken(text)
	if err != nil {
		return err
	}
	if t.Edge != i.cfg.Edge {
		return fmt.Errorf("the token is for gateway %s, and this is %s: ask for one for this gateway, or correct edge: in its configuration", t.Edge, i.cfg.Edge)
	}
	if m := i.has.Load(); m != nil && !replace && i.cfg.Now().Before(m.leaf().NotAfter) {
		return fmt.Errorf("this gateway has a certificate until %s: say that it is to be replaced", m.leaf().NotAfter.UTC().Format(time.RFC3339))
	}
	if i.cfg.Hub != "" {
		t.Hub = i.cfg.Hub
	}
	if err := os.MkdirAll(i.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the identity's folder: %w", err)
	}
	key, err := i.enrolKey()
	if err != nil {
		return err
	}
	return i.enrol(ctx, t, key)
}

func (i *Identity) enrol(ctx context.Context, t Token, key *ecdsa.PrivateKey) error {
	csr, err := request(i.cfg.Edge, key)
	if err != nil {
		return fmt.Errorf("cannot make the certificate request: %w", err)
	}
	var got issuedBody
	err = i.dialHub(t.Hub, i.pinned(t)).ask(ctx, http.MethodPost, "/enrol",
		enrolBody{base64.RawURLEncoding.EncodeToString(t.Secret), i.cfg.Edge, requestPEM(csr)}, &got)
	var no *Refusal
	if errors.As(err, &no) && no.Status == http.StatusForbidden && i.cfg.KeyFile == "" {
		_ = os.Remove(i.pending()) // it may be this key that the hub does not want
	}
	if err != nil {
		return err
	}
	p := papers{
		Edge: i.cfg.Edge, Hub: t.Hub, Certificate: got.Certificate, Trust: got.Trust, Brokers: got.Brokers,
		ClientID: newClientID(i.cfg.Edge),
	}
	if i.cfg.KeyFile == "" {
		text, err := keyPEM(key)
		if err != nil {
			return err
		}
		p.Key = string(text)
	}
	m, err := p.read(i.cfg.Edge, key)
	if err == nil && !p.trusts(t.Root) {
		err = errors.New("it lacks the root by which the hub is known; ask for a new token")
	}
	if err != nil {
		return fmt.Errorf("the hub's answer is not right, and is not kept: %w", err)
	}
	if err := i.keep(m); err != nil {
		return err
	}
	_ = os.Remove(i.pending()) // its key is in the file now
	return nil
}

// newClientID makes a name for the connection to a broker that nobody else can guess.
func newClientID(edge string) string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // it never fails
	return plainID(edge) + "-" + hex.EncodeToString(b)
}

// keep writes what was found to be right, and works by it from now on.
func (i *Identity) keep(m *material) error {
	if err := i.save(m.papers); err != nil {
		return fmt.Errorf("cannot keep the certificate: %w", err)
	}
	i.use(m)
	i.cfg.Log.Info("this gateway's identity is kept", "edge", m.Edge, "serial", m.leaf().SerialNumber.Text(16), "until", m.leaf().NotAfter.UTC())
	return nil
}

// use works by m from now on.
func (i *Identity) use(m *material) {
	had := i.has.Swap(m)
	i.observe(func(o *observed) { o.refusal, o.broken = nil, nil })
	if had == nil || !had.leaf().Equal(m.leaf()) {
		i.cfg.Changed()
	}
}

// TLS is for connections to a broker or the hub at host, which is a name or an address. It goes on to be right when the
// certificate or the trust changes; a connection that is open keeps what it began with.
func (i *Identity) TLS(host string) *tls.Config {
	return i.tls(host, func(chain []*x509.Certificate) error {
		m := i.has.Load()
		if m == nil {
			return errors.New("this gateway is not enrolled: edge enrol TOKEN")
		}
		return i.verify(m.roots, chain, host)
	}, func() *tls.Certificate {
		if m := i.has.Load(); m != nil {
			return m.pair
		}
		return nil
	})
}

// Certificate is that of now; nil where there is none.
func (i *Identity) Certificate() *x509.Certificate {
	if m := i.has.Load(); m != nil {
		return m.leaf()
	}
	return nil
}

// ClientID is the MQTT client id to connect with: the gateway's id, and what nobody can guess, because some brokers let
// whoever knows it end the connection. "" = not enrolled.
func (i *Identity) ClientID() string {
	if m := i.has.Load(); m != nil {
		return m.ClientID
	}
	return ""
}

// Brokers are the addresses that the hub gave: ssl://host:port.
func (i *Identity) Brokers() []string {
	if m := i.has.Load(); m != nil {
		return append([]string(nil), m.papers.Brokers...)
	}
	return nil
}

func (i *Identity) observe(change func(*observed)) {
	i.seen.Lock()
	defer i.seen.Unlock()
	change(&i.seen.observed)
}

func (i *Identity) measured(skew time.Duration) { i.observe(func(o *observed) { o.skew = skew }) }
func (i *Identity) dated(err error)             { i.observe(func(o *observed) { o.date = err }) }
