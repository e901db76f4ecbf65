package epcis_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
)

func TestTheExamplesOfGS1AreTaken(t *testing.T) {
	events := 0
	for name, text := range examples(t, "examples_gs1") {
		doc, err := epcis.Decode(strings.NewReader(string(text)), epcis.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		events += len(doc.Events)
	}
	t.Logf("%d events", events)
}

// refusals are the published documents that are not taken, and where they are wrong.
var refusals = map[string][]string{
	// The schema, too, refuses these two that are published as right.
	"Capture/Documents/AggregationEvent_with_persistentDisposition.json": {"$.epcisBody.eventList[1].persistentDisposition"},
	"Capture/Documents/TransactionEvent_with_userExtensions.json":        {"$.epcisBody.eventList[0].sensorElementList[0].sensorReport[0].type"},
	"Query/TransactionEvent_with_userExtensions.json":                    {"$.epcisBody.queryResults.resultsBody.eventList[0].sensorElementList[0].sensorReport[0].type"},

	"Capture/Invalid/Combination_of_events_with_missing_mandatory_fields.json": {
		"$.epcisBody.eventList[0].action", "$.epcisBody.eventList[1].action", "$.epcisBody.eventList[1].eventTimeZoneOffset",
	},
	"Capture/Invalid/ObjectEvent_with_invalid_action.json":                {"$.epcisBody.eventList[0].action"},
	"Capture/Invalid/ObjectEvent_with_invalid_eventTime_format.json":      {"$.epcisBody.eventList[0].eventTime"},
	"Capture/Invalid/ObjectEvent_with_non_standard_bizStep.json":          {"$.epcisBody.eventList[0].bizStep"},
	"Capture/Invalid/ObjectEvent_with_non_standard_disposition.json":      {"$.epcisBody.eventList[0].disposition"},
	"Capture/Invalid/ObjectEvent_with_quantity_as_text.json":              {"$.epcisBody.eventList[0].quantityList[0].quantity"},
	"Capture/Invalid/ObjectEvent_with_unknown_field_in_quantityList.json": {"$.epcisBody.eventList[0].quantityList[0].weight"},
	"Capture/Invalid/ObjectEvent_without_identifier_list.json":            {"$.epcisBody.eventList[0]"},
	"Query/Invalid/QueryDocument_with_invalid_action.json":                {"$.epcisBody.queryResults.resultsBody.eventList[0].action"},
	"Query/Queries/Invalid/Query_with_invalid_values.json":                {"$.type"}, // a query is no document
}

func TestTheExamplesOfOpenEPCISAreTakenOrRefusedForTheirReason(t *testing.T) {
	for name, text := range examples(t, "examples_openepcis/JSON") {
		_, err := epcis.Decode(strings.NewReader(string(text)), epcis.Limits{})
		want, wrong := refusals[name]
		switch {
		case !wrong && strings.Contains(name, "Invalid/"):
			t.Errorf("%s is not in the table of refusals; it says %v", name, err)
		case !wrong && err != nil:
			t.Errorf("%s: %v", name, err)
		case wrong:
			if got := paths(err); !reflect.DeepEqual(got, want) {
				t.Errorf("%s is refused at %q, want %q", name, got, want)
			}
		}
	}
}

// paths gives where a document is wrong.
func paths(err error) (all []string) {
	var r *epcis.Refusal
	if errors.As(err, &r) {
		for _, p := range r.Problems {
			all = append(all, p.Path)
		}
	}
	return all
}

func TestWhatADocumentLacksIsTold(t *testing.T) {
	full := document(seen(""))
	for _, c := range []struct{ name, text, path string }{
		{"no object", `[]`, "$"},
		{"no type", `{}`, "$.type"},
		{"a type that is no URI", strings.Replace(full, "EPCISDocument", "EPCDocument", 1), "$.type"},
		{"no context", `{"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-02T09:30:00Z","epcisBody":{"eventList":[]}}`, `$["@context"]`},
		{"a bare event without context", seen(""), `$["@context"]`},
		{"a context that is a number", strings.Replace(full, `{"example":"http://ns.example.com/epcis/"}`, `1`, 1), `$["@context"][1]`},
		{"a context twice", strings.Replace(full, `{"example":"http://ns.example.com/epcis/"}`, `{"a":"http://a/"},{"a":"http://a/"}`, 1), `$["@context"][2]`},
		{"a version that is none", strings.Replace(full, `"2.0"`, `"two"`, 1), "$.schemaVersion"},
		{"no date", strings.Replace(full, "creationDate", "example:creationDate", 1), "$.creationDate"},
		{"a body without events", strings.Replace(full, "eventList", "events", 1), "$.epcisBody.eventList"},
		{"a member without prefix", strings.Replace(full, `"type":"EPCISDocument",`, `"type":"EPCISDocument","shop":1,`, 1), "$.shop"},
		{"an event that is text", document(`"event"`), "$.epcisBody.eventList[0]"},
		{"results without their name", `{"@context":"https://a/epcis-context.jsonld","type":"EPCISQueryDocument",
			"epcisBody":{"queryResults":{"resultsBody":{"eventList":[]}}}}`, "$.epcisBody.queryResults.queryName"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := epcis.Decode(strings.NewReader(c.text), epcis.Limits{})
			if got := paths(err); len(got) != 1 || got[0] != c.path {
				t.Errorf("refused at %q (%v), want %q", got, err, c.path)
			}
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%v is no fault.Invalid", err)
			}
		})
	}
}

