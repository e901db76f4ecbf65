package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

func open(t testing.TB, now func() time.Time, told func([]event.Event)) *store.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), now, told)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestSuite(t *testing.T) { storetest.Run(t, open) }

func TestSeries(t *testing.T) { storetest.RunSeries(t, open) }

func TestAFoldersNameMayHaveAnything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "100% #1? 仓库")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "hub.db"), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := os.Stat(filepath.Join(dir, "hub.db")); err != nil {
		t.Error(err)
	}
}
