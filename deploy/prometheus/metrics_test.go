package prometheus_test

import (
	"bufio"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write metrics.md as the programs now are")

const metricsFile = "../docs/metrics.md"

const metricsHead = `# Metrics

What hub and edge show at ` + "`/metrics`" + `, beside Go's own ` + "`go_*` and `process_*`" + `. Written by ` + "`go test ./prometheus -update`" + ` in deploy/
from what the programs register; a test compares both. Times are in seconds, sizes in bytes, instants in Unix time.

What the hub says of the company (ledger, quarantine, events, fleet, alarms, excursions, sensors) comes from the database: every hub on
it says the same, so take the ` + "`max`" + ` over hubs and not the ` + "`sum`" + `. It is asked for at most every ten seconds.
`

// parts are rooms whose metrics are there only where the configuration asks for the room.
var parts = []string{"../../hub/enrol", "../../hub/connect/webhook", "../../hub/broker", "../../edge/identity"}

var inSource = regexp.MustCompile(`(?s)Name:\s*"((?:tallydock|edge)_\w+)",\s*Help:\s*"((?:[^"\\]|\\.)*)"`)

// documented are all metrics that metrics.md should have.
func documented(t *testing.T, h house) []*metric {
	t.Helper()
	return slices.Concat(h.hubMetrics, h.edgeMetrics, optional(t, h))
}

func optional(t *testing.T, h house) (all []*metric) {
	t.Helper()
	has := map[string]bool{}
	for _, m := range slices.Concat(h.hubMetrics, h.edgeMetrics) {
		has[m.name] = true
	}
	for _, dir := range parts {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range inSource.FindAllStringSubmatch(string(text), -1) {
				if !has[m[1]] {
					has[m[1]] = true
					all = append(all, &metric{name: m[1], help: m[2]})
				}
			}
		}
	}
	return all
}

// types reads the kinds of the metrics that have a value.
func types(t *testing.T, address string) map[string]string {
	t.Helper()
	r, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	kinds := map[string]string{}
	for s := bufio.NewScanner(r.Body); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) == 4 && f[1] == "TYPE" {
			kinds[f[2]] = f[3]
		}
	}
	return kinds
}

func table(b *strings.Builder, title string, all []*metric, kinds map[string]string) {
	fmt.Fprintf(b, "\n## %s\n\n| metric | kind | labels | what |\n|---|---|---|---|\n", title)
	slices.SortFunc(all, func(a, c *metric) int { return strings.Compare(a.name, c.name) })
	for _, m := range all {
		if strings.HasPrefix(m.name, "go_") || strings.HasPrefix(m.name, "process_") {
			continue
		}
		kind := kinds[m.name]
		switch {
		case kind != "":
		case strings.HasSuffix(m.name, "_total"):
			kind = "counter"
		case regexp.MustCompile(`_(attempt|request|delay)_?s?(econds)?$|_delay_seconds$|_attempt_seconds$|_request_seconds$`).MatchString(m.name):
			kind = "histogram"
		default:
			kind = "gauge"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", m.name, kind, strings.ReplaceAll(m.labels, ",", ", "), m.help)
	}
}

func TestMetricsAreDocumented(t *testing.T) {
	h := running(t)
	var b strings.Builder
	b.WriteString(metricsHead)
	table(&b, "Hub", h.hubMetrics, types(t, h.hub))
	table(&b, "Edge", h.edgeMetrics, types(t, h.edge))
	table(&b, "Where the configuration asks for it", optional(t, h), nil)
	if *update {
		if err := os.WriteFile(metricsFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(metricsFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != b.String() {
		t.Error("deploy/docs/metrics.md is not what the programs have: run go test ./prometheus -update in deploy/")
	}
}