func TestWhatIsWrongWithAnEventIsTold(t *testing.T) {
	transaction := `"action":"ADD","epcList":[],"bizTransactionList":[{"type":"po","bizTransaction":"urn:x:1"}]`
	for _, c := range []struct{ name, text, path string }{
		{"a member of another type", seen(`"parentID":"urn:epc:id:sscc:0614141.1234567890"`), "parentID"},
		{"a member without prefix", seen(`"remark":"x"`), "remark"},
		{"a time without offset", strings.Replace(seen(""), "12:00:00.000Z", "12:00:00", 1), "eventTime"},
		{"a day that is none", strings.Replace(seen(""), "2026-03-02", "2026-02-30", 1), "eventTime"},
		{"a zone of 15 hours", strings.Replace(seen(""), "+08:00", "+15:00", 1), "eventTimeZoneOffset"},
		{"a zone without minutes", strings.Replace(seen(""), "+08:00", "+08", 1), "eventTimeZoneOffset"},
		{"an EPC without scheme", objectEvent(`"action":"ADD","epcList":["4711"]`), "epcList[0]"},
		{"an EPC with a space", objectEvent(`"action":"ADD","epcList":["urn:epc:id:sgtin:0614141.107346.20 17"]`), "epcList[0]"},
		{"an EPC with half an escape", objectEvent(`"action":"ADD","epcList":["urn:epc:id:sgtin:0614141.107346.%2"]`), "epcList[0]"},
		{"an EPC twice", objectEvent(`"action":"ADD","epcList":["urn:a:1","urn:a:1"]`), "epcList[1]"},
		{"a list that is text", objectEvent(`"action":"ADD","epcList":"urn:a:1"`), "epcList"},
		{"a disposition of release 1", seen(`"disposition":"urn:epcglobal:cbv:disp:in_transit"`), "disposition"},
		{"a reason that is none", seen(`"errorDeclaration":{"declarationTime":"2026-03-02T12:00:00Z","reason":"regret"}`), "errorDeclaration.reason"},
		{"a declaration without time", seen(`"errorDeclaration":{}`), "errorDeclaration.declarationTime"},
		{"a place without id", seen(`"readPoint":{}`), "readPoint.id"},
		{"master data of what is only seen", seen(`"ilmd":{"example:batch":"A"}`), "ilmd"},
		{"master data without prefix", objectEvent(`"action":"ADD","epcList":["urn:a:1"],"ilmd":{"batch":"A"}`), "ilmd.batch"},
		{"a unit in small letters", objectEvent(`"action":"ADD","quantityList":[{"epcClass":"urn:a:1","quantity":1,"uom":"kgm"}]`), "quantityList[0].uom"},
		{"a quantity beyond sense", objectEvent(`"action":"ADD","quantityList":[{"epcClass":"urn:a:1","quantity":1e999}]`), "quantityList[0].quantity"},
		{"a source without type", seen(`"sourceList":[{"source":"urn:a:1"}]`), "sourceList[0].type"},
		{"a source of an unknown type", seen(`"sourceList":[{"type":"place","source":"urn:a:1"}]`), "sourceList[0].type"},
		{"a transaction with more", seen(`"bizTransactionList":[{"bizTransaction":"urn:a:1","example:x":1}]`), `bizTransactionList[0]["example:x"]`},
		{"a state that lasts, of nothing", seen(`"persistentDisposition":{}`), "persistentDisposition.unset"},
		{"a state that lasts, empty", seen(`"persistentDisposition":{"set":[]}`), "persistentDisposition.set"},
		{"a state that lasts, twice", seen(`"persistentDisposition":{"set":["recalled","recalled"]}`), "persistentDisposition.set[1]"},
		{"certification that is a number", seen(`"certificationInfo":42`), "certificationInfo"},
		{"sensors without reports", seen(`"sensorElementList":[{"sensorReport":[]}]`), "sensorElementList[0].sensorReport"},
		{"a report without type", seen(`"sensorElementList":[{"sensorReport":[{"value":1}]}]`), "sensorElementList[0].sensorReport[0].type"},
		{"a measurement of the old web", seen(`"sensorElementList":[{"sensorReport":[{"type":"https://gs1.org/voc/Temperature"}]}]`), "sensorElementList[0].sensorReport[0].type"},
		{"hexadecimal with a G", seen(`"sensorElementList":[{"sensorReport":[{"type":"Mass","hexBinaryValue":"0G"}]}]`), "sensorElementList[0].sensorReport[0].hexBinaryValue"},
		{"truth as text", seen(`"sensorElementList":[{"sensorReport":[{"type":"Mass","booleanValue":"true"}]}]`), "sensorElementList[0].sensorReport[0].booleanValue"},
		{"sensors of no place and no object", objectEvent(`"action":"OBSERVE","sensorElementList":[{"sensorReport":[{"type":"Mass"}]}]`), ""},
		{"packing nothing", head("AggregationEvent") + `"action":"ADD","parentID":"urn:a:1"}`, ""},
		{"fixing to nothing", head("AssociationEvent") + `"action":"DELETE"}`, "parentID"},
		{"a transaction event without transaction", head("TransactionEvent") + strings.Replace(transaction, `{"type":"po","bizTransaction":"urn:x:1"}`, "", 1) + "}", "bizTransactionList"},
		{"making from nothing", head("TransformationEvent") + `"outputEPCList":["urn:a:1"]}`, ""},
		{"a type of nobody", head("MoveEvent") + `"action":"ADD"}`, "type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := epcis.Decode(strings.NewReader(document(c.text)), epcis.Limits{})
			want := strings.TrimSuffix("$.epcisBody.eventList[0]."+c.path, ".")
			if got := paths(err); len(got) != 1 || got[0] != want {
				t.Errorf("refused at %q (%v), want %q", got, err, want)
			}
		})
	}
}

