package epcis_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/epcis"
)

// shared is where the published examples are, beside the repository.
const shared = "../../../../shared/data/rfid/epcis"

// examples gives the published examples below a folder, by their path.
func examples(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	root := filepath.Join(shared, folder)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(filepath.Ext(path), ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		all[filepath.ToSlash(name)] = text
		return err
	})
	if err != nil {
		t.Skipf("the published examples are not at %s: %v", root, err)
	}
	return all
}

// document puts events, as JSON, into a document with the prefix example.
func document(events ...string) string {
	return `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"example":"http://ns.example.com/epcis/"}],
		"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-02T09:30:00.000+08:00",
		"epcisBody":{"eventList":[` + strings.Join(events, ",") + `]}}`
}

// head starts an event of a type at noon UTC; the rest of its members follow.
func head(kind string) string {
	return `{"type":"` + kind + `","eventTime":"2026-03-02T12:00:00.000Z","eventTimeZoneOffset":"+08:00",`
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// objectEvent is an ObjectEvent with some members more.
func objectEvent(more string) string { return head("ObjectEvent") + more + "}" }

// seen is an ObjectEvent of two articles with some members more.
func seen(more string) string {
	if more != "" {
		more = "," + more
	}
	return objectEvent(`"action":"OBSERVE","epcList":["urn:epc:id:sgtin:0614141.107346.2017","https://example.com/01/10614141073464/21/2018"]` + more)
}

func decode(t testing.TB, text string) epcis.Document {
	t.Helper()
	doc, err := epcis.Decode(strings.NewReader(text), epcis.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// event decodes the one event that a document has.
func event(t testing.TB, text string) epcis.Event {
	t.Helper()
	doc := decode(t, document(text))
	if len(doc.Events) != 1 {
		t.Fatalf("%d events", len(doc.Events))
	}
	return doc.Events[0]
}
