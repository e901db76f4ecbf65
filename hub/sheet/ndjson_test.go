package sheet_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/sheet"
)

func TestNDJSONIsReadStrictly(t *testing.T) {
	for line, want := range map[string]string{
		`{"id":"A","count":9007199254740993}`:               "1: id=A count=9007199254740993",
		`{"id":"A","cost":922337203685477.5807}`:            "1: id=A cost=9223372036854775807",
		`{"id":"A","cost":"12.5","days":1.50,"cold":false}`: "1: id=A days=150 cost=125000 cold=0",
		`{ "id" : "A" , "name" : null , "count" : 1 }`:      "1: id=A count=1",
		`{"id":" A ","name":"\u9ec4\ud83d\ude00\"\\\/\n"}`:  "1: id= A  name=黄😀\"\\/\n",
		`{"id":"=1","name":"## x"}`:                         "1: id==1 name=## x",
		`{"i\u0064":"A"}`:                                   "1: id=A",
		`{"id":"A","name":"\ufffd"}`:                        "1: id=A name=\ufffd",
		"{\"id\":\"A\"}\r":                                  "1: id=A",
		`{"id":"A","name":""}`:                              "1: id=A",
		`{}`:                                                "",
		`{"##":"a remark","id":1,"x":[]}`:                   "",
		`{"id":"A","colour":"red"}`:                         "1:colour:unknown_column",
		`{"id":"A","ID":"B"}`:                               "1:ID:unknown_column",
		`{"id":"A","##":""}`:                                "1:##:unknown_column",
		`{"id":"A","id":"B"}`:                               "1:id:double_column",
		`{"id":"A","id":null}`:                              "1:id:double_column",
		`{"id":"A","name":{"en":"x"}}`:                      "1:name:nested_value",
		`{"id":"A","name":["x","}"]}`:                       "1:name:nested_value",
		`{"id":[[[1]]]}`:                                    "1:id:nested_value",
		`{"id":[[[[1]]]]}`:                                  "1::too_deep",
		`{"id":12}`:                                         "1:id:wrong_type",
		`{"id":true}`:                                       "1:id:wrong_type",
		`{"id":"A","gtin":4006381333931}`:                   "1:gtin:wrong_type",
		`{"id":"A","cold":1}`:                               "1:cold:wrong_type",
		`{"id":"A","count":true}`:                           "1:count:wrong_type",
		`{"id":"A","count":1e3}`:                            "1:count:shortened_number",
		`{"id":"A","count":1.5}`:                            "1:count:not_a_whole_number",
		`{"id":"A","count":9223372036854775808}`:            "1:count:out_of_range",
		`{"id":"A","name":"\ud800"}`:                        "1:name:bad_encoding",
		`{"id":"A","name":"\u0000"}`:                        "1:name:control_character",
		`{"name":"x"}`:                                      "1:id:empty",
		`{"id":"A",}`:                                       "1::not_json",
		`{"id":"A"} {"id":"B"}`:                             "1::not_json",
		`{"id":"A"},`:                                       "1::not_json",
		`{'id':'A'}`:                                        "1::not_json",
		`{"id":"A`:                                          "1::not_json",
		`{"id":01}`:                                         "1::not_json",
		`{"id":NaN}`:                                        "1::not_json",
		"{\"id\":\"A\xff\"}":                                "1::not_json",
		`[{"id":"A"}]`:                                      "1::not_an_object",
		`"A"`:                                               "1::not_an_object",
		`{"id":"A","name":"` + strings.Repeat("x", 140<<10) + `"}`: "1:name:too_long",
	} {
		rows, report := read(t, sheet.NDJSON, line+"\n", sheet.Options{})
		got := strings.Join(places(report), " ")
		if report.OK() {
			got = strings.Join(rows, "\n")
		}
		if got != want {
			t.Errorf("%.60s: got %q; want %q", line, got, want)
		}
	}
}

func TestNDJSONGoesOnAfterABadLine(t *testing.T) {
	rows, report := read(t, sheet.NDJSON, "\ufeff{\"id\":\"A\"}\r\n\n{\"id\":\nnull\n{\"id\":\"B\",\"x\":1,\"count\":\"x\"}\n{\"id\":\"C\"}", sheet.Options{})
	same(t, "rows", rows, []string{"1: id=A", "3: bad", "4: bad", "5: id=B bad", "6: id=C"})
	same(t, "problems", places(report), []string{"3::not_json", "4::not_an_object", "5:x:unknown_column", "5:count:not_a_whole_number"})
	if rows, report = read(t, sheet.NDJSON, "", sheet.Options{}); len(rows) != 0 || !report.OK() {
		t.Errorf("an empty file: %q, %v", rows, report.Problems)
	}
}
