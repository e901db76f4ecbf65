package api_test

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/tenant"
)

// wall is a clock that a test moves.
type wall struct {
	mu sync.Mutex
	t  time.Time
}

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t
}

func (w *wall) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = w.t.Add(d)
}

// attack is one way to get in, or further in. It gives the answers that should all be refusals.
type attack struct {
	name string
	try  func(h *hub, clk *wall) []response
}

func one(r response) []response { return []response{r} }

// with gives a browser that has a cookie of its own making.
func (h *hub) with(cookie string) *client {
	return &client{hub: h, cookie: &http.Cookie{Name: "td_session", Value: cookie}}
}

var attacks = []attack{
	{"a session's token after sign-out", func(h *hub, _ *wall) []response {
		c := h.signIn("admin")
		c.do("DELETE", "/api/v1/session", "")
		return []response{c.do("GET", "/api/v1/users", ""), c.do("POST", "/api/v1/users", `{"name":"x","grants":[]}`)}
	}},
	{"a session's token after the password was changed", func(h *hub, _ *wall) []response {
		c := h.signIn("admin")
		if err := h.users.SetPassword(h.t.Context(), "admin", "a password of mine"); err != nil {
			h.t.Fatal(err)
		}
		return one(c.do("GET", "/api/v1/users", ""))
	}},
	{"a session's token after its life", func(h *hub, clk *wall) []response {
		c := h.signIn("admin")
		clk.advance(tenant.IdleLife + time.Second)
		return one(c.do("GET", "/api/v1/users", ""))
	}},
	{"a session's token where an API token belongs", func(h *hub, _ *wall) []response {
		c := h.signIn("admin")
		return one((&client{hub: h, token: c.cookie.Value}).do("GET", "/api/v1/users", ""))
	}},
	{"an API token where a session's belongs", func(h *hub, _ *wall) []response {
		return one(h.with(h.token("admin", tenant.Permissions()...).token).do("GET", "/api/v1/users", ""))
	}},
	{"an API token in the address", func(h *hub, _ *wall) []response {
		k := h.token("admin", tenant.Permissions()...).token
		c := &client{hub: h}
		return []response{c.do("GET", "/api/v1/users?access_token="+k, ""), c.do("GET", "/api/v1/users?token="+k, "")}
	}},
	{"session fixation: a cookie planted before the sign-in", func(h *hub, _ *wall) []response {
		planted := h.with(strings.Repeat("A", 43))
		r := planted.do("POST", "/api/v1/session", `{"user":"admin","password":"`+password+`"}`)
		if r.status != 200 || r.cookies[0].Value == planted.cookie.Value {
			h.t.Errorf("the planted cookie was taken up: %d %v", r.status, r.cookies)
		}
		return one(planted.do("GET", "/api/v1/users", ""))
	}},
	{"session fixation: an attacker's own session planted before the sign-in", func(h *hub, _ *wall) []response {
		attacker := h.signIn("vera")
		victim := h.with(attacker.cookie.Value)
		if r := victim.do("POST", "/api/v1/session", `{"user":"admin","password":"`+password+`"}`); r.status != 200 {
			h.t.Errorf("sign-in: %d %s", r.status, r.body)
		}
		return []response{attacker.do("GET", "/api/v1/users", ""), attacker.do("GET", "/api/v1/session", "")}
	}},
	{"CSRF: a form of another site", func(h *hub, _ *wall) []response {
		c := h.signIn("admin")
		r := c.request(h.t.Context(), "POST", "/api/v1/plan", "a=b")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Del("X-CSRF-Token")
		return one(c.send(r))
	}},
	{"CSRF: from another site with the right token", func(h *hub, _ *wall) []response {
		c := h.signIn("admin")
		r := c.request(h.t.Context(), "POST", "/api/v1/plan", "{}")
		r.Header.Set("Origin", "https://evil.example")
		same := c.request(h.t.Context(), "POST", "/api/v1/plan", "{}")
		same.Header.Set("Sec-Fetch-Site", "same-site")
		return []response{c.send(r), c.send(same)}
	}},
	{"CSRF: a sign-in by another site", func(h *hub, _ *wall) []response {
		c := &client{hub: h}
		r := c.request(h.t.Context(), "POST", "/api/v1/session", `{"user":"admin","password":"`+password+`"}`)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		return one(c.send(r))
	}},
	{"CSRF: the token of another session of the same user", func(h *hub, _ *wall) []response {
		a, b := h.signIn("admin"), h.signIn("admin")
		a.csrf = b.csrf
		return one(a.do("POST", "/api/v1/plan", "{}"))
	}},
	{"CSRF: an API token's header beside a cookie does not lend it its freedom", func(h *hub, _ *wall) []response {
		c := h.signIn("admin")
		c.csrf, c.token = "", "tdk_nonsense"
		basic := *c
		r := (&basic).request(h.t.Context(), "POST", "/api/v1/plan", "{}")
		r.Header.Set("Authorization", "Basic YWRtaW46eA==")
		return []response{c.do("POST", "/api/v1/plan", "{}"), c.send(r)}
	}},
	{"brute force of a password", func(h *hub, clk *wall) []response {
		var all []response
		for i := range 200 {
			all = append(all, (&client{hub: h}).do("POST", "/api/v1/session", fmt.Sprintf(`{"user":"admin","password":"guess number %d"}`, i)))
		}
		// The right one comes too late, and so does one after what looks like the end of the wait.
		all = append(all, (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"admin","password":"`+password+`"}`))
		clk.advance(30 * time.Second)
		return append(all, (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"admin","password":"`+password+`"}`))
	}},
	{"brute force of a code", func(h *hub, _ *wall) []response {
		h.authenticator("admin")
		var all []response
		for i := range 100 {
			all = append(all, (&client{hub: h}).do("POST", "/api/v1/session", fmt.Sprintf(`{"user":"admin","password":"%s","code":"%06d"}`, password, i)))
		}
		return all
	}},
	{"a code again within its window", func(h *hub, clk *wall) []response {
		code := h.authenticator("admin")
		clk.advance(time.Minute)
		body := fmt.Sprintf(`{"user":"admin","password":"%s","code":"%s"}`, password, code())
		if r := (&client{hub: h}).do("POST", "/api/v1/session", body); r.status != 200 {
			h.t.Errorf("the first time: %d %s", r.status, r.body)
		}
		return one((&client{hub: h}).do("POST", "/api/v1/session", body))
	}},
	{"the password alone of a user with an authenticator", func(h *hub, _ *wall) []response {
		h.authenticator("admin")
		return one((&client{hub: h}).do("POST", "/api/v1/session", `{"user":"admin","password":"`+password+`"}`))
	}},
	{"an API token after its end", func(h *hub, clk *wall) []response {
		c := h.token("admin", tenant.Permissions()...)
		clk.advance(time.Hour)
		return one(c.do("GET", "/api/v1/users", ""))
	}},
	{"an API token that was revoked", func(h *hub, _ *wall) []response {
		c, me := h.token("admin", tenant.Permissions()...), h.signIn("admin")
		id := me.do("GET", "/api/v1/tokens", "").at("items", 0, "id").(string)
		if r := me.do("DELETE", "/api/v1/tokens/"+id, ""); r.status != 204 {
			h.t.Errorf("revoked: %d %s", r.status, r.body)
		}
		return one(c.do("GET", "/api/v1/users", ""))
	}},
	{"an API token of a user who is kept out", func(h *hub, _ *wall) []response {
		c, admin := h.token("vera", tenant.StockRead), h.signIn("admin")
		if r := admin.do("POST", "/api/v1/users/vera/disabled", `{"disabled":true}`); r.status != 200 {
			h.t.Errorf("%d %s", r.status, r.body)
		}
		return []response{c.do("GET", "/api/v1/movements", ""), (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"vera","password":"`+password+`"}`)}
	}},
	{"scope escalation: an API token that wants more than it was given", func(h *hub, _ *wall) []response {
		c := h.token("admin", tenant.UserManage)
		return []response{
			c.do("POST", "/api/v1/users", `{"name":"twin","grants":[{"role":"admin","site":""}]}`), c.do("POST", "/api/v1/users/admin/password", "{}"),
			c.do("POST", "/api/v1/users/vera/grants", `{"grants":[{"role":"admin","site":""}]}`), c.do("POST", "/api/v1/users/admin/disabled", `{"disabled":true}`),
			c.do("POST", "/api/v1/users/admin/totp/reset", "{}"), c.do("POST", "/api/v1/tokens", `{"name":"x","scopes":["audit:read"],"days":1}`),
			c.do("GET", "/api/v1/audit", ""), c.do("POST", "/api/v1/plan", "{}"),
		}
	}},
	{"scope escalation: a token with more than its maker has", func(h *hub, _ *wall) []response {
		c := h.signIn("vera")
		return []response{
			c.do("POST", "/api/v1/tokens", `{"name":"x","scopes":["user:manage"],"days":1}`), c.do("POST", "/api/v1/tokens", `{"name":"x","scopes":["*"],"days":1}`),
			c.do("POST", "/api/v1/tokens", `{"name":"x","scopes":["stock:read","plan:run"],"days":1}`),
		}
	}},
	{"scope escalation: a token keeps what its user lost", func(h *hub, _ *wall) []response {
		c, admin := h.token("paula", tenant.PlanRun, tenant.CatalogWrite), h.signIn("admin")
		if r := admin.do("POST", "/api/v1/users/paula/grants", `{"grants":[{"role":"viewer","site":""}]}`); r.status != 200 {
			h.t.Errorf("%d %s", r.status, r.body)
		}
		return []response{c.do("POST", "/api/v1/plan", "{}"), c.do("POST", "/api/v1/catalog/items/import", "id,name_en\nX,Y\n")}
	}},
	{"a session of another user ended by its id", func(h *hub, _ *wall) []response {
		victim, c := h.signIn("admin"), h.signIn("vera")
		id := victim.do("GET", "/api/v1/sessions", "").at("items", 0, "id").(string)
		r := c.do("DELETE", "/api/v1/sessions/"+id, "")
		if again := victim.do("GET", "/api/v1/session", ""); again.status != 200 {
			h.t.Errorf("the session is over: %d", again.status)
		}
		return one(r)
	}},
	{"a token of another user ended by its id", func(h *hub, _ *wall) []response {
		victim := h.token("admin", tenant.StockRead)
		id := h.signIn("admin").do("GET", "/api/v1/tokens", "").at("items", 0, "id").(string)
		r := h.signIn("vera").do("DELETE", "/api/v1/tokens/"+id, "")
		if again := victim.do("GET", "/api/v1/movements", ""); again.status != 200 {
			h.t.Errorf("the token is over: %d", again.status)
		}
		return one(r)
	}},
	{"a password that was made for somebody else to change", func(h *hub, _ *wall) []response {
		made := h.signIn("admin").do("POST", "/api/v1/users", `{"name":"newbie","grants":[{"role":"admin","site":""}]}`).at("password").(string)
		c := &client{hub: h}
		r := c.do("POST", "/api/v1/session", `{"user":"newbie","password":"`+made+`"}`)
		if r.status != 200 || r.at("must") != "password" {
			h.t.Errorf("sign-in: %d %s", r.status, r.body)
			return nil
		}
		c.cookie, c.csrf = r.cookies[0], r.at("csrf").(string)
		return []response{
			c.do("GET", "/api/v1/users", ""), c.do("POST", "/api/v1/tokens", `{"name":"x","scopes":["user:manage"],"days":1}`),
			c.do("POST", "/api/v1/plan", "{}"), c.do("GET", "/api/v1/events", ""),
			c.do("POST", "/api/v1/account/password", `{"old":"not it at all","new":"a password of mine"}`),
			c.do("POST", "/api/v1/account/password", `{"old":"`+made+`","new":"password123"}`),
			c.do("POST", "/api/v1/account/password", `{"old":"`+made+`","new":"`+made+`"}`),
		}
	}},
	{"SQL, scripts and endless texts where names belong", func(h *hub, _ *wall) []response {
		var all []response
		for _, name := range []string{`' OR 1=1 --`, `admin'--`, `<script>`, "admin\\u0000", strings.Repeat("a", 199), `../admin`, `admin\r\nSet-Cookie: a=b`} {
			all = append(all, (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"`+name+`","password":"`+password+`"}`))
		}
		return append(all, (&client{hub: h}).do("POST", "/api/v1/session", `{"user":["admin"],"password":{"$ne":""}}`))
	}},
	{"a proxy's headers from anybody", func(h *hub, _ *wall) []response {
		c := &client{hub: h}
		for range 6 {
			c.do("POST", "/api/v1/session", `{"user":"vera","password":"a wrong guess"}`)
		}
		r := c.request(h.t.Context(), "POST", "/api/v1/session", `{"user":"vera","password":"`+password+`"}`)
		r.Header.Set("X-Forwarded-For", "10.9.9.9")
		r.Header.Set("X-Real-IP", "10.9.9.9")
		r.Header.Set("Forwarded", "for=10.9.9.9")
		return one(c.send(r))
	}},
}

