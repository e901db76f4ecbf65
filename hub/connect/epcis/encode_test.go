package epcis_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/epcis"
)

// anyJSON reads JSON so that two texts of the same members and values are equal: numbers stay as they are written.
func anyJSON(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// eventsOf finds the events in the JSON of any document.
func eventsOf(v any) []any {
	o, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if list, ok := o["eventList"].([]any); ok {
		return list
	}
	for _, name := range []string{"epcisBody", "queryResults", "resultsBody"} {
		if below, ok := o[name]; ok {
			return eventsOf(below)
		}
	}
	return []any{v}
}

func encoded(t testing.TB, doc epcis.Document) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := doc.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatWasCapturedIsGivenBackAsItWas(t *testing.T) {
	for _, folder := range []string{"examples_gs1", "examples_openepcis/JSON"} {
		for name, text := range examples(t, folder) {
			if _, wrong := refusals[name]; wrong {
				continue
			}
			doc := decode(t, string(text))
			out := encoded(t, doc)
			if got, want := eventsOf(anyJSON(t, out)), eventsOf(anyJSON(t, text)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the events have become others", name)
			}
			again := decode(t, string(out))
			if !reflect.DeepEqual(doc.MasterData, again.MasterData) || !reflect.DeepEqual(doc.Extensions, again.Extensions) || doc.ID != again.ID {
				t.Errorf("%s: the document has become\n%s", name, out)
			}
			sameMeaning(t, name, doc.Events, again.Events)
			for i, e := range doc.Events {
				one, err := e.MarshalJSON()
				if err != nil || !reflect.DeepEqual(anyJSON(t, one), eventsOf(anyJSON(t, text))[i]) {
					t.Errorf("%s: event %d has become %s (%v)", name, i, one, err)
				}
			}
		}
	}
}

// sameMeaning compares events by their hash, in which all names are written out.
func sameMeaning(t testing.TB, name string, a, b []epcis.Event) {
	t.Helper()
	if len(a) != len(b) {
		t.Errorf("%s: %d events have become %d", name, len(a), len(b))
		return
	}
	for i := range a {
		if epcis.EventHash(a[i]) != epcis.EventHash(b[i]) {
			t.Errorf("%s: event %d means something else", name, i)
		}
	}
}

func TestNumbersAndTimesKeepTheirText(t *testing.T) {
	text := objectEvent(`"action":"ADD","quantityList":[{"epcClass":"urn:a:1","quantity":1.500e+2}],"example:n":[-0.0,1E400,12345678901234567890.10],"example:s":"\u00e4\/ä"`)
	out, err := event(t, text).MarshalJSON()
	if err != nil || string(out) != text {
		t.Errorf("got %s (%v)\nwant %s", out, err, text)
	}
}

func TestEventsFromSeveralDocumentsShareOne(t *testing.T) {
	with := func(prefix, space, more string) epcis.Event {
		doc := decode(t, strings.Replace(document(seen(more)), `"example":"http://ns.example.com/epcis/"`, `"`+prefix+`":"`+space+`"`, 1))
		return doc.Events[0]
	}
	events := []epcis.Event{
		with("a", "http://a/", `"a:x":1`), with("a", "http://a/", `"a:y":1`), with("b", "http://b/", `"b:x":1`),
		with("a", "http://other/", `"a:x":1`), with("a", "http://other/", `"@context":{"c":"http://c/"},"a:x":1,"c:x":2`),
	}
	for _, kind := range []string{epcis.CaptureDocument, epcis.QueryDocument} {
		out := encoded(t, epcis.Document{Type: kind, Created: noon, Query: "SimpleEventQuery", Subscription: "s1", Events: events})
		again := decode(t, string(out))
		sameMeaning(t, kind, events, again.Events)
		if again.SchemaVersion != "2.0" || !again.Created.Equal(noon) || again.Type != kind {
			t.Errorf("%+v", again)
		}
		list := eventsOf(anyJSON(t, out))
		for i, own := range []bool{false, false, false, true, true} {
			if _, has := list[i].(map[string]any)["@context"]; has != own {
				t.Errorf("%s: event %d has a context of its own: %v\n%s", kind, i, has, out)
			}
		}
	}
}

func TestABareEventIsWrittenAlone(t *testing.T) {
	captured := event(t, seen(`"example:x":1`))
	doc := epcis.Document{Type: captured.Type, Events: []epcis.Event{captured}}
	again := decode(t, string(encoded(t, doc)))
	sameMeaning(t, "bare", doc.Events, again.Events)
	if again.Type != epcis.ObjectEvent {
		t.Errorf("the type is %q", again.Type)
	}
	if text := encoded(t, again); !bytes.Equal(text, encoded(t, doc)) {
		t.Errorf("written again it is\n%s", text)
	}
	doc.Events = nil
	if err := doc.Encode(&bytes.Buffer{}); err == nil {
		t.Error("a bare event without event was written")
	}
}

func TestADocumentWithoutItsTimeIsNotWritten(t *testing.T) {
	if err := (epcis.Document{Type: epcis.CaptureDocument}).Encode(&bytes.Buffer{}); err == nil {
		t.Error("it was")
	}
	if _, err := json.Marshal(epcis.Event{}); err == nil {
		t.Error("an event that is none was written")
	}
}

func TestTheAnswerToAQueryIsADocument(t *testing.T) {
	out := encoded(t, epcis.Document{
		Type: epcis.QueryDocument, Query: "SimpleEventQuery",
		MasterData: []epcis.Vocabulary{{Type: "urn:epcglobal:epcis:vtype:ReadPoint", Elements: []epcis.VocabularyElement{{
			ID: "urn:a:1", Attributes: []epcis.Attribute{{ID: "urn:a:2", Value: []byte(`"x"`)}}, Children: []string{"urn:a:3"},
		}}}},
	})
	again := decode(t, string(out))
	if again.Query != "SimpleEventQuery" || len(again.MasterData) != 1 || again.MasterData[0].Elements[0].Children[0] != "urn:a:3" {
		t.Errorf("got %+v from %s", again, out)
	}
	want := `{"@context":["` + epcis.StandardContext + `"],"type":"EPCISQueryDocument","schemaVersion":"2.0","epcisBody":{"queryResults":` +
		`{"queryName":"SimpleEventQuery","resultsBody":{"vocabularyList":[{"type":"urn:epcglobal:epcis:vtype:ReadPoint",` +
		`"vocabularyElementList":[{"id":"urn:a:1","attributes":[{"id":"urn:a:2","attribute":"x"}],"children":["urn:a:3"]}]}],"eventList":[]}}}}`
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
}

func TestARecordedEventHasItsTimeAndId(t *testing.T) {
	at := time.Date(2026, 3, 2, 20, 0, 1, 123_456_789, time.FixedZone("", 8*3600))
	e := event(t, seen(`"example:x":1`))
	r := e.Recorded(at)
	if r.ID != epcis.EventHash(e) || r.Identity() != e.Identity() || epcis.EventHash(r) != r.ID {
		t.Errorf("the id is %s", r.ID)
	}
	out, _ := r.MarshalJSON()
	if !strings.Contains(string(out), `"recordTime":"2026-03-02T12:00:01.123Z"`) || !strings.Contains(string(out), `"eventID":"`+r.ID+`"`) {
		t.Errorf("written as %s", out)
	}
	if again := r.Recorded(noon); again.ID != r.ID || strings.Count(mustJSON(t, again), "recordTime") != 1 {
		t.Errorf("recorded again: %s", mustJSON(t, again))
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestAStoredEventIsTheSame(t *testing.T) {
	e := event(t, seen(`"example:x":{"example:y":1}`)).Recorded(noon)
	back, err := epcis.Restore([]byte(mustJSON(t, e)), []byte(mustJSON(t, e.Context())))
	if err != nil {
		t.Fatal(err)
	}
	if epcis.EventHash(back) != epcis.EventHash(e) || back.Extensions[0].Full != "http://ns.example.com/epcis/x" || !back.RecordTime.Equal(noon) {
		t.Errorf("got %+v", back)
	}
	if !reflect.DeepEqual(back.Keys(), e.Keys()) {
		t.Errorf("keys\n%+v\n%+v", back.Keys(), e.Keys())
	}
	for _, wrong := range [][2]string{{"{", "[]"}, {"{}", "[]"}, {mustJSON(t, e), "["}} {
		if _, err := epcis.Restore([]byte(wrong[0]), []byte(wrong[1])); err == nil {
			t.Errorf("%q was restored", wrong)
		}
	}
}

// TestAnEventMadeOfItsFieldsIsTheSame shows that the fields tell all that an event tells.
func TestAnEventMadeOfItsFieldsIsTheSame(t *testing.T) {
	made := 0
	for _, folder := range []string{"examples_gs1", "examples_openepcis/JSON"} {
		for name, text := range examples(t, folder) {
			if _, wrong := refusals[name]; wrong {
				continue
			}
			for i, e := range decode(t, string(text)).Events {
				e = writtenOut(t, e)
				again, err := epcis.New(e, ownPrefixes)
				if err != nil {
					t.Errorf("%s: event %d: %v", name, i, err)
				} else if epcis.EventHash(again) != epcis.EventHash(e) {
					t.Errorf("%s: event %d has become another", name, i)
				}
				made++
			}
		}
	}
	t.Logf("%d events", made)
}

var ownPrefixes = epcis.Prefixes{
	"example": "http://x/0/", "example2": "http://x/2/", "example3": "http://x/3/", "example4": "http://x/4/", "ext1": "http://x/5/",
	"ext2": "http://x/6/", "ext3": "http://x/7/", "rail": "http://x/8/", "ex": "http://x/9/",
}

var prefixed = regexp.MustCompile(`:"([a-z0-9]+):(\w+)"`)

// writtenOut gives an event under ownPrefixes, without a context of its own and with the prefixes of values written out.
func writtenOut(t *testing.T, e epcis.Event) epcis.Event {
	t.Helper()
	members := anyJSON(t, []byte(mustJSON(t, e))).(map[string]any)
	delete(members, "@context")
	text := prefixed.ReplaceAllStringFunc(mustJSON(t, members), func(s string) string {
		m := prefixed.FindStringSubmatch(s)
		if space, ok := ownPrefixes[m[1]]; ok {
			return `:"` + space + m[2] + `"`
		}
		return s
	})
	again, err := epcis.Restore([]byte(text), []byte(mustJSON(t, ownPrefixes)))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestAnEventOfOurOwnIsMade(t *testing.T) {
	yes := true
	e, err := epcis.New(epcis.Event{
		Type: epcis.AggregationEvent, Time: time.Date(2026, 3, 2, 20, 0, 0, 0, time.FixedZone("", 8*3600)), Action: epcis.Add, BizStep: "packing",
		Parent: "urn:epc:id:sscc:0614141.1234567890", EPCs: []string{"urn:epc:id:sgtin:0614141.107346.2017"},
		ReadPoint:  epcis.Place{ID: "urn:epc:id:sgln:0614141.00777.0"},
		Sensors:    []epcis.SensorElement{{Reports: []epcis.SensorReport{{Type: "Temperature", Value: "-18.50", UOM: "CEL", Boolean: &yes}}}},
		Extensions: []epcis.Member{{Name: "example:gate", Value: []byte("7")}},
	}, epcis.Prefixes{"example": "http://ns.example.com/epcis/"})
	if err != nil {
		t.Fatal(err)
	}
	if e.TimeZoneOffset != "+08:00" || !strings.Contains(mustJSON(t, e), `"childEPCs":[`) || e.Extensions[0].Full != "http://ns.example.com/epcis/gate" {
		t.Errorf("made %s", mustJSON(t, e))
	}
	if _, err := epcis.New(epcis.Event{Type: epcis.ObjectEvent, Time: noon}, nil); len(paths(err)) == 0 {
		t.Errorf("an event without action and objects was made: %v", err)
	}
}

// A prefix that nobody defined in an event's own document stays undefined beside events that define it.
func TestAPrefixOfOthersIsNotTaken(t *testing.T) {
	own := event(t, seen(`"example:batch":"1"`))
	bare := decode(t, strings.Replace(document(seen(`"example:batch":"1"`)), `,{"example":"http://ns.example.com/epcis/"}`, "", 1)).Events[0]
	var b strings.Builder
	if err := (epcis.Document{Type: epcis.QueryDocument, Query: "q", Events: []epcis.Event{own, bare}}).Encode(&b); err != nil {
		t.Fatal(err)
	}
	for i, e := range decode(t, b.String()).Events {
		if want := []epcis.Event{own, bare}[i]; epcis.EventHash(e) != epcis.EventHash(want) || e.Extensions[0].Full != want.Extensions[0].Full {
			t.Errorf("event %d has become %s", i, e.Extensions[0].Full)
		}
	}
}
