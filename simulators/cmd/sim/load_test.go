package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	edges "github.com/tallydock/tallydock/simulators/load"
)

func TestLoadRefusesWrongOrders(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("edges: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{[]string{"--edges", "0"}, false, "world.edges: is 0"},
		{[]string{"--rate", "fast"}, true, `"fast" is no number`},
		{[]string{"--broker", "a,b"}, false, `brokers[1]: "b" is not`},
		{[]string{"--plan", dir + "/none"}, false, "cannot read the plan"},
		{[]string{"--plan", bad}, false, "field edges not found"},
		{[]string{"--credentials", dir + "/none"}, false, "cannot read credentials"},
		{[]string{"--write-seed", "/dev/null/x"}, false, "cannot make the folder"},
		{[]string{"day"}, true, "wants no more"},
	} {
		out, diag, err := sim(t, append([]string{"load"}, tt.args...)...)
		if err == nil || errors.Is(err, errUsage) != tt.usage || !strings.Contains(out+diag+err.Error(), tt.want) {
			t.Errorf("sim load %v: %v, wrote %q %q", tt.args, err, out, diag)
		}
	}
}

func TestFlagsGoBeforeThePlan(t *testing.T) {
	dir := t.TempDir()
	plan, report, truth := filepath.Join(dir, "plan.yaml"), filepath.Join(dir, "r.json"), filepath.Join(dir, "t.json")
	text := "world: {edges: 3}\ntotal: 30\nsettle: 1s\nramp: 0s\nbrokers: [\"tcp://127.0.0.1:1\"]\n"
	if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err := sim(t, "load", "--edges", "2", "--plan", plan, "--json", report, "--truth", truth)
	if err == nil || !strings.Contains(err.Error(), "2 of 2 edges did not get in") || !strings.Contains(out, "edges          2, 0 connected") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, file := range []string{report, truth} {
		var v map[string]any
		if text, err := os.ReadFile(file); err != nil || json.Unmarshal(text, &v) != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	out, _, err = sim(t, "load", "--plan", plan, "--write-seed", filepath.Join(dir, "seed"))
	if err != nil || strings.Count(out, "\n") != 3 || !strings.Contains(out, "hub.yaml") {
		t.Errorf("%v %q", err, out)
	}
}

func TestTheHubsStockIsComparedWithTheTruth(t *testing.T) {
	const first = `{"places":[],"items":[],"cols":{"item":[],"location":[],"on_hand":[]},"next":"first"}`
	const stock = `{"places":["LD001-A-001"],"items":[{"id":"LD-00001"}],"cols":{"item":[0],"location":[0],"on_hand":[%d]},"next":""}`
	have := 3
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			var login map[string]string
			if err := json.NewDecoder(r.Body).Decode(&login); err != nil || login["password"] != "pw" {
				http.Error(w, "wrong password", http.StatusUnauthorized)
			}
		case strings.HasSuffix(r.URL.Path, "/quarantine"):
			fmt.Fprint(w, `{"items":[]}`)
		case strings.HasSuffix(r.URL.Path, "/sites"):
			fmt.Fprint(w, `{"items":[{"id":"LD001"}]}`)
		case r.URL.Query().Get("after") == "":
			fmt.Fprint(w, first)
		default:
			fmt.Fprintf(w, stock, have)
		}
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "admin-password.txt")
	if err := os.WriteFile(file, []byte("user     admin\npassword pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := edges.World{Edges: 1, EdgesPerSite: 1, Bays: 2, Tags: 3, Items: 1}
	truth := edges.Truth{Stock: []edges.Count{{Item: "LD-00001", Location: "LD001-A-001", Quantity: 3}}}
	var out strings.Builder
	order := loadOrder{check: s.URL, user: "admin", passwordFile: file}
	if err := checkHub(t.Context(), w, truth, order, &out); err != nil || !strings.Contains(out.String(), "has the truth: 3 units in 1 rows") {
		t.Errorf("%v %s", err, &out)
	}
	have = 2
	if err := checkHub(t.Context(), w, truth, order, &out); err == nil || !strings.Contains(err.Error(), "LD-00001 at LD001-A-001: 2, where 3 are") {
		t.Error(err)
	}
	order.passwordFile, order.password = "", "other"
	if err := checkHub(t.Context(), w, truth, order, &out); err == nil || !strings.Contains(err.Error(), "401") {
		t.Error(err)
	}
}
