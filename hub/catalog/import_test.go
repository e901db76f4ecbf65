package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/catalog"
)

var known = catalog.Known{
	Items:     map[string]bool{"MILK-1L": true},
	Locations: map[string]bool{"SZ1": true, "SZ1-A": true},
	Sites:     map[string]bool{"SZ1": true},
	Suppliers: map[string]bool{"ACME": true},
}

func TestRowsAreRead(t *testing.T) {
	items := "\ufeffid;name_en;name_zh;gtin;cost\nSKU-1;Butter 250 g;黄油 250 g;4006381333931;12.5\n"
	rows, err := catalog.Parse("items", strings.NewReader(items), known)
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Item{
		ID: "SKU-1", GTIN: "04006381333931", Name: catalog.Text{EN: "Butter 250 g", ZH: "黄油 250 g"}, Unit: "EA", Cost: 125000,
	}
	if len(rows.Items) != 1 || rows.Items[0] != want {
		t.Errorf("with a byte order mark and semicolons: got %+v; want %+v", rows.Items, want)
	}

	locations := "code,site,kind,parent,x,y,w,h\nHZ2,HZ2,site,,0,0,400,300\nHZ2-A,HZ2,zone,,10,10,100,50\nHZ2-A-01,HZ2,bay,HZ2-A,12,12,20,20\n"
	rows, err = catalog.Parse("locations", strings.NewReader(locations), known)
	if err != nil || len(rows.Locations) != 3 || rows.Locations[1].Parent != "HZ2" || rows.Locations[2].W != 20 {
		t.Errorf("locations: %+v, %v", rows.Locations, err)
	}
}

func TestEveryProblemIsNamedWithItsPlace(t *testing.T) {
	for name, test := range map[string]struct {
		kind, text string
		want       []string // "line:column: part of the message"
	}{
		"unknown kind":   {"prices", "", []string{"0::use items, packs, locations"}},
		"empty file":     {"items", "", []string{"1::no header"}},
		"unknown column": {"items", "id,name_en,colour\n", []string{"1:colour:not known"}},
		"missing column": {"levels", "item,location\n", []string{"1:min:missing"}},
		"twice":          {"items", "id,name_en,id\n", []string{"1:id:twice"}},
		"broken quote":   {"items", "id,name_en\nA,\"x\nB,y\n", []string{"2::quote"}},
		"items": {"items", "id,name_en,gtin,cost\n,Milk,4006381333932,1.23456\nA,,123,x\nA,Milk,,\nB B,Milk,,-3\n", []string{
			"2:id:empty", "2:gtin:should be 1", "2:cost:at most four decimals", "3:gtin:8, 12, 13 or 14", "3:cost:12.50",
			"3:name_en:empty", "4::same key as line 3", "5:id:space", "5:cost:12.50",
		}},
		"locations": {"locations", "code,site,kind,parent\nX,Y,site,\nZ,SZ1,cave,NOWHERE\n", []string{
			"2:site:own code", "2:site:neither in the file", "3:kind:site, zone, bay", "3:parent:neither in the file",
		}},
		"sources": {"sources", "item,supplier,lead_time_days,moq\nNONE,ACME,-1,1.5\n", []string{
			"2:item:import it first", "2:lead_time_days:0 to 3650", "2:moq:whole number",
		}},
		"levels": {"levels", "item,location,min,max\nMILK-1L,SZ1-A,10,5\n", []string{"2:max:less than min"}},
		"tags":   {"tags", "tag,item\nABC,MILK-1L\n", []string{"2:tag:starts with neither epc"}},
		"demand": {"demand", "item,site,day,quantity\nMILK-1L,SZ1-A,2026-13-01,3\n", []string{"2:site:not in the catalogue", "2:day:YYYY-MM-DD"}},
	} {
		_, err := catalog.Parse(test.kind, strings.NewReader(test.text), known)
		var bad *catalog.ImportError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v; want an ImportError", name, err)
			continue
		}
		for _, want := range test.want {
			place, message := want[:strings.LastIndex(want, ":")], want[strings.LastIndex(want, ":")+1:]
			if strings.Count(want, ":") > 2 { // the message has a colon
				p := strings.SplitN(want, ":", 3)
				place, message = p[0]+":"+p[1], p[2]
			}
			found := false
			for _, p := range bad.Problems {
				found = found || fmt.Sprintf("%d:%s", p.Line, p.Column) == place && strings.Contains(p.Message, message)
			}
			if !found {
				t.Errorf("%s: no problem %q in\n%v", name, want, err)
			}
		}
		if len(bad.Problems) != len(test.want) {
			t.Errorf("%s: %d problems; want %d\n%v", name, len(bad.Problems), len(test.want), err)
		}
	}
}

func TestImportOfAThousandBadLinesStopsAtAHundredProblems(t *testing.T) {
	_, err := catalog.Parse("items", strings.NewReader("id,name_en\n"+strings.Repeat("a b,\n", 1000)), known)
	var bad *catalog.ImportError
	if !errors.As(err, &bad) || len(bad.Problems) != 100 {
		t.Errorf("got %d problems", len(bad.Problems))
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range catalog.Kinds() {
		required, optional := catalog.Columns(kind)
		f.Add(kind, strings.Join(append(required, optional...), ",")+"\na,b,c,d,e,f\n1,2,3,4,5,6\n")
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		rows, err := catalog.Parse(kind, strings.NewReader(text), known)
		if err != nil && rows.Items != nil {
			t.Fatal("a refused file gave rows")
		}
	})
}
