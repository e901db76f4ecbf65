package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
)

// longExcursion writes the day with a cold-room door that stays open, so that its alarm lasts while a browser looks.
func longExcursion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../simulators/scenario/day.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const short, long = `{from: "08:40", to: "09:30"}`, `{from: "07:10", to: "21:00"}`
	if !strings.Contains(string(text), short) {
		t.Fatalf("the day's scenario has no %s", short)
	}
	file := filepath.Join(t.TempDir(), "long.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), short, long, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestConsoleInChromium drives the console of a site that works: login, the live pages, an acknowledgement, an approval,
// language and theme. The specs are in hub/web/e2e.
func TestConsoleInChromium(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium is not installed: make debian")
	}
	s := open(t, house.Options{Scenario: longExcursion(t), Speed: 60})
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
		return a.State == "unacked" && len(proposals.Items) > 0 && len(stock) > 40,
			fmt.Sprintf("%+v, %d proposals, %d places, %v", a, len(proposals.Items), len(stock), err)
	})
	password, err := s.AdminPassword()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npx", "playwright", "test")
	cmd.Dir = "../../hub/web"
	cmd.Env = append(os.Environ(), "TALLYDOCK_E2E_URL=http://"+s.Listen, "TALLYDOCK_E2E_USER=admin",
		"TALLYDOCK_E2E_PASSWORD="+password, "CI=1")
	out, err := cmd.CombinedOutput()
	t.Logf("playwright:\n%s", out)
	if err != nil {
		t.Error(err)
	}
}
