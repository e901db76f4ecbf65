package config_test

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/config"
)

func TestConfigKeyIsMadeOnceAndForEachHub(t *testing.T) {
	one, other := t.TempDir(), t.TempDir()
	first, err := config.EnsureConfigKey(one)
	if err != nil {
		t.Fatal(err)
	}
	again, err := config.EnsureConfigKey(one)
	if err != nil || !bytes.Equal(first, again) {
		t.Fatalf("the second time another key: %v", err)
	}
	if info, err := os.Stat(filepath.Join(one, config.ConfigKeyFile)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if second, err := config.EnsureConfigKey(other); err != nil || bytes.Equal(first, second) {
		t.Errorf("two hubs have one key: %v", err)
	}
	if text := config.PublicConfigKey(first); len(text) != 44 || !strings.HasSuffix(text, "=") {
		t.Errorf("public key %q", text)
	}
}

func TestSpoiltConfigKeyIsNotReplaced(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "text": "hello", "certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"damaged": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, config.ConfigKeyFile)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := config.EnsureConfigKey(dir)
		if err == nil || !strings.Contains(err.Error(), "put it back from a backup") || len(key) == ed25519.PrivateKeySize {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(file); string(now) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestVersionIsNeverGivenTwice(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		edge       string
		want, next uint64
	}{{"E1", 0, 1}, {"E1", 0, 2}, {"E1", 2, 3}, {"E1", 9, 9}, {"E1", 0, 10}, {"E2", 0, 1}} {
		if got, err := config.NextConfigVersion(dir, c.edge, c.want); err != nil || got != c.next {
			t.Errorf("%s, at least %d: got %d, %v", c.edge, c.want, got, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "edge-config", "E1.version"), []byte("ten"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.NextConfigVersion(dir, "E1", 0); err == nil || !strings.Contains(err.Error(), "send with --version") {
		t.Errorf("a spoilt note: %v", err)
	}
}
