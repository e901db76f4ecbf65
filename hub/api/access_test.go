package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/tenant"
)

var everybody = map[string]tenant.Role{
	"vera": tenant.Viewer, "otto": tenant.Operator, "quinn": tenant.Quality, "paula": tenant.Planner, "bob": tenant.Buyer,
	"abel": tenant.Approver, "fritz": tenant.Finance, "admin": tenant.Admin, "carl": tenant.Customer,
}

// wide are limits that a test which asks for everything does not meet.
var wide = api.RateLimits{ReadsPerSecond: 1e5, ChangesPerSecond: 1e5, SignInsPerMinute: 1e5, ExportsPerMinute: 1e5}

func pathOf(r api.TableRow, id string) string {
	kind := "items"
	if r.Method == "GET" {
		kind = "locations"
	}
	return strings.NewReplacer("{id}", id, "{item}", "SKU-1", "{location}", id, "{kind}", kind, "{token}", id, "{part}", "x").Replace(r.Path)
}

// ask sends a request of the table, and does not wait for the end of a stream.
func (c *client) ask(r api.TableRow, id string) response {
	c.t.Helper()
	body := ""
	if r.Method != "GET" {
		body = "{}"
	}
	if r.ID != "events" {
		return c.do(r.Method, pathOf(r, id), body)
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	res, err := c.server.Client().Do(c.request(ctx, r.Method, pathOf(r, id), ""))
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return response{c.t, res.StatusCode, res.Header, res.Cookies(), ""}
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response{c.t, res.StatusCode, res.Header, res.Cookies(), string(text)}
}

// let reports whether an answer is of somebody who was let in, whatever came of it then.
func let(r response) bool {
	if r.status == http.StatusUnauthorized {
		return false
	}
	if r.status != http.StatusForbidden || r.body == "" {
		return true
	}
	switch r.at("code") {
	case "permission_required", "in_person", "csrf", "password_change_required", "totp_enrolment_required":
		return false
	}
	return true
}

// Every route of the table is tried by every role, by nobody, by tokens with its scope and with another, and without CSRF.
func TestEveryRouteLetsInWhomTheTableSays(t *testing.T) {
	h := startWith(t, options{limits: wide})
	known := map[tenant.Permission]bool{}
	for _, p := range tenant.Permissions() {
		known[p] = true
	}
	in := map[string]*client{}
	for name := range everybody {
		in[name] = h.signIn(name)
	}
	whole := h.token("admin", tenant.Permissions()...)
	poor := h.token("admin", tenant.TrackingRead)
	for _, row := range api.Table() {
		t.Run(row.Method+" "+row.Path, func(t *testing.T) {
			if row.Access == "" || row.Need != "" && !known[row.Need] {
				t.Fatalf("says %q of who may use it", row.Access)
			}
			if row.Public {
				if row.Method != "GET" && row.ID != "signIn" {
					t.Error("a change that anybody may make")
				}
				return
			}
			refused(t, (&client{hub: h}).ask(row, "x"), 401, "login_required")
			for name, role := range everybody {
				want := row.Anybody || role.Has(row.Need)
				r := in[name].ask(row, "x")
				if let(r) != want {
					t.Errorf("%s: %d %s; the table says %s", role, r.status, r.body, row.Access)
				}
				if r.status >= 500 && r.status != http.StatusNotImplemented || r.status == http.StatusMethodNotAllowed || strings.Contains(r.body, "is not part of the API") {
					t.Errorf("%s: %d %s", role, r.status, r.body)
				}
				if row.ID == "signOut" {
					in[name] = h.signIn(name)
				}
			}
			for who, c := range map[string]*client{"a token with its scope": whole, "a token with another scope": poor} {
				want := !row.InPerson && (c == whole || row.Anybody)
				if r := c.ask(row, "x"); let(r) != want && !onlyInPerson[row.ID] {
					t.Errorf("%s: %d %s; the table says %s", who, r.status, r.body, row.Access)
				}
			}
			if row.Method == "GET" || row.Method == "OPTIONS" {
				return
			}
			for what, csrf := range map[string]string{"no token": "", "another's token": in["vera"].csrf} {
				c := *in["admin"]
				c.csrf = csrf
				if r := c.ask(row, "x"); r.status != 403 || r.at("code") != "csrf" {
					t.Errorf("change with %s: %d %s", what, r.status, r.body)
				}
			}
		})
	}
}

// onlyInPerson are routes that are for who is signed in, early too, and that tokens may reach but not use.
var onlyInPerson = map[string]bool{"signOut": true, "changePassword": true, "beginFactor": true, "confirmFactor": true}

func TestTokensDoNotTouchTheAccount(t *testing.T) {
	h := start(t)
	c := h.token("admin", tenant.Permissions()...)
	for request, body := range map[string]string{
		"DELETE /session": "", "POST /account/password": `{"old":"` + password + `","new":"a password of mine"}`, "POST /account/totp": "{}",
		"POST /account/totp/confirm": `{"code":"000000"}`,
	} {
		method, path, _ := strings.Cut(request, " ")
		refused(t, c.do(method, "/api/v1"+path, body), 403, "in_person")
	}
}

// token gives a program with an API token of a user.
func (h *hub) token(user string, scopes ...tenant.Permission) *client {
	h.t.Helper()
	u, err := h.users.User(h.t.Context(), user)
	if err != nil {
		h.t.Fatal(err)
	}
	text, _, err := h.users.MakeToken(h.t.Context(), tenant.Principal{User: u.Name, Grants: u.Grants},
		tenant.TokenWish{Name: fmt.Sprint("of ", user), Scopes: scopes, Life: time.Hour})
	if err != nil {
		h.t.Fatal(err)
	}
	return &client{hub: h, token: text}
}
