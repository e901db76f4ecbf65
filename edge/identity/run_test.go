package identity_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/edge/identity"
)

// part is of the life of 90 parts that certificates have in these tests, so that they are over sooner.
const part = day / 10

// live runs an identity in a bubble until the test ends.
func live(t *testing.T, test func(t *testing.T, h *hub, dir string, i *identity.Identity)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		h.life = 90 * part
		dir := t.TempDir()
		i := h.enrolled(dir)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- i.Run(ctx) }()
		test(t, h, dir, i)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.gone()
	})
}

// gone waits for the ends of connections that say farewell to each other, for which TLS has five seconds.
func (h *hub) gone() {
	time.Sleep(10 * time.Second)
	synctest.Wait()
}

func (h *hub) issued() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.given)
}

// gave is the certificate that was issued as the nth.
func (h *hub) gave(n int) *x509.Certificate {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.given[n]
}

// shown is the certificate that a connection would be made with.
func shown(t *testing.T, c *tls.Config) *x509.Certificate {
	t.Helper()
	own, err := c.GetClientCertificate(&tls.CertificateRequestInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return own.Leaf
}

func kinds(i *identity.Identity) string {
	var list []string
	for _, a := range i.Alarms() {
		list = append(list, string(a.Kind))
	}
	return strings.Join(list, " ")
}

func TestCertificateIsRenewedAtTwoThirdsOfItsLife(t *testing.T) {
	live(t, func(t *testing.T, h *hub, dir string, i *identity.Identity) {
		conf, id := i.TLS("hub.example"), i.ClientID()
		first := shown(t, conf)
		time.Sleep(59 * part)
		if n := h.issued(); n != 1 {
			t.Fatalf("after 59 parts %d certificates were asked for", n)
		}
		time.Sleep(5 * part)
		if n := h.issued(); n != 2 {
			t.Fatalf("after 64 parts %d certificates were asked for", n)
		}
		next := shown(t, conf)
		if next.Equal(first) || !next.Equal(h.gave(1)) || time.Until(next.NotAfter) < 84*part || i.ClientID() != id {
			t.Errorf("the connection is made with a certificate to %v", next.NotAfter)
		}
		if again := h.open(dir); !again.Certificate().Equal(next) {
			t.Error("after a restart it would be the old one")
		}
		time.Sleep(300 * part)
		if n := h.issued(); n < 6 || n > 8 || kinds(i) != "" {
			t.Errorf("in four lives %d certificates were asked for; alarms %q", n, kinds(i))
		}
	})
}

func TestHubThatIsAwayIsAskedAgainWithPatience(t *testing.T) {
	live(t, func(t *testing.T, h *hub, _ string, i *identity.Identity) {
		h.set(func() { h.away = true })
		time.Sleep(64*part - time.Hour)
		h.set(func() { h.asked = nil })
		time.Sleep(4 * time.Hour)
		if n := len(h.paths()); n < 4 || n > 20 {
			t.Errorf("it was asked %d times in four hours", n)
		}
		for _, c := range []struct {
			day  time.Duration
			want string
		}{{67, ""}, {68, "certificate_expiring"}, {78, "certificate_expiring"}, {80, "certificate_expires_soon"}, {91, "certificate_expired"}} {
			time.Sleep(time.Until(h.gave(0).NotBefore.Add(c.day * part)))
			if got := kinds(i); got != c.want {
				t.Errorf("part %d: alarms %q, want %q", c.day, got, c.want)
			}
		}
		h.set(func() { h.away, h.asked, h.shown = false, nil, nil })
		time.Sleep(3 * time.Hour)
		if n := h.issued(); n != 2 || kinds(i) != "" {
			t.Errorf("the hub is back: %d certificates, alarms %q, asked %v", n, kinds(i), h.paths())
		}
		if at := slices.Index(h.paths(), "/edge/renew"); at < 0 || h.shown[at] {
			t.Error("an expired certificate was shown to the listener")
		}
	})
}

func TestRefusedRenewalIsAnAlarmUntilANewToken(t *testing.T) {
	live(t, func(t *testing.T, h *hub, dir string, i *identity.Identity) {
		h.set(func() { h.no["/edge/renew"] = "the key was revoked; enrol with a new token" })
		time.Sleep(64 * part)
		if a := i.Alarms(); kinds(i) != "renewal_refused" || a[0].Reason != "the key was revoked; enrol with a new token" {
			t.Fatalf("alarms %+v", a)
		}
		// The command in another process, for the same folder.
		if err := h.open(dir).Enrol(t.Context(), h.token(edge), true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if !i.Certificate().Equal(h.gave(1)) || kinds(i) != "" {
			t.Errorf("the new certificate is not taken up; alarms %q", kinds(i))
		}
	})
}

func TestAnswersThatAreNotRightChangeNothing(t *testing.T) {
	strangers := newCA(t, time.Now())
	for name, spoil := range map[string]func(path string, a map[string]any) any{
		"the line breaks":       func(string, map[string]any) any { return nil },
		"no JSON":               func(string, map[string]any) any { return []byte("{") },
		"no certificate":        func(_ string, a map[string]any) any { delete(a, "certificate"); return a },
		"a foreign root":        func(_ string, a map[string]any) any { a["trust"] = strangers.pem(); return a },
		"no root":               func(_ string, a map[string]any) any { a["trust"] = ""; return a },
		"a stranger's":          func(_ string, a map[string]any) any { a["certificate"] = strangers.pem(); return a },
		"it says nothing":       func(string, map[string]any) any { return map[string]any{} },
		"an endless answer":     func(string, map[string]any) any { return bytes.Repeat([]byte(" "), 1<<20) },
		"a list of many things": func(string, map[string]any) any { return []byte(strings.Repeat("[", 10_000)) },
	} {
		t.Run(name, func(t *testing.T) {
			live(t, func(t *testing.T, h *hub, dir string, i *identity.Identity) {
				file := filepath.Join(dir, "identity.json")
				before, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				h.set(func() { h.spoil = spoil })
				time.Sleep(64 * part)
				after, err := os.ReadFile(file)
				if err != nil || !bytes.Equal(before, after) || !i.Certificate().Equal(h.gave(0)) {
					t.Errorf("the identity was changed: %v", err)
				}
				h.set(func() { h.spoil = nil })
				time.Sleep(3 * time.Hour)
				if i.Certificate().Equal(h.gave(0)) {
					t.Error("it is not renewed when the hub answers rightly again")
				}
			})
		})
	}
}

func TestNewRootsAreLearntBeforeTheyAreUsed(t *testing.T) {
	live(t, func(t *testing.T, h *hub, _ string, i *identity.Identity) {
		conf := i.TLS("hub.example")
		next := newCA(t, time.Now())
		h.set(func() { h.roots = h.ca.pem() + next.pem() })
		time.Sleep(6 * time.Hour)
		h.serveAs(next, time.Now().Add(-time.Hour), time.Now().Add(400*part))
		h.mu.Lock()
		chain := h.server.Certificate
		h.mu.Unlock()
		if err := conf.VerifyConnection(state(t, chain)); err != nil {
			t.Errorf("a server of the new root: %v", err)
		}
		time.Sleep(64 * part)
		if n := h.issued(); n != 2 {
			t.Errorf("%d certificates after the change of the root", n)
		}
	})
}

func state(t *testing.T, chain [][]byte) (cs tls.ConnectionState) {
	t.Helper()
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		cs.PeerCertificates = append(cs.PeerCertificates, c)
	}
	return cs
}

func TestClockThatIsWrongIsAnAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		ahead time.Duration
		want  string
	}{
		"the same": {0, ""}, "a minute ahead": {time.Minute, ""}, "a minute behind": {-time.Minute, ""},
		"three minutes ahead": {3 * time.Minute, "clock_wrong"}, "three minutes behind": {-3 * time.Minute, "clock_wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			live(t, func(t *testing.T, h *hub, _ string, i *identity.Identity) {
				h.set(func() { h.date = func() time.Time { return time.Now().Add(c.ahead) } })
				time.Sleep(7 * time.Hour)
				if got := kinds(i); got != c.want {
					t.Errorf("alarms %q", got)
				}
			})
		})
	}
}

