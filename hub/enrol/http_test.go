package enrol_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/enrol"
)

// ask sends a request to a handler and gives status and answer.
func ask(t testing.TB, h http.Handler, method, path, body string) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	var answer map[string]any
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return w.Code, answer
}

func body(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func quietHandler(h *hub, audit func([]enrol.Fact)) http.Handler {
	return h.Handler(audit)
}

func TestEdgeEnrolsAndRenewsOverHTTP(t *testing.T) {
	h := newHub(t)
	var acts []enrol.Act
	handler := quietHandler(h, func(f []enrol.Fact) { acts = append(acts, f[0].Act) })
	g := newGateway(t, "SZ1-E1")
	secret := base64.RawURLEncoding.EncodeToString(h.order(enrol.Order{Edge: g.id, Site: "SZ1"}))
	status, got := ask(t, handler, "POST", "/enrol", body(t, map[string]string{"secret": secret, "edge": g.id, "csr": string(g.csr(t))}))
	if status != 200 || fmt.Sprint(got["brokers"]) != "[ssl://hub.example:8883]" || got["trust"] != string(h.ca.Trust()) || len(got) != 3 {
		t.Fatalf("%d %v", status, got)
	}
	g.Chain = []byte(got["certificate"].(string))
	if n := strings.Count(string(g.Chain), "BEGIN CERTIFICATE"); n != 2 {
		t.Errorf("the chain has %d certificates", n)
	}
	status, got = ask(t, handler, "GET", "/nonce", "")
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(got["expires"])); status != 200 || err != nil || at != start.Add(5*time.Minute) {
		t.Fatalf("%d %v %v", status, got, err)
	}
	r := g.renewal(t, got["nonce"].(string))
	renewal := body(t, map[string]any{"certificate": string(r.Certificate), "csr": string(r.CSR), "nonce": r.Nonce, "signature": r.Signature})
	if status, got = ask(t, handler, "POST", "/renew", renewal); status != 200 || got["certificate"] == "" {
		t.Errorf("%d %v", status, got)
	}
	if status, got = ask(t, handler, "POST", "/renew", renewal); status != 403 || got["error"] != "not permitted" {
		t.Errorf("the same again: %d %v", status, got)
	}
	if status, got = ask(t, handler, "GET", "/trust", ""); status != 200 || got["trust"] != string(h.ca.Trust()) || len(got) != 1 {
		t.Errorf("%d %v", status, got)
	}
	if fmt.Sprint(acts) != "[enrolled renewed refused]" {
		t.Errorf("the auditor heard %v", acts)
	}
}

func TestWhatIsWrongHasItsStatus(t *testing.T) {
	h := newHub(t)
	handler := quietHandler(h, nil)
	held := h.enrolled("SZ1-E2")
	open := h.order(enrol.Order{Edge: "SZ1-E1", Site: "SZ1"})
	h.enrolled("SZ1-E1")
	g := newGateway(t, "SZ1-E1")
	enrolBody := func(secret []byte) string {
		return body(t, map[string]string{"secret": base64.RawURLEncoding.EncodeToString(secret), "edge": g.id, "csr": string(g.csr(t))})
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		kind, says         string
	}{
		"no JSON":         {"POST", "/enrol", "hello", 400, "invalid", "body cannot be read"},
		"nothing":         {"POST", "/renew", "", 400, "invalid", "body cannot be read"},
		"a slip":          {"POST", "/enrol", `{"sekret":"x"}`, 400, "invalid", "sekret"},
		"two values":      {"POST", "/enrol", "{} {}", 400, "invalid", "more than one"},
		"too much":        {"POST", "/enrol", `{"csr":"` + strings.Repeat("x", 40<<10) + `"}`, 400, "invalid", "too large"},
		"secret":          {"POST", "/enrol", `{"secret":"?"}`, 400, "invalid", "base64url"},
		"unknown token":   {"POST", "/enrol", enrolBody(make([]byte, 20)), 403, "not permitted", "this token is not known here"},
		"edge has one":    {"POST", "/enrol", enrolBody(open), 409, "conflict", "edge SZ1-E1 has a certificate until"},
		"unsigned":        {"POST", "/renew", body(t, map[string]string{"certificate": string(held.Chain), "csr": string(held.csr(t))}), 403, "not permitted", "not signed"},
		"an unknown path": {"GET", "/", "", 404, "", ""},
		"a method":        {"GET", "/enrol", "", 405, "", ""},
	} {
		status, got := ask(t, handler, c.method, c.path, c.body)
		says, _ := got["message"].(string)
		if status != c.status || c.kind != "" && got["error"] != c.kind || !strings.Contains(says, c.says) || strings.HasPrefix(says, c.kind+": ") && c.kind != "" {
			t.Errorf("%s: %d %v", name, status, got)
		}
	}
}

func TestOneAddressCannotAskWithoutEnd(t *testing.T) {
	h := newHub(t)
	handler := quietHandler(h, nil)
	from := func(address string) int {
		r := httptest.NewRequest("GET", "/trust", nil)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	many := func(address string, n int) (passed int) {
		for range n {
			if from(address) == 200 {
				passed++
			}
		}
		return passed
	}
	if n := many("192.0.2.7:4000", 100); n != 30 {
		t.Errorf("%d of 100 passed", n)
	}
	if n := many("192.0.2.8:4000", 1) + many("[2001:db8::1]:4000", 20) + many("[2001:db8::2]:4000", 20); n != 31 {
		t.Errorf("%d of others passed; a site's IPv6 addresses are one", n)
	}
	h.clock.add(5 * time.Second)
	if n := many("192.0.2.7:4001", 100); n != 5 {
		t.Errorf("%d of 100 passed five seconds later", n)
	}
	h.clock.add(-time.Hour) // a clock that was set back gives nothing and takes nothing
	if n := many("192.0.2.7:4001", 1); n != 0 {
		t.Error("passed by a clock that was set back")
	}
}

func FuzzHandlerSurvivesAnyBody(f *testing.F) {
	h := newHub(f)
	g := newGateway(f, "SZ1-E1")
	f.Add("/enrol", []byte(`{"secret":"AAAA","edge":"SZ1-E1","csr":`+body(f, string(g.csr(f)))+`}`))
	f.Add("/renew", []byte(`{"certificate":`+body(f, string(h.ca.Trust()))+`,"csr":"x","nonce":"AA","signature":"AA=="}`))
	f.Add("/renew", []byte(`{"signature":1}`))
	f.Fuzz(func(t *testing.T, path string, b []byte) {
		if path != "/enrol" {
			path = "/renew"
		}
		h.clock.add(time.Minute)
		w := httptest.NewRecorder()
		quietHandler(h, nil).ServeHTTP(w, httptest.NewRequest("POST", path, bytes.NewReader(b)))
		if w.Code < 400 || w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func FuzzRequestIntake(f *testing.F) {
	h := newHub(f)
	g := newGateway(f, "SZ1-E1")
	good := g.csr(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, csr []byte) {
		_, facts, err := h.Enrol(t.Context(), enrol.Enrolment{Secret: make([]byte, 20), Edge: g.id, CSR: csr})
		if err == nil || len(facts) != 1 {
			t.Errorf("taken without a token: %v, %v", facts, err)
		}
	})
}
