package tenant_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
)

func TestPasswordsThatEverybodyTriesAreRefused(t *testing.T) {
	s := openWith(t, tenant.Options{Sites: []string{"Shenzhen1"}})
	for password, ok := range map[string]bool{
		"password123": false, "Password!!!": false, "Tallydock2026": false, "1234567890": false, "9876543210": false, "abcdefghij": false,
		"aaaaaaaaaaaa": false, "abababababab": false, "!!warehouse1": false, "annaannaanna": false, "shenzhen1!!": false, "short": false,
		"ten letter": true, "correct horse battery": true, "我的仓库密码很长很好记": true, "a password of mine": true, "仓库密码很长吗": false,
		"qwertyuiop12": false, "anna's own goat herd": true,
	} {
		if err := s.SetPassword(t.Context(), "anna", password); (err == nil) != ok || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestWhoMayLessCannotActOnWhoMayMore(t *testing.T) {
	ctx := context.Background()
	// A token with nothing but user:manage, which tries to become more by way of others.
	sneak := tenant.Principal{User: "root", Token: "t", Grants: tenant.Everywhere(tenant.Admin), Scopes: []tenant.Permission{tenant.UserManage}}
	for name, act := range map[string]func(*house) error{
		"make an administrator": func(h *house) error {
			_, err := h.AddUser(ctx, sneak, "twin", tenant.Everywhere(tenant.Admin), "")
			return err
		},
		"make a viewer": func(h *house) error {
			_, err := h.AddUser(ctx, sneak, "twin", tenant.Everywhere(tenant.Viewer), "")
			return err
		},
		"make one more": func(h *house) error {
			_, err := h.SetGrants(ctx, sneak, "anna", tenant.Everywhere(tenant.Admin))
			return err
		},
		"take a password": func(h *house) error { _, err := h.ResetPassword(ctx, sneak, "root"); return err },
		"take a factor":   func(h *house) error { return h.ResetFactor(ctx, sneak, "root") },
		"keep one out":    func(h *house) error { _, err := h.Disable(ctx, sneak, "root", true); return err },
	} {
		h := open(t)
		h.user("root", tenant.Admin)
		if err := act(h); !errors.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAdministratorOfASiteGivesNothingElsewhere(t *testing.T) {
	h := open(t)
	boss := tenant.Principal{User: "boss", Grants: tenant.Grants{{Role: tenant.Admin, Site: "A"}}}
	if _, err := h.AddUser(t.Context(), boss, "one", tenant.Grants{{Role: tenant.Operator, Site: "A"}}, ""); err != nil {
		t.Error(err)
	}
	for _, g := range []tenant.Grants{{{Role: tenant.Operator, Site: "B"}}, {{Role: tenant.Operator}}} {
		if _, err := h.AddUser(t.Context(), boss, "two", g, ""); !errors.Is(err, fault.Forbidden) {
			t.Errorf("%v: %v", g, err)
		}
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	ctx := context.Background()
	h := open(t)
	h.user("root", tenant.Admin)
	root := h.principal("root")
	if _, err := h.Disable(ctx, root, "root", true); !errors.Is(err, fault.Conflict) {
		t.Errorf("kept out: %v", err)
	}
	if _, err := h.SetGrants(ctx, root, "root", tenant.Grants{{Role: tenant.Admin, Site: "A"}}); !errors.Is(err, fault.Conflict) {
		t.Errorf("of one site only: %v", err)
	}
	h.user("second", tenant.Admin)
	if _, err := h.Disable(ctx, root, "root", true); err != nil {
		t.Errorf("one of two: %v", err)
	}
}

func TestUsersOfTheProvider(t *testing.T) {
	ctx := context.Background()
	h := open(t)
	h.user("root", tenant.Admin)
	id := tenant.Identity{Subject: "https://login.example.com|42", Name: "Zoe@Example.com", Grants: tenant.Everywhere(tenant.Viewer)}
	token, s, err := h.LoginExternal(ctx, id, tenant.Visitor{Address: "10.0.0.1"})
	if err != nil || s.User != "zoe@example.com" || s.Kind != tenant.External || !s.Principal.Can(tenant.StockRead, "A") {
		t.Fatalf("%+v, %v", s, err)
	}
	id.Grants = tenant.Grants{{Role: tenant.Buyer, Site: "A"}}
	if _, _, err := h.LoginExternal(ctx, id, tenant.Visitor{}); err != nil {
		t.Fatal(err)
	}
	if s, err := h.Session(ctx, token); err != nil || s.Principal.Can(tenant.StockRead, "B") || !s.Principal.Can(tenant.OrderPlace, "A") {
		t.Errorf("after another group: %+v, %v", s, err)
	}
	other := id
	other.Subject = "https://login.example.com|43"
	if _, _, err := h.LoginExternal(ctx, other, tenant.Visitor{}); !errors.Is(err, fault.Conflict) {
		t.Errorf("another person of the same name: %v", err)
	}
	local := tenant.Identity{Subject: "https://login.example.com|44", Name: "root", Grants: tenant.Everywhere(tenant.Viewer)}
	if _, _, err := h.LoginExternal(ctx, local, tenant.Visitor{}); !errors.Is(err, fault.Conflict) {
		t.Errorf("one who calls himself like a local user: %v", err)
	}
	id.Grants = nil
	if _, _, err := h.LoginExternal(ctx, id, tenant.Visitor{}); !errors.Is(err, tenant.ErrNoGrant) {
		t.Errorf("without a group: %v", err)
	}
	if err := h.SetPassword(ctx, "zoe@example.com", "a password of mine"); !errors.Is(err, fault.Conflict) {
		t.Errorf("a password for a user of the provider: %v", err)
	}
	if _, err := h.SetGrants(ctx, h.principal("root"), "zoe@example.com", tenant.Everywhere(tenant.Admin)); !errors.Is(err, fault.Conflict) {
		t.Errorf("grants beside those of the groups: %v", err)
	}
	if _, err := h.Disable(ctx, h.principal("root"), "zoe@example.com", true); err != nil {
		t.Fatal(err)
	}
	id.Grants = tenant.Everywhere(tenant.Viewer)
	if _, _, err := h.LoginExternal(ctx, id, tenant.Visitor{}); !errors.Is(err, tenant.ErrCredentials) {
		t.Errorf("one who is kept out: %v", err)
	}
}

func TestAJourneyToTheProviderComesBackOnce(t *testing.T) {
	h := open(t)
	if err := h.BeginLogin(t.Context(), "state", "/alarms"); err != nil {
		t.Fatal(err)
	}
	if next, err := h.TakeLogin(t.Context(), "state"); err != nil || next != "/alarms" {
		t.Errorf("%q, %v", next, err)
	}
	if _, err := h.TakeLogin(t.Context(), "state"); !errors.Is(err, fault.NotFound) {
		t.Errorf("again: %v", err)
	}
	h.BeginLogin(t.Context(), "slow", "/")
	h.clk.advance(11 * 60e9)
	if _, err := h.TakeLogin(t.Context(), "slow"); !errors.Is(err, fault.NotFound) {
		t.Errorf("after eleven minutes: %v", err)
	}
}
