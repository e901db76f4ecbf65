package app_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/fault"
)

// asEdge signs in at the hub's broker as the edge does and gives the configurations that it hears.
func asEdge(t *testing.T, c config.Config) <-chan wire.Configuration {
	t.Helper()
	logins, err := config.EnsureCredentials(c)
	if err != nil {
		t.Fatal(err)
	}
	login := logins.Edges["SZ1-E1"]
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + c.MQTT.Listen).SetClientID("edge-SZ1-E1").
		SetUsername(login.User).SetPassword(string(login.Password)).SetAutoReconnect(false))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal("the edge cannot connect", token.Error())
	}
	t.Cleanup(func() { client.Disconnect(50) })
	heard := make(chan wire.Configuration, 10)
	client.Subscribe(wire.Topic("SZ1-E1", wire.DownConfig), 1, func(_ mqtt.Client, m mqtt.Message) {
		got, err := wire.DecodeConfiguration(m.Payload())
		if err != nil {
			t.Error(err)
		}
		heard <- got
	}).WaitTimeout(10 * time.Second)
	return heard
}

func await(t *testing.T, heard <-chan wire.Configuration) wire.Configuration {
	t.Helper()
	select {
	case c := <-heard:
		return c
	case <-time.After(30 * time.Second):
		t.Fatal("no configuration comes")
		return wire.Configuration{}
	}
}

func TestSignedConfigurationWaitsForItsEdge(t *testing.T) {
	c := configuration(t)
	hub, _, stop := run(t, c)
	c.MQTT.Listen = hub.MQTT()
	if v, err := app.SendConfiguration(t.Context(), c, "SZ1-E1", "rules: []\n", 0); err != nil || v != 1 {
		t.Fatalf("version %d, %v", v, err)
	}
	text, err := app.ConfigKey(c)
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	heard := asEdge(t, c)
	if got := await(t, heard); got.Version != 1 || got.Text != "rules: []\n" || !got.SignedBy(ed25519.PublicKey(key)) {
		t.Fatalf("retained: %+v", got)
	}
	for _, want := range []uint64{2, 50, 51} {
		if v, err := app.SendConfiguration(t.Context(), c, "SZ1-E1", "doors: []\n", want-want%50); err != nil || v != want {
			t.Fatalf("version %d, %v; want %d", v, err, want)
		}
		if got := await(t, heard); got.Version != want || !got.SignedBy(ed25519.PublicKey(key)) {
			t.Fatalf("while connected: %+v", got)
		}
	}
	for name, mode := range map[string]os.FileMode{config.ConfigKeyFile: 0o600, "edge-config/SZ1-E1.version": 0o600} {
		if info, err := os.Stat(filepath.Join(c.Data, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := app.SendConfiguration(t.Context(), c, "SZ1-E1", "", 0); err == nil || !strings.Contains(err.Error(), "does the hub run?") {
		t.Errorf("with the hub stopped: %v", err)
	}
}

func TestConfigurationThatCannotArriveIsNotSent(t *testing.T) {
	c := configuration(t)
	c.MQTT.Listen = "127.0.0.1:1"
	for want, send := range map[string]func() error{
		`edge "SZ9" is not in the hub's configuration`: func() error {
			_, err := app.SendConfiguration(t.Context(), c, "SZ9", "", 0)
			return err
		},
		"at most": func() error {
			_, err := app.SendConfiguration(t.Context(), c, "SZ1-E1", strings.Repeat("#", wire.MaxConfigBytes+1), 0)
			return err
		},
		"does not say on which port": func() error {
			any := c
			any.MQTT.Listen = "127.0.0.1:0"
			_, err := app.SendConfiguration(t.Context(), any, "SZ1-E1", "", 0)
			return err
		},
	} {
		err := send()
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.NotFound) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}
