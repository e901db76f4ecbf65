package api_test

import (
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/tenant"
)

func TestSessionTellsWhatTheUserMay(t *testing.T) {
	h := start(t)
	putUser(t, h.db, "mia", tenant.Grants{{Role: tenant.Operator, Site: "SZ1"}, {Role: tenant.Viewer}})
	r := h.signIn("mia").do("GET", "/api/v1/session", "")
	if r.at("role") != "operator" || fmt.Sprint(r.at("roles")) != "[operator viewer]" || r.at("grants", 0, "site") != "SZ1" || r.at("must") != "" || r.at("kind") != "local" {
		t.Errorf("%s", r.body)
	}
	may := fmt.Sprint(r.at("permissions"))
	for _, p := range []tenant.Permission{tenant.AlarmAnswer, tenant.StockRead} {
		if !containsWord(may, string(p)) {
			t.Errorf("no %s in %s", p, may)
		}
	}
	if containsWord(may, string(tenant.UserManage)) {
		t.Errorf("%s", may)
	}
}

func containsWord(list, word string) bool {
	return slices.Contains(strings.Fields(strings.Trim(list, "[]")), word)
}

func TestPasswordIsChanged(t *testing.T) {
	h := start(t)
	c, other := h.signIn("vera"), h.signIn("vera")
	refused(t, c.do("POST", "/api/v1/account/password", `{"old":"a wrong guess","new":"a password of mine"}`), 401, "bad_credentials")
	refused(t, c.do("POST", "/api/v1/account/password", `{"old":"`+password+`","new":"short"}`), 422, "invalid")
	r := c.do("POST", "/api/v1/account/password", `{"old":"`+password+`","new":"a password of mine"}`)
	if r.status != 200 || r.cookies[0].Value == c.cookie.Value || r.at("csrf") == c.csrf {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, old := range []*client{c, other} {
		refused(t, old.do("GET", "/api/v1/session", ""), 401, "login_required")
	}
	fresh := &client{hub: h, cookie: r.cookies[0], csrf: r.at("csrf").(string)}
	if r := fresh.do("GET", "/api/v1/account", ""); r.status != 200 || r.at("name") != "vera" || r.at("made") != false {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestAuthenticatorIsSetUpUsedAndRemoved(t *testing.T) {
	clk := &wall{t: time.Now()}
	h := startWith(t, options{now: clk.now, limits: wide, door: tenant.Options{FactorRoles: []tenant.Role{tenant.Admin}}})
	c := h.signIn("admin")
	refused(t, c.do("GET", "/api/v1/users", ""), 403, "totp_enrolment_required")
	begun := c.do("POST", "/api/v1/account/totp", "{}")
	if begun.status != 200 {
		t.Fatalf("%d %s", begun.status, begun.body)
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(begun.at("secret").(string))
	if err != nil {
		t.Fatal(err)
	}
	code := func() string { return tenant.CodeAt(raw, tenant.StepOf(clk.now())) }
	refused(t, c.do("POST", "/api/v1/account/totp/confirm", `{"code":"000000"}`), 401, "bad_code")
	done := c.do("POST", "/api/v1/account/totp/confirm", `{"code":"`+code()+`"}`)
	if done.status != 200 || len(done.at("codes").([]any)) != 10 {
		t.Fatalf("%d %s", done.status, done.body)
	}
	if r := c.do("GET", "/api/v1/users", ""); r.status != 200 {
		t.Errorf("afterwards: %d", r.status)
	}
	signIn := func(code string) response {
		return (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"admin","password":"`+password+`","code":"`+code+`"}`)
	}
	refused(t, signIn(""), 401, "totp_required")
	clk.advance(time.Minute)
	if r := signIn(code()); r.status != 200 {
		t.Errorf("with the code: %d %s", r.status, r.body)
	}
	if r := signIn(done.at("codes", 0).(string)); r.status != 200 {
		t.Errorf("with a recovery code: %d %s", r.status, r.body)
	}
	clk.advance(time.Minute)
	r := c.do("POST", "/api/v1/account/totp/remove", `{"password":"`+password+`","code":"`+code()+`"}`)
	if r.status != 204 {
		t.Errorf("removed: %d %s", r.status, r.body)
	}
	if r := signIn(""); r.status != 200 || r.at("must") != "totp" {
		t.Errorf("without: %d %s", r.status, r.body)
	}
}

func TestOwnSessionsAndTokens(t *testing.T) {
	h := start(t)
	a, b := h.signIn("vera"), h.signIn("vera")
	list := a.do("GET", "/api/v1/sessions", "")
	all := list.at("items").([]any)
	if len(all) != 2 || list.at("items", 0, "address") != "127.0.0.1" || list.at("items", 0, "this") == list.at("items", 1, "this") {
		t.Fatalf("%s", list.body)
	}
	for _, s := range all {
		if s := s.(map[string]any); s["this"] == false {
			if r := a.do("DELETE", "/api/v1/sessions/"+s["id"].(string), ""); r.status != 204 {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
	}
	refused(t, b.do("GET", "/api/v1/session", ""), 401, "login_required")
	made := a.do("POST", "/api/v1/tokens", `{"name":"board","scopes":["stock:read"],"sites":["SZ1"],"days":30}`)
	if made.status != 200 || made.at("sites", 0) != "SZ1" || made.at("used_at") != nil {
		t.Fatalf("%d %s", made.status, made.body)
	}
	k := &client{hub: h, token: made.at("secret").(string)}
	if r := k.do("GET", "/api/v1/stock/snapshot", ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := k.do("GET", "/api/v1/session", ""); r.status != 200 || r.at("user") != "vera" || fmt.Sprint(r.at("permissions")) != "[stock:read]" {
		t.Errorf("%d %s", r.status, r.body)
	}
	again := a.do("GET", "/api/v1/tokens", "")
	if again.at("items", 0, "used_at") == nil || again.at("items", 0, "secret") != nil {
		t.Errorf("%s", again.body)
	}
	admin := h.signIn("admin")
	id := made.at("id").(string)
	if r := admin.do("GET", "/api/v1/users/vera/tokens", ""); r.at("items", 0, "id") != id {
		t.Errorf("%s", r.body)
	}
	if r := admin.do("DELETE", "/api/v1/users/vera/tokens/"+id, ""); r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
	refused(t, k.do("GET", "/api/v1/stock/snapshot", ""), 401, "bad_token")
}

func TestUsersAreKept(t *testing.T) {
	h := start(t)
	c := h.signIn("admin")
	for body, code := range map[string]string{
		`{"name":"vera","grants":[]}`: "conflict", `{"name":"a b","grants":[]}`: "invalid", `{"name":"x","grants":[{"role":"king","site":""}]}`: "invalid",
		`{"name":"x","grants":[{"role":"viewer","site":"A B"}]}`: "invalid", `{"name":"x"}`: "invalid",
	} {
		if r := c.do("POST", "/api/v1/users", body); r.at("code") != code {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if r := c.do("GET", "/api/v1/users", ""); len(r.at("items").([]any)) != len(everybody) {
		t.Errorf("%s", r.body)
	}
	reset := c.do("POST", "/api/v1/users/vera/password", "{}")
	if reset.status != 200 {
		t.Fatalf("%d %s", reset.status, reset.body)
	}
	if r := c.do("GET", "/api/v1/users/vera", ""); r.at("made") != true || r.at("grants", 0, "role") != "viewer" {
		t.Errorf("%s", r.body)
	}
	refused(t, c.do("GET", "/api/v1/users/nobody", ""), 404, "not_found")
	refused(t, c.do("POST", "/api/v1/users/admin/disabled", `{"disabled":true}`), 409, "conflict")
	if r := h.signIn("otto").do("GET", "/api/v1/roles", ""); len(r.at("items").([]any)) != 9 {
		t.Errorf("%s", r.body)
	}
}
