package enrol

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
)

// What holds where a Config says nothing.
const (
	DefaultLife      = 90 * 24 * time.Hour
	DefaultGrace     = 30 * 24 * time.Hour
	DefaultTokenLife = 24 * time.Hour
	longestTokenLife = 7 * 24 * time.Hour
	shortestLife     = 10 * time.Second

	// refreshEvery is how soon a hub hears what another one of the same database, or a command, revoked.
	refreshEvery = time.Second
	// forgetEvery is how often what is over is removed, and keepTokens how long what became of a token can be looked up.
	forgetEvery = 24 * time.Hour
	keepTokens  = 90 * 24 * time.Hour
	// sameAnswer is how long who asks for a renewal again gets the one that was issued: its answer may have been lost.
	sameAnswer = time.Hour
)

// Config is what a Service works with.
type Config struct {
	Store   Store
	CA      *CA
	Hub     string           // https address at which edges reach Handler
	Brokers []string         // where edges find the brokers: ssl://host:port
	Life    time.Duration    // of an edge's certificate
	Grace   time.Duration    // how long after its end a certificate may still be renewed; negative = not at all
	Now     func() time.Time // the machine's clock; nil = time.Now
	// Changed is called after more keys are revoked, so that connections can be cut; nil = nobody wants to know.
	Changed func()
	Log     *slog.Logger          // nil = none
	Metrics prometheus.Registerer // nil = none
}

// Service enrols edges. It may be used by many goroutines.
type Service struct {
	cfg     Config
	nonces  nonces
	metrics *metrics

	mu      sync.RWMutex
	revoked map[[32]byte]bool // SHA-256 of the SubjectPublicKeyInfo
}

// New makes a Service and reads what is revoked.
func New(ctx context.Context, c Config) (*Service, error) {
	if u, err := url.Parse(c.Hub); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: %q is not the https:// address at which edges reach this hub", fault.Invalid, c.Hub)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Life, c.Grace = orElse(c.Life, DefaultLife), max(0, orElse(c.Grace, DefaultGrace))
	if c.Life < shortestLife {
		return nil, fmt.Errorf("%w: certificates for %v are not possible; use %v or more", fault.Invalid, c.Life, shortestLife)
	}
	key, err := c.CA.nonceKey()
	if err != nil {
		return nil, fmt.Errorf("cannot make the key of nonces: %w", err)
	}
	s := &Service{
		cfg: c, nonces: nonces{key: key, used: map[string]time.Time{}}, metrics: newMetrics(), revoked: map[[32]byte]bool{},
	}
	list, err := c.Store.Revoked(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read which certificates are revoked: %w", err)
	}
	for _, r := range list {
		s.revoked[r.Key] = true
	}
	s.metrics.register(c.Metrics, s)
	return s, nil
}

func orElse(v, standard time.Duration) time.Duration {
	if v == 0 {
		return standard
	}
	return v
}

