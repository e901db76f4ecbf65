package backup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/backup"
	"github.com/tallydock/tallydock/hub/fault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// folder makes a data folder as a hub has it.
func folder(t *testing.T) backup.Source {
	t.Helper()
	data := t.TempDir()
	for name, text := range map[string]string{
		"hub.db": "live", "hub.db-wal": "log", "hub.lock": "", "credentials.yaml": "hub: {}", "edge-config.key": "key", "secret.key": "seal",
		"broker/jetstream/x": "queue", "enrol/ca.pem": "root",
	} {
		file := filepath.Join(data, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return backup.Source{Data: data, Program: "1.2", Database: "sqlite", File: "hub.db", Key: filepath.Join(data, "secret.key"), Now: noon, Copy: func(_ context.Context, file string) error {
		return os.WriteFile(file, []byte("consistent"), 0o600)
	}}
}

func made(t *testing.T) (dir string, s backup.Source) {
	t.Helper()
	s = folder(t)
	dir = filepath.Join(t.TempDir(), "b")
	if _, err := backup.Make(t.Context(), s, dir); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBackupHasWhatAHubNeedsAndNothingElse(t *testing.T) {
	dir, s := made(t)
	m, err := backup.Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range m.Files {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if want := []string{"credentials.yaml", "edge-config.key", "enrol/ca.pem", "hub.db"}; !slices.Equal(names, want) {
		t.Errorf("has %v, want %v", names, want)
	}
	if read(t, dir, "hub.db") != "consistent" {
		t.Error("the live file was copied, not the database's own copy")
	}
	if len(m.Aside) != 1 || m.Aside[0].Name != "secret.key" {
		t.Errorf("aside %v", m.Aside)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	if got := backup.Last(s.Data); !got.Equal(noon) {
		t.Errorf("last at %v", got)
	}
}

func TestKeysNeverLieBesideWhatTheyOpen(t *testing.T) {
	for _, c := range []struct {
		key   string
		aside int
		has   bool // what is another file then, and no key
	}{{"secret.key", 1, false}, {"enrol/ca.pem", 1, true}, {"../elsewhere.key", 0, true}} {
		s := folder(t)
		s.Key = filepath.Join(s.Data, c.key)
		dir := filepath.Join(t.TempDir(), "b")
		m, err := backup.Make(t.Context(), s, dir)
		if err != nil || len(m.Aside) != c.aside {
			t.Errorf("%s: aside %v, %v", c.key, m.Aside, err)
		}
		if _, err := os.Stat(filepath.Join(dir, c.key)); c.aside > 0 && err == nil {
			t.Errorf("%s is in the backup", c.key)
		}
		if _, err := os.Stat(filepath.Join(dir, "secret.key")); c.has != (err == nil) {
			t.Errorf("%s: secret.key: %v", c.key, err)
		}
	}
}

func TestRestoreGivesTheSameFiles(t *testing.T) {
	dir, _ := made(t)
	data := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "hub.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := backup.Restore(dir, data)
	if err != nil || !m.Made.Equal(noon) {
		t.Fatal(m, err)
	}
	if read(t, data, "hub.db") != "consistent" || read(t, data, "enrol/ca.pem") != "root" {
		t.Error("other files")
	}
	if _, err := backup.Restore(dir, data); !errors.Is(err, fault.Conflict) {
		t.Errorf("over what is there: %v", err)
	}
}

func TestDamagedBackupIsRefusedWhole(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"a bit": func(dir string) error { return os.WriteFile(filepath.Join(dir, "hub.db"), []byte("consistenu"), 0o600) },
		"short": func(dir string) error { return os.Truncate(filepath.Join(dir, "credentials.yaml"), 2) },
		"gone":  func(dir string) error { return os.Remove(filepath.Join(dir, "enrol/ca.pem")) },
	} {
		dir, _ := made(t)
		if err := harm(dir); err != nil {
			t.Fatal(err)
		}
		data := filepath.Join(t.TempDir(), "data")
		if _, err := backup.Restore(dir, data); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: a part was restored", name)
		}
	}
}

func TestBackupIsWholeOrNotThere(t *testing.T) {
	s := folder(t)
	s.Copy = func(_ context.Context, file string) error {
		return errors.Join(os.WriteFile(file, []byte("half"), 0o600), errors.New("disk is full"))
	}
	into := t.TempDir()
	if _, err := backup.Make(t.Context(), s, filepath.Join(into, "b")); err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(into); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	if !backup.Last(s.Data).IsZero() {
		t.Error("counts as done")
	}
	if _, err := backup.Make(t.Context(), s, s.Data); !errors.Is(err, fault.Conflict) {
		t.Errorf("into a folder that has something: %v", err)
	}
	if _, err := backup.Check(into); !errors.Is(err, fault.NotFound) {
		t.Errorf("a folder that is none: %v", err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"files":[{"name":"hub.db"}]}`))
	f.Add([]byte(`{"format":1,"files":[{"name":"../../etc/passwd"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := backup.ParseManifest(text)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if !filepath.IsLocal(filepath.FromSlash(file.Name)) {
				t.Errorf("%q leads out of the folder", file.Name)
			}
		}
	})
}
