package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

// TestHubRestoredFromACopyCatchesUp puts back a copy of the hub's database that is an hour of the site's time old; the
// edge must notice by itself and send again what the hub has lost.
func TestHubRestoredFromACopyCatchesUp(t *testing.T) {
	t.Parallel()
	s := open(t, house.Options{Scenario: "hour", Speed: 60})
	begin := s.Clock.Now()
	s.start("hub", "sim", "edge")
	s.login()
	s.until(begin.Add(15 * time.Minute))
	file, copied := filepath.Join(s.Dir, "hub", "hub.db"), filepath.Join(t.TempDir(), "copy.db")
	db, err := sqlite.Open(t.Context(), file, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Backup(t.Context(), copied), db.Close()); err != nil {
		t.Fatal(err)
	}
	before := s.acked()
	s.until(begin.Add(75 * time.Minute)) // all work is done
	after := s.acked()
	if after <= before {
		t.Fatalf("nothing happened in the hour after the copy: acked %d, then %d", before, after)
	}
	if err := s.Kill("hub"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(file + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start("hub")
	s.login()
	s.eventually(time.Minute, "the hub has again what it had acked", func() (bool, string) {
		now := s.acked()
		return now >= after, fmt.Sprintf("acked %d of %d", now, after)
	})
	t.Logf("the copy ended at record %d, the hub had acked %d; it has all of them again", before, after)
	s.settled(time.Minute)
	s.books()
}

// acked is the last record that the hub has of its edge.
func (s *site) acked() uint64 {
	s.t.Helper()
	var edges struct{ Items []struct{ Acked uint64 } }
	if err := s.get("/api/v1/edges", &edges); err != nil {
		s.t.Fatal(err)
	}
	if len(edges.Items) == 0 {
		return 0
	}
	return edges.Items[0].Acked
}
