package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/api"
)

var update = flag.Bool("update", false, "write openapi.json anew")

func description(t *testing.T) []byte {
	c := &client{hub: start(t)}
	r := c.do("GET", "/api/v1/openapi.json", "")
	if r.status != 200 || r.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", r.status, r.header)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(r.body), "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func TestOpenAPIFileIsFresh(t *testing.T) {
	got := description(t)
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("openapi.json is stale (%v): go test ./api -run OpenAPI -update", err)
	}
}

func TestOpenAPIIsWhole(t *testing.T) {
	text := description(t)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Responses   map[string]any
			Security    []map[string][]string
		}
		Components struct {
			Schemas         map[string]any
			SecuritySchemes map[string]any
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("version %s", doc.OpenAPI)
	}
	ids := map[string]bool{}
	for _, r := range api.Table() {
		op, ok := doc.Paths[r.Path][strings.ToLower(r.Method)]
		if !ok || op.OperationID != r.ID || ids[r.ID] || len(op.Responses) < 2 {
			t.Errorf("%s %s is described as %+v", r.Method, r.Path, op)
		}
		if (len(op.Security) == 0) != r.Public {
			t.Errorf("%s %s: security %v of a route for %s", r.Method, r.Path, op.Security, r.Access)
		}
		ids[r.ID] = true
	}
	described := 0
	for _, ops := range doc.Paths {
		described += len(ops)
	}
	if described != len(ids) {
		t.Errorf("%d operations are described, and the table has %d routes", described, len(ids))
	}
	if _, ok := doc.Components.Schemas["ErrorModel"]; ok {
		t.Error("problems are described as huma's, not as ours")
	}
	for part := range strings.SplitSeq(string(text), `"$ref": "`) {
		ref, _, _ := strings.Cut(part, `"`)
		name, isRef := strings.CutPrefix(ref, "#/components/schemas/")
		if isRef && doc.Components.Schemas[name] == nil {
			t.Errorf("reference to %s, which is not there", name)
		}
	}
	if strings.Contains(string(text), "\"array\",\n") {
		t.Error("a list is described as nullable")
	}
}
