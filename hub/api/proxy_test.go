package api_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/tallydock/tallydock/hub/api"
)

// through sends a request as a proxy at this machine does: with what its client sent of the header, and, last, the address
// that the client has.
func (c *client) through(at, method, path, body string, claimed ...string) response {
	c.t.Helper()
	r := c.request(c.t.Context(), method, path, body)
	r.Header["X-Forwarded-For"] = claimed
	if at != "" {
		r.Header.Add("X-Forwarded-For", at)
	}
	return c.send(r)
}

// The log of changes tells where a request came from; so do rate limits and failed sign-ins, which ask the same.
func TestAddressesAreThoseBeforeTheTrustedProxies(t *testing.T) {
	const here = "127.0.0.1" // where tests come from
	for name, c := range map[string]struct {
		trusted []string
		headers []string
		want    string
	}{
		"nothing is trusted":              {nil, []string{"203.0.113.7"}, here},
		"others are trusted":              {[]string{"10.0.0.0/8"}, []string{"203.0.113.7"}, here},
		"no header":                       {[]string{"127.0.0.0/8"}, nil, here},
		"one proxy":                       {[]string{"127.0.0.0/8"}, []string{"203.0.113.7"}, "203.0.113.7"},
		"a claim before it":               {[]string{"127.0.0.0/8"}, []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		"a claim in a header of its own":  {[]string{"127.0.0.0/8"}, []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		"a claim to be a proxy":           {[]string{"127.0.0.0/8"}, []string{"127.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		"two proxies":                     {[]string{"127.0.0.0/8", "10.0.0.0/8"}, []string{"198.51.100.1, 203.0.113.7, 10.1.2.3"}, "203.0.113.7"},
		"a second one that is not":        {[]string{"127.0.0.0/8"}, []string{"203.0.113.7, 10.1.2.3"}, "10.1.2.3"},
		"proxies alone":                   {[]string{"127.0.0.0/8", "10.0.0.0/8"}, []string{"10.9.9.9, 10.1.2.3"}, "10.9.9.9"},
		"a port":                          {[]string{"127.0.0.0/8"}, []string{"203.0.113.7:4711"}, "203.0.113.7"},
		"IPv6":                            {[]string{"127.0.0.0/8"}, []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv6 with a port":                {[]string{"127.0.0.0/8"}, []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		"IPv4 in IPv6":                    {[]string{"127.0.0.0/8", "10.0.0.0/8"}, []string{"203.0.113.7, ::ffff:10.1.2.3"}, "203.0.113.7"},
		"a zone":                          {[]string{"127.0.0.0/8"}, []string{"fe80::1%lo"}, "fe80::1"},
		"no address":                      {[]string{"127.0.0.0/8"}, []string{"203.0.113.7, unknown"}, here},
		"an empty one":                    {[]string{"127.0.0.0/8"}, []string{"203.0.113.7,"}, here},
		"no address before another proxy": {[]string{"127.0.0.0/8", "10.0.0.0/8"}, []string{"203.0.113.7, <script>, 10.1.2.3"}, "10.1.2.3"},
		"a name":                          {[]string{"127.0.0.0/8"}, []string{"localhost"}, here},
	} {
		t.Run(name, func(t *testing.T) {
			h := startWith(t, options{limits: wide, proxies: c.trusted})
			r := (&client{hub: h}).through("", "POST", "/api/v1/session", `{"user":"vera","password":"a wrong guess"}`, c.headers...)
			refused(t, r, 401, "bad_credentials")
			if e := h.signIn("admin").changes("user=vera")[0].(map[string]any); e["address"] != c.want {
				t.Errorf("%v, want %s", e["address"], c.want)
			}
		})
	}
}

// Whoever has guessed too often gets in by no header, behind a proxy that is trusted or past it; others do.
func TestMadeUpAddressesLetNobodyIn(t *testing.T) {
	claims := []string{"", "unknown", "127.0.0.1", "10.1.2.3", "::1", "0.0.0.0", "203.0.113.8:80", "for=198.51.100.1", "\"198.51.100.1\"", "198.51.100.1,", ",", "a, b, c"}
	for i := range 50 {
		claims = append(claims, fmt.Sprintf("198.51.100.%d", i), fmt.Sprintf("198.51.100.%d, 127.0.0.1", i), fmt.Sprintf("2001:db8::%d", i))
	}
	tried, in := 0, 0
	for name, c := range map[string]struct {
		proxies []string
		at      string // what the proxy says of who guesses; "" = there is no proxy
	}{
		"behind a proxy":        {[]string{"127.0.0.1/32", "10.0.0.0/8"}, "203.0.113.7"},
		"behind a second one":   {[]string{"127.0.0.1/32", "10.0.0.0/8"}, "203.0.113.7, 10.1.2.3"},
		"past it":               {[]string{"10.0.0.0/8"}, ""},
		"where none is trusted": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := startWith(t, options{limits: wide, proxies: c.proxies})
			guesser := &client{hub: h}
			for range 6 {
				guesser.through(c.at, "POST", "/api/v1/session", `{"user":"vera","password":"a wrong guess"}`)
			}
			for _, claim := range claims {
				r := guesser.request(t.Context(), "POST", "/api/v1/session", `{"user":"vera","password":"`+password+`"}`)
				r.Header = http.Header{
					"Content-Type": {"application/json"}, "X-Real-Ip": {claim}, "Forwarded": {"for=" + claim}, "True-Client-Ip": {claim}, "X-Forwarded-For": {claim},
				}
				if c.at != "" {
					r.Header.Add("X-Forwarded-For", c.at)
				}
				tried++
				if got := guesser.send(r); got.status < 400 {
					in++
					t.Errorf("%q: %d %s", claim, got.status, got.body)
				}
			}
			if c.at == "" {
				return
			}
			if r := guesser.through("192.0.2.1", "POST", "/api/v1/session", `{"user":"vera","password":"`+password+`"}`); r.status != 200 {
				t.Errorf("from elsewhere: %d %s", r.status, r.body)
			}
		})
	}
	t.Logf("%d attempts, %d got in", tried, in)
	h := startWith(t, options{limits: wide, proxies: []string{"127.0.0.1/32"}})
	refused(t, (&client{hub: h}).through("127.0.0.1", "GET", "/metrics", ""), 401, "login_required")
}

// Law: whatever a client claims, the address that the trusted proxy adds is the one that counts.
func FuzzForwarded(f *testing.F) {
	f.Add("198.51.100.1")
	f.Add("[::1]:80, unknown,,")
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	f.Fuzz(func(t *testing.T, claim string) {
		r := &http.Request{RemoteAddr: "127.0.0.1:4711", Header: http.Header{"X-Forwarded-For": {claim + ", 203.0.113.7"}}}
		if got := api.Client(trusted, r); got != "203.0.113.7" {
			t.Errorf("%q before it gives %s", claim, got)
		}
		r.Header["X-Forwarded-For"] = []string{claim}
		if got := api.Client(trusted, r); net.ParseIP(got) == nil {
			t.Errorf("%q gives %q, which is no address", claim, got)
		}
		r.RemoteAddr = "192.0.2.1:4711"
		if got := api.Client(trusted, r); got != "192.0.2.1" {
			t.Errorf("%q from one that is not trusted gives %s", claim, got)
		}
	})
}