func TestWhatTheStandardLeavesOpenIsTaken(t *testing.T) {
	for name, text := range map[string]string{
		"an empty list of EPCs":                  objectEvent(`"action":"OBSERVE","epcList":[]`),
		"sensors of a place":                     objectEvent(`"action":"OBSERVE","readPoint":{"id":"urn:a:1"},"sensorElementList":[{"sensorReport":[{"type":"Mass"}]}]`),
		"unpacking all":                          head("AggregationEvent") + `"action":"DELETE","parentID":"urn:a:1"}`,
		"half of a process with an id":           head("TransformationEvent") + `"transformationID":"urn:a:1","inputEPCList":["urn:a:2"]}`,
		"a type of somebody's own":               head("example:MoveEvent") + `"whatever":{"is":["in",1,true,null]}}`,
		"a word of somebody's own":               seen(`"bizStep":"https://example.com/steps/polishing"`),
		"certification as a list":                seen(`"certificationInfo":["https://example.com/a","https://example.com/b"]`),
		"a quantity without number":              objectEvent(`"action":"ADD","quantityList":[{"epcClass":"urn:a:1"}]`),
		"a place with more":                      seen(`"readPoint":{"id":"urn:a:1","example:door":7,"note":"x"}`),
		"a URI in Chinese":                       seen(`"bizLocation":{"id":"https://仓库.example.com/A-01"}`),
		"the widest zone":                        strings.Replace(seen(""), "+08:00", "-14:00", 1),
		"a name whose prefix nobody has told":    seen(`"other:thing":1`),
		"a prefix that only the event tells":     seen(`"@context":{"mine":"http://mine/"},"mine:thing":1`),
		"a time of a day with many digits":       strings.Replace(seen(""), "12:00:00.000Z", "12:00:00.123456789123+08:00", 1),
		"a standard word on its web page":        seen(`"bizStep":"https://ref.gs1.org/cbv/BizStep-shipping"`),
		"a measurement with its standard prefix": seen(`"sensorElementList":[{"sensorReport":[{"type":"gs1:Temperature"}]}]`),
	} {
		t.Run(name, func(t *testing.T) { event(t, text) })
	}
}

