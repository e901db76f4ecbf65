package enroltest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
)

// Memory is an enrol.Store that forgets all when the program ends.
type Memory struct {
	mu           sync.Mutex
	tokens       []enrol.Token       // oldest first
	certificates []enrol.Certificate // oldest first
}

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{} }

// AddToken implements enrol.Tokens.
func (m *Memory) AddToken(_ context.Context, t enrol.Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.token(t.Hash) >= 0 {
		return fmt.Errorf("%w: token %s is there already", fault.Conflict, t.ID())
	}
	t.Made, t.Expires, t.Used = t.Made.UTC(), t.Expires.UTC(), t.Used.UTC()
	m.tokens = append(m.tokens, t)
	return nil
}

func (m *Memory) token(hash [32]byte) int {
	return slices.IndexFunc(m.tokens, func(t enrol.Token) bool { return t.Hash == hash })
}

// Tokens implements enrol.Tokens.
func (m *Memory) Tokens(context.Context) ([]enrol.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Clone(m.tokens)
	slices.Reverse(list)
	return list, nil
}

// Redeem implements enrol.Tokens.
func (m *Memory) Redeem(_ context.Context, hash [32]byte, decide func(enrol.Token, []enrol.Certificate) (enrol.Change, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.token(hash)
	if i < 0 {
		return fmt.Errorf("%w: no token has this hash", fault.NotFound)
	}
	c, err := decide(m.tokens[i], m.of(m.tokens[i].Edge))
	if err != nil {
		return err
	}
	if c.Token != nil {
		m.tokens[i].Used, m.tokens[i].Serial = c.Token.Used.UTC(), c.Token.Serial
	}
	m.keep(c)
	return nil
}

// ForgetTokens implements enrol.Tokens.
func (m *Memory) ForgetTokens(_ context.Context, before time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens = slices.DeleteFunc(m.tokens, func(t enrol.Token) bool { return t.Expires.Before(before) })
	return nil
}

// Certificates implements enrol.Certificates.
func (m *Memory) Certificates(_ context.Context, edge string) ([]enrol.Certificate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(edge), nil
}

// Revoked implements enrol.Certificates.
func (m *Memory) Revoked(context.Context) ([]enrol.Certificate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(m.of(""), func(c enrol.Certificate) bool { return c.Revoked.IsZero() }), nil
}

// Update implements enrol.Certificates.
func (m *Memory) Update(_ context.Context, edge string, decide func([]enrol.Certificate) (enrol.Change, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := decide(m.of(edge))
	if err == nil {
		m.keep(c)
	}
	return err
}

// ForgetCertificates implements enrol.Certificates.
func (m *Memory) ForgetCertificates(_ context.Context, before time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.certificates = slices.DeleteFunc(m.certificates, func(c enrol.Certificate) bool {
		return c.Revoked.IsZero() && c.NotAfter.Before(before)
	})
	return nil
}

// of lists an edge's certificates, or all, the newest first.
func (m *Memory) of(edge string) (list []enrol.Certificate) {
	for _, c := range slices.Backward(m.certificates) {
		if edge == "" || c.Edge == edge {
			list = append(list, c)
		}
	}
	return list
}

func (m *Memory) keep(c enrol.Change) {
	for _, r := range c.Revoke {
		for i := range m.certificates {
			if held := &m.certificates[i]; held.Serial == r.Serial && held.Revoked.IsZero() {
				held.Revoked, held.Reason = r.Revoked.UTC(), r.Reason
			}
		}
	}
	if c.Add != nil {
		add := *c.Add
		add.NotBefore, add.NotAfter, add.Issued = add.NotBefore.UTC(), add.NotAfter.UTC(), add.Issued.UTC()
		m.certificates = append(m.certificates, add)
	}
}
