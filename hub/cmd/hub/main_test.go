package main

import (
	"context"
	"database/sql"
	"io"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	testscript.Main(postgrestest.Tests{M: m}, map[string]func(){"hub": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"waitfile": waitFile, "spoil": spoil,
	}})
}

// spoil does a statement on a SQLite file behind the hub's back.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	done, err := db.Exec(args[1])
	ts.Check(err)
	n, err := done.RowsAffected()
	ts.Check(err)
	if n == 0 {
		ts.Fatalf("%s changes nothing", args[1])
	}
}

// waitFile waits until a file is there that another process makes.
func waitFile(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s did not come", args[0])
		}
	}
}

// An interrupt is a command to stop, not a failure.
func TestInterruptIsNoFailure(t *testing.T) {
	dir := t.TempDir()
	file := dir + "/hub.yaml"
	err := os.WriteFile(file, []byte("data: data\nlisten: 127.0.0.1:0\nmqtt: {listen: \"127.0.0.1:0\"}\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGUSR1)
	defer stop()
	out := &notify{want: "password", found: func() { syscall.Kill(os.Getpid(), syscall.SIGUSR1) }}
	if code := run(ctx, []string{"run", "--config", file}, streams{out: out, err: os.Stderr}); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if context.Cause(ctx) == nil {
		t.Error("hub ended by itself")
	}
}

// The service manager tries again what failed, but not what is wrong.
func TestExitCodesTellWhetherToTryAgain(t *testing.T) {
	bad := t.TempDir() + "/hub.yaml"
	if err := os.WriteFile(bad, []byte("listen: nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[int][]string{0: {"version"}, 1: {"passwd", "--config", bad, "li"}, 2: {"run", "now"}, 3: {"run", "--config", bad}} {
		if got := run(t.Context(), args, streams{out: io.Discard, err: io.Discard}); got != want {
			t.Errorf("%v: exit code %d, want %d", args, got, want)
		}
	}
}
