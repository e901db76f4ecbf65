package api_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/tenant"
)

func TestTooManyRequestsAreToldWhenToComeAgain(t *testing.T) {
	h := startWith(t, options{limits: api.RateLimits{ReadsPerSecond: 0.01, ChangesPerSecond: 0.01, SignInsPerMinute: 5, ExportsPerMinute: 2}})
	c := h.signIn("admin")
	for what, request := range map[string][2]string{
		"reads": {"GET", "/api/v1/users"}, "changes": {"POST", "/api/v1/plan"}, "exports": {"GET", "/api/v1/audit/export"},
	} {
		body := ""
		if request[0] == "POST" {
			body = "{}"
		}
		if r := c.do(request[0], request[1], body); r.status != 200 {
			t.Fatalf("%s: the first: %d %s", what, r.status, r.body)
		}
		r := c.do(request[0], request[1], body)
		refused(t, r, 429, "too_many_requests")
		after, err := strconv.Atoi(r.header.Get("Retry-After"))
		if err != nil || after < 1 || r.at("params", "seconds") != r.header.Get("Retry-After") {
			t.Errorf("%s: Retry-After %q, %s", what, r.header.Get("Retry-After"), r.body)
		}
	}
	if r := h.token("admin", tenant.UserManage).do("GET", "/api/v1/users", ""); r.status != 200 {
		t.Errorf("another principal of the same address: %d %s", r.status, r.body)
	}
}

func TestSignInsOfOneAddressAreFew(t *testing.T) {
	h := startWith(t, options{limits: api.RateLimits{SignInsPerMinute: 3}})
	var last response
	for i := range 5 {
		last = (&client{hub: h}).do("POST", "/api/v1/session", fmt.Sprintf(`{"user":"user%d","password":"a wrong guess"}`, i))
	}
	refused(t, last, 429, "too_many_requests")
}

func TestALockedUserIsToldHowLong(t *testing.T) {
	h := startWith(t, options{limits: wide})
	var r response
	for range 6 {
		r = (&client{hub: h}).do("POST", "/api/v1/session", `{"user":"vera","password":"a wrong guess"}`)
	}
	refused(t, r, 429, "too_many_attempts")
	if after, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || after < 50 || after > 60 {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
}

// Law: within any time no more pass than the burst and what the rate fills up; who was refused and comes when told passes.
func TestLimiterLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate, burst := rapid.Float64Range(0.1, 100).Draw(t, "rate"), float64(rapid.IntRange(1, 50).Draw(t, "burst"))
		l := api.NewLimiter(rate, burst)
		start := time.Unix(1_800_000_000, 0)
		now, passed := start, 0
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(-5, 2000).Draw(t, "ms")) * time.Millisecond)
			wait := l.Take("k", now)
			if wait == 0 {
				passed++
				continue
			}
			if l.Take("k", now.Add(wait+time.Microsecond)) != 0 {
				t.Fatalf("refused after the wait of %v", wait)
			}
			now = now.Add(wait + time.Microsecond)
			passed++
		}
		// Steps back in time are as if no time went by, and may count again: there are at most as many as requests.
		if most := burst + rate*(now.Sub(start).Seconds()+200*0.005) + 1; float64(passed) > most {
			t.Fatalf("%d passed, and at most %v may", passed, most)
		}
	})
}

func TestLimiterForgetsInTime(t *testing.T) {
	l := api.NewLimiter(1, 2)
	now := time.Unix(1_800_000_000, 0)
	for i := range 3 * api.MostBuckets {
		l.Take(fmt.Sprint(i), now)
		if l.Len() > api.MostBuckets {
			t.Fatalf("%d buckets", l.Len())
		}
	}
}

func TestNetworkOfAnAddress(t *testing.T) {
	for address, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "::ffff:10.0.0.1": "::ffff:10.0.0.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "@": "@",
	} {
		if got := tenant.Network(address); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}
