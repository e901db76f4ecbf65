package seed_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/seed"
	"github.com/tallydock/tallydock/simulators/world"
)

func write(t *testing.T, speed float64) (string, *scenario.Scenario) {
	t.Helper()
	s, err := scenario.Builtin("day")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	paths, err := seed.Write(seed.Config{
		Scenario: s, Dir: dir, Speed: speed, Listen: "127.0.0.1:8080", MQTT: "127.0.0.1:1883", EdgeAPI: "127.0.0.1:7810",
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) != 9 {
		t.Errorf("written are %v", paths)
	}
	return dir, s
}

func table(t *testing.T, dir, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, v := range line {
			row[all[0][i]] = v
		}
		rows = append(rows, row)
	}
	return rows
}

func TestEveryReferenceOfTheCatalogueHolds(t *testing.T) {
	dir, s := write(t, 60)
	known := map[string]map[string]bool{}
	for name, key := range map[string]string{"items": "id", "locations": "code", "suppliers": "id"} {
		known[key+name] = map[string]bool{}
		for _, row := range table(t, dir, name) {
			known[key+name][row[key]] = true
		}
	}
	if len(known["iditems"]) != len(s.Items) || !known["codelocations"]["SZ1"] {
		t.Errorf("catalogue has %d items", len(known["iditems"]))
	}
	references := []struct{ name, column, in string }{
		{"locations", "parent", "codelocations"},
		{"sources", "item", "iditems"},
		{"sources", "supplier", "idsuppliers"},
		{"levels", "item", "iditems"},
		{"levels", "location", "codelocations"},
		{"tags", "item", "iditems"},
		{"demand", "item", "iditems"},
		{"demand", "site", "codelocations"},
	}
	for _, ref := range references {
		rows := table(t, dir, ref.name)
		if len(rows) == 0 {
			t.Errorf("%s.csv is empty", ref.name)
		}
		for i, row := range rows {
			if v := row[ref.column]; !known[ref.in][v] && (v != "" || row["kind"] != "site") {
				t.Errorf("%s.csv row %d: %s %q is not known", ref.name, i, ref.column, v)
			}
		}
	}
}

func TestTheDemandOf120DaysIsLikeTheScenarios(t *testing.T) {
	dir, s := write(t, 1)
	sum, days, first, last := map[string]float64{}, map[string]int{}, "9", ""
	for _, row := range table(t, dir, "demand") {
		n := 0.0
		for _, r := range row["quantity"] {
			n = n*10 + float64(r-'0')
		}
		sum[row["item"]] += n
		days[row["item"]]++
		first, last = min(first, row["day"]), max(last, row["day"])
	}
	if last != s.Start.AddDate(0, 0, -1).Format(time.DateOnly) || first != s.Start.AddDate(0, 0, -120).Format(time.DateOnly) {
		t.Errorf("history goes from %s to %s", first, last)
	}
	for _, it := range s.Items {
		if it.Demand.Kind == "none" {
			continue
		}
		mean := sum[it.ID] / 120
		if days[it.ID] != 120 || mean < 0.35*it.Demand.Daily || mean > 2*it.Demand.Daily {
			t.Errorf("%s: %d days of %.2f, wanted is %v", it.ID, days[it.ID], mean, it.Demand)
		}
	}
}

func TestTheSameScenarioGivesTheSameFiles(t *testing.T) {
	a, _ := write(t, 60)
	b, _ := write(t, 60)
	for _, name := range append([]string{"hub.yaml", "edge.yaml"}, names()...) {
		x, err1 := os.ReadFile(filepath.Join(a, name))
		y, err2 := os.ReadFile(filepath.Join(b, name))
		if err1 != nil || err2 != nil || strings.ReplaceAll(string(x), a, "") != strings.ReplaceAll(string(y), b, "") {
			t.Errorf("%s differs (%v, %v)", name, err1, err2)
		}
	}
}

func names() []string {
	var files []string
	for _, name := range seed.Tables() {
		files = append(files, name+".csv")
	}
	return files
}

func TestTheGatewayIsToldOfEveryDeviceAndOfTheSpeed(t *testing.T) {
	dir, s := write(t, 60)
	text, err := os.ReadFile(filepath.Join(dir, "edge.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Devices []struct{ ID, Address string }
		Shelves []struct{ Location, Device string }
		Doors   []struct {
			ID    string
			Quiet time.Duration
		}
		Rules []map[string]any
	}
	if err := yaml.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	if want := len(s.Readers) + len(s.Pads) + len(s.Probes); len(e.Devices) != want || len(e.Shelves) != 16 || len(e.Rules) != 4 {
		t.Errorf("%d devices, %d shelves, %d rules", len(e.Devices), len(e.Shelves), len(e.Rules))
	}
	for _, d := range e.Doors {
		if d.Quiet != (world.Pace{Speed: 60}).Quiet() || d.Quiet <= 3*time.Second {
			t.Errorf("door %s is quiet after %s", d.ID, d.Quiet)
		}
	}
	link := "serial:" + filepath.Join(dir, "tty-uhf-a1") + "?baud=115200"
	if !slices.ContainsFunc(e.Devices, func(d struct{ ID, Address string }) bool { return reflect.DeepEqual(d.Address, link) }) {
		t.Errorf("no device is at %s", link)
	}
}
