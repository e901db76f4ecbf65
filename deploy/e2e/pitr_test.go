package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
)

// TestPostgreSQLRestoredToAMomentCatchesUp loses a server's disk and puts its database back to a moment of the past, from
// a base backup and the archived log, as backup.md says. The edge sends what came after that moment, and in the end the
// stock is what the undisturbed world has.
func TestPostgreSQLRestoredToAMomentCatchesUp(t *testing.T) {
	if os.Getenv("TALLYDOCK_FAULTS") == "" {
		t.Skip("takes minutes and harms a server; run it with TALLYDOCK_FAULTS=1")
	}
	archive := given777(t)
	server, err := postgrestest.New("archive_mode=on", "archive_timeout=2s", "archive_command=cp %p "+archive+"/%f", "wal_level=replica")
	if errors.Is(err, postgrestest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	url, err := server.Database(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TALLYDOCK_HUB_DATABASE_URL", url)
	s := open(t, house.Options{Scenario: "hour", Speed: 60})
	begin := s.Clock.Now()
	s.start("hub", "sim", "edge")
	s.login()

	s.until(begin.Add(10 * time.Minute))
	base := filepath.Join(filepath.Dir(server.Dir), "base")
	runs(t, "pg_basebackup", "-D", base, "-d", server.URL("postgres"), "-c", "fast")
	s.until(begin.Add(30 * time.Minute))
	moment, atMoment := time.Now().UTC(), s.acked()
	s.until(begin.Add(75 * time.Minute)) // all work is done
	after := s.acked()
	if after <= atMoment {
		t.Fatalf("nothing happened after the moment: acked %d, then %d", atMoment, after)
	}
	runs(t, "psql", "-q", "-d", server.URL("postgres"), "-c", "SELECT pg_switch_wal()")
	time.Sleep(3 * time.Second) // until the last file is archived: what cp has not copied is lost with the disk
	if err := s.Kill("hub"); err != nil {
		t.Fatal(err)
	}
	server.Kill()

	restore(t, server.Dir, base, archive, moment)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	s.eventually(time.Minute, "the server has recovered", func() (bool, string) {
		out, err := exec.Command("psql", "-tA", "-d", server.URL("postgres"), "-c", "SELECT pg_is_in_recovery()").CombinedOutput()
		return err == nil && strings.TrimSpace(string(out)) == "f", string(out)
	})
	out, err := exec.Command("psql", "-tA", "-d", url, "-c", "SELECT max(upto) FROM edge_stream").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.start("hub")
	s.login()
	s.eventually(time.Minute, "the hub has again what it had acked", func() (bool, string) {
		now := s.acked()
		return now >= after, fmt.Sprintf("acked %d of %d", now, after)
	})
	t.Logf("at the moment the hub had record %d; restored to %s; it had acked %d and has all of them again", atMoment,
		strings.TrimSpace(string(out)), after)
	if restored := strings.TrimSpace(string(out)); restored == fmt.Sprint(after) {
		t.Errorf("the restored database had record %s already: nothing was proved", restored)
	}
	got, _ := s.settled(time.Minute)
	if len(got) < 10 {
		t.Errorf("%d places are too few to prove anything", len(got))
	}
	if err := s.Run(t.Context(), "", "hub", "verify", "--config", filepath.Join(s.Dir, "hub.yaml")); err != nil {
		t.Error(err)
	}
}

// given777 is a folder into which the server's user may write.
func given777(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tallydock-archive")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runs starts one of PostgreSQL's programs.
func runs(t *testing.T, name string, args ...string) {
	t.Helper()
	bin, err := postgrestest.Binaries()
	if err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command(filepath.Join(bin, name), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// restore puts a base backup in place of a server's data, to be rolled forward to a moment when it starts.
func restore(t *testing.T, data, base, archive string, moment time.Time) {
	t.Helper()
	info, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	settings := fmt.Sprintf("restore_command = 'cp %s/%%f %%p'\nrecovery_target_time = '%s'\nrecovery_target_action = 'promote'\n", archive,
		moment.Format("2006-01-02 15:04:05.999999-07"))
	err = errors.Join(os.RemoveAll(data), os.Rename(base, data), os.Chmod(data, 0o700),
		os.WriteFile(filepath.Join(data, "recovery.signal"), nil, 0o600),
		os.WriteFile(filepath.Join(data, "postgresql.auto.conf"), []byte(settings), 0o600),
		filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, int(owner.Uid), int(owner.Gid)))
		}))
	if err != nil {
		t.Fatal(err)
	}
}