func TestFieldsAreRead(t *testing.T) {
	e := event(t, `{"type":"ObjectEvent","eventTime":"2026-03-02T20:00:00.5+08:00","eventTimeZoneOffset":"+08:00","eventID":"urn:uuid:1",
		"recordTime":"2026-03-02T12:00:01Z","action":"ADD","bizStep":"cbv:BizStep-shipping","disposition":"https://ref.gs1.org/cbv/Disp-in_transit",
		"persistentDisposition":{"set":["completeness_verified"],"unset":["cbv:Disp-completeness_inferred"]},
		"epcList":["urn:epc:id:sgtin:0614141.107346.2017"],"quantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.012345.998877","quantity":2.50,"uom":"KGM"}],
		"readPoint":{"id":"urn:epc:id:sgln:0614141.00777.0","example:door":7},"bizLocation":{"id":"urn:epc:id:sgln:0614141.00888.0"},
		"bizTransactionList":[{"type":"example:ticket","bizTransaction":"urn:x:1"},{"bizTransaction":"urn:x:2"}],
		"sourceList":[{"type":"owning_party","source":"urn:x:3"}],"destinationList":[{"type":"cbv:SDT-location","destination":"urn:x:4"}],
		"sensorElementList":[{"sensorMetadata":{"startTime":"2026-03-02T10:00:00Z","deviceID":"urn:x:5"},
			"sensorReport":[{"type":"gs1:Temperature","minValue":-1.50,"uom":"CEL","booleanValue":false,"stringValue":"","component":"x"}]}],
		"errorDeclaration":{"declarationTime":"2026-03-03T12:00:00Z","reason":"cbv:ER-incorrect_data","correctiveEventIDs":["urn:uuid:2"]},
		"certificationInfo":"https://example.com/c","ilmd":{"cbvmda:lotNumber":"A\u00df"},"example:note":{"a":[1.0]}}`)
	if !e.Time.Equal(noon.Add(500*time.Millisecond)) || e.TimeZoneOffset != "+08:00" || e.ID != "urn:uuid:1" || !e.RecordTime.Equal(noon.Add(time.Second)) {
		t.Errorf("times and id: %+v", e)
	}
	if e.BizStep != "shipping" || e.Disposition != "in_transit" || e.Persistent.Unset[0] != "completeness_inferred" || e.Error.Reason != "incorrect_data" {
		t.Errorf("words: %q %q %v %v", e.BizStep, e.Disposition, e.Persistent, e.Error)
	}
	if q := e.Quantities[0]; q.Count != "2.50" || q.UOM != "KGM" {
		t.Errorf("the quantity is %+v; its text must stay", q)
	}
	if m := e.ReadPoint.Extensions[0]; m.Full != "http://ns.example.com/epcis/door" || m.Text() != "7" {
		t.Errorf("extension of the read point: %+v", m)
	}
	if tx := e.Transactions; tx[0].Type != "http://ns.example.com/epcis/ticket" || tx[1].Type != "" {
		t.Errorf("transactions: %+v", tx)
	}
	if r := e.Sensors[0].Reports[0]; r.Type != "Temperature" || r.Min != "-1.50" || r.Boolean == nil || r.String == nil || r.Component != "x" {
		t.Errorf("report: %+v", r)
	}
	if m := e.ILMD[0]; m.Full != "urn:epcglobal:cbv:mda:lotNumber" || m.Text() != "Aß" {
		t.Errorf("ilmd: %+v, %s", m, m.Text())
	}
	if m := e.Extensions[0]; m.Full != "http://ns.example.com/epcis/note" || string(m.Value) != `{"a":[1.0]}` || e.Destinations[0].Type != "location" {
		t.Errorf("extension: %+v", m)
	}
}

