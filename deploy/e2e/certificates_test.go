package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/deploy/house"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/simulators/scenario"
)

// shortLife is so short that a gateway renews its certificate several times in the test.
const shortLife = 12 * time.Second

// TestSiteByCertificates is an hour of a site whose gateway is enrolled by a token: what it decides reaches the hub by mutual
// TLS, while its certificate is renewed again and again and the hub is killed; until it is revoked.
func TestSiteByCertificates(t *testing.T) {
	t.Parallel()
	const speed = 150
	s := open(t, house.Options{Scenario: "hour", Speed: speed, Enrolled: true})
	edge := s.enrolling(free(t))
	s.start("hub")
	token := s.hub("enrol-token", edge)
	s.must(s.enrol(token))
	s.refused("a replayed token", "was used at", s.Run(t.Context(), token, "edge", "enrol", "--config", s.another(), "-"))
	if err := s.Stop("hub"); err != nil {
		t.Fatal(err)
	}

	script, err := scenario.Builtin("hour")
	if err != nil {
		t.Fatal(err)
	}
	if s.Clock, err = clock.Scaled(script.Start, time.Now(), speed); err != nil {
		t.Fatal(err)
	}
	s.start("hub", "sim", "edge")
	s.login()
	s.connected(true, 20*time.Second)
	if end := s.metric(s.Listen, "tallydock_broker_client_certificate_expiry_timestamp_seconds"); end == 0 {
		t.Error("the gateway is connected, and not by a certificate")
	}
	s.until(script.Start.Add(20 * time.Minute))
	if err := s.Kill("hub"); err != nil {
		t.Fatal(err)
	}
	s.start("hub")
	s.login()
	s.until(script.Start.Add(65 * time.Minute))
	got, want := s.settled(time.Minute)
	renewed := strings.Count(s.hub("edges", "--all"), edge+" ") - 1
	t.Logf("%d places hold what the world says after %d passes, the hub killed once and %d renewals", len(got), len(want.Passes), renewed)
	if len(got) < 10 || len(want.Passes) == 0 || renewed < 2 {
		t.Error("that is too little to prove anything")
	}

	s.hub("revoke", "--reason", "stolen", edge)
	began := time.Now()
	s.connected(false, 5*time.Second)
	t.Logf("revoked: cut off after %v", time.Since(began).Round(time.Millisecond))
	s.refused("the token that was used", "was used at", s.enrol(token))
	if s.metric(s.EdgeAPI, "edge_uplink_connected") != 0 {
		t.Error("the revoked gateway came in again")
	}
	s.must(s.enrol(s.hub("enrol-token", edge)))
	s.connected(true, 40*time.Second)
	s.books()
}

// enrolling has the hub enrol edges at an address, and the edge sign in by its certificate; it gives the edge's id.
func (s *site) enrolling(address string) (edge string) {
	s.t.Helper()
	url := "https://" + address + "/edge"
	s.change("hub.yaml", "hub.yaml", func(c map[string]any) {
		c["enrol"] = map[string]any{"url": url, "listen": address, "life": shortLife.String(), "grace": "1h"}
	})
	s.change("edge.yaml", "edge.yaml", func(c map[string]any) {
		edge = fmt.Sprint(c["edge"])
		c["hub"] = map[string]any{"url": url}
	})
	return edge
}

// another is the configuration of a gateway by the same name with an identity of its own.
func (s *site) another() string {
	s.t.Helper()
	s.change("edge.yaml", "thief.yaml", func(c map[string]any) { c["identity"] = map[string]any{"dir": "thief"} })
	return filepath.Join(s.Dir, "thief.yaml")
}

func (s *site) change(from, to string, change func(map[string]any)) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, from))
	if err != nil {
		s.t.Fatal(err)
	}
	var c map[string]any
	s.must(yaml.Unmarshal(text, &c))
	change(c)
	if text, err = yaml.Marshal(c); err != nil {
		s.t.Fatal(err)
	}
	s.must(os.WriteFile(filepath.Join(s.Dir, to), text, 0o600))
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// hub runs a command of the hub and gives what it prints.
func (s *site) hub(command string, args ...string) string {
	s.t.Helper()
	out, err := s.Ask(s.t.Context(), "", "hub", append([]string{command, "--config", filepath.Join(s.Dir, "hub.yaml")}, args...)...)
	s.must(err)
	return out
}

func (s *site) enrol(token string) error {
	if err := s.CopyPassword(); err != nil { // of the site's broker; its configuration names it
		return err
	}
	return s.Run(s.t.Context(), token, "edge", "enrol", "--config", filepath.Join(s.Dir, "edge.yaml"), "--replace", "-")
}

func (s *site) refused(what, says string, err error) {
	s.t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) {
		s.t.Errorf("%s: got %v; want %q", what, err, says)
	}
}

// connected waits until the gateway's connection to the hub is there, or gone.
func (s *site) connected(is bool, within time.Duration) {
	s.t.Helper()
	want := 0.0
	if is {
		want = 1
	}
	s.eventually(within, fmt.Sprintf("connected: %v", is), func() (bool, string) {
		got := s.metric(s.EdgeAPI, "edge_uplink_connected")
		return got == want, fmt.Sprint(got)
	})
}

// metric reads one of a program's; -1 where it does not answer.
func (s *site) metric(address, name string) float64 {
	r, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return -1
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(bytes.TrimSpace(text))
	if err != nil || m == nil {
		return -1
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		return -1
	}
	return v
}
