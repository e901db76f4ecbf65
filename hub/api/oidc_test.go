package api_test

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/tenant/oidc"
)

// later is a provider that is known after the hub has an address.
type later struct{ api.Provider }

// opUsers are the users of the provider. It has no groups; the mail address stands for them.
const opUsers = `{
	"id1": {"ID": "id1", "Username": "zoe", "Password": "a password of hers", "FirstName": "Zoe", "LastName": "Z", "Email": "docks@example.com", "EmailVerified": true, "PreferredLanguage": "en"},
	"id2": {"ID": "id2", "Username": "noel", "Password": "a password of his", "FirstName": "Noel", "LastName": "N", "Email": "none@example.com", "EmailVerified": true, "PreferredLanguage": "en"},
	"id3": {"ID": "id3", "Username": "admin", "Password": "a password of his", "FirstName": "A", "LastName": "D", "Email": "docks@example.com", "EmailVerified": true, "PreferredLanguage": "en"}
}`

// startOP runs the certified OpenID provider that belongs to github.com/zitadel/oidc as a process, which sends browsers back
// to a hub. The test is skipped where there is none, unless TALLYDOCK_OIDC is must.
func startOP(t *testing.T, redirect string) (issuer string) {
	t.Helper()
	binary, err := filepath.Abs("../../bin/tools/oidc-op")
	if err == nil {
		_, err = os.Stat(binary)
	}
	switch {
	case err == nil:
	case os.Getenv("TALLYDOCK_OIDC") == "must":
		t.Fatal("there is no OpenID provider at bin/tools/oidc-op: make bin/tools/oidc-op")
	default:
		t.Skip("there is no OpenID provider at bin/tools/oidc-op: make bin/tools/oidc-op")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	users := filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(users, []byte(opUsers), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = []string{"PORT=" + port, "REDIRECT_URI=" + redirect, "USERS_FILE=" + users}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	issuer = "http://localhost:" + port + "/"
	for range 500 {
		if res, err := http.Get(issuer + ".well-known/openid-configuration"); err == nil {
			res.Body.Close()
			return issuer
		}
		time.Sleep(20 * time.Millisecond) // it is another process: there is nothing to wait on
	}
	t.Fatal("the provider does not answer")
	return ""
}

// throughOP is a hub whose users sign in by the provider.
func throughOP(t *testing.T) *hub {
	t.Helper()
	provider := &later{}
	h := startWith(t, options{provider: provider, limits: wide})
	redirect := h.server.URL + "/api/v1/oidc/callback"
	issuer := startOP(t, redirect)
	provider.Provider = oidc.New(oidc.Config{
		Issuer: issuer, Label: "Example", ClientID: "web", ClientSecret: "secret", Redirect: redirect, Home: h.server.URL, Now: time.Now,
		Scopes: []string{"profile", "email"}, GroupClaim: "email",
		Grants: []oidc.Mapping{{Group: "docks@example.com", Grant: tenant.Grant{Role: tenant.Operator, Site: "SZ1"}}},
	})
	return h
}

// browse is a browser that follows where it is sent, but not into the console.
func (h *hub) browse() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), h.server.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

func (h *hub) fetch(b *http.Client, place string) *http.Response {
	h.t.Helper()
	res, err := b.Get(place)
	if err != nil {
		h.t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

// journey goes to the provider, signs in there, and gives where the provider sends the browser: back to the hub.
func (h *hub) journey(b *http.Client, user, password string) string {
	h.t.Helper()
	start := h.fetch(b, h.server.URL+"/api/v1/oidc/start?next=/alarms")
	place := start.Request.URL
	if start.StatusCode == http.StatusSeeOther { // it stays on the hub's host
		place, _ = url.Parse(start.Header.Get("Location"))
		start = h.fetch(b, place.String())
		place = start.Request.URL
	}
	form := url.Values{"username": {user}, "password": {password}, "id": {place.Query().Get("authRequestID")}}
	res, err := b.PostForm(place.Scheme+"://"+place.Host+"/login/username", form)
	if err != nil {
		h.t.Fatal(err)
	}
	res.Body.Close()
	back := res.Header.Get("Location")
	if !strings.HasPrefix(back, h.server.URL+"/api/v1/oidc/callback?") {
		h.t.Fatalf("the provider answers %d and sends to %q", res.StatusCode, back)
	}
	return back
}

func (h *hub) whoIs(b *http.Client) (status int) {
	return h.fetch(b, h.server.URL+"/api/v1/session").StatusCode
}

func TestSignInByARealProvider(t *testing.T) {
	h := throughOP(t)
	b := h.browse()
	r := h.fetch(b, h.journey(b, "zoe", "a password of hers"))
	if r.StatusCode != 303 || r.Header.Get("Location") != "/alarms" {
		t.Fatalf("back at the hub: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	u, _ := url.Parse(h.server.URL)
	c := &client{hub: h}
	for _, k := range b.Jar.Cookies(u) {
		if k.Name == "td_session" {
			c.cookie = k
		}
		if k.Name == "td_oidc" {
			t.Error("the cookie of the journey is still there")
		}
	}
	s := c.do("GET", "/api/v1/session", "")
	if s.status != 200 || s.at("user") != "zoe" || s.at("kind") != "oidc" || s.at("grants", 0, "role") != "operator" || s.at("grants", 0, "site") != "SZ1" {
		t.Fatalf("session: %d %s", s.status, s.body)
	}
	p := (&client{hub: h}).do("GET", "/api/v1/oidc", "")
	if p.at("enabled") != true || p.at("label") != "Example" || !strings.Contains(p.at("logout").(string), "end_session") {
		t.Errorf("provider %s", p.body)
	}
	c.csrf = s.at("csrf").(string)
	if r := c.do("DELETE", "/api/v1/session", ""); r.status != 204 {
		t.Errorf("sign-out: %d", r.status)
	}
	refused(t, (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"zoe","password":"a password of hers"}`), 401, "bad_credentials")
}

func TestJourneysThatEndBeforeTheDoor(t *testing.T) {
	h := throughOP(t)
	tries := 0
	for name, c := range map[string]struct {
		way  func(b *http.Client) string
		code string
	}{
		"a user of no group that may":           {func(b *http.Client) string { return h.journey(b, "noel", "a password of his") }, "no_grant"},
		"a user who is called like a local one": {func(b *http.Client) string { return h.journey(b, "admin", "a password of his") }, "conflict"},
		"the same answer again": {func(b *http.Client) string {
			back := h.journey(b, "zoe", "a password of hers")
			other := h.browse()
			u, _ := url.Parse(h.server.URL)
			other.Jar.SetCookies(u, b.Jar.Cookies(u))
			h.fetch(other, back) // takes it
			return back
		}, "oidc_state"},
		"the answer of another browser (an attacker's code in the victim's browser)": {func(b *http.Client) string {
			attacker := h.browse()
			back := h.journey(attacker, "zoe", "a password of hers")
			h.fetch(b, h.server.URL+"/api/v1/oidc/start")
			return back
		}, "forbidden"},
		"the answer in a browser that began nothing (a stolen answer)": {func(*http.Client) string { return h.journey(h.browse(), "zoe", "a password of hers") }, "oidc_state"},
		"another issuer's name in the answer": {func(b *http.Client) string {
			return h.journey(b, "zoe", "a password of hers") + "&iss=https%3A%2F%2Fevil.example"
		}, "forbidden"},
		"another code in the answer": {func(b *http.Client) string {
			back, _ := url.Parse(h.journey(b, "zoe", "a password of hers"))
			q := back.Query()
			q.Set("code", "guess")
			back.RawQuery = q.Encode()
			return back.String()
		}, "forbidden"},
		"a code of another journey of this browser": {func(b *http.Client) string {
			first, _ := url.Parse(h.journey(b, "zoe", "a password of hers"))
			second, _ := url.Parse(h.journey(b, "zoe", "a password of hers"))
			q := second.Query()
			q.Set("code", first.Query().Get("code"))
			second.RawQuery = q.Encode()
			return second.String()
		}, "forbidden"},
		"a made-up state": {func(b *http.Client) string {
			h.fetch(b, h.server.URL+"/api/v1/oidc/start")
			return h.server.URL + "/api/v1/oidc/callback?state=x&code=y"
		}, "oidc_state"},
		"nothing at all": {func(*http.Client) string { return h.server.URL + "/api/v1/oidc/callback" }, "oidc_state"},
	} {
		t.Run(name, func(t *testing.T) {
			b := h.browse()
			r := h.fetch(b, c.way(b))
			tries++
			if r.StatusCode != 303 || r.Header.Get("Location") != "/login?error="+c.code || h.whoIs(b) != 401 {
				t.Errorf("%d %s, session %d; want %s", r.StatusCode, r.Header.Get("Location"), h.whoIs(b), c.code)
			}
		})
	}
	t.Logf("%d journeys, 0 got in", tries)
}

func TestAHubWithoutAProvider(t *testing.T) {
	h := start(t)
	c := &client{hub: h}
	if r := c.do("GET", "/api/v1/oidc", ""); r.status != 200 || r.at("enabled") != false {
		t.Errorf("%d %s", r.status, r.body)
	}
	refused(t, c.do("GET", "/api/v1/oidc/start", ""), 404, "not_found")
	refused(t, c.do("GET", "/api/v1/oidc/callback?state=x&code=y", ""), 404, "not_found")
}
