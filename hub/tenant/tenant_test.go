package tenant_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/hub/tenant"
)

const password = "correct horse battery"

type wall struct{ t time.Time }

func (w *wall) now() time.Time          { return w.t }
func (w *wall) advance(d time.Duration) { w.t = w.t.Add(d) }

func open(t *testing.T) (*tenant.Service, *wall) {
	t.Helper()
	clk := &wall{time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), clk.now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := tenant.New(store.Tenant{DB: db}, clk.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutUser(t.Context(), "Anna", password, tenant.Operator); err != nil {
		t.Fatal(err)
	}
	return s, clk
}

func login(t *testing.T, s *tenant.Service) (string, tenant.Session) {
	t.Helper()
	token, session, err := s.Login(t.Context(), "anna", password, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return token, session
}

func TestLoginOpensASessionThatIsKnownAgain(t *testing.T) {
	s, _ := open(t)
	token, session := login(t, s)
	again, err := s.Session(t.Context(), token)
	if err != nil || again != session {
		t.Fatalf("got %+v, %v; want %+v", again, err, session)
	}
	if session.User != "anna" || session.Role != tenant.Operator || len(session.CSRF) < 40 || session.CSRF == token {
		t.Errorf("session %+v", session)
	}
	if other, _ := login(t, s); other == token {
		t.Error("two sign-ins gave one token")
	}
	if err := s.Logout(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(t.Context(), token); !errors.Is(err, tenant.ErrNoSession) {
		t.Errorf("after sign-out: %v", err)
	}
}

func TestLoginRefuses(t *testing.T) {
	for name, c := range map[string]struct{ user, password string }{
		"a wrong password":     {"anna", "correct horse bottery"},
		"an unknown user":      {"berta", password},
		"no password":          {"anna", ""},
		"a name out of rule":   {"anna' --", password},
		"a password too large": {"anna", strings.Repeat("x", 10_000)},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t)
			if _, _, err := s.Login(t.Context(), c.user, c.password, "10.0.0.1"); !errors.Is(err, tenant.ErrCredentials) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSessionEnds(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		live func(*tenant.Service, *wall, string)
		want error
	}{
		"not within the idle life": {func(s *tenant.Service, w *wall, _ string) { w.advance(tenant.IdleLife) }, nil},
		"after the idle life": {
			func(s *tenant.Service, w *wall, _ string) { w.advance(tenant.IdleLife + time.Second) }, tenant.ErrNoSession,
		},
		"not while it is used": {func(s *tenant.Service, w *wall, token string) {
			for range 13 {
				w.advance(12 * time.Hour)
				s.Session(ctx, token)
			}
		}, nil},
		"after the absolute life though used": {func(s *tenant.Service, w *wall, token string) {
			for range 15 {
				w.advance(12 * time.Hour)
				s.Session(ctx, token)
			}
		}, tenant.ErrNoSession},
		"when its user's password changes": {func(s *tenant.Service, w *wall, token string) {
			s.SetPassword(ctx, "anna", "another password")
		}, tenant.ErrNoSession},
	} {
		t.Run(name, func(t *testing.T) {
			s, clk := open(t)
			token, _ := login(t, s)
			c.live(s, clk, token)
			if _, err := s.Session(ctx, token); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestFailedSignInsAreLimitedPerUserAndAddress(t *testing.T) {
	s, clk := open(t)
	guess := func(user, address string) error {
		_, _, err := s.Login(t.Context(), user, "a wrong guess", address)
		return err
	}
	for range 5 {
		if err := guess("anna", "10.0.0.1"); !errors.Is(err, tenant.ErrCredentials) {
			t.Fatalf("got %v", err)
		}
	}
	if _, _, err := s.Login(t.Context(), "anna", password, "10.0.0.1"); !errors.Is(err, tenant.ErrTooMany) {
		t.Errorf("the sixth: %v; the right password must not help a guesser", err)
	}
	if _, _, err := s.Login(t.Context(), "anna", password, "10.0.0.2"); err != nil {
		t.Errorf("from elsewhere: %v; a guesser must not lock the user out", err)
	}
	clk.advance(15*time.Minute + time.Second)
	if _, _, err := s.Login(t.Context(), "anna", password, "10.0.0.1"); err != nil {
		t.Errorf("a quarter of an hour later: %v", err)
	}
}

func TestFailedSignInsAreLimitedPerAddressOverAllUsers(t *testing.T) {
	s, _ := open(t)
	var last error
	for i := range 31 {
		_, _, last = s.Login(t.Context(), "user"+string(rune('a'+i%26))+string(rune('a'+i/26)), "a wrong guess", "10.0.0.1")
	}
	if !errors.Is(last, tenant.ErrTooMany) {
		t.Errorf("the 31st: %v", last)
	}
}

func TestSuccessForgetsFailures(t *testing.T) {
	s, _ := open(t)
	for range 3 {
		for range 4 {
			s.Login(t.Context(), "anna", "a wrong guess", "10.0.0.1")
		}
		login(t, s)
	}
}

func TestEnsureAdminMakesTheFirstUserOnly(t *testing.T) {
	clk := &wall{time.Now()}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), clk.now, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := tenant.New(store.Tenant{DB: db}, clk.now)
	if err != nil {
		t.Fatal(err)
	}
	name, secret, err := s.EnsureAdmin(t.Context())
	if err != nil || name != "admin" || len(secret) < 20 {
		t.Fatalf("got %q, %q, %v", name, secret, err)
	}
	if _, session, err := s.Login(t.Context(), name, secret, "::1"); err != nil || session.Role != tenant.Admin {
		t.Errorf("sign-in of the first user: %+v, %v", session, err)
	}
	if _, secret, err := s.EnsureAdmin(t.Context()); secret != "" || err != nil {
		t.Errorf("second start: %q, %v", secret, err)
	}
}

func TestPasswordHash(t *testing.T) {
	hash, err := tenant.HashPassword(password)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("got %q, %v", hash, err)
	}
	if again, _ := tenant.HashPassword(password); again == hash {
		t.Error("two hashes of one password are equal: no salt")
	}
	// Made with argon2's reference program: other parameters than ours must stay readable.
	const foreign = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, err := tenant.CheckPassword(foreign, "password"); !ok || err != nil {
		t.Errorf("reference vector: %v, %v", ok, err)
	}
	for _, bad := range []string{"", "password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA", "$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$" + strings.Repeat("A", 43)} {
		if ok, err := tenant.CheckPassword(bad, "password"); ok || err == nil {
			t.Errorf("hash %q: %v, %v; want an error", bad, ok, err)
		}
	}
	if _, err := tenant.HashPassword("short"); !errors.Is(err, fault.Invalid) {
		t.Errorf("short password: %v", err)
	}
}
