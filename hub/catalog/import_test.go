package catalog_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/sheet"
)

var known = catalog.Known{
	Items:     map[string]bool{"MILK-1L": true},
	Locations: map[string]bool{"SZ1": true, "SZ1-A": true},
	Sites:     map[string]bool{"SZ1": true},
	Suppliers: map[string]bool{"ACME": true},
}

func parse(t *testing.T, kind, text string) (catalog.Rows, sheet.Report) {
	t.Helper()
	rows, report, err := catalog.Parse(kind, catalog.File{Body: strings.NewReader(text)}, known)
	if err != nil {
		t.Fatal(err)
	}
	return rows, report
}

func TestEveryKindIsATable(t *testing.T) {
	for _, kind := range catalog.Kinds() {
		table, ok := catalog.Sheet(kind)
		if err := table.Validate(); !ok || err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for _, c := range table.Columns {
			if c.Title.EN == "" || c.Title.ZH == "" {
				t.Errorf("%s, column %s has no title in one of the languages", kind, c.Name)
			}
		}
	}
}

func TestRowsAreRead(t *testing.T) {
	rows, report := parse(t, "items", "\ufeffid;name_en;name_zh;gtin;cost\nSKU-1;Butter 250 g;黄油 250 g;4006381333931;12.5\n")
	want := catalog.Item{
		ID: "SKU-1", GTIN: "04006381333931", Name: catalog.Text{EN: "Butter 250 g", ZH: "黄油 250 g"}, Unit: "EA", Cost: 125000,
	}
	if !report.OK() || len(rows.Items) != 1 || rows.Items[0] != want {
		t.Errorf("with a byte order mark and semicolons: got %+v, %v; want %+v", rows.Items, report.Problems, want)
	}
	rows, report = parse(t, "locations", "code,site,kind,parent,x,y,w,h\nHZ2,HZ2,site,,0,0,400,300\nHZ2-A,HZ2,zone,,10,10,100,50\nHZ2-A-01,HZ2,bay,HZ2-A,12,12,20,20\n")
	if !report.OK() || len(rows.Locations) != 3 || rows.Locations[1].Parent != "HZ2" || rows.Locations[2].W != 20 {
		t.Errorf("locations: %+v, %v", rows.Locations, report.Problems)
	}
	rows, report = parse(t, "items", "物料编码,中文名称\nSKU-2,牛奶\n")
	if !report.OK() || len(rows.Items) != 1 || rows.Items[0].Name.ZH != "牛奶" {
		t.Errorf("with Chinese heads: %+v, %v", rows.Items, report.Problems)
	}
}

