package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/secret"
)

func TestSecretKeyIsMadeOnceAndRotated(t *testing.T) {
	c := config.Default()
	c.Data = t.TempDir()
	first, err := config.EnsureSecretKey(c)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.Data, config.SecretKeyFile)
	if st, err := os.Stat(file); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if again, err := config.EnsureSecretKey(c); err != nil || !reflect.DeepEqual(again.IDs(), first.IDs()) {
		t.Errorf("the second time %v, %v", again, err)
	}
	rotated, err := config.RotateSecretKey(c)
	if err != nil || len(rotated.IDs()) != 2 || rotated.IDs()[1] != first.IDs()[0] {
		t.Fatalf("%v, %v", rotated, err)
	}
	if again, err := config.EnsureSecretKey(c); err != nil || !reflect.DeepEqual(again.IDs(), rotated.IDs()) {
		t.Errorf("after the rotation %v, %v", again, err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := config.EnsureSecretKey(c); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others may read: %v", err)
	}
}

func TestSecretKeyOfTheEnvironmentCountsMore(t *testing.T) {
	c := config.Default()
	c.Data = t.TempDir()
	c.SecretKey = config.Secret(secret.NewKey() + "," + secret.NewKey())
	if k, err := config.EnsureSecretKey(c); err != nil || len(k.IDs()) != 2 {
		t.Errorf("%v, %v", k, err)
	}
	if _, err := os.Stat(filepath.Join(c.Data, config.SecretKeyFile)); err == nil {
		t.Error("a file was made beside it")
	}
	if _, err := config.RotateSecretKey(c); err == nil {
		t.Error("rotated a key that is not in a file")
	}
}

func TestSpoiltSecretKeyIsNotReplaced(t *testing.T) {
	c := config.Default()
	c.Data = t.TempDir()
	file := filepath.Join(c.Data, config.SecretKeyFile)
	if err := os.WriteFile(file, []byte("tdsk1:xyz\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.EnsureSecretKey(c); err == nil || !strings.Contains(err.Error(), "put it back from a backup") || strings.Contains(err.Error(), "xyz") {
		t.Errorf("got %v", err)
	}
	if now, _ := os.ReadFile(file); string(now) != "tdsk1:xyz\n" {
		t.Error("the file was changed")
	}
}
