package app_test

import (
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
	"github.com/tallydock/tallydock/hub/ingest"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/store"
)

// A Mosquitto with the configuration that is written for it lets in the hub, by the certificate that it makes for itself, and
// an edge that is enrolled.
func TestHubSignsInAtABrokerOutside(t *testing.T) {
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto")
	}
	cfg := enrolling(t, "127.0.0.1")
	cfg.Enrol.Brokers = []string{"ssl://" + cfg.MQTT.Listen}
	db, err := app.OpenDatabase(t.Context(), cfg, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	e, err := app.OpenEnrolment(t.Context(), cfg, db)
	if err != nil {
		t.Fatal(err)
	}
	edge := enroltest.Gateway(t, e.Service, enrol.Order{Edge: "SZ1-E1", Site: "SZ1"})
	dir := t.TempDir()
	if n, err := e.WriteMosquitto(t.Context(), cfg, app.Outside{Dir: dir, Hubs: []string{"hub-1"}, Listen: cfg.MQTT.Listen}); err != nil || n != 1 {
		t.Fatalf("%d edges, %v", n, err)
	}
	conf := filepath.Join(dir, "mosquitto.conf")
	if os.Getuid() == 0 { // or it becomes a user who must not read the folder
		text, err := os.ReadFile(conf)
		if err == nil {
			err = os.WriteFile(conf, append([]byte("user root\n"), text...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	broker := exec.Command(program, "-c", conf)
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Process.Kill(); _ = broker.Wait() })
	for end := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", cfg.MQTT.Listen); err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("mosquitto does not listen")
		}
	}
	own, err := e.HubTLS("hub-1", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	in := intake.New(intake.Config{Hub: "h", Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }}, store.Intake{DB: db})
	hub := ingest.New(ingest.Config{Broker: "ssl://" + cfg.MQTT.Listen, TLS: own, ClientID: "hub-1", Log: slog.New(slog.DiscardHandler)}, in)
	done := make(chan error, 1)
	go func() { done <- hub.Run(t.Context()) }()
	t.Cleanup(func() { <-done })
	select {
	case <-hub.Ready():
	case <-time.After(20 * time.Second):
		t.Fatal("the hub does not come in")
	}
	o := newOffice(t, cfg)
	o.mustCall(caller{id: "SZ1-E1", certificate: edge})
	if _, err := o.call(caller{id: "SZ1-E1", user: "SZ1-E1"}); err == nil {
		t.Error("who shows no certificate came in")
	}
}
