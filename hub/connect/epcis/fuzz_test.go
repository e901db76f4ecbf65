package epcis_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tallydock/tallydock/hub/connect/epcis"
)

// FuzzDecode: what is taken is JSON, is given back as it was, and means the same when it is read again.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		document(), document(received, wrong, packed, mixed, own), seen(""), `{"type":"EPCISQueryDocument"}`, `[`, `{"a":{"a":1,"a":2}}`,
		strings.Replace(document(seen(`"@context":{"x":"http://x/"},"x:y":"\ud800\u0000"`)), "epcisBody", "epcisHeader", 1),
		`{"@context":["a:b"],"type":"a:b","eventTime":"2026-03-02T12:00:00Z","eventTimeZoneOffset":"+00:00","x":[[1e400,-0]]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := epcis.Decode(strings.NewReader(text), epcis.Limits{Bytes: 1 << 16, Values: 5000, Problems: 10})
		valid := json.Valid([]byte(text))
		if err != nil {
			if strings.Contains(err.Error(), "this is no JSON") && valid && utf8.ValidString(text) {
				t.Fatalf("it is JSON: %v", err)
			}
			return
		}
		if !valid {
			t.Fatal("it is no JSON and was taken")
		}
		if len(doc.Events) == 0 {
			return
		}
		doc.Type, doc.Created, doc.Extensions = epcis.CaptureDocument, noon, nil
		out := encoded(t, doc)
		again, err := epcis.Decode(strings.NewReader(string(out)), epcis.Limits{})
		if err != nil {
			t.Fatalf("written it is not taken: %v\n%s", err, out)
		}
		sameMeaning(t, "again", doc.Events, again.Events)
		for _, e := range doc.Events {
			check(t, e)
		}
	})
}

// check does with an event all that is done with one.
func check(t *testing.T, e epcis.Event) {
	t.Helper()
	r := e.Recorded(noon)
	if r.Identity() != e.Identity() || r.Keys().Hash != e.Keys().Hash {
		t.Fatalf("recorded it is another: %s", mustJSON(t, r))
	}
	back, err := epcis.Restore([]byte(mustJSON(t, r)), []byte(mustJSON(t, r.Context())))
	if err != nil || !reflect.DeepEqual(back.Keys(), r.Keys()) {
		t.Fatalf("restored it is another: %v", err)
	}
	_, _ = epcis.Interpret(e, world())
}

// FuzzParseQuery: what the index does not let through is no answer.
func FuzzParseQuery(f *testing.F) {
	for _, query := range []string{
		"", "eventType=ObjectEvent&GE_eventTime=2026-03-02T13:00:00Z&orderBy=eventTime&eventCountLimit=3", "MATCH_anyEPC=urn:epc:idpat:sgtin:0614141.*.*",
		"EQ_INNER_ILMD_example:class=2&EXISTS_errorDeclaration", "EQ_bizTransaction_po=urn:x:1|urn:x:2", "LE_meanValue_CEL=-1.5e1&WD_readPoint=urn:x:1",
		"MATCH_epcClass=https://id.gs1.org/01/04012345123456/10/*", "nextPageToken=e30&perPage=5", "GT_SENSORREPORT_a:b=2026-03-02T13:00:00Z",
		"EQ_persistentDisposition_set=cbv:Disp-recalled&EQ_hexBinaryValue=f0",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		q, err := epcis.ParseQuery(values)
		if err != nil {
			if len(paths(err)) == 0 {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		those(t, q.WithDescendants(func(string) []string { return []string{"urn:x:1"} }))
	})
}