func TestEveryProblemIsNamedWithItsPlace(t *testing.T) {
	for name, test := range map[string]struct {
		kind, text string
		want       []string // "row:column:code"
	}{
		"empty file":     {"items", "", []string{"0::no_header"}},
		"unknown column": {"items", "id,name_en,colour\n", []string{"1:colour:unknown_column"}},
		"missing column": {"levels", "item,location\n", []string{"1:min:missing_column"}},
		"twice":          {"items", "id,name_en,id\n", []string{"1:id:double_column"}},
		"broken quote":   {"items", "id,name_en\nA,\"x\nB,y\n", []string{"2::quote_not_closed"}},
		"cells": {"items", "id,name_en,gtin,cost\n,Milk,4006381333932,1.23456\nA,Milk,123,x\n", []string{
			"2:gtin:wrong_check_digit", "2:cost:too_many_decimals", "2:id:empty", "3:gtin:not_a_gtin", "3:cost:not_a_number",
		}},
		"items": {"items", "id,name_en\nA,\nA,Milk\nB B,Milk\n", []string{"2:name_en:nameless", "3::double_key", "4:id:bad_id"}},
		"locations": {"locations", "code,site,kind,parent\nX,Y,site,\nZ,SZ1,cave,NOWHERE\nW,SZ1,bay,NOWHERE\n", []string{
			"2:site:own_site", "3:kind:not_one_of", "2:site:unknown_place", "4:parent:unknown_place",
		}},
		"sources": {"sources", "item,supplier,lead_time_days,moq\nNONE,ACME,1,0\nMILK-1L,ACME,-1,1.5\n", []string{
			"2:item:unknown_item", "3:lead_time_days:out_of_range", "3:moq:not_a_whole_number",
		}},
		"levels": {"levels", "item,location,min,max\nMILK-1L,SZ1-A,10,5\nMILK-1L,X,1,\n", []string{"2:max:too_low", "3:location:unknown_location"}},
		"tags":   {"tags", "tag,item\nABC,MILK-1L\n", []string{"2:tag:not_a_tag"}},
		"packs":  {"packs", "item,code,units\nMILK-1L,CS,0\n", []string{"2:units:out_of_range"}},
		"lots": {"lots", "item,lot,made,expires,supplier\nMILK-1L,L1,2026-02-01,2026-01-01,ACME\nMILK-1L,L2,,,NOBODY\n", []string{
			"2:expires:too_early", "3:supplier:unknown_supplier",
		}},
		"demand": {"demand", "item,site,day,quantity\nMILK-1L,SZ1-A,2026-01-01,3\nMILK-1L,SZ1,2026-13-01,3\n", []string{"2:site:unknown_site", "3:day:not_a_date"}},
	} {
		_, report := parse(t, test.kind, test.text)
		var got []string
		for _, p := range report.Problems {
			got = append(got, fmt.Sprintf("%d:%s:%s", p.Row, p.Column, p.Code))
			if p.Says.EN == "" || p.Says.ZH == "" || p.Hint.EN == "" || p.Hint.ZH == "" || strings.Contains(p.Text("en")+p.Text("zh"), "%!") {
				t.Errorf("%s: words are missing: %+v", name, p)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q; want %q", name, got, test.want)
		}
	}
	if _, _, err := catalog.Parse("prices", catalog.File{Body: strings.NewReader("")}, known); !errors.Is(err, fault.NotFound) {
		t.Errorf("unknown kind: %v", err)
	}
}

func TestAThousandBadRowsAreListedAndTheRestCounted(t *testing.T) {
	_, report := parse(t, "items", "id,name_en\n"+strings.Repeat("a b,Milk\n", 1500))
	if len(report.Problems) != 1000 || report.More != 2*1500-1-1000 || report.Bad != 1500 {
		t.Errorf("%d problems, %d more, %d bad rows", len(report.Problems), report.More, report.Bad)
	}
}

var whole = []catalog.Rows{
	{Kind: "items", Items: []catalog.Item{{ID: "-1", GTIN: "04006381333931", Name: catalog.Text{EN: "=cmd|'/c calc'!A0", ZH: " 牛奶"}, Unit: "EA", Cost: 125001}}},
	{Kind: "packs", Packs: []catalog.Pack{{Item: "MILK-1L", Code: "CS", Units: 12, Name: catalog.Text{EN: "'; DROP TABLE item;--"}}}},
	{Kind: "locations", Locations: []catalog.Location{{Code: "SZ1-B", Site: "SZ1", Parent: "SZ1", Kind: catalog.Bay, Name: catalog.Text{ZH: "@SUM(A1)"}, X: 1, Y: 2, W: 3, H: 4}}},
	{Kind: "suppliers", Suppliers: []catalog.Supplier{{ID: "A1", Name: catalog.Text{EN: "+1 Ltd"}}}},
	{Kind: "lots", Lots: []catalog.Lot{{Item: "MILK-1L", Lot: "-L1", Made: "2026-01-01", Expires: "2026-02-01", Supplier: "ACME"}, {Item: "MILK-1L", Lot: "L2"}}},
	{Kind: "sources", Sources: []catalog.Source{{Item: "MILK-1L", Supplier: "ACME", LeadTime: 2.5, LeadTimeSD: 0.123456, MOQ: 4, PackMultiple: 2, Price: 7}}},
	{Kind: "levels", Levels: []catalog.Level{{Item: "MILK-1L", Location: "SZ1-A", Min: 3, Max: 9}}},
	{Kind: "tags", Tags: []catalog.TagItem{{Tag: "epc:3034257bf7194e4000001a85", Item: "MILK-1L", Lot: "=L", Units: 3}}},
	{Kind: "demand", Demand: []catalog.Demand{{Item: "MILK-1L", Site: "SZ1", Day: "2026-01-31", Quantity: 0}}},
}

func TestWhatIsExportedIsImportedUnchanged(t *testing.T) {
	for _, rows := range whole {
		table, _ := catalog.Sheet(rows.Kind)
		for _, f := range sheet.Formats() {
			var file bytes.Buffer
			w, err := sheet.NewWriter(table, f, &file, sheet.WriteOptions{Lang: "zh"})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range catalog.Values(rows) {
				if err := w.Write(v); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, report := parse(t, rows.Kind, file.String())
			if !report.OK() || !reflect.DeepEqual(got, rows) {
				t.Errorf("%s as %s: got %+v, %v; want %+v", rows.Kind, f, got, report.Problems, rows)
			}
		}
	}
}

func TestAnEntryIsCheckedAsAnImportWould(t *testing.T) {
	for _, rows := range whole {
		if rows.Kind == "lots" {
			continue // two of them
		}
		if got, err := catalog.Checked(rows, known); err != nil || !reflect.DeepEqual(got, rows) {
			t.Errorf("%s: got %+v, %v; want %+v", rows.Kind, got, err, rows)
		}
	}
	got, err := catalog.Checked(catalog.Rows{Kind: "items", Items: []catalog.Item{{ID: "A", Name: catalog.Text{EN: "A"}, GTIN: "4006381333931"}}}, known)
	if err != nil || got.Items[0].GTIN != "04006381333931" || got.Items[0].Unit != "EA" {
		t.Errorf("filled up: %+v, %v", got, err)
	}
	_, err = catalog.Checked(catalog.Rows{Kind: "items", Items: []catalog.Item{{ID: "A B", Cost: -1}}}, known)
	var no *sheet.Refused
	if !errors.As(err, &no) || !errors.Is(err, fault.Invalid) || no.Report.Problems[0].Column != "cost" {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range catalog.Kinds() {
		table, _ := catalog.Sheet(kind)
		f.Add(kind, strings.Join(table.Names(), ",")+"\na,b,c,d,e,f\n1,2,3,4,5,6\n")
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		rows, report, err := catalog.Parse(kind, catalog.File{Body: strings.NewReader(text)}, known)
		if (err != nil || !report.OK()) && rows.Items != nil {
			t.Fatal("a refused file gave rows")
		}
	})
}
