package api_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/api"
	"github.com/tallydock/tallydock/edge/reconcile"
)

var guarded = []string{
	"/", "/devices", "/samples", "/alarms", "/tags", "/passes", "/gateway", "/live", "/metrics", "/api/v1/state", "/api/v1/alarms", "/api/v1/devices",
	"/api/v1/samples", "/api/v1/tags?q=30", "/api/v1/passes", "/api/v1/counts", "/api/v1/uplink", "/api/v1/gateway",
}

func TestLocalCallersNeedNoCredentials(t *testing.T) {
	url := newGateway(t).serve(t)
	for _, path := range append(guarded, "/healthz") {
		if r := get(t, url+path); r.status != http.StatusOK || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s answers %d %s", path, r.status, r.body)
		}
		if r := ask(t, http.MethodHead, url+path, nil); r.status != http.StatusOK || r.body != "" {
			t.Errorf("HEAD %s answers %d %s", path, r.status, r.body)
		}
	}
}

func TestOthersNeedTheToken(t *testing.T) {
	elsewhere := map[string]func(*http.Request){
		"another host's name": func(r *http.Request) { r.Host = "evil.example:7810" },
		"forwarded":           func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") },
	}
	g := newGateway(t)
	bare := g.serve(t)
	g.conf.Token = token
	locked := g.serve(t)
	for name, change := range elsewhere {
		for _, path := range guarded {
			for _, url := range []string{bare, locked} {
				r := ask(t, http.MethodGet, url+path, change)
				if r.status != http.StatusUnauthorized || r.object(t)["code"] != "login_required" {
					t.Errorf("%s: %s answers %d %s", name, path, r.status, r.body)
				}
			}
		}
		for credentials, want := range map[string]int{
			"Bearer " + token: http.StatusOK, "Bearer " + token + "x": http.StatusUnauthorized, "Bearer ": http.StatusUnauthorized,
			token: http.StatusUnauthorized,
		} {
			r := ask(t, http.MethodGet, locked+"/api/v1/state", func(r *http.Request) { change(r); r.Header.Set("Authorization", credentials) })
			if r.status != want {
				t.Errorf("%s with %q: answers %d; want %d", name, credentials, r.status, want)
			}
		}
		for password, want := range map[string]int{token: http.StatusOK, "": http.StatusUnauthorized, "guess": http.StatusUnauthorized} {
			r := ask(t, http.MethodGet, locked+"/", func(r *http.Request) { change(r); r.SetBasicAuth("li.wei", password) })
			if r.status != want {
				t.Errorf("%s with password %q: answers %d; want %d", name, password, r.status, want)
			}
		}
		if r := ask(t, http.MethodGet, bare+"/", func(r *http.Request) { change(r); r.Header.Set("Authorization", "Bearer ") }); r.status != http.StatusUnauthorized {
			t.Errorf("%s: an empty token is taken where there is none", name)
		}
	}
}

func TestStrangersLearnTheStatusOnly(t *testing.T) {
	url := newGateway(t).serve(t)
	r := ask(t, http.MethodGet, url+"/healthz", func(r *http.Request) { r.Host = "evil.example" })
	if r.status != http.StatusOK || r.body != `{"status":"degraded"}`+"\n" {
		t.Errorf("answers %d %s", r.status, r.body)
	}
}

func TestServerWithoutATokenListensOnLoopbackOnly(t *testing.T) {
	g := newGateway(t)
	for _, listen := range []string{"0.0.0.0:0", ":0", "192.0.2.7:0", "[::]:0", "gateway.example:0", "7810"} {
		g.conf.Listen = listen
		if _, err := api.New(g.conf, g.rooms); err == nil || !strings.Contains(err.Error(), listen) {
			t.Errorf("%s: got %v", listen, err)
		}
	}
	g.conf.Listen, g.conf.Token = "0.0.0.0:0", token
	if _, err := api.New(g.conf, g.rooms); err != nil {
		t.Error(err)
	}
}

func TestBusyPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := newGateway(t)
	g.conf.Listen = l.Addr().String()
	s, err := api.New(g.conf, g.rooms)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), g.conf.Listen) || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("got %v", err)
	}
}

func TestServeTakesAListenerAndClosesIt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t)
	s, err := api.New(g.conf, g.rooms)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	<-s.Ready()
	if r := get(t, "http://"+s.Addr()+"/healthz"); r.status != http.StatusOK {
		t.Errorf("answers %d", r.status)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is not closed: %v", err)
	}
}

