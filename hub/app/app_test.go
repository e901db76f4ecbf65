package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/fault"
)

func configuration(t *testing.T) config.Config {
	c := config.Default()
	c.Data = t.TempDir()
	c.Listen, c.MQTT.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.Edges = []config.Edge{{ID: "SZ1-E1", Site: "SZ1"}}
	c.DeviceSites = []string{"SZ1"}
	return c
}

// run starts a hub and gives it with what it printed; stop ends it and gives its error.
func run(t *testing.T, c config.Config) (hub *app.App, out *bytes.Buffer, stop func() error) {
	t.Helper()
	return runWith(t, c, slog.New(slog.DiscardHandler))
}

func runWith(t *testing.T, c config.Config, log *slog.Logger) (hub *app.App, out *bytes.Buffer, stop func() error) {
	t.Helper()
	out = &bytes.Buffer{}
	hub, err := app.New(c, app.Options{Version: "test", Log: log, Out: out})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(30 * time.Second):
			return errors.New("hub did not stop")
		}
	}
	t.Cleanup(func() { stop() })
	select {
	case <-hub.Ready():
	case err := <-done:
		stopped = true
		t.Fatalf("hub did not start: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("hub did not become ready")
	}
	return hub, out, stop
}

// own is the password that the first user has after the first sign-in.
const own = "a password of my own"

// visit is an answer to who signs in, or changes a password.
type visit struct {
	status     int
	CSRF, Must string
	cookies    []*http.Cookie
}

func (v visit) post(t *testing.T, hub *app.App, path, body string) (next visit) {
	t.Helper()
	r, err := http.NewRequest("POST", hub.URL()+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-CSRF-Token", v.CSRF)
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	json.NewDecoder(res.Body).Decode(&next)
	next.status, next.cookies = res.StatusCode, res.Cookies()
	return next
}

func visitBy(t *testing.T, hub *app.App, password string) visit {
	t.Helper()
	return visit{}.post(t, hub, "/session", `{"user":"admin","password":"`+password+`"}`)
}

// signIn signs the first user in, by the password that was made or, where that is changed, the own one.
func signIn(t *testing.T, hub *app.App, made string) (status int, csrf string, cookies []*http.Cookie) {
	t.Helper()
	v := visitBy(t, hub, made)
	if v.Must == "password" {
		v = v.post(t, hub, "/account/password", `{"old":"`+made+`","new":"`+own+`"}`)
	} else if v.status != 200 {
		v = visitBy(t, hub, own)
	}
	return v.status, v.CSRF, v.cookies
}

func TestFirstStartTellsTheLoginOnce(t *testing.T) {
	c := configuration(t)
	hub, out, stop := run(t, c)
	m := regexp.MustCompile(`user +admin\n +password +(\S+)\n`).FindStringSubmatch(out.String())
	if m == nil || !strings.Contains(out.String(), hub.URL()) {
		t.Fatalf("printed %q", out)
	}
	first := visitBy(t, hub, m[1])
	if first.status != 200 || first.Must != "password" {
		t.Errorf("sign-in with the printed password: %d, must set %q", first.status, first.Must)
	}
	if v := first.post(t, hub, "/plan", "{}"); v.status != 403 {
		t.Errorf("with that password more is possible than to change it: %d", v.status)
	}
	file, err := os.ReadFile(filepath.Join(c.Data, app.AdminPasswordFile))
	if err != nil || !strings.Contains(string(file), m[1]) {
		t.Errorf("file %q, %v", file, err)
	}
	for _, name := range []string{app.AdminPasswordFile, config.CredentialsFile} {
		if st, err := os.Stat(filepath.Join(c.Data, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	hub, out, _ = run(t, c)
	if strings.Contains(out.String(), "password") {
		t.Errorf("second start printed %q", out)
	}
	if v := visitBy(t, hub, m[1]).post(t, hub, "/account/password", `{"old":"`+m[1]+`","new":"`+own+`"}`); v.status != 200 || v.Must != "" {
		t.Errorf("change: %d, must set %q", v.status, v.Must)
	}
	if _, err := os.Stat(filepath.Join(c.Data, app.AdminPasswordFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file with the old password: %v", err)
	}
	if was, is := visitBy(t, hub, m[1]), visitBy(t, hub, own); was.status != 401 || is.status != 200 || is.Must != "" {
		t.Errorf("by the old password %d, by the new one %d, must set %q", was.status, is.status, is.Must)
	}
}

func TestHubAnswersOnItsPorts(t *testing.T) {
	c := configuration(t)
	hub, _, _ := run(t, c)
	for path, want := range map[string]string{"/healthz": `"ok"`, "/metrics": "tallydock_api_event_streams 0", "/api/v1/about": `"version":"test"`} {
		r, err := http.Get(hub.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%s: %d %s", path, r.StatusCode, b)
		}
	}
	logins, err := config.EnsureCredentials(c)
	if err != nil {
		t.Fatal(err)
	}
	edge := logins.Edges["SZ1-E1"]
	if err := connect(hub, "edge-SZ1-E1", edge.User, string(edge.Password)); err != nil {
		t.Errorf("edge with its password: %v", err)
	}
	if err := connect(hub, "edge-SZ1-E1", edge.User, "wrong"); err == nil {
		t.Error("edge with a wrong password came in")
	}
	node := logins.Devices["SZ1"]
	if err := connect(hub, "DVES_1A2B3C", node.User, string(node.Password)); err != nil {
		t.Errorf("device with its site's password: %v", err)
	}
	if err := connect(hub, "edge-SZ1-E1", node.User, string(node.Password)); err == nil {
		t.Error("a device took the edge's connection over")
	}
}

func connect(hub *app.App, id, user, password string) error {
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + hub.MQTT()).SetUsername(user).SetPassword(password).
		SetClientID(id).SetConnectTimeout(5 * time.Second))
	token := c.Connect()
	if !token.WaitTimeout(10 * time.Second) {
		return errors.New("no answer")
	}
	defer c.Disconnect(100)
	return token.Error()
}

func TestSecondHubOnTheSameDataIsRefused(t *testing.T) {
	c := configuration(t)
	run(t, c)
	second, err := app.New(c, app.Options{Log: slog.New(slog.DiscardHandler), Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
}

func TestStartThatFailsNamesThePart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for what, set := range map[string]func(*config.Config){
		"listen: ": func(c *config.Config) { c.Listen = taken.Addr().String() },
		"broker: ": func(c *config.Config) { c.MQTT.Listen = taken.Addr().String() },
	} {
		c := configuration(t)
		set(&c)
		hub, err := app.New(c, app.Options{Log: slog.New(slog.DiscardHandler), Out: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		if err := hub.Run(t.Context()); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s got %v", what, err)
		}
	}
}

func TestStopEndsOpenStreams(t *testing.T) {
	c := configuration(t)
	var log strings.Builder
	hub, out, stop := runWith(t, c, slog.New(slog.NewTextHandler(&log, nil)))
	_, _, cookies := signIn(t, hub, password(t, out))
	r, err := http.NewRequest("GET", hub.URL()+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(cookies[0])
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v %v", res, err)
	}
	defer res.Body.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "cut off") {
		t.Errorf("the stream was cut off, not ended:\n%s", &log)
	}
}

func password(t *testing.T, out *bytes.Buffer) string {
	t.Helper()
	m := regexp.MustCompile(`password +(\S+)\n`).FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("no password in %q", out)
	}
	return m[1]
}
