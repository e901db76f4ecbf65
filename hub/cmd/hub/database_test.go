package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

// company makes the configuration of a hub with an SQLite database that has something in it, and a PostgreSQL database
// that has nothing yet.
func company(t *testing.T) (file string, cfg config.Config) {
	t.Helper()
	url := postgrestest.URL(t)
	dir := t.TempDir()
	file = filepath.Join(dir, "hub.yaml")
	if err := os.WriteFile(filepath.Join(dir, "db.url"), []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("data: data\ndatabase: {url_file: db.url}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	db := openConfigured(t, cfg, "sqlite")
	storetest.Fill(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return file, cfg
}

func openConfigured(t testing.TB, cfg config.Config, kind string) *store.DB {
	t.Helper()
	if kind == "sqlite" {
		cfg.Database = config.Database{}
	}
	db, err := app.OpenDatabase(t.Context(), cfg, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func hub(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = run(context.Background(), args, streams{strings.NewReader(""), &b, &b, nil})
	return code, b.String()
}

func TestACompanyMovesFromOneDatabaseToTheOtherAndBack(t *testing.T) {
	file, cfg := company(t)
	code, out := hub(t, "copy", "--config", file, "--from", "sqlite", "--to", "postgres")
	if code != 0 || !strings.Contains(out, "read back and equal") {
		t.Fatalf("%d: %s", code, out)
	}
	if code, out := hub(t, "verify", "--config", file); code != 0 || !strings.Contains(out, "are as they were written") ||
		!strings.Contains(out, "lines wait to be valued") {
		t.Errorf("%d: %s", code, out)
	}
	if code, out := hub(t, "copy", "--config", file, "--from", "sqlite", "--to", "postgres"); code != 1 || !strings.Contains(out, "copy into an empty one") {
		t.Errorf("again: %d: %s", code, out)
	}
	if err := os.Rename(filepath.Join(cfg.Data, app.DatabaseFile), filepath.Join(cfg.Data, "old.db")); err != nil {
		t.Fatal(err)
	}
	if code, out := hub(t, "copy", "--config", file, "--from", "postgres", "--to", "sqlite"); code != 0 {
		t.Errorf("back: %d: %s", code, out)
	}
	for _, args := range [][]string{
		{"copy", "--config", file}, {"copy", "--config", file, "--from", "sqlite", "--to", "sqlite"}, {"copy", "--config", file, "x"},
	} {
		if code, out := hub(t, args...); code != 2 {
			t.Errorf("%v: %d: %s", args, code, out)
		}
	}
}

func TestVerifySaysWhatWasChanged(t *testing.T) {
	file, cfg := company(t)
	cfg.Database = config.Database{}
	db := openConfigured(t, cfg, "sqlite")
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.Strike(`UPDATE balance SET quantity = quantity + 1 WHERE location = 'A'`), tx.Strike(`DELETE FROM cost_due`))
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.WriteFile(file, []byte("data: data\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := hub(t, "verify", "--config", file); code != 1 || !strings.Contains(out, "at A, available: kept") ||
		!strings.Contains(out, "is not valued and does not wait for it") {
		t.Errorf("%d: %s", code, out)
	}
}

func TestMigrateListsAndGoesDownAndUp(t *testing.T) {
	file, _ := company(t)
	if code, out := hub(t, "migrate", "--config", file, "--list"); code != 0 || !strings.Contains(out, "  0002_ledger\n") {
		t.Errorf("%d: %s", code, out)
	}
	if code, out := hub(t, "migrate", "--config", file); code != 0 || !strings.Contains(out, "* 0002_ledger\n") {
		t.Errorf("%d: %s", code, out)
	}
	if code, out := hub(t, "migrate", "--config", file, "--to", "1"); code != 0 || !strings.Contains(out, "* 0001_event\n  0002_ledger\n") {
		t.Errorf("%d: %s", code, out)
	}
	if code, out := hub(t, "migrate", "--config", file, "--to", "4711"); code != 1 || !strings.Contains(out, "are possible") {
		t.Errorf("%d: %s", code, out)
	}
}