func TestMasterDataIsReadAndKept(t *testing.T) {
	header := `{"epcisMasterData":{"vocabularyList":[{"type":"urn:epcglobal:epcis:vtype:BusinessLocation","vocabularyElementList":[
		{"id":"urn:epc:id:sgln:0614141.00777.0","attributes":[{"id":"cbvmda:sst","attribute":201},{"id":"example:address","attribute":{"city":"Shenzhen"}}],
		"children":["urn:epc:id:sgln:0614141.00777.1"]}]}]},"example:route":"A"}`
	text := strings.Replace(document(), `"epcisBody"`, `"epcisHeader":`+header+`,"epcisBody"`, 1)
	doc := decode(t, text)
	want := []epcis.Vocabulary{{Type: "urn:epcglobal:epcis:vtype:BusinessLocation", Elements: []epcis.VocabularyElement{{
		ID: "urn:epc:id:sgln:0614141.00777.0", Children: []string{"urn:epc:id:sgln:0614141.00777.1"},
		Attributes: []epcis.Attribute{
			{ID: "urn:epcglobal:cbv:mda:sst", Value: []byte("201")},
			{ID: "http://ns.example.com/epcis/address", Value: []byte(`{"city":"Shenzhen"}`)},
		},
	}}}}
	if !reflect.DeepEqual(doc.MasterData, want) || string(doc.Header) != header {
		t.Errorf("got %+v\n%s", doc.MasterData, doc.Header)
	}
	if again := decode(t, string(encoded(t, doc))); !reflect.DeepEqual(again.MasterData, want) {
		t.Errorf("written it is %s", again.Header)
	}
	_, err := epcis.Decode(strings.NewReader(strings.Replace(text, `"id":"cbvmda:sst",`, "", 1)), epcis.Limits{})
	if got := paths(err); len(got) != 1 || !strings.HasSuffix(got[0], "vocabularyElementList[0].attributes[0].id") {
		t.Errorf("refused at %q", got)
	}
}

func TestAllThatIsWrongIsToldAtOnceAndTheRightEventsAreGiven(t *testing.T) {
	doc, err := epcis.Decode(strings.NewReader(document(
		seen(`"bizStep":"transforming"`), seen(""), seen(`"disposition":"in_transport","sourceList":[{"type":"place","source":"x"}]`),
	)), epcis.Limits{})
	want := []string{
		"$.epcisBody.eventList[0].bizStep", "$.epcisBody.eventList[2].disposition", "$.epcisBody.eventList[2].sourceList[0].type",
		"$.epcisBody.eventList[2].sourceList[0].source",
	}
	if got := paths(err); !reflect.DeepEqual(got, want) {
		t.Errorf("told %q", got)
	}
	if len(doc.Events) != 1 || len(doc.Events[0].EPCs) != 2 {
		t.Errorf("the event that is right is not given: %+v", doc.Events)
	}
}

