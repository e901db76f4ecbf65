package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

// told is a message that a receiver got, with its signature verified or not.
type told struct {
	id, kind string
	data     string
	genuine  bool
}

// receiver hears of events by webhook. While it hangs it takes messages and does not answer.
type receiver struct {
	*httptest.Server
	got    chan told
	secret atomic.Pointer[webhook.Secret]
	hang   atomic.Bool
}

func newReceiver(t *testing.T, c *config.Config) *receiver {
	t.Helper()
	r := &receiver{got: make(chan told, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var m struct {
			Type string
			Data json.RawMessage
		}
		_ = json.Unmarshal(body, &m)
		genuine := false
		if s := r.secret.Load(); s != nil {
			genuine = webhook.Verify(q.Header, body, []webhook.Secret{*s}, time.Now()) == nil
		}
		r.got <- told{q.Header.Get("webhook-id"), m.Type, string(m.Data), genuine}
		if r.hang.Load() {
			<-q.Context().Done()
		}
	}))
	t.Cleanup(r.Close)
	t.Cleanup(r.CloseClientConnections)
	port := netip.MustParseAddrPort(r.Listener.Addr().String()).Port()
	c.Webhooks.AllowPlain, c.Webhooks.AllowPrivate, c.Webhooks.Ports = []string{"127.0.0.1"}, []string{"127.0.0.1/32"}, []int{int(port)}
	return r
}

func (r *receiver) next(t *testing.T) told {
	t.Helper()
	select {
	case m := <-r.got:
		return m
	case <-time.After(30 * time.Second):
		t.Fatal("no message comes")
		return told{}
	}
}

// listens sets up an endpoint for what happens to stock, and gives its id.
func (b browser) listens(r *receiver) string {
	b.t.Helper()
	status, text := b.do("POST", "/webhooks", "application/json", `{"url":"`+r.URL+`/hook","events":["stock"]}`)
	var made struct {
		Secret   string
		Endpoint struct{ ID string }
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != 200 {
		b.t.Fatalf("%d %s %v", status, text, err)
	}
	secret, err := webhook.ParseSecret(made.Secret)
	if err != nil {
		b.t.Fatal(err)
	}
	r.secret.Store(&secret)
	return made.Endpoint.ID
}

func (b browser) imports() {
	b.t.Helper()
	for _, f := range [][2]string{
		{"items", "id,name_en\nSKU-1,Milk\n"},
		{"locations", "code,site,parent,kind\nSZ1,SZ1,,site\nSZ1-A-01,SZ1,SZ1,bay\n"},
		{"tags", "tag,item,lot\nuid:04a1b2c3,SKU-1,L1\n"},
	} {
		if status, text := b.do("POST", "/catalog/"+f[0]+"/import", "text/csv", f[1]); status != 200 {
			b.t.Fatalf("import of %s: %d %s", f[0], status, text)
		}
	}
}

// A movement of an edge is told to who listens, signed; and what people do with endpoints works.
func TestMovementIsToldByWebhook(t *testing.T) {
	c := configuration(t)
	r := newReceiver(t, &c)
	hub, out, _ := run(t, c)
	_, csrf, cookies := signIn(t, hub, password(t, out))
	b := browser{t, hub, csrf, cookies}
	b.imports()
	id := b.listens(r)
	if status, text := b.do("POST", "/webhooks/"+id+"/ping", "", ""); status != 200 || !strings.Contains(text, `"status":200`) {
		t.Errorf("ping: %d %s", status, text)
	}
	if m := r.next(t); m.kind != "com.tallydock.ping.v1" || !m.genuine {
		t.Errorf("ping came as %+v", m)
	}
	publishMovement(t, hub, c)
	m := r.next(t)
	if m.kind != "com.tallydock.stock.v1" || !m.genuine || !strings.HasPrefix(m.data, `[["SKU-1","SZ1-A-01",1,`) {
		t.Errorf("told %+v", m)
	}
	delivery := b.delivered(t, id)
	if status, text := b.do("GET", "/webhook-deliveries/"+delivery, "", ""); status != 200 || !strings.Contains(text, `"specversion":"1.0"`) {
		t.Errorf("%d %s", status, text)
	}
	if status, text := b.do("POST", "/webhook-deliveries/"+delivery+"/redeliver", "", ""); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	if again := r.next(t); again != m {
		t.Errorf("again %+v, want %+v", again, m)
	}
	if status, text := b.do("GET", "/events/1", "", ""); status != 200 || !strings.Contains(text, `"seq":1`) {
		t.Errorf("%d %s", status, text)
	}
	for _, step := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/disable", `{"reason":"it moves"}`, 200},
		{"POST", "/disable", `{"reason":"it moves"}`, 409},
		{"POST", "/enable", ``, 200},
		{"PUT", "", `{"url":"` + r.URL + `/other","events":["stock","alarm"],"revision":1}`, 409},
		{"PUT", "", `{"url":"http://10.1.2.3/","events":["stock"],"revision":3}`, 422},
		{"PUT", "", `{"url":"` + r.URL + `/other","events":["stock","alarm"],"revision":3}`, 200},
		{"POST", "/rotate", `{"overlap_seconds":60}`, 200},
		{"POST", "/redeliver", `{"since":"2026-01-01T00:00:00Z"}`, 200},
		{"DELETE", "", ``, 200},
		{"GET", "", ``, 404},
	} {
		if status, text := b.do(step.method, "/webhooks/"+id+step.path, "application/json", step.body); status != step.status {
			t.Errorf("%s %s %s: %d %s", step.method, step.path, step.body, status, text)
		}
	}
	if status, text := b.do("GET", "/webhooks", "", ""); status != 200 || !strings.Contains(text, `"items":[]`) {
		t.Errorf("%d %s", status, text)
	}
}