func TestWhatIsNotThereIsAProblem(t *testing.T) {
	url := newGateway(t).serve(t)
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/api/v1/nothing", http.StatusNotFound, "not_found"},
		{"GET", "/index.html", http.StatusNotFound, "not_found"},
		{"POST", "/api/v1/state", http.StatusMethodNotAllowed, "method_not_allowed"},
		{"DELETE", "/", http.StatusMethodNotAllowed, "method_not_allowed"},
		{"GET", "/api/v1/state?location=SZ9-X", http.StatusNotFound, "not_found"},
		{"GET", "/api/v1/state?locaton=SZ1-A-01", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/state?location=SZ1-A-01&limit=0", http.StatusBadRequest, "bad_limit"},
		{"GET", "/api/v1/state?location=SZ1-A-01&limit=many", http.StatusBadRequest, "bad_limit"},
		{"GET", "/api/v1/alarms?state=all", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/devices?x", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/uplink?x", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/gateway?x", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/passes?x", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/passes/none", http.StatusNotFound, "not_found"},
		{"GET", "/api/v1/passes/none?x", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/samples?device=x", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/samples?limit=0", http.StatusBadRequest, "bad_limit"},
		{"GET", "/api/v1/tags", http.StatusBadRequest, "bad_query"},
		{"GET", "/api/v1/tags?q=hello", http.StatusBadRequest, "bad_query"},
		{"GET", "/api/v1/tags?q=30&limit=5001", http.StatusBadRequest, "bad_limit"},
		{"GET", "/api/v1/tags?query=30", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/recording?for=11m", http.StatusBadRequest, "bad_duration"},
		{"GET", "/api/v1/recording?for=-1s", http.StatusBadRequest, "bad_duration"},
		{"GET", "/api/v1/recording?for=long", http.StatusBadRequest, "bad_duration"},
		{"GET", "/api/v1/recording?from=1s", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/assets/page.js", http.StatusNotFound, "not_found"},
		{"GET", "/live?x", http.StatusBadRequest, "unknown_parameter"},
		{"GET", "/api/v1/alarms/a/acknowledge", http.StatusMethodNotAllowed, "method_not_allowed"},
		{"POST", "/api/v1/alarms/a/delete", http.StatusNotFound, "not_found"},
	} {
		r := ask(t, c.method, url+c.path, nil)
		o := r.object(t)
		if r.status != c.status || r.header.Get("Content-Type") != "application/problem+json" || o["code"] != c.code ||
			o["title"] != http.StatusText(c.status) || o["detail"] == "" {
			t.Errorf("%s %s answers %d %s", c.method, c.path, r.status, r.body)
		}
	}
}

func TestBusyGatewayIsUnavailable(t *testing.T) {
	g := newGateway(t)
	g.road.busy = true
	url := g.serve(t)
	for _, path := range []string{"/api/v1/state", "/api/v1/state?location=SZ1-A-01"} {
		if r := get(t, url+path); r.status != http.StatusServiceUnavailable || r.object(t)["code"] != "unavailable" {
			t.Errorf("%s answers %d %s", path, r.status, r.body)
		}
	}
	if r := get(t, url+"/"); r.status != http.StatusOK || !strings.Contains(r.body, "too busy to count") {
		t.Errorf("the page answers %d %s", r.status, r.body)
	}
}

func TestStateCountsTagsByLocation(t *testing.T) {
	g := newGateway(t)
	g.read(t, noon.Add(-time.Hour), 1, 2, 3)
	o := get(t, g.serve(t)+"/api/v1/state").object(t)
	says(t, o, map[string]string{"at": "2026-11-22T12:00:00Z", "tags": "3", "undecided": "0", "left": "0", "strange": "0"})
	locations := o["locations"].([]any)
	if len(locations) != 2 {
		t.Fatalf("got %v", locations)
	}
	says(t, locations[0], map[string]string{"location": "SZ1-A-01", "present": "3", "unseen": "0"})
	says(t, locations[1], map[string]string{"location": "SZ1-B-01", "present": "0", "unseen": "0"})
}

func TestTagsOfALocationComeInPages(t *testing.T) {
	g := newGateway(t)
	g.read(t, noon.Add(-time.Hour), 5, 3, 1, 4, 2)
	url := g.serve(t) + "/api/v1/state?location=SZ1-A-01&limit=2"
	var all []string
	next := ""
	for pages := 1; ; pages++ {
		o := get(t, url+"&after="+next).object(t)
		says(t, o, map[string]string{"location": "SZ1-A-01", "present": "5", "unseen": "0", "at": "2026-11-22T12:00:00Z"})
		for _, it := range items(t, o) {
			says(t, it, map[string]string{"present": "true", "since": "2026-11-22T11:00:01Z", "last_seen": "2026-11-22T11:00:02Z"})
			all = append(all, it.(map[string]any)["tag"].(string))
		}
		if next = o["next"].(string); next == "" {
			if pages != 3 {
				t.Errorf("%d pages; want 3", pages)
			}
			break
		}
	}
	if got := strings.Join(all, " "); got != "epc:3001 epc:3002 epc:3003 epc:3004 epc:3005" {
		t.Errorf("got %s", got)
	}
}

func TestEmptyLocationHasAnEmptyList(t *testing.T) {
	r := get(t, newGateway(t).serve(t)+"/api/v1/state?location=SZ1-B-01")
	if !strings.Contains(r.body, `"items":[],"next":""`) {
		t.Errorf("answers %s", r.body)
	}
}

func TestUnseenTagsAreCountedApart(t *testing.T) {
	g := newGateway(t)
	g.alive(noon.Add(-time.Hour), 0)
	g.read(t, noon.Add(-time.Hour), 1)
	g.alive(noon.Add(-time.Hour), 2*time.Minute)
	o := get(t, g.serve(t)+"/api/v1/state?location=SZ1-A-01").object(t)
	says(t, o, map[string]string{"present": "0", "unseen": "1"})
	says(t, items(t, o)[0], map[string]string{"tag": "epc:3001", "present": "false"})
}

// alive lets the reader be up, and time pass, a second at a time.
func (g *gateway) alive(from time.Time, d time.Duration) {
	g.road.reconcile.Step(reconcile.Input{Health: up("uhf-a1", from)}, from)
	for at := from; !at.After(from.Add(d)); at = at.Add(time.Second) {
		g.road.reconcile.Step(reconcile.Input{}, at)
	}
}
