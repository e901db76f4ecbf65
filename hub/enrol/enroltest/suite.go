// Package enroltest is what every enrol.Store must do, and one that lives in memory.
package enroltest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
)

// at is the moment by which the suite counts; a store keeps its milliseconds.
var at = time.Date(2026, 11, 23, 8, 0, 0, 123_000_000, time.UTC)

// Run tests a store; open gives an empty one.
func Run(t *testing.T, open func(t *testing.T) enrol.Store) {
	for name, test := range map[string]func(*testing.T, enrol.Store){
		"a token comes back as it was kept":                 token,
		"a token's hash is kept once":                       sameHash,
		"tokens and certificates are the newest first":      order,
		"an unknown token is not redeemed":                  unknown,
		"what decide refuses changes nothing":               refused,
		"redeeming keeps token, certificate, revocations":   redeemed,
		"of many who redeem at once one wins":               race,
		"of two tokens for an edge the second sees first":   twoTokens,
		"update keeps a certificate of an edge that is new": updated,
		"a revocation is kept once":                         revokedOnce,
		"what expired is forgotten and revocations stay":    forgotten,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func newToken(n byte) enrol.Token {
	return enrol.Token{
		Hash: [32]byte{n, 0xff}, Edge: "SZ1-E1", Site: "SZ1", Replace: n%2 == 0, By: "admin", Made: at.Add(time.Duration(n) * time.Second),
		Expires: at.Add(24 * time.Hour),
	}
}

func newCertificate(n byte, edge string) enrol.Certificate {
	return enrol.Certificate{
		Serial: fmt.Sprintf("%032x", n), Edge: edge, Site: "SZ1", Key: [32]byte{n, 0x80}, Generation: 3, DER: []byte{0x30, 0, n},
		NotBefore: at.Add(-10 * time.Minute), NotAfter: at.Add(90 * 24 * time.Hour), Issued: at.Add(time.Duration(n) * time.Second),
	}
}

// revoked is a certificate as it is when it was revoked.
func revoked(c enrol.Certificate, reason string) enrol.Certificate {
	c.Revoked, c.Reason = at, reason
	return c
}

func add(t *testing.T, s enrol.Store, tokens ...enrol.Token) {
	t.Helper()
	for _, v := range tokens {
		must(t, s.AddToken(t.Context(), v))
	}
}

func put(t *testing.T, s enrol.Store, c enrol.Change, edge string) {
	t.Helper()
	must(t, s.Update(t.Context(), edge, func([]enrol.Certificate) (enrol.Change, error) { return c, nil }))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func tokens(t *testing.T, s enrol.Store) []enrol.Token {
	t.Helper()
	list, err := s.Tokens(t.Context())
	must(t, err)
	return list
}

func certificates(t *testing.T, s enrol.Store, edge string) []enrol.Certificate {
	t.Helper()
	list, err := s.Certificates(t.Context(), edge)
	must(t, err)
	return list
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func token(t *testing.T, s enrol.Store) {
	want := newToken(1)
	add(t, s, want)
	equal(t, "tokens", tokens(t, s), []enrol.Token{want})
}

func sameHash(t *testing.T, s enrol.Store) {
	add(t, s, newToken(1))
	if err := s.AddToken(t.Context(), newToken(1)); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
}

func order(t *testing.T, s enrol.Store) {
	add(t, s, newToken(1), newToken(2))
	equal(t, "tokens", tokens(t, s), []enrol.Token{newToken(2), newToken(1)})
	a, b, other := newCertificate(1, "SZ1-E1"), newCertificate(2, "SZ1-E1"), newCertificate(3, "SZ1-E2")
	for _, c := range []enrol.Certificate{a, b, other} {
		put(t, s, enrol.Change{Add: &c}, c.Edge)
	}
	equal(t, "certificates of one", certificates(t, s, "SZ1-E1"), []enrol.Certificate{b, a})
	equal(t, "all certificates", certificates(t, s, ""), []enrol.Certificate{other, b, a})
}

func unknown(t *testing.T, s enrol.Store) {
	err := s.Redeem(t.Context(), [32]byte{9}, func(enrol.Token, []enrol.Certificate) (enrol.Change, error) {
		t.Error("decide was asked")
		return enrol.Change{}, nil
	})
	if !errors.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}

func refused(t *testing.T, s enrol.Store) {
	add(t, s, newToken(1))
	no := errors.New("no")
	c := newCertificate(1, "SZ1-E1")
	err := s.Redeem(t.Context(), newToken(1).Hash, func(v enrol.Token, _ []enrol.Certificate) (enrol.Change, error) {
		v.Used = at
		return enrol.Change{Add: &c, Token: &v}, no
	})
	if !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	if err := s.Update(t.Context(), "SZ1-E1", func([]enrol.Certificate) (enrol.Change, error) { return enrol.Change{Add: &c}, no }); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	equal(t, "tokens", tokens(t, s), []enrol.Token{newToken(1)})
	if list := certificates(t, s, ""); len(list) != 0 {
		t.Errorf("kept %v", list)
	}
}

func redeemed(t *testing.T, s enrol.Store) {
	add(t, s, newToken(1))
	old, foreign, next := newCertificate(1, "SZ1-E1"), newCertificate(2, "SZ1-E2"), newCertificate(3, "SZ1-E1")
	put(t, s, enrol.Change{Add: &old}, "SZ1-E1")
	put(t, s, enrol.Change{Add: &foreign}, "SZ1-E2")
	want := newToken(1)
	want.Used, want.Serial = at.Add(time.Hour), next.Serial
	err := s.Redeem(t.Context(), want.Hash, func(v enrol.Token, held []enrol.Certificate) (enrol.Change, error) {
		equal(t, "the token", v, newToken(1))
		equal(t, "what the edge holds", held, []enrol.Certificate{old})
		v.Used, v.Serial = want.Used, want.Serial
		return enrol.Change{Add: &next, Token: &v, Revoke: []enrol.Certificate{revoked(old, "replaced")}}, nil
	})
	must(t, err)
	old = revoked(old, "replaced")
	equal(t, "tokens", tokens(t, s), []enrol.Token{want})
	equal(t, "certificates", certificates(t, s, ""), []enrol.Certificate{next, foreign, old})
	list, err := s.Revoked(t.Context())
	must(t, err)
	equal(t, "revoked", list, []enrol.Certificate{old})
}

// use redeems a token as a Service would: once, and for an edge that has no certificate.
func use(ctx context.Context, s enrol.Store, hash [32]byte, c enrol.Certificate) error {
	return s.Redeem(ctx, hash, func(v enrol.Token, held []enrol.Certificate) (enrol.Change, error) {
		if !v.Used.IsZero() || len(held) > 0 {
			return enrol.Change{}, fault.Conflict
		}
		v.Used, v.Serial = at, c.Serial
		return enrol.Change{Add: &c, Token: &v}, nil
	})
}

func race(t *testing.T, s enrol.Store) {
	add(t, s, newToken(1))
	const many = 8
	won := compete(t, many, func(n byte) error { return use(t.Context(), s, newToken(1).Hash, newCertificate(n, "SZ1-E1")) })
	list := certificates(t, s, "")
	if won != 1 || len(list) != 1 || tokens(t, s)[0].Serial != list[0].Serial {
		t.Errorf("%d of %d won; kept %v", won, many, list)
	}
}

func twoTokens(t *testing.T, s enrol.Store) {
	const many = 8
	for n := range byte(many) {
		add(t, s, newToken(n))
	}
	won := compete(t, many, func(n byte) error { return use(t.Context(), s, newToken(n).Hash, newCertificate(n, "SZ1-E1")) })
	if list := certificates(t, s, ""); won != 1 || len(list) != 1 {
		t.Errorf("%d of %d won; kept %v", won, many, list)
	}
}

// compete runs many at once and counts those that do not fail with fault.Conflict.
func compete(t *testing.T, many byte, run func(n byte) error) (won int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			err := run(n)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return won
}

func updated(t *testing.T, s enrol.Store) {
	c := newCertificate(1, "SZ1-E1")
	must(t, s.Update(t.Context(), "SZ1-E1", func(held []enrol.Certificate) (enrol.Change, error) {
		if len(held) != 0 {
			t.Errorf("an edge that is new has %v", held)
		}
		return enrol.Change{Add: &c}, nil
	}))
	equal(t, "certificates", certificates(t, s, "SZ1-E1"), []enrol.Certificate{c})
	put(t, s, enrol.Change{}, "SZ1-E1")
	equal(t, "certificates after no change", certificates(t, s, "SZ1-E1"), []enrol.Certificate{c})
}

func revokedOnce(t *testing.T, s enrol.Store) {
	c := newCertificate(1, "SZ1-E1")
	put(t, s, enrol.Change{Add: &c}, "SZ1-E1")
	for i, reason := range []string{"stolen", "again"} {
		r := revoked(c, reason)
		r.Revoked = at.Add(time.Duration(i) * time.Hour)
		put(t, s, enrol.Change{Revoke: []enrol.Certificate{r}}, "SZ1-E1")
	}
	equal(t, "certificates", certificates(t, s, ""), []enrol.Certificate{revoked(c, "stolen")})
}

func forgotten(t *testing.T, s enrol.Store) {
	old, fresh := newToken(1), newToken(2)
	old.Expires = at.Add(time.Hour)
	add(t, s, old, fresh)
	must(t, s.ForgetTokens(t.Context(), at.Add(2*time.Hour)))
	equal(t, "tokens", tokens(t, s), []enrol.Token{fresh})
	over, ended, valid := newCertificate(1, "SZ1-E1"), newCertificate(2, "SZ1-E1"), newCertificate(3, "SZ1-E1")
	over.NotAfter, ended.NotAfter = at, at
	for _, c := range []enrol.Certificate{over, ended, valid} {
		put(t, s, enrol.Change{Add: &c}, c.Edge)
	}
	ended = revoked(ended, "stolen")
	put(t, s, enrol.Change{Revoke: []enrol.Certificate{ended}}, "SZ1-E1")
	must(t, s.ForgetCertificates(t.Context(), at.Add(time.Hour)))
	equal(t, "certificates", certificates(t, s, ""), []enrol.Certificate{valid, ended})
}
