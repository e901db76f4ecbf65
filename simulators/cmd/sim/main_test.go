package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/simulators/play"
)

// sim runs a command line and gives what it wrote.
func sim(t *testing.T, args ...string) (out, diag string, err error) {
	t.Helper()
	var o, d bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	err = run(ctx, args, &o, &d)
	return o.String(), d.String(), err
}

func TestWrongCommandLinesAreExplained(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("name: bad\nitem: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	creds := filepath.Join(dir, "credentials.yaml")
	if err := os.WriteFile(creds, []byte("devices: {OTHER: {user: u, password: p}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args  []string
		usage bool
		want  string
	}{
		{nil, true, "sim run SCENARIO"},
		{[]string{"play"}, true, `command "play" is not known`},
		{[]string{"check"}, true, "wants SCENARIO and no more"},
		{[]string{"check", "day", "hour"}, true, "wants SCENARIO and no more"},
		{[]string{"check", "--fast", "day"}, true, "not defined: -fast"},
		{[]string{"check", "night"}, false, "there are day and hour"},
		{[]string{"check", bad}, false, "field item not found"},
		{[]string{"check", dir + "/none.yaml"}, false, "cannot read scenario"},
		{[]string{"seed", "hour"}, false, "--dir is missing"},
		{[]string{"run", "hour"}, false, "--dir is missing"},
		{[]string{"run", "hour", "--dir", dir, "--speed", "-1"}, false, "speed -1"},
		{[]string{"run", "hour", "--dir", dir, "--clock", "tomorrow"}, false, "ORIGIN@WALL*SPEED"},
		{[]string{"run", "hour", "--dir", dir, "--clock", "", "--credentials", creds}, false, "have no devices of site SZ1"},
		{[]string{"truth"}, false, "--dir is missing"},
		{[]string{"truth", "--dir", dir}, false, "was this folder given to sim run"},
		{[]string{"truth", "--dir", dir, "--at", "noon"}, false, `"noon" is no moment`},
	}
	for _, tt := range tests {
		out, diag, err := sim(t, tt.args...)
		if err == nil || errors.Is(err, errUsage) != tt.usage || !strings.Contains(out+diag+err.Error(), tt.want) {
			t.Errorf("sim %v: %v, wrote %q %q", tt.args, err, out, diag)
		}
	}
}

func TestHelpListsTheFlags(t *testing.T) {
	if out, _, err := sim(t, "--help"); err != nil || !strings.Contains(out, "day, hour") {
		t.Errorf("%v %q", err, out)
	}
	if _, diag, err := sim(t, "run", "--help"); !errors.Is(err, flag.ErrHelp) || !strings.Contains(diag, "-credentials") {
		t.Errorf("%v %q", err, diag)
	}
	if out, _, err := sim(t, "version"); err != nil || !strings.HasPrefix(out, "sim ") {
		t.Errorf("%v %q", err, out)
	}
	if out, _, err := sim(t, "check", "day"); err != nil || !strings.Contains(out, "is right") {
		t.Errorf("%v %q", err, out)
	}
}

func TestSeedRunAndTruthGoTogether(t *testing.T) {
	dir := t.TempDir()
	out, _, err := sim(t, "seed", "hour", "--dir", dir, "--speed", "60")
	if err != nil || strings.Count(out, "\n") != 9 {
		t.Fatalf("%v %q", err, out)
	}
	// Nobody listens at that address: the MQTT devices wait, the rest works.
	out, _, err = sim(t, "run", "--dir", dir, "hour", "--speed", "60", "--broker", "tcp://127.0.0.1:1", "--for", "500ms")
	if err != nil || !strings.Contains(out, "clock: 2026-01-05T07:00:00Z@") {
		t.Fatalf("%v %q", err, out)
	}
	out, _, err = sim(t, "truth", "--dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	var r play.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, s := range r.Stock {
		total += s.Quantity
	}
	if total != 269 || len(r.Unreadable) == 0 || r.InHand == nil {
		t.Errorf("%d units, %d unreadable", total, len(r.Unreadable))
	}
	out, _, err = sim(t, "truth", "--dir", dir, "--table", "--at", "2026-01-05T07:00:00Z")
	if err != nil || !strings.Contains(out, "FAS-01  SZ1-A-01") || !strings.Contains(out, "seen by no reader: ") {
		t.Errorf("%v %q", err, out)
	}
}
