package tenant_test

import (
	"context"
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
)

// The last six digits of the codes in RFC 6238, appendix B, for SHA-1.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := tenant.CodeAt([]byte("12345678901234567890"), tenant.StepOf(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// enrol sets up anna's authenticator, and gives what makes its codes, and the recovery codes.
func (h *house) enrol() (code func(time.Duration) string, recovery []string) {
	h.t.Helper()
	e, err := h.BeginFactor(h.t.Context(), "anna")
	if err != nil {
		h.t.Fatal(err)
	}
	u, err := url.Parse(e.URI)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Tallydock:anna" || u.Query().Get("secret") != e.Secret ||
		u.Query().Get("issuer") != "Tallydock" || u.Query().Get("algorithm") != "SHA1" {
		h.t.Fatalf("URI %s: %v", e.URI, err)
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret)
	if err != nil || len(raw) != 20 {
		h.t.Fatalf("secret %q: %v", e.Secret, err)
	}
	code = func(off time.Duration) string { return tenant.CodeAt(raw, tenant.StepOf(h.clk.t.Add(off))) }
	if err := h.try("anna", password, "", "10.0.0.1"); err != nil {
		h.t.Fatalf("an authenticator that is not confirmed counts already: %v", err)
	}
	if recovery, err = h.ConfirmFactor(h.t.Context(), "anna", code(0)); err != nil || len(recovery) != 10 {
		h.t.Fatalf("%v, %v", recovery, err)
	}
	return code, recovery
}