func TestProblemsAreCounted(t *testing.T) {
	bad := make([]string, 120)
	for i := range bad {
		bad[i] = `{}`
	}
	_, err := epcis.Decode(strings.NewReader(document(bad...)), epcis.Limits{Problems: 7})
	var r *epcis.Refusal
	if !errors.As(err, &r) || len(r.Problems) != 7 || r.More != 113 {
		t.Fatalf("got %v", err)
	}
	if text := err.Error(); !strings.HasSuffix(text, "and 115 more") || len(text) > 2000 {
		t.Errorf("the text is %s", text)
	}
}

func TestLimitsHold(t *testing.T) {
	deep := strings.Repeat(`{"a:b":`, 70) + "1" + strings.Repeat("}", 70)
	for _, c := range []struct {
		name, text string
		limits     epcis.Limits
	}{
		{"bytes", document(seen("")), epcis.Limits{Bytes: 100}},
		{"depth", document(seen(`"example:deep":` + deep)), epcis.Limits{}},
		{"a lower depth", document(seen(`"example:deep":[[[]]]`)), epcis.Limits{Depth: 6}},
		{"values", document(seen(`"example:long":[` + strings.Repeat("1,", 1000) + `1]`)), epcis.Limits{Values: 500}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := epcis.Decode(strings.NewReader(c.text), c.limits)
			if !errors.Is(err, epcis.ErrTooLarge) || !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	events := []string{seen(""), seen(""), seen("")}
	if _, err := epcis.Decode(strings.NewReader(document(events...)), epcis.Limits{Events: 2}); len(paths(err)) != 1 {
		t.Errorf("three events, two allowed: %v", err)
	}
	fits := document(seen(`"example:deep":` + strings.Repeat(`{"a:b":`, 60) + "1" + strings.Repeat("}", 60)))
	if _, err := epcis.Decode(strings.NewReader(fits), epcis.Limits{}); err != nil {
		t.Errorf("64 levels: %v", err)
	}
}

func TestWhatIsNoJSONIsToldByItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "line 1, column 1: a JSON value is missing",
		"{\n \"a\" 1}":         "line 2, column 6: ':' is missing",
		`{"a":1,}`:             "column 8: the name of a member is missing",
		`[1 2]`:                "column 4: ',' or ']' is missing",
		`[01]`:                 "column 3: ',' or ']' is missing",
		`[1.]`:                 "digits are missing after the decimal point",
		`[1e]`:                 "digits are missing in the exponent",
		`["a`:                  "a string does not end",
		"[\"a\tb\"]":           "a control character in a string must be escaped",
		`["\x"]`:               "this escape is none of JSON's",
		`["\u12g4"]`:           "\\u needs four hexadecimal digits",
		`[nul]`:                "a JSON value is missing",
		`{} {}`:                "more text after the JSON value",
		"[\"\xff\"]":           "the text is not UTF-8",
		"[\"\\u00\x111\x11\"]": "\\u needs four hexadecimal digits",
	} {
		_, err := epcis.Decode(strings.NewReader(text), epcis.Limits{})
		if err == nil || !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want …%s", text, err, want)
		}
	}
}

func TestOfTwoMembersOfOneNameTheLastCounts(t *testing.T) {
	text := strings.Replace(seen(`"example:a":{"x":[1],"x":[2,{"y":1,"y":2}]}`), `"action":"OBSERVE"`, `"action":"ADD","acti\u006fn":"OBSERVE"`, 1)
	e := event(t, text)
	out, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if e.Action != epcis.Observe || strings.Contains(string(out), "ADD") || !strings.Contains(string(out), `"example:a":{"x":[2,{"y":2}]}`) {
		t.Errorf("action %q of %s", e.Action, out)
	}
	many := make([]string, 0, 100)
	for i := range 50 {
		many = append(many, fmt.Sprintf(`"example:%d":1,"example:%d":2`, i, i))
	}
	if e := event(t, seen(strings.Join(many, ","))); len(e.Extensions) != 50 || string(e.Extensions[0].Value) != "2" {
		t.Errorf("%d extensions, the first %s", len(e.Extensions), e.Extensions[0].Value)
	}
}
