package enrol

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Enrolment is what an edge asks with for its first certificate.
type Enrolment struct {
	Secret []byte // of the token
	Edge   string
	CSR    []byte // PEM
	From   string // network address
}

// Renewal is what an edge asks with for its next one.
type Renewal struct {
	Certificate []byte // the one that it has; PEM
	CSR         []byte // for the same key; PEM
	Nonce       string
	Signature   []byte // of RenewalProof by the certificate's key
	From        string
}

// Issued is what an edge gets.
type Issued struct {
	Certificate Certificate
	Chain       []byte // the certificate and its issuer's; PEM
	Trust       []byte // roots by which it knows the hub; PEM
	Brokers     []string
}

// Enrol takes a token and gives the certificate. The facts say what happened, also where it fails. Errors: fault.Invalid for
// a request that cannot be read, fault.Forbidden for a token that is not good, fault.Conflict where the edge has a
// certificate and the token does not replace it.
func (s *Service) Enrol(ctx context.Context, e Enrolment) (Issued, []Fact, error) {
	now := s.cfg.Now()
	r, err := parseRequest(e.CSR, e.Edge)
	if err != nil {
		return s.refuse(now, e.Edge, e.From, err)
	}
	var kept Certificate
	var change Change
	var site, token string
	err = s.cfg.Store.Redeem(ctx, secretHash(e.Secret), func(t Token, held []Certificate) (_ Change, err error) {
		site, token = t.Site, t.ID()
		kept, change, err = s.redeem(t, held, e.Edge, r, now)
		return change, err
	})
	if errors.Is(err, fault.NotFound) {
		err = fmt.Errorf("%w: this token is not known here; check that it is of this hub, or ask for a new one", fault.Forbidden)
	}
	if err != nil {
		return s.refuse(now, e.Edge, e.From, err)
	}
	s.metrics.issued.WithLabelValues("enrolled").Inc()
	fact := Fact{At: now, Act: Enrolled, Edge: e.Edge, Site: site, Serial: kept.Serial, Token: token, From: e.From}
	if change.Add == nil {
		fact.Reason = "the same certificate, asked for again"
	}
	return s.answer(kept), append(s.ended(change.Revoke, now), fact), nil
}

// redeem decides on an enrolment.
func (s *Service) redeem(t Token, held []Certificate, edge string, r request, now time.Time) (Certificate, Change, error) {
	if t.Edge != edge {
		return Certificate{}, Change{}, fmt.Errorf("%w: this token is for edge %s, and not for %s", fault.Forbidden, t.Edge, edge)
	}
	if !now.Before(t.Expires) {
		return Certificate{}, Change{}, fmt.Errorf("%w: this token expired at %s; ask for a new one", fault.Forbidden, t.Expires.UTC().Format(time.RFC3339))
	}
	if err := keyRevoked(held, r.spk); err != nil {
		return Certificate{}, Change{}, err
	}
	if !t.Used.IsZero() {
		for _, c := range held {
			if c.Serial == t.Serial && c.Key == r.spk {
				return c, Change{}, nil // the answer was lost on its way
			}
		}
		return Certificate{}, Change{}, fmt.Errorf("%w: this token was used at %s; ask for a new one, and if it was not you who used it, have the edge revoked",
			fault.Forbidden, t.Used.UTC().Format(time.RFC3339))
	}
	others := s.otherKeys(held, r.spk, now)
	if c, ok := inUse(others, now); ok && !t.Replace {
		return Certificate{}, Change{}, errInUse(c)
	}
	c, err := s.cfg.CA.edge(edge, t.Site, r.key, now, s.cfg.Life)
	if err != nil {
		return Certificate{}, Change{}, err
	}
	t.Used, t.Serial = now, c.Serial
	return c, Change{Add: &c, Revoke: revoked(others, now, "replaced by "+c.Serial), Token: &t}, nil
}

// otherKeys are the certificates of other keys that could still be used or renewed.
func (s *Service) otherKeys(held []Certificate, spk [32]byte, now time.Time) (others []Certificate) {
	for _, c := range s.alive(held, now) {
		if c.Key != spk {
			others = append(others, c)
		}
	}
	return others
}

// alive are the certificates that could still be used or renewed.
func (s *Service) alive(held []Certificate, now time.Time) (alive []Certificate) {
	for _, c := range held {
		if c.Revoked.IsZero() && now.Before(c.NotAfter.Add(s.cfg.Grace)) {
			alive = append(alive, c)
		}
	}
	return alive
}

