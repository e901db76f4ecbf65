package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// TestMeasure takes the figures of the whole road from the real programs on real pseudo terminals, the hub's own broker
// and SQLite, each figure beside its limit or peer in the same run, and prints them as one table.
func TestMeasure(t *testing.T) {
	if os.Getenv("TALLYDOCK_BENCH") == "" {
		t.Skip("figures of the whole road are taken by make bench: build the programs into bin and set TALLYDOCK_BENCH=1")
	}
	var f figures
	t.Cleanup(func() { t.Logf("figures of the whole road\n%s", f.table()) })
	for _, m := range []struct {
		name string
		take func(*testing.T, *figures)
	}{
		{"EdgeMemory", measureEdgeMemory},
		{"EdgeRoad", measureEdgeRoad},
		{"LLRPRoad", measureLLRPRoad},
		{"HubRoad", measureHubRoad},
		{"ReadToScreen", measureReadToScreen},
		{"EdgeProfile", profileEdge},
		{"HubProfile", profileHub},
	} {
		t.Run(m.name, func(t *testing.T) {
			before := load()
			m.take(t, &f)
			t.Logf("load average before %s, after %s", before, load())
		})
	}
}

// load is the machine's load average of the last minute; figures of a loaded machine are lower.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	minute, _, _ := strings.Cut(string(b), " ")
	return minute
}

// figures is what was measured.
type figures struct{ rows []figure }

// figure is a measured value beside its limit or peer; without one, peer is "".
type figure struct {
	what  string
	value float64
	unit  string
	peer  string // what it is compared with
	limit float64
	load  string // load average when it was taken
}

func (f *figures) add(what string, value float64, unit, peer string, limit float64) {
	f.rows = append(f.rows, figure{what, value, unit, peer, limit, load()})
}

func (f *figures) table() string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tfigure\tlimit or peer\tratio\tload")
	for _, r := range f.rows {
		peer, ratio := "", ""
		if r.peer != "" {
			peer, ratio = fmt.Sprintf("%s %s: %s", number(r.limit), r.unit, r.peer), fmt.Sprintf("%.3g", r.value/r.limit)
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\t%s\n", r.what, number(r.value), r.unit, peer, ratio, r.load)
	}
	w.Flush()
	return b.String()
}

// number writes large figures without digits that mean nothing.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// mebibytes of a count of bytes.
func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// rawSyncs tells how many times a second one writer gets 4 KiB to the disk under dir: the limit of commits one by one.
func rawSyncs(t *testing.T, dir string) float64 {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "syncs"))
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	n, start := 0, time.Now()
	for ; time.Since(start) < 2*time.Second; n++ {
		if _, err := f.WriteAt(block, 0); err != nil {
			t.Fatal(err)
		}
		if err := dataSync(f); err != nil {
			t.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}
