package tenant_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
)

func (h *house) principal(name string) tenant.Principal {
	h.t.Helper()
	u, err := h.User(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return tenant.Principal{User: u.Name, Grants: u.Grants}
}

func (h *house) token(w tenant.TokenWish) (string, tenant.Token) {
	h.t.Helper()
	text, k, err := h.MakeToken(h.t.Context(), h.principal("anna"), w)
	if err != nil {
		h.t.Fatal(err)
	}
	return text, k
}

var reading = tenant.TokenWish{Name: "dashboard", Scopes: []tenant.Permission{tenant.StockRead, tenant.AlarmAnswer}, Life: time.Hour}

func TestATokenActsForItsUser(t *testing.T) {
	h := open(t)
	text, k := h.token(reading)
	if len(text) != 4+27+6 || !strings.HasPrefix(text, "tdk_") || strings.Contains(text, k.ID) {
		t.Fatalf("token %q, id %s", text, k.ID)
	}
	s, err := h.ByToken(t.Context(), text)
	if err != nil || s.User != "anna" || s.Principal.Token != k.ID || s.CSRF != "" {
		t.Fatalf("got %+v, %v", s, err)
	}
	for p, want := range map[tenant.Permission]bool{tenant.StockRead: true, tenant.AlarmAnswer: true, tenant.AlarmRead: false, tenant.UserManage: false} {
		if got := s.Principal.Can(p, "SZ1"); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	h.clk.advance(3*time.Minute + 7*time.Second)
	if _, err := h.ByToken(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	all, err := h.Tokens(t.Context(), "anna")
	if err != nil || len(all) != 1 || !all[0].Used.Equal(h.clk.t.Truncate(time.Minute)) || all[0].Hash != k.Hash {
		t.Errorf("listed %+v, %v", all, err)
	}
}

func TestTokensThatDoNotCount(t *testing.T) {
	ctx := context.Background()
	root := tenant.Principal{User: "root", Grants: tenant.Everywhere(tenant.Admin)}
	for name, spoil := range map[string]func(h *house, text string, k tenant.Token) string{
		"expired": func(h *house, text string, _ tenant.Token) string { h.clk.advance(time.Hour); return text },
		"revoked": func(h *house, text string, k tenant.Token) string {
			if err := h.RevokeToken(ctx, h.principal("anna"), k.ID, "anna"); err != nil {
				h.t.Fatal(err)
			}
			return text
		},
		"of a user who is kept out": func(h *house, text string, _ tenant.Token) string {
			h.user("root", tenant.Admin)
			if _, err := h.Disable(ctx, root, "anna", true); err != nil {
				h.t.Fatal(err)
			}
			return text
		},
		"with a letter changed":     func(_ *house, text string, _ tenant.Token) string { return strings.Map(swap, text) },
		"with a wrong checksum":     func(_ *house, text string, _ tenant.Token) string { return text[:len(text)-1] + "!" },
		"cut off":                   func(_ *house, text string, _ tenant.Token) string { return text[:len(text)-6] },
		"its id":                    func(_ *house, _ string, k tenant.Token) string { return k.ID },
		"the token of a session":    func(h *house, _ string, _ tenant.Token) string { token, _ := h.login(); return token },
		"nothing":                   func(*house, string, tenant.Token) string { return "" },
		"a million letters":         func(*house, string, tenant.Token) string { return "tdk_" + strings.Repeat("a", 1_000_000) },
		"a made-up one of its kind": func(*house, string, tenant.Token) string { return "tdk_000000000000000000000000000000000" },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			text, k := h.token(reading)
			if _, err := h.ByToken(ctx, spoil(h, text, k)); !errors.Is(err, tenant.ErrNoToken) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func swap(r rune) rune {
	switch r {
	case 'a':
		return 'b'
	case '1':
		return '2'
	case 'Z':
		return 'Y'
	case 'e', 'g', 'i', 'o':
		return 'x'
	case 'E', 'G', 'I', 'O':
		return 'X'
	}
	return r
}

func TestATokenIsNoMoreThanItsMaker(t *testing.T) {
	h := open(t)
	if err := h.PutGrants(t.Context(), "anna", password, tenant.Grants{{Role: tenant.Operator, Site: "A"}, {Role: tenant.Viewer, Site: "B"}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		scopes []tenant.Permission
		sites  []string
		life   time.Duration
		want   error
	}{
		"a permission that the maker has somewhere": {[]tenant.Permission{tenant.AlarmAnswer}, nil, time.Hour, nil},
		"one that the maker has not":                {[]tenant.Permission{tenant.UserManage}, nil, time.Hour, fault.Forbidden},
		"one of two":                                {[]tenant.Permission{tenant.StockRead, tenant.CatalogWrite}, nil, time.Hour, fault.Forbidden},
		"a site of the maker's":                     {[]tenant.Permission{tenant.StockRead}, []string{"B"}, time.Hour, nil},
		"a site of another's":                       {[]tenant.Permission{tenant.StockRead}, []string{"C"}, time.Hour, fault.Forbidden},
		"a site where the maker may not do it":      {[]tenant.Permission{tenant.AlarmAnswer}, []string{"B"}, time.Hour, fault.Forbidden},
		"no scope":                                  {nil, nil, time.Hour, fault.Invalid},
		"a scope that is not one":                   {[]tenant.Permission{"*"}, nil, time.Hour, fault.Invalid},
		"no end":                                    {[]tenant.Permission{tenant.StockRead}, nil, 0, fault.Invalid},
		"too far an end":                            {[]tenant.Permission{tenant.StockRead}, nil, 10 * tenant.MaxTokenLife, fault.Invalid},
		"a site that is not one":                    {[]tenant.Permission{tenant.StockRead}, []string{"A B"}, time.Hour, fault.Invalid},
	} {
		_, _, err := h.MakeToken(t.Context(), h.principal("anna"), tenant.TokenWish{Name: "x", Scopes: c.scopes, Sites: c.sites, Life: c.life})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	text, _ := h.token(tenant.TokenWish{Name: "x", Scopes: []tenant.Permission{tenant.AlarmAnswer, tenant.StockRead}, Life: time.Hour})
	s, _ := h.ByToken(t.Context(), text)
	if _, _, err := h.MakeToken(t.Context(), s.Principal, reading); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a token made a token: %v", err)
	}
	// What the user loses, the token loses.
	if err := h.PutGrants(t.Context(), "anna", password, tenant.Grants{{Role: tenant.Viewer, Site: "B"}}); err != nil {
		t.Fatal(err)
	}
	if s, err := h.ByToken(t.Context(), text); err != nil || s.Principal.Anywhere(tenant.AlarmAnswer) || s.Principal.Can(tenant.StockRead, "A") || !s.Principal.Can(tenant.StockRead, "B") {
		t.Errorf("afterwards %+v, %v", s, err)
	}
}

func TestTokensOfOthersAreRevokedByThoseWhoMayAsMuch(t *testing.T) {
	h := open(t)
	h.user("root", tenant.Admin)
	text, k := h.token(reading)
	sneak := tenant.Principal{User: "sneak", Grants: tenant.Everywhere(tenant.Viewer)}
	if err := h.RevokeToken(t.Context(), sneak, k.ID, "anna"); !errors.Is(err, fault.Forbidden) {
		t.Errorf("by one who may less: %v", err)
	}
	if err := h.RevokeToken(t.Context(), sneak, k.ID, "sneak"); !errors.Is(err, fault.NotFound) {
		t.Errorf("as if it were one's own: %v", err)
	}
	if err := h.RevokeToken(t.Context(), h.principal("root"), k.ID, "anna"); err != nil {
		t.Error(err)
	}
	if _, err := h.ByToken(t.Context(), text); !errors.Is(err, tenant.ErrNoToken) {
		t.Error("a revoked token counts")
	}
}

func FuzzToken(f *testing.F) {
	f.Add("tdk_000000000000000000000000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		h := &tenant.Service{} // it has no store to ask: what is no token must not get as far as that
		if len(text) == 37 && strings.HasPrefix(text, "tdk_") {
			t.Skip("it may be one")
		}
		if _, err := h.ByToken(t.Context(), text); !errors.Is(err, tenant.ErrNoToken) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