func TestAuthenticator(t *testing.T) {
	type door = func(code func(time.Duration) string, recovery []string) string
	for name, c := range map[string]struct {
		code   door
		before func(*house, func(time.Duration) string, []string)
		want   error
	}{
		"no code":                   {code: func(func(time.Duration) string, []string) string { return "" }, want: tenant.ErrNeedsCode},
		"the next code":             {code: func(c func(time.Duration) string, _ []string) string { return c(30 * time.Second) }},
		"the code of the enrolment": {code: func(c func(time.Duration) string, _ []string) string { return c(0) }, want: tenant.ErrCode},
		"one from before it":        {code: func(c func(time.Duration) string, _ []string) string { return c(-30 * time.Second) }, want: tenant.ErrCode},
		"one too early":             {code: func(c func(time.Duration) string, _ []string) string { return c(time.Minute) }, want: tenant.ErrCode},
		"no digits":                 {code: func(func(time.Duration) string, []string) string { return "abcdef" }, want: tenant.ErrCode},
		"a recovery code":           {code: func(_ func(time.Duration) string, r []string) string { return strings.ToUpper(r[3]) }},
		"a code of spaces":          {code: func(func(time.Duration) string, []string) string { return "      " }, want: tenant.ErrCode},
		"a recovery code again": {
			code:   func(_ func(time.Duration) string, r []string) string { return r[3] },
			before: func(h *house, _ func(time.Duration) string, r []string) { h.try("anna", password, r[3], "10.0.0.1") },
			want:   tenant.ErrCode,
		},
		"a code again within its window": {
			code: func(c func(time.Duration) string, _ []string) string { return c(30 * time.Second) },
			before: func(h *house, c func(time.Duration) string, _ []string) {
				h.try("anna", password, c(30*time.Second), "10.0.0.1")
			},
			want: tenant.ErrCode,
		},
		"an older code after a newer one": {
			code: func(c func(time.Duration) string, _ []string) string { return c(-30 * time.Second) },
			before: func(h *house, c func(time.Duration) string, _ []string) {
				h.clk.advance(5 * time.Minute)
				h.try("anna", password, c(0), "10.0.0.1")
			},
			want: tenant.ErrCode,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			code, recovery := h.enrol()
			if c.before != nil {
				c.before(h, code, recovery)
			}
			if err := h.try("anna", password, c.code(code, recovery), "10.0.0.1"); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestACodeLetsInOneOfManyAtOnce(t *testing.T) {
	h := open(t)
	code, _ := h.enrol()
	one := code(30 * time.Second)
	var group sync.WaitGroup
	let := make(chan bool, 4)
	for range 4 {
		group.Go(func() { let <- h.try("anna", password, one, "10.0.0.1") == nil })
	}
	group.Wait()
	close(let)
	n := 0
	for in := range let {
		if in {
			n++
		}
	}
	if n != 1 {
		t.Errorf("one code let %d in", n)
	}
}

func TestCodesAreGuessedNoMoreThanPasswords(t *testing.T) {
	h := open(t)
	h.enrol()
	var last error
	for range 6 {
		last = h.try("anna", password, "000000", "10.0.0.1")
	}
	if !errors.Is(last, tenant.ErrTooMany) {
		t.Errorf("the sixth guess of a code: %v", last)
	}
}

func TestAWrongPasswordDoesNotTellOfAnAuthenticator(t *testing.T) {
	h := open(t)
	h.enrol()
	if err := h.try("anna", "a wrong guess", "", "10.0.0.1"); !errors.Is(err, tenant.ErrCredentials) || errors.Is(err, tenant.ErrNeedsCode) {
		t.Errorf("got %v", err)
	}
}

func TestASecretInAnotherUsersPlaceDoesNotOpen(t *testing.T) {
	h := open(t)
	code, _ := h.enrol()
	h.user("mallory", tenant.Viewer)
	f, err := h.store.Factor(t.Context(), "anna")
	if err != nil || strings.Contains(string(f.Secret), code(0)) {
		t.Fatal(err)
	}
	f.User = "mallory"
	if err := h.store.PutFactor(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.try("mallory", password, code(30*time.Second), "10.0.0.1"); err == nil {
		t.Error("an authenticator that was copied to another user let that one in")
	}
}

func TestARoleThatNeedsAnAuthenticatorMustSetOneUp(t *testing.T) {
	h := openWith(t, tenant.Options{FactorRoles: []tenant.Role{tenant.Operator}})
	token, session := h.login()
	if session.Must != tenant.MustFactor {
		t.Errorf("session %+v", session)
	}
	h.enrol()
	if session, err := h.Session(t.Context(), token); err != nil || session.Must != tenant.MustNothing {
		t.Errorf("afterwards %+v, %v", session, err)
	}
}

func TestAuthenticatorIsRemovedAndReset(t *testing.T) {
	ctx := context.Background()
	h := open(t)
	code, recovery := h.enrol()
	at := tenant.Visitor{Address: "10.0.0.1"}
	for _, c := range []tenant.Credentials{{User: "anna", Password: "a wrong guess", Code: code(30 * time.Second)}, {User: "anna", Password: password, Code: "000000"}} {
		if err := h.RemoveFactor(ctx, c, at); err == nil {
			t.Errorf("removed by %+v", c)
		}
	}
	if _, err := h.BeginFactor(ctx, "anna"); !errors.Is(err, fault.Conflict) {
		t.Errorf("another one in its place: %v", err)
	}
	if _, err := h.ConfirmFactor(ctx, "anna", code(30*time.Second)); !errors.Is(err, fault.Conflict) {
		t.Errorf("confirmed again: %v", err)
	}
	if err := h.RemoveFactor(ctx, tenant.Credentials{User: "anna", Password: password, Code: recovery[0]}, at); err != nil {
		t.Error(err)
	}
	h.login()
	h.enrol()
	root := tenant.Principal{User: "root", Grants: tenant.Everywhere(tenant.Admin)}
	if err := h.ResetFactor(ctx, tenant.Principal{User: "sneak", Grants: tenant.Everywhere(tenant.Viewer)}, "anna"); !errors.Is(err, fault.Forbidden) {
		t.Errorf("by one who may less: %v", err)
	}
	if err := h.ResetFactor(ctx, root, "anna"); err != nil {
		t.Error(err)
	}
	h.login()
}