// keyRevoked is the error of a key that was revoked.
func keyRevoked(held []Certificate, spk [32]byte) error {
	for _, c := range held {
		if c.Key == spk && !c.Revoked.IsZero() {
			return fmt.Errorf("%w: the key of edge %s was revoked at %s and never comes back; enrol with a new token and a new key",
				fault.Forbidden, c.Edge, c.Revoked.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// Renew gives the next certificate for the key of one that is valid, or expired within the grace. Errors: fault.Invalid for a
// request that cannot be read, fault.Forbidden for one that is not good.
func (s *Service) Renew(ctx context.Context, r Renewal) (Issued, []Fact, error) {
	now := s.cfg.Now()
	leaf, err := parseLeaf(r.Certificate)
	if err != nil {
		return s.refuse(now, "", r.From, err)
	}
	edge, site, err := s.holder(leaf, now)
	if err != nil {
		return s.refuse(now, edge, r.From, err)
	}
	q, err := parseRequest(r.CSR, edge)
	if err == nil {
		err = proven(leaf, q, r)
	}
	if err == nil {
		err = s.nonces.take(r.Nonce, now)
	}
	if err != nil {
		return s.refuse(now, edge, r.From, err)
	}
	var kept Certificate
	err = s.cfg.Store.Update(ctx, edge, func(held []Certificate) (_ Change, err error) {
		var change Change
		kept, change, err = s.next(held, edge, site, q, now)
		return change, err
	})
	if err != nil {
		return s.refuse(now, edge, r.From, err)
	}
	act, label := Renewed, "renewed"
	if now.After(leaf.NotAfter) {
		act, label = RenewedLate, "renewed_late"
	}
	s.metrics.issued.WithLabelValues(label).Inc()
	return s.answer(kept), []Fact{{At: now, Act: act, Edge: edge, Site: site, Serial: kept.Serial, From: r.From}}, nil
}

// holder gives the edge of a certificate that this hub issued and that may be renewed now.
func (s *Service) holder(leaf *x509.Certificate, now time.Time) (edge, site string, err error) {
	if s.cfg.CA.verify(leaf) != nil {
		return "", "", fmt.Errorf("%w: the certificate is not of this hub; enrol with a token", fault.Forbidden)
	}
	if edge, site, err = EdgeOf(leaf); err != nil {
		return "", "", err
	}
	switch end := leaf.NotAfter.Add(s.cfg.Grace); {
	case now.Before(leaf.NotBefore):
		return edge, site, fmt.Errorf("%w: the certificate of edge %s is not valid before %s; check the hub's clock", fault.Invalid, edge,
			leaf.NotBefore.UTC().Format(time.RFC3339))
	case !now.Before(end):
		return edge, site, fmt.Errorf("%w: the certificate of edge %s could be renewed until %s; enrol with a new token", fault.Forbidden, edge,
			end.UTC().Format(time.RFC3339))
	}
	return edge, site, nil
}

// proven checks that who asks has the certificate's key, and asks for that key.
func proven(leaf *x509.Certificate, q request, r Renewal) error {
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || keyHash(leaf) != q.spk {
		return fmt.Errorf("%w: the request is for another key than the certificate's; a new key takes a token", fault.Forbidden)
	}
	sum := sha256.Sum256(RenewalProof(r.Nonce, q.der))
	if !ecdsa.VerifyASN1(key, sum[:], r.Signature) {
		return fmt.Errorf("%w: the request is not signed by the certificate's key", fault.Forbidden)
	}
	return nil
}

// next decides on a renewal.
func (s *Service) next(held []Certificate, edge, site string, q request, now time.Time) (Certificate, Change, error) {
	if err := keyRevoked(held, q.spk); err != nil {
		return Certificate{}, Change{}, err
	}
	generation := s.cfg.CA.issuer().number
	for _, c := range held {
		fresh := now.Before(c.Issued.Add(sameAnswer)) && now.Before(c.NotAfter.Add(c.NotBefore.Sub(c.NotAfter)/3))
		if c.Key == q.spk && c.Generation == generation && fresh {
			return c, Change{}, nil
		}
	}
	c, err := s.cfg.CA.edge(edge, site, q.key, now, s.cfg.Life)
	return c, Change{Add: &c}, err
}

func (s *Service) answer(c Certificate) Issued {
	chain := certificatePEM(c.DER)
	for _, g := range s.cfg.CA.trusted() {
		if g.number == c.Generation {
			chain = append(chain, certificatePEM(g.issuing.Raw)...)
		}
	}
	return Issued{c, chain, s.cfg.CA.Trust(), s.cfg.Brokers}
}

func (s *Service) refuse(now time.Time, edge, from string, err error) (Issued, []Fact, error) {
	s.metrics.issued.WithLabelValues("refused").Inc()
	return Issued{}, []Fact{{At: now, Act: Refused, Edge: edge, From: from, Reason: err.Error()}}, err
}
