package tenant_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/secret"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/hub/tenant"
)

const password = "correct horse battery"

type wall struct{ t time.Time }

func (w *wall) now() time.Time          { return w.t }
func (w *wall) advance(d time.Duration) { w.t = w.t.Add(d) }

// house is a Service over a real database.
type house struct {
	*tenant.Service
	t     *testing.T
	clk   *wall
	store store.Tenant
	keys  *secret.Keyring
}

func open(t *testing.T) *house { return openWith(t, tenant.Options{}) }

func openWith(t *testing.T, opt tenant.Options) *house {
	t.Helper()
	clk := &wall{time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), clk.now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	keys, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	opt.Sealer = keys
	s, err := tenant.NewWith(store.Tenant{DB: db}, clk.now, opt)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{s, t, clk, store.Tenant{DB: db}, keys}
	h.user("anna", tenant.Operator)
	return h
}

// cheap is the hash of password at the least cost that there is: tests sign in hundreds of times.
func cheap() string {
	salt := []byte("salt of tests")
	key := argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)
	return fmt.Sprintf("$argon2id$v=19$m=8,t=1,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// user makes a user with the password that all have here.
func (h *house) user(name string, role tenant.Role) {
	h.t.Helper()
	u := tenant.User{Name: name, Kind: tenant.Local, Grants: tenant.Everywhere(role), Password: cheap(), Changed: h.clk.t}
	if err := h.store.PutUser(h.t.Context(), u, true, false); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) try(user, password, code, address string) error {
	_, _, err := h.Login(h.t.Context(), tenant.Credentials{User: user, Password: password, Code: code}, tenant.Visitor{Address: address})
	return err
}

func (h *house) login() (string, tenant.Session) {
	h.t.Helper()
	token, session, err := h.Login(h.t.Context(), tenant.Credentials{User: "anna", Password: password}, tenant.Visitor{Address: "10.0.0.1"})
	if err != nil {
		h.t.Fatal(err)
	}
	return token, session
}

func TestLoginOpensASessionThatIsKnownAgain(t *testing.T) {
	s := open(t)
	token, session := s.login()
	again, err := s.Session(t.Context(), token)
	if err != nil || !reflect.DeepEqual(again, session) {
		t.Fatalf("got %+v, %v; want %+v", again, err, session)
	}
	if session.User != "anna" || !session.Principal.Can(tenant.AlarmAnswer, "SZ1") || len(session.CSRF) < 40 || session.CSRF == token {
		t.Errorf("session %+v", session)
	}
	if other, _ := s.login(); other == token {
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
		"a wrong password":       {"anna", "correct horse bottery"},
		"an unknown user":        {"berta", password},
		"no password":            {"anna", ""},
		"a name out of rule":     {"anna' --", password},
		"a password too large":   {"anna", strings.Repeat("x", 10_000)},
		"a user who is kept out": {"doris", password},
		"a user of the provider": {"erna", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.user("doris", tenant.Viewer)
			s.user("root", tenant.Admin)
			if _, err := s.Disable(t.Context(), tenant.Principal{User: "root", Grants: tenant.Everywhere(tenant.Admin)}, "doris", true); err != nil {
				t.Fatal(err)
			}
			_, _, err := s.LoginExternal(t.Context(), tenant.Identity{Subject: "x|1", Name: "erna", Grants: tenant.Everywhere(tenant.Viewer)}, tenant.Visitor{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.try(c.user, c.password, "", "10.0.0.1"); !errors.Is(err, tenant.ErrCredentials) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSessionEnds(t *testing.T) {
	ctx := context.Background()
	root := tenant.Principal{User: "root", Grants: tenant.Everywhere(tenant.Admin)}
	for name, c := range map[string]struct {
		live func(*house, string)
		want error
	}{
		"not within the idle life":   {func(s *house, _ string) { s.clk.advance(tenant.IdleLife) }, nil},
		"after the idle life":        {func(s *house, _ string) { s.clk.advance(tenant.IdleLife + time.Second) }, tenant.ErrNoSession},
		"not while it is used":       {func(s *house, token string) { s.use(token, 13) }, nil},
		"after its life though used": {func(s *house, token string) { s.use(token, 15) }, tenant.ErrNoSession},
		"when its user's password changes": {
			func(s *house, _ string) { s.SetPassword(ctx, "anna", "another password") }, tenant.ErrNoSession,
		},
		"when its user is kept out": {func(s *house, _ string) { s.Disable(ctx, root, "anna", true) }, tenant.ErrNoSession},
		"when its user's grants change": {
			func(s *house, _ string) { s.SetGrants(ctx, root, "anna", tenant.Everywhere(tenant.Viewer)) }, tenant.ErrNoSession,
		},
		"when its user ends it by its id": {
			func(s *house, token string) { all, _ := s.Sessions(ctx, "anna"); s.EndSession(ctx, "anna", all[0].ID) }, tenant.ErrNoSession,
		},
		"when the same browser signs in again": {func(s *house, token string) {
			s.Login(ctx, tenant.Credentials{User: "anna", Password: password}, tenant.Visitor{Address: "10.0.0.1", Session: token})
		}, tenant.ErrNoSession},
		"not when another user tries to end it": {
			func(s *house, token string) { all, _ := s.Sessions(ctx, "anna"); s.EndSession(ctx, "root", all[0].ID) }, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.user("root", tenant.Admin)
			token, _ := s.login()
			c.live(s, token)
			if _, err := s.Session(ctx, token); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func (h *house) use(token string, halfDays int) {
	for range halfDays {
		h.clk.advance(12 * time.Hour)
		h.Session(h.t.Context(), token)
	}
}

func TestEnsureAdminMakesTheFirstUserOnly(t *testing.T) {
	clk := &wall{time.Now()}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), clk.now, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := tenant.NewWith(store.Tenant{DB: db}, clk.now, tenant.Options{ChangeMade: true})
	if err != nil {
		t.Fatal(err)
	}
	name, made, err := s.EnsureAdmin(t.Context())
	if err != nil || name != "admin" || len(made) < 20 {
		t.Fatalf("got %q, %q, %v", name, made, err)
	}
	c := tenant.Credentials{User: name, Password: made}
	_, session, err := s.Login(t.Context(), c, tenant.Visitor{Address: "::1"})
	if err != nil || !session.Principal.Can(tenant.UserManage, "") || session.Must != tenant.MustPassword {
		t.Errorf("sign-in of the first user: %+v, %v", session, err)
	}
	_, session, err = s.ChangePassword(t.Context(), c, "my own long password", tenant.Visitor{Address: "::1"})
	if err != nil || session.Must != tenant.MustNothing {
		t.Errorf("after the password was changed: %+v, %v", session, err)
	}
	if _, again, err := s.EnsureAdmin(t.Context()); again != "" || err != nil {
		t.Errorf("second start: %q, %v", again, err)
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
