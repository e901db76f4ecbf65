package prometheus_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// rule is an alert or a record, as Prometheus' rule files have them.
type rule struct {
	Alert, Record, Expr, For string
	Labels, Annotations      map[string]string
}

func rules(t *testing.T, file string) (all []rule) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		t.Fatal(err)
	}
	for _, g := range f.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func TestEachAlertSaysHowBadItIsAndWhatToDo(t *testing.T) {
	text, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts := rules(t, "alerts.yaml")
	for _, r := range alerts {
		if r.For == "" || !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: for %q, severity %q", r.Alert, r.For, r.Labels["severity"])
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s does not say what it is", r.Alert)
		}
		if want := "deploy/docs/runbook.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
			t.Errorf("%s: runbook %q, want %q", r.Alert, r.Annotations["runbook"], want)
		}
		if !strings.Contains(string(text), "\n## "+r.Alert+"\n") {
			t.Errorf("runbook.md does not say what to do at %s", r.Alert)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^## (Tallydock\w+)$`).FindAllStringSubmatch(string(text), -1) {
		if !slices.ContainsFunc(alerts, func(r rule) bool { return r.Alert == m[1] }) {
			t.Errorf("runbook.md has %s, which is no alert", m[1])
		}
	}
}

func TestEachAlertFiresAndStaysSilentInASoundWorld(t *testing.T) {
	promtool := tool(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "alerts.yaml", "records.yaml"}, {"test", "rules", "alerts_test.yaml"}, {"check", "config", "prometheus.yml"},
	} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	var file struct {
		Tests []struct {
			Name      string
			AlertTest []struct {
				Alertname string
				Expected  []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	text, err := os.ReadFile("alerts_test.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, a := range test.AlertTest {
			if len(a.Expected) > 0 {
				fires[a.Alertname] = true
			} else {
				silent[a.Alertname] = true
			}
		}
	}
	for _, r := range rules(t, "alerts.yaml") {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s is not tested: fires %v, silent %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}

// query is one of a rule or of a panel.
type query struct{ where, text string }

// dashboard is what of a Grafana dashboard is tested.
type dashboard struct {
	UID, Title string
	Panels     []struct {
		ID          int
		Title, Type string
		Targets     []struct{ Expr string }
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      any
			Definition string
		}
	}
}

// variables are those of the dashboards, with what stands for all of them.
var variables = strings.NewReplacer("$instance", ".*", "$site", ".*", "$location", ".*")

func queries(t *testing.T) (all []query) {
	t.Helper()
	for _, file := range []string{"alerts.yaml", "records.yaml"} {
		for _, r := range rules(t, file) {
			all = append(all, query{file + " " + r.Alert + r.Record, r.Expr})
		}
	}
	files, err := filepath.Glob("../grafana/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, p := range d.Panels {
			if len(p.Targets) == 0 {
				t.Errorf("%s: panel %q asks nothing", file, p.Title)
			}
			for _, target := range p.Targets {
				all = append(all, query{filepath.Base(file) + " " + p.Title, variables.Replace(target.Expr)})
			}
		}
		for _, v := range d.Templating.List {
			if m := regexp.MustCompile(`^label_values\((\w+), \w+\)$`).FindStringSubmatch(v.Definition); m != nil {
				all = append(all, query{filepath.Base(file) + " $" + v.Name, m[1]})
			} else if v.Type == "query" {
				t.Errorf("%s: variable %s: %q", file, v.Name, v.Definition)
			}
		}
	}
	return all
}

// ask runs a query and gives how many series it has; "": what is wrong with it.
func ask(server, text string) (series int, wrong string) {
	r, err := http.Get(server + "/api/v1/query?" + url.Values{"query": {text}}.Encode())
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []any }
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return 0, err.Error()
	}
	if answer.Status != "success" {
		return 0, answer.Error
	}
	return len(answer.Data.Result), ""
}

var (
	inQuotes   = regexp.MustCompile(`"[^"]*"`)
	nameInText = regexp.MustCompile(`\b(tallydock|edge|process|go)_[a-z0-9_]+`)
	ownRecord  = regexp.MustCompile(`\btallydock:[a-z0-9_:]+`)
	suffix     = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// names are the metrics and records that a query asks for.
func names(text string) (all []string) {
	for _, m := range regexp.MustCompile(`__name__=~"([^"]*)"`).FindAllStringSubmatch(text, -1) {
		all = append(all, strings.Split(strings.ReplaceAll(m[1], "(ca|server_certificate)", "ca"), "|")...)
	}
	plain := inQuotes.ReplaceAllString(text, "")
	return append(append(all, nameInText.FindAllString(plain, -1)...), ownRecord.FindAllString(plain, -1)...)
}

func TestEachQueryRunsAndAsksForWhatThereIs(t *testing.T) {
	h := running(t)
	known := map[string]bool{}
	for _, m := range documented(t, h) {
		known[m.name] = true
	}
	for _, r := range rules(t, "records.yaml") {
		known[r.Record] = true
	}
	all := queries(t)
	for _, q := range all {
		for _, n := range names(q.text) {
			if base := suffix.ReplaceAllString(n, ""); !known[n] && !known[base] && !strings.HasPrefix(n, "process_") && !strings.HasPrefix(n, "go_") {
				t.Errorf("%s asks for %s, which nobody has", q.where, n)
			}
		}
	}
	prometheus := server(t, h)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) { // two scrapes, for rates
		if n, _ := ask(prometheus, `count(count_over_time(up[5m]) > 1) == 2 and on () count(tallydock:fleet_edge_lag_records:max)`); n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("Prometheus does not scrape both programs")
		}
	}
	empty := []string{}
	for _, q := range all {
		n, wrong := ask(prometheus, q.text)
		if wrong != "" {
			t.Errorf("%s: %s\n%s", q.where, wrong, q.text)
		}
		if n == 0 && !strings.Contains(q.where, "alerts.yaml") {
			empty = append(empty, q.where)
		}
	}
	t.Logf("%d queries run; without a value in a house where nothing happens: %s", len(all), strings.Join(empty, "; "))
	if len(empty) > len(all)/2 {
		t.Errorf("%d of %d have no value", len(empty), len(all))
	}
	if n, _ := ask(prometheus, `ALERTS{alertname=~"TallydockNoHub|TallydockDatabaseDown|TallydockHubNotReady",alertstate="firing"}`); n > 0 {
		t.Error(fmt.Sprint(n, " alerts fire in a sound house"))
	}
}
