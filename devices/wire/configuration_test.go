package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/wire"
)

func TestSignatureIsForOneEdgeVersionAndText(t *testing.T) {
	key := configKey().Public().(ed25519.PublicKey)
	good := configuration()
	if !good.SignedBy(key) {
		t.Fatal("a right signature is refused")
	}
	for name, change := range map[string]func(*wire.Configuration){
		"edge":      func(c *wire.Configuration) { c.Edge = "SZ1-E2" },
		"version":   func(c *wire.Configuration) { c.Version++ },
		"text":      func(c *wire.Configuration) { c.Text += " " },
		"shift":     func(c *wire.Configuration) { c.Edge, c.Text = c.Edge+c.Text[:1], c.Text[1:] },
		"signature": func(c *wire.Configuration) { c.Signature = append([]byte{1}, c.Signature[1:]...) },
		"none":      func(c *wire.Configuration) { c.Signature = nil },
	} {
		c := good
		c.Signature = bytes.Clone(good.Signature)
		if change(&c); c.SignedBy(key) {
			t.Errorf("another %s passes", name)
		}
	}
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	if good.SignedBy(other) || good.SignedBy(nil) || good.SignedBy(key[:31]) {
		t.Error("another key takes the signature for its own")
	}
}

func TestImpossibleConfigurationIsNotSent(t *testing.T) {
	for want, c := range map[string]wire.Configuration{
		"edge id":      {Version: 1},
		"no version":   {Edge: "E1"},
		"at most":      {Edge: "E1", Version: 1, Text: strings.Repeat("#", wire.MaxConfigBytes+1)},
		"signature":    {Edge: "E1", Version: 1, Text: "a"},
		"invalid UTF-": wire.Configuration{Edge: "E1", Version: 1, Text: "\xff"}.Sign(configKey()),
	} {
		if _, err := wire.EncodeConfiguration(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
