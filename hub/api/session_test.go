package api_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestSignInGivesASessionForTheBrowserOnly(t *testing.T) {
	h := start(t)
	c := h.signIn("Otto")
	if k := c.cookie; k.Name != "td_session" || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || k.Secure {
		t.Errorf("cookie %+v; over plain HTTP it must not be Secure, or browsers drop it", k)
	}
	r := c.do("GET", "/api/v1/session", "")
	if r.status != 200 || r.at("user") != "otto" || r.at("role") != "operator" || r.at("csrf") != c.csrf {
		t.Errorf("session: %d %s", r.status, r.body)
	}
	if strings.Contains(r.body, c.cookie.Value) {
		t.Error("the session's token is in a body")
	}
	if r := c.do("DELETE", "/api/v1/session", ""); r.status != 204 || r.cookies[0].MaxAge >= 0 {
		t.Errorf("sign-out: %d %v", r.status, r.cookies)
	}
	refused(t, c.do("GET", "/api/v1/session", ""), 401, "login_required")
}

func TestSignInRefused(t *testing.T) {
	h := start(t)
	c := &client{hub: h}
	refused(t, c.do("POST", "/api/v1/session", `{"user":"otto","password":"wrong password"}`), 401, "bad_credentials")
	refused(t, c.do("POST", "/api/v1/session", `{"user":"nobody","password":"wrong password"}`), 401, "bad_credentials")
	refused(t, c.do("POST", "/api/v1/session", `{"user":"otto"}`), 422, "invalid")
	refused(t, c.do("POST", "/api/v1/session", `{"user":`), 400, "malformed")
	refused(t, c.do("POST", "/api/v1/session", `{"user":"otto","password":"`+strings.Repeat("x", 70_000)+`"}`), 413, "too_large")
}

func TestSignInIsLimited(t *testing.T) {
	h := start(t)
	c := &client{hub: h}
	for range 5 {
		refused(t, c.do("POST", "/api/v1/session", `{"user":"otto","password":"wrong password"}`), 401, "bad_credentials")
	}
	r := c.do("POST", "/api/v1/session", `{"user":"otto","password":"`+password+`"}`)
	refused(t, r, 429, "too_many_attempts")
}

func TestChangeFromAnotherSiteIsRefused(t *testing.T) {
	h := start(t)
	c := h.signIn("otto")
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		for _, path := range []string{"/api/v1/session", "/api/v1/plan"} {
			r := c.request(t.Context(), "POST", path, `{"user":"otto","password":"`+password+`"}`)
			r.Header.Set(name, value)
			refused(t, c.send(r), 403, "csrf")
		}
	}
}

func TestPublicRoutesAndHeaders(t *testing.T) {
	h := start(t)
	c := &client{hub: h}
	r := c.do("GET", "/api/v1/about", "")
	if r.status != 200 || r.at("version") != "test" || r.at("hub") != "hub-1" || r.at("clock_speed") != 1.0 {
		t.Errorf("about: %d %s", r.status, r.body)
	}
	if r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("headers %v", r.header)
	}
	if r := c.do("GET", "/healthz", ""); r.status != 200 || r.body != "{\"status\":\"ok\"}\n" {
		t.Errorf("healthz: %d %s", r.status, r.body)
	}
	if r := c.do("GET", "/alarms", ""); !strings.Contains(r.header.Get("Content-Type"), "text/html") {
		t.Errorf("a page of the console: %d %v", r.status, r.header)
	}
	refused(t, c.do("GET", "/api/v1/nothing", ""), 404, "not_found")
	refused(t, c.do("GET", "/api/v2/about", ""), 404, "not_found")
}

func TestMetricsAreForThisMachineAndAdministrators(t *testing.T) {
	h := start(t)
	c := &client{hub: h}
	if r := c.do("GET", "/metrics", ""); r.status != 200 || r.body != "up 1\n" {
		t.Errorf("from this machine: %d %s", r.status, r.body)
	}
	forwarded := func(c *client) response {
		r := c.request(t.Context(), "GET", "/metrics", "")
		r.Header.Set("X-Forwarded-For", "10.0.0.9")
		return c.send(r)
	}
	refused(t, forwarded(c), 401, "login_required")
	refused(t, forwarded(h.signIn("paula")), 403, "permission_required")
	if r := forwarded(h.signIn("admin")); r.status != 200 {
		t.Errorf("for an administrator: %d %s", r.status, r.body)
	}
}