// Run keeps up with what other hubs of the same database revoke and with what commands do to the CA, and removes what is
// over, until ctx ends; it returns nil.
// While the store does not answer, the Service works on with what it knows.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	var forgot time.Time
	for {
		err := errors.Join(s.refresh(ctx), s.cfg.CA.Reload())
		if now := s.cfg.Now(); now.Sub(forgot) >= forgetEvery {
			forgot = now
			err = errors.Join(err, s.forget(ctx, now))
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("certificates and CA are taken as they were: something does not answer", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Service) forget(ctx context.Context, now time.Time) error {
	err := errors.Join(s.cfg.Store.ForgetTokens(ctx, now.Add(-keepTokens)),
		s.cfg.Store.ForgetCertificates(ctx, now.Add(-s.cfg.Grace-keepTokens)))
	if err != nil {
		return fmt.Errorf("cannot remove old tokens and certificates: %w", err)
	}
	return nil
}

// A site's code is a level of an MQTT topic.
var siteCode = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Order is what an operator asks for.
type Order struct {
	Edge    string
	Site    string
	Replace bool          // the edge may have a certificate, which then ends
	Life    time.Duration // of the token; 0 = DefaultTokenLife
	By      string        // who asks
}

// CreateToken makes a token and gives its text, which is shown once. Errors: fault.Invalid; fault.Conflict where the edge has
// a certificate that is in use and the order does not say Replace.
func (s *Service) CreateToken(ctx context.Context, o Order) (text string, _ Fact, err error) {
	now := s.cfg.Now()
	o.Life = orElse(o.Life, DefaultTokenLife)
	if err := o.check(); err != nil {
		return "", Fact{}, err
	}
	held, err := s.cfg.Store.Certificates(ctx, o.Edge)
	if err != nil {
		return "", Fact{}, fmt.Errorf("cannot look for certificates of %s: %w", o.Edge, err)
	}
	if c, ok := inUse(held, now); ok && !o.Replace {
		return "", Fact{}, errInUse(c)
	}
	secret := newSecret()
	t := Token{
		Hash: secretHash(secret), Edge: o.Edge, Site: o.Site, Replace: o.Replace, By: o.By, Made: now, Expires: now.Add(o.Life),
	}
	if text, err = FormatToken(s.cfg.Hub, o.Edge, s.cfg.CA.fingerprint(), secret); err != nil {
		return "", Fact{}, err
	}
	if err := s.cfg.Store.AddToken(ctx, t); err != nil {
		return "", Fact{}, fmt.Errorf("cannot keep the token for %s: %w", o.Edge, err)
	}
	return text, Fact{At: now, Act: TokenMade, Edge: o.Edge, Site: o.Site, Token: t.ID(), By: o.By}, nil
}

func (o Order) check() error {
	if err := wire.ValidEdgeID(o.Edge); err != nil {
		return fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	switch {
	case reserved(o.Edge) || strings.HasPrefix(o.Edge, "devices-"):
		return fmt.Errorf("%w: names like %q are not for edges at the broker; give the edge another", fault.Invalid, o.Edge)
	case !siteCode.MatchString(o.Site):
		return fmt.Errorf("%w: the site of edge %s, %q, is not a site code; use 1 to 32 of A-Z a-z 0-9 _ -", fault.Invalid, o.Edge, o.Site)
	case o.Life < time.Minute || o.Life > longestTokenLife:
		return fmt.Errorf("%w: a token for %v is not possible; use 1m to %v", fault.Invalid, o.Life, longestTokenLife)
	}
	return nil
}

// inUse finds a certificate that is neither revoked nor expired.
func inUse(held []Certificate, now time.Time) (Certificate, bool) {
	for _, c := range held {
		if c.Revoked.IsZero() && now.Before(c.NotAfter) {
			return c, true
		}
	}
	return Certificate{}, false
}

func errInUse(c Certificate) error {
	return fmt.Errorf("%w: edge %s has a certificate until %s; to give its name to another gateway, make a token that replaces it",
		fault.Conflict, c.Edge, c.NotAfter.Format(time.RFC3339))
}

// Tokens lists them all, the newest first.
func (s *Service) Tokens(ctx context.Context) ([]Token, error) { return s.cfg.Store.Tokens(ctx) }

// Withdraw ends an open token. Errors: fault.NotFound, and fault.Conflict where it is not open.
func (s *Service) Withdraw(ctx context.Context, id, by string) (Fact, error) {
	now := s.cfg.Now()
	all, err := s.cfg.Store.Tokens(ctx)
	if err != nil {
		return Fact{}, fmt.Errorf("cannot look for token %s: %w", id, err)
	}
	for _, t := range all {
		if t.ID() != id {
			continue
		}
		err := s.cfg.Store.Redeem(ctx, t.Hash, func(t Token, _ []Certificate) (Change, error) {
			if !t.Used.IsZero() {
				return Change{}, fmt.Errorf("%w: token %s was used or withdrawn at %s", fault.Conflict, id, t.Used.Format(time.RFC3339))
			}
			t.Used = now
			return Change{Token: &t}, nil
		})
		return Fact{At: now, Act: TokenWithdrawn, Edge: t.Edge, Site: t.Site, Token: id, By: by}, err
	}
	return Fact{}, fmt.Errorf("%w: no token is named %s", fault.NotFound, id)
}

// Certificates lists those of an edge, or with "" all, the newest first.
func (s *Service) Certificates(ctx context.Context, edge string) ([]Certificate, error) {
	return s.cfg.Store.Certificates(ctx, edge)
}

// Usable lists one certificate, the newest, of each key with which an edge may connect or renew: those whom brokers must know.
func (s *Service) Usable(ctx context.Context) (list []Certificate, err error) {
	all, err := s.cfg.Store.Certificates(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("cannot look for certificates: %w", err)
	}
	seen := map[[32]byte]bool{}
	for _, c := range s.alive(all, s.cfg.Now()) {
		if !seen[c.Key] {
			list = append(list, c)
		}
		seen[c.Key] = true
	}
	return list, nil
}