// delivered waits for an endpoint's first delivery to be written down, and gives its id.
func (b browser) delivered(t *testing.T, endpoint string) string {
	t.Helper()
	for range 300 {
		_, text := b.do("GET", "/webhooks/"+endpoint+"/deliveries?state=delivered", "", "")
		var page struct{ Items []struct{ ID string } }
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(page.Items) > 0 {
			return page.Items[0].ID
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("no delivery is written down")
	return ""
}

// hubFolder has a test process run a hub on a folder until it is killed.
const hubFolder = "TALLYDOCK_TEST_HUB_FOLDER"

// TestHubProcess is no test: it is the hub that others kill.
func TestHubProcess(t *testing.T) {
	dir := os.Getenv(hubFolder)
	if dir == "" {
		t.Skip("a hub for tests that kill it")
	}
	var c config.Config
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil || json.Unmarshal(text, &c) != nil {
		t.Fatal(err)
	}
	c.Database.URL, c.Webhooks.Proxy, c.SecretKey = "", "", "" // secrets do not show themselves
	hub, err := app.New(c, app.Options{Version: "test", Log: slog.New(slog.DiscardHandler), Out: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-hub.Ready()
		fmt.Println("ready")
	}()
	if err := hub.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// A message that was committed, and whose sending a kill cut off, is sent when the hub is there again: the same one.
func TestMessageSurvivesAKill(t *testing.T) {
	c := configuration(t)
	r := newReceiver(t, &c)
	hub, out, stop := run(t, c)
	_, csrf, cookies := signIn(t, hub, password(t, out))
	b := browser{t, hub, csrf, cookies}
	b.imports()
	b.listens(r)
	r.hang.Store(true)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	killed := startProcess(t, c)
	publishMovementTo(t, killed.mqtt, c)
	first := r.next(t) // it is being sent: the movement is committed, and no outcome is
	killed.kill(t)
	r.hang.Store(false)
	endLeases(t, c)
	run(t, c)
	second := r.next(t)
	if first != second || !second.genuine {
		t.Errorf("after the kill came %+v, before it %+v", second, first)
	}
}

// endLeases makes time pass for what a killed process had in hand.
func endLeases(t *testing.T, c config.Config) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(c.Data, app.DatabaseFile), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Strike(`UPDATE webhook_delivery SET lease_until = 1 WHERE lease_until > 0`)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// process is a hub in a process of its own.
type process struct {
	cmd  *exec.Cmd
	mqtt string
}

func startProcess(t *testing.T, c config.Config) *process {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(os.Args[0], "-test.run=^TestHubProcess$", "-test.v")}
	p.cmd.Env = append(os.Environ(), hubFolder+"="+dir)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	pipe, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	var said bytes.Buffer
	buf := make([]byte, 4096)
	for !strings.Contains(said.String(), "ready\n") {
		n, err := pipe.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			t.Fatalf("the process said %q and ended: %v", said.String(), err)
		}
	}
	for line := range strings.SplitSeq(said.String(), "\n") {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "MQTT" {
			p.mqtt = f[1]
		}
	}
	go io.Copy(io.Discard, pipe)
	return p
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}