// authenticator sets one up for a user, and gives what makes its codes.
func (h *hub) authenticator(user string) func() string {
	h.t.Helper()
	e, err := h.users.BeginFactor(h.t.Context(), user)
	if err != nil {
		h.t.Fatal(err)
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret)
	if err != nil {
		h.t.Fatal(err)
	}
	code := func() string { return tenant.CodeAt(raw, tenant.StepOf(h.now())) }
	if _, err := h.users.ConfirmFactor(h.t.Context(), user, code()); err != nil {
		h.t.Fatal(err)
	}
	return code
}

func TestNobodyGetsIn(t *testing.T) {
	tried, in := 0, 0
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			clk := &wall{t: time.Now()}
			h := startWith(t, options{now: clk.now, limits: wide, door: tenant.Options{ChangeMade: true}})
			answers := a.try(h, clk)
			if len(answers) == 0 {
				t.Error("nothing was tried")
			}
			for _, r := range answers {
				tried++
				if r.status < 400 || r.status >= 500 || strings.Contains(r.body, password) {
					in++
					t.Errorf("%d %s", r.status, r.body)
				}
				for _, c := range r.cookies {
					if c.Name == "td_session" && c.MaxAge > 0 {
						t.Errorf("a refusal sets a cookie: %v", c)
					}
				}
			}
		})
	}
	t.Logf("%d attacks, %d attempts, %d got in", len(attacks), tried, in)
}

