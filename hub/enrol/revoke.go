package enrol

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Target is what to revoke: all of an edge, or the key of one certificate.
type Target struct {
	Edge   string
	Serial string
}

// Revoke ends certificates at once: who connects with them is cut off, and none of their keys is ever taken again. Error:
// fault.NotFound where the target has none that could still be used.
func (s *Service) Revoke(ctx context.Context, t Target, reason, by string) ([]Fact, error) {
	now := s.cfg.Now()
	match := func(Certificate) bool { return true }
	if t.Edge == "" {
		found, err := s.find(ctx, t.Serial)
		if err != nil {
			return nil, err
		}
		t.Edge, match = found.Edge, func(c Certificate) bool { return c.Key == found.Key }
	}
	var ended []Certificate
	err := s.cfg.Store.Update(ctx, t.Edge, func(held []Certificate) (Change, error) {
		ended = nil
		for _, c := range revoked(s.alive(held, now), now, reason) {
			if match(c) {
				ended = append(ended, c)
			}
		}
		if len(ended) == 0 {
			return Change{}, fmt.Errorf("%w: edge %s has no certificate that could still be used", fault.NotFound, t.Edge)
		}
		return Change{Revoke: ended}, nil
	})
	if err != nil {
		return nil, err
	}
	facts := s.ended(ended, now)
	for i := range facts {
		facts[i].By = by
	}
	return facts, nil
}

func (s *Service) find(ctx context.Context, serial string) (Certificate, error) {
	all, err := s.cfg.Store.Certificates(ctx, "")
	if err != nil {
		return Certificate{}, fmt.Errorf("cannot look for certificate %s: %w", serial, err)
	}
	for _, c := range all {
		if c.Serial == serial {
			return c, nil
		}
	}
	return Certificate{}, fmt.Errorf("%w: no certificate has the serial number %q", fault.NotFound, serial)
}

// revoked gives certificates as they are when they are revoked.
func revoked(list []Certificate, at time.Time, reason string) []Certificate {
	out := slices.Clone(list)
	for i := range out {
		out[i].Revoked, out[i].Reason = at, reason
	}
	return out
}

// ended makes revocations count, and says so. They are in the store already.
func (s *Service) ended(list []Certificate, now time.Time) (facts []Fact) {
	for _, c := range list {
		facts = append(facts, Fact{At: now, Act: Revoked, Edge: c.Edge, Site: c.Site, Serial: c.Serial, Reason: c.Reason})
	}
	s.note(list)
	return facts
}

// note adds keys to those that are revoked, and says so where there is a new one.
func (s *Service) note(list []Certificate) {
	s.mu.Lock()
	fresh := false
	for _, c := range list {
		fresh = fresh || !s.revoked[c.Key]
		s.revoked[c.Key] = true
	}
	s.mu.Unlock()
	if fresh && s.cfg.Changed != nil {
		s.cfg.Changed()
	}
}

// refresh reads what is revoked. Nothing that was revoked once is let in again, whatever the store says later.
func (s *Service) refresh(ctx context.Context) error {
	list, err := s.cfg.Store.Revoked(ctx)
	if err != nil {
		return fmt.Errorf("cannot read which certificates are revoked: %w", err)
	}
	s.note(list)
	return nil
}

// Revoked tells whether the key of a certificate is revoked. It asks memory only.
func (s *Service) Revoked(leaf *x509.Certificate) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.revoked[keyHash(leaf)]
}

// Identify gives the edge whose certificate this is, which TLS has verified. Error: fault.Forbidden where it is not an
// edge's, not valid now, or revoked.
func (s *Service) Identify(leaf *x509.Certificate) (edge string, err error) {
	if edge, _, err = EdgeOf(leaf); err != nil {
		return "", err
	}
	serial, now := SerialText(leaf.SerialNumber), s.cfg.Now()
	switch {
	case s.Revoked(leaf):
		return "", fmt.Errorf("%w: certificate %s of edge %s is revoked", fault.Forbidden, serial, edge)
	case now.After(leaf.NotAfter) || now.Before(leaf.NotBefore):
		return "", fmt.Errorf("%w: certificate %s of edge %s is valid from %s to %s", fault.Forbidden, serial, edge,
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return edge, nil
}

// RevocationLists is that of the CA, for brokers outside. They take it for life.
func (s *Service) RevocationLists(ctx context.Context, life time.Duration) ([]byte, error) {
	list, err := s.cfg.Store.Revoked(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read which certificates are revoked: %w", err)
	}
	return s.cfg.CA.RevocationLists(list, s.cfg.Now(), life)
}
