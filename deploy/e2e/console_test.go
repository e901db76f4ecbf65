package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
)

// restless writes the day with a cold-room door that is left open again and again, so that there is always an alarm to see.
func restless(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../simulators/scenario/day.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const once = `{from: "08:40", to: "09:30"}`
	if !strings.Contains(string(text), once) {
		t.Fatalf("the day's scenario has no %s", once)
	}
	var often []string
	for h := 7; h < 21; h++ {
		often = append(often, fmt.Sprintf(`{from: "%02d:10", to: "%02d:40"}`, h, h))
	}
	file := filepath.Join(t.TempDir(), "restless.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), once, strings.Join(often, ", "), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// levers lets the specs break the site and mend it: POST /kill/edge, /start/edge, /tell/unplug uhf-a2.
func (s *site) levers() http.Handler {
	mux := http.NewServeMux()
	pull := func(do func(what string) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := do(r.PathValue("what")); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}
	}
	mux.HandleFunc("POST /kill/{what}", pull(s.Kill))
	mux.HandleFunc("POST /start/{what}", pull(s.Start))
	mux.HandleFunc("POST /tell/{what}", pull(func(order string) error { return s.Tell("sim", order) }))
	return mux
}

// TestConsoleInChromium drives the console of a site that works, and of one that is broken on purpose: login, the live
// pages, an acknowledgement, an approval, language and theme, accessibility. The specs are in hub/web/e2e.
func TestConsoleInChromium(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium is not installed: make debian")
	}
	s := open(t, house.Options{Scenario: restless(t), Speed: 120})
	begin := s.Clock.Now()
	s.start("hub", "sim", "edge")
	s.login()
	s.until(begin.Add(65 * time.Minute)) // the first plan is made after an hour
	s.eventually(2*time.Minute, "an alarm of the cold room, proposals and stock", func() (bool, string) {
		a, err := s.alarmOf("cold_chain")
		if err != nil {
			return false, err.Error()
		}
		var proposals struct{ Items []struct{ ID string } }
		if err := s.get("/api/v1/proposals?state=proposed", &proposals); err != nil {
			return false, err.Error()
		}
		stock, err := s.stock()
		return a.State != "" && len(proposals.Items) > 3 && len(stock) > 40,
			fmt.Sprintf("%+v, %d proposals, %d places, %v", a, len(proposals.Items), len(stock), err)
	})
	password, err := s.AdminPassword(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const viewer = "a-viewer-of-the-test"
	if err := s.Run(t.Context(), viewer+"\n", "hub", "passwd", "--config", filepath.Join(s.Dir, "hub.yaml"), "--role", "viewer", "--stdin", "viewer"); err != nil {
		t.Fatal(err)
	}
	levers := httptest.NewServer(s.levers())
	defer levers.Close()
	cmd := exec.CommandContext(t.Context(), "npx", "playwright", "test", "--max-failures=8")
	cmd.Dir = "../../hub/web"
	cmd.Env = append(os.Environ(), "TALLYDOCK_E2E_URL=http://"+s.Listen, "TALLYDOCK_E2E_USER=admin",
		"TALLYDOCK_E2E_PASSWORD="+password, "TALLYDOCK_E2E_VIEWER="+viewer, "TALLYDOCK_E2E_LEVERS="+levers.URL, "CI=1")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
}