func TestClockIsDoubtedWhereTheHubsCertificateDoesNotFit(t *testing.T) {
	h := newHub(t)
	dir := t.TempDir()
	h.enrolled(dir)
	ahead := time.Duration(0)
	i, err := identity.Open(identity.Config{Dir: dir, Edge: edge, Now: func() time.Time { return time.Now().Add(ahead) }})
	if err != nil {
		t.Fatal(err)
	}
	verify := func() error { return i.TLS("hub.example").VerifyConnection(state(t, h.server.Certificate)) }
	for _, c := range []struct {
		ahead time.Duration
		says  string
		want  string
	}{
		{0, "", ""},
		{-20 * 365 * day, "this gateway's clock says", "certificate_not_yet_valid clock_wrong"},
		{500 * day, "this gateway's clock says", "certificate_expired clock_wrong"},
		{0, "", ""},
	} {
		ahead = c.ahead
		if err := verify(); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || kinds(i) != c.want {
			t.Errorf("%v ahead: %v, alarms %q", c.ahead, err, kinds(i))
		}
	}
}

func TestGatewayWhoseClockIsAheadDoesNotAskWithoutEnd(t *testing.T) {
	live(t, func(t *testing.T, h *hub, _ string, i *identity.Identity) {
		h.set(func() { h.ahead = 70 * part })
		time.Sleep(day)
		if n := h.issued(); n < 2 || n > 30 || !strings.Contains(kinds(i), "clock_wrong") {
			t.Errorf("%d certificates in a day, alarms %q", n, kinds(i))
		}
	})
}

func TestCertificatesOfSecondsAreRenewedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		h.life = 12 * time.Second
		i := h.enrolled(t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- i.Run(ctx) }()
		for range 20 {
			time.Sleep(5 * time.Second)
			if got := kinds(i); got != "" {
				t.Errorf("after %d certificates: alarms %q", h.issued(), got)
			}
		}
		if n := h.issued(); n < 10 || n > 16 {
			t.Errorf("%d certificates in 100 seconds", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.gone()
	})
}

// The command edge enrol is another process than the gateway that runs.
func TestRunningGatewayTakesUpWhatACommandDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		dir := t.TempDir()
		changed := 0
		i, err := identity.Open(identity.Config{Dir: dir, Edge: edge, Dial: h.dial, Changed: func() { changed++ }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- i.Run(ctx) }()
		for n, c := range []struct {
			do     func() error
			within time.Duration
			want   string
			told   int
		}{
			{func() error { return nil }, time.Second, "not_enrolled", 0},
			{func() error { return h.open(dir).Enrol(ctx, h.token(edge), false) }, 2 * time.Second, "", 1},
			{func() error { return h.open(dir).Enrol(ctx, h.token(edge), true) }, time.Minute, "", 2},
			{func() error { return os.WriteFile(filepath.Join(dir, "identity.json"), []byte("{"), 0o600) }, time.Minute, "identity_unusable", 2},
			{func() error { _, err := identity.Open(identity.Config{Dir: dir, Edge: edge}); return wanted(err) }, time.Second, "identity_unusable", 2},
		} {
			if err := c.do(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.within)
			synctest.Wait()
			if got := kinds(i); got != c.want || changed != c.told {
				t.Errorf("step %d: alarms %q, told %d times; want %q and %d", n, got, changed, c.want, c.told)
			}
		}
		if i.Certificate() == nil {
			t.Error("the certificate was given up for a file that is spoilt")
		}
		cancel()
		<-done
		h.gone()
	})
}

// wanted turns a failure that is wanted into none.
func wanted(err error) error {
	if err == nil {
		return fmt.Errorf("it did not fail")
	}
	return nil
}

func TestServersThatAreNotTheHubAreRefused(t *testing.T) {
	h, other := newHub(t), newHub(t)
	i := h.enrolled(t.TempDir())
	client := newKey(t)
	mine := h.ca.issue("SZ1-E2", &client.PublicKey, time.Now().Add(-time.Hour), time.Now().Add(day))
	for name, c := range map[string]struct {
		host  string
		chain [][]byte
		says  string
	}{
		"the hub":                   {"hub.example", h.server.Certificate, ""},
		"under another name":        {"other.example", h.server.Certificate, "not other.example"},
		"under an address":          {"192.0.2.1", h.server.Certificate, "IP SANs"},
		"another hub":               {"hub.example", other.server.Certificate, "unknown authority"},
		"a gateway that plays hub":  {"hub.example", [][]byte{mine.Raw}, "hub.example"},
		"a server with no evidence": {"hub.example", nil, "no certificate"},
	} {
		err := i.TLS(c.host).VerifyConnection(state(t, c.chain))
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	empty := h.open(t.TempDir())
	if err := empty.TLS("hub.example").VerifyConnection(state(t, h.server.Certificate)); err == nil || shown(t, empty.TLS("hub.example")) != nil {
		t.Error("a gateway that is not enrolled connects")
	}
	if s := fmt.Sprint(i.TLS("hub.example").MinVersion); s != fmt.Sprint(tls.VersionTLS13) {
		t.Errorf("TLS %s", s)
	}
}