// What a guesser is told of a user who is there and of one who is not is the same, but for what the guesser sent.
func TestAnswersDoNotTellWhoIsAUser(t *testing.T) {
	h := startWith(t, options{limits: wide})
	h.authenticator("admin")
	told := func(user, password string) string {
		r := (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"`+user+`","password":"`+password+`"}`)
		var names []string
		for name := range r.header {
			names = append(names, name)
		}
		slices.Sort(names)
		return fmt.Sprint(r.status, names, regexp.MustCompile(`\d+m?\d*s|"\d+"`).ReplaceAllString(r.body, "…"))
	}
	want := told("nobody", "a wrong guess")
	for _, user := range []string{"admin", "vera", "carl"} {
		if got := told(user, "a wrong guess"); got != want {
			t.Errorf("%s: %s\nnobody: %s", user, got, want)
		}
	}
	for _, user := range []string{"somebody", "vera"} { // and after so many that there is to wait
		for range 6 {
			told(user, "a wrong guess")
		}
	}
	if a, b := told("somebody", "x"), told("vera", "x"); a != b {
		t.Errorf("locked out:\n%s\n%s", a, b)
	}
}

// A sign-in takes the same work whoever is named: were the password of an unknown user not hashed, it would take a
// hundredth. The bound is wide, because it is the kind of difference that counts and not its size.
func TestASignInTakesAsLongForNobody(t *testing.T) {
	h := startWith(t, options{limits: wide})
	if err := h.users.SetPassword(t.Context(), "vera", password); err != nil { // at its true cost
		t.Fatal(err)
	}
	fastest := func(user string) time.Duration {
		least := time.Hour
		for range 4 {
			start := time.Now()
			(&client{hub: h}).do("POST", "/api/v1/session", `{"user":"`+user+`","password":"a wrong guess"}`)
			least = min(least, time.Since(start))
		}
		return least
	}
	known, unknown := fastest("vera"), fastest("nobody")
	t.Logf("a known user %v, an unknown one %v", known, unknown)
	if unknown < known/5 || known < unknown/5 {
		t.Errorf("a known user takes %v, an unknown one %v", known, unknown)
	}
}

func TestCookieFlags(t *testing.T) {
	for name, c := range map[string]struct {
		opt  options
		want http.Cookie
	}{
		"over plain HTTP": {options{}, http.Cookie{Name: "td_session"}},
		"over TLS":        {options{tls: true}, http.Cookie{Name: "__Host-td_session", Secure: true}},
		"behind a proxy":  {options{public: "https://hub.example.com"}, http.Cookie{Name: "__Host-td_session", Secure: true}},
	} {
		t.Run(name, func(t *testing.T) {
			h := startWith(t, c.opt)
			r := (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"vera","password":"`+password+`"}`)
			k := r.cookies[0]
			if r.status != 200 || k.Name != c.want.Name || k.Secure != c.want.Secure || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode ||
				k.Path != "/" || k.Domain != "" || k.MaxAge != int(tenant.AbsoluteLife/time.Second) || len(r.cookies) != 1 {
				t.Errorf("%d %+v", r.status, k)
			}
			if got := r.header.Get("Strict-Transport-Security") != ""; got != c.want.Secure {
				t.Errorf("HSTS: %v", got)
			}
			if !c.want.Secure {
				return
			}
			// A cookie without the prefix may have been set by another host or over plain HTTP: it does not count.
			plain := &client{hub: h, cookie: &http.Cookie{Name: "td_session", Value: k.Value}}
			refused(t, plain.do("GET", "/api/v1/session", ""), 401, "login_required")
			if r := (&client{hub: h, cookie: k}).do("GET", "/api/v1/session", ""); r.status != 200 {
				t.Errorf("with the cookie: %d", r.status)
			}
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	h := startWith(t, options{tls: true})
	for _, path := range []string{"/api/v1/about", "/api/v1/users", "/api/v1/nothing", "/healthz", "/metrics", "/", "/alarms", "/assets/none.js"} {
		r := (&client{hub: h}).do("GET", path, "")
		csp := r.header.Get("Content-Security-Policy")
		for _, header := range []string{
			"X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy", "Strict-Transport-Security", "X-Frame-Options", "Cross-Origin-Opener-Policy",
			"X-Request-Id", "Cache-Control",
		} {
			if r.header.Get(header) == "" && !(header == "Cache-Control" && path == "/metrics") {
				t.Errorf("%s has no %s", path, header)
			}
		}
		script, _, _ := strings.Cut(csp[strings.Index(csp, "default-src"):], ";")
		if !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(script, "unsafe") || strings.Contains(csp, "script-src") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}

// What a client sends does not become a header, and its names for things do not become the hub's.
func TestHeaderInjection(t *testing.T) {
	h := start(t)
	c := &client{hub: h}
	r := c.request(t.Context(), "GET", "/api/v1/about", "")
	r.Header.Set("X-Request-ID", "mine")
	if got := c.send(r).header.Get("X-Request-ID"); got == "mine" || len(got) != 20 {
		t.Errorf("request id %q", got)
	}
	const breaks = "%0d%0aSet-Cookie:%20a=b"
	for _, path := range []string{
		"/api/v1/movements/" + breaks, "/api/v1/stock/" + breaks + "/" + breaks, "/api/v1/oidc/start?next=" + breaks, "/api/v1/oidc/callback?state=" + breaks,
		"/api/v1/catalog/" + breaks + "/export", "/" + breaks, "/api/v1/" + breaks,
	} {
		for _, who := range []*client{c, h.signIn("admin")} {
			if r := who.do("GET", path, ""); r.header.Get("Set-Cookie") != "" || strings.ContainsAny(fmt.Sprint(r.header), "\r\n") {
				t.Errorf("%s: %v", path, r.header)
			}
		}
	}
}

func TestNextIsAPageOfThisConsole(t *testing.T) {
	for next, want := range map[string]string{
		"/alarms": "/alarms", "/shelves?item=SKU-1": "/shelves?item=SKU-1", "": "/", "https://evil.example/": "/", "//evil.example": "/",
		"/\\evil.example": "/", "/%5cevil.example": "/%5Cevil.example", "javascript:alert(1)": "/", "alarms": "/", "/a\r\nSet-Cookie: a=b": "/",
		"/%0d%0aSet-Cookie:%20a=b": "/%0D%0ASet-Cookie:%20a=b", "/api/v1/session": "/", "/login?next=/": "/", "http:///x": "/", "///evil.example": "/",
		"/\tevil": "/",
	} {
		got := api.SafeNext(next)
		if got != want {
			t.Errorf("%q becomes %q, want %q", next, got, want)
		}
		if u, err := url.Parse("https://hub.example.com" + got); err != nil || u.Host != "hub.example.com" {
			t.Errorf("%q leads to %v, %v", next, u, err)
		}
	}
}
