package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
)

// TestAnyReplicaServesAnyUser: who signed in at one hub is known at the other, and hears there what happens at both.
func TestAnyReplicaServesAnyUser(t *testing.T) {
	t.Parallel()
	c := openCompany(t, startMosquitto(t), 12)
	a, b := c.hire("hub-a", 0), c.hire("hub-b", 0)
	c.balanced(a, b)
	for _, h := range c.hubs {
		if err := house.WaitReady(t.Context(), h.listen); err != nil {
			t.Fatal(err)
		}
	}
	cookie := c.signIn(a)
	heard := map[string]*listener{a.name: c.listen(a, cookie), b.name: c.listen(b, cookie)}
	c.working.Store(true)
	time.Sleep(2 * time.Second)
	c.settle()
	for name, l := range heard {
		c.eventually(30*time.Second, func() (bool, string) {
			first, last, n, places := l.state()
			return n > 0 && places == gateItems*gatePlaces, fmt.Sprintf("%s told of events %d to %d and of %d rows of stock", name, first, last, places)
		})
		if first, last, n, _ := l.state(); int(last-first)+1 != n {
			t.Errorf("%s told %d events of those from %d to %d", name, n, first, last)
		}
	}
}

var passwordLine = regexp.MustCompile(`(?m)^password (\S+)$`)

// signIn signs the first user in, changes the password that was made, and gives the session.
func (c *company) signIn(at *hubProcess) *http.Cookie {
	c.t.Helper()
	var password string
	for _, h := range c.hubs { // the hub that made the user knows
		text, err := os.ReadFile(filepath.Join(h.dir, "data", "admin-password.txt"))
		if m := passwordLine.FindSubmatch(text); err == nil && m != nil {
			password = string(m[1])
		}
	}
	csrf, cookie := c.post(at, "/session", map[string]string{"user": "admin", "password": password}, "", nil)
	_, cookie = c.post(at, "/account/password", map[string]string{"old": password, "new": "a password of my own"}, csrf, cookie)
	return cookie
}

// post sends what opens a session, and gives its token for changes and its cookie.
func (c *company) post(at *hubProcess, path string, body map[string]string, csrf string, cookie *http.Cookie) (string, *http.Cookie) {
	c.t.Helper()
	text, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://"+at.listen+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if cookie != nil {
		req.Header.Set("X-CSRF-Token", csrf)
		req.AddCookie(cookie)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	var session struct{ CSRF string }
	if err := json.NewDecoder(r.Body).Decode(&session); err != nil || r.StatusCode != http.StatusOK || len(r.Cookies()) == 0 {
		c.t.Fatalf("%s: %s, %v", path, r.Status, err)
	}
	return session.CSRF, r.Cookies()[0]
}

// listener is a console that listens to what happens.
type listener struct {
	mu          sync.Mutex
	first, last int64
	n           int
	stock       map[string]bool // rows that were told of
}

func (c *company) listen(at *hubProcess, cookie *http.Cookie) *listener {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "http://"+at.listen+"/api/v1/events", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.AddCookie(cookie)
	r, err := http.DefaultClient.Do(req)
	if err != nil || r.StatusCode != http.StatusOK {
		c.t.Fatal(r, err)
	}
	c.t.Cleanup(func() { r.Body.Close() })
	l := &listener{stock: map[string]bool{}}
	go func() {
		lines := bufio.NewScanner(r.Body)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			l.line(lines.Text())
		}
	}()
	return l
}

func (l *listener) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id, ok := strings.CutPrefix(text, "id: "); ok {
		l.last, _ = strconv.ParseInt(id, 10, 64)
		if l.n++; l.first == 0 {
			l.first = l.last
		}
	}
	for _, m := range stockRow.FindAllStringSubmatch(text, -1) {
		l.stock[m[0]] = true
	}
}

var stockRow = regexp.MustCompile(`\["SKU-\d+","SZ1-[^"]*"`)

func (l *listener) state() (first, last int64, n, stock int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first, l.last, l.n, len(l.stock)
}
