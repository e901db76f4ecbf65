package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestPortalWritesARecordingWithItsTruth(t *testing.T) {
	for gpi, cells := range map[string]int{"none": 0, "one": 1, "two": 2} {
		dir := filepath.Join(t.TempDir(), "rec")
		out, _, err := sim(t, "portal", "--setting", "turnbacks", "--passes", "4", "--seed", "7", "--dir", dir, "--gpi", gpi)
		if err != nil || !strings.HasPrefix(out, "4 passes in ") {
			t.Fatalf("%v %q", err, out)
		}
		reads, edges := 0, 0
		for _, l := range lines(t, dir, "recording.ndjson") {
			if _, isEdge := l["gpi"]; isEdge {
				edges++
			} else if l["epc"] != nil && l["rssi_dbm"] != nil && l["channel_khz"] != nil {
				reads++
			}
		}
		passes := lines(t, dir, "truth.ndjson")
		if reads == 0 || (edges > 0) != (cells > 0) || len(passes) != 4 || passes[0]["pass"] != "p0001" {
			t.Errorf("--gpi %s: %d reads, %d edges, passes %v", gpi, reads, edges, passes)
		}
		text, err := os.ReadFile(filepath.Join(dir, "edge.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var e portalSite
		if err := yaml.Unmarshal(text, &e); err != nil || len(e.Doors) != 2 || len(e.Doors[0].Photocells) != cells ||
			strings.Contains(string(text), "photocells") != (cells > 0) || e.Devices[1].Address != "tcp:127.0.0.1:5085" {
			t.Errorf("--gpi %s: %v\n%s", gpi, err, text)
		}
	}
}

func lines(t *testing.T, dir, name string) (list []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var l map[string]any
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%s: %s: %v", name, line, err)
		}
		list = append(list, l)
	}
	return list
}

func TestPortalRefusesWrongOrders(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{[]string{}, false, "--dir is missing"},
		{[]string{"--dir", dir, "--setting", "storm"}, false, `--setting: setting "storm" is not known`},
		{[]string{"--dir", dir, "--gpi", "three"}, false, `--gpi: "three" is not known; use none, one, two`},
		{[]string{"--dir", dir, "--band", "uk"}, false, `--band: "uk" is not known`},
		{[]string{"--dir", dir, "--doors", "0"}, false, "0 doors"},
		{[]string{"--dir", dir, "--passes", "0"}, false, "0 passes"},
		{[]string{"--dir", dir, "--inventory", "s4"}, false, `inventory "s4"`},
		{[]string{"--dir", "/dev/null/x"}, false, "cannot make the folder"},
		{[]string{"more", "--dir", dir}, true, "wants no more"},
	} {
		out, diag, err := sim(t, append([]string{"portal"}, tt.args...)...)
		if err == nil || errors.Is(err, errUsage) != tt.usage || !strings.Contains(out+diag+err.Error(), tt.want) {
			t.Errorf("sim portal %v: %v, wrote %q %q", tt.args, err, out, diag)
		}
	}
}
