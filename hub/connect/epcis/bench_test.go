package epcis_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/connect/epcis"
)

const benchEvents = 1000

// manyEvents is a document of plain receipts, as a gateway sends them.
func manyEvents() string {
	all := make([]string, benchEvents)
	for i := range all {
		all[i] = fmt.Sprintf(`{"type":"ObjectEvent","eventID":"urn:uuid:%d","eventTime":"2026-03-02T12:00:00.%03dZ","eventTimeZoneOffset":"+08:00",`+
			`"action":"OBSERVE","bizStep":"receiving","disposition":"in_progress","epcList":["urn:epc:id:sgtin:0614141.107346.%d","urn:epc:id:sgtin:0614141.107346.%d"],`+
			`"quantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.012345.L%d","quantity":2.5,"uom":"KGM"}],`+
			`"readPoint":{"id":"urn:epc:id:sgln:0614141.00777.0"},"bizLocation":{"id":"urn:epc:id:sgln:0614141.00888.0"},`+
			`"bizTransactionList":[{"type":"po","bizTransaction":"urn:epc:id:gdti:0614141.00001.%d"}],"example:gate":%d}`, i, i%1000, i, i+benchEvents, i, i, i%7)
	}
	return document(all...)
}

func perEvent(b *testing.B) {
	b.ReportMetric(float64(benchEvents)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkDecode stands beside BenchmarkUnmarshal, which reads the same bytes into any and checks nothing.
func BenchmarkDecode(b *testing.B) {
	text := manyEvents()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if doc, err := epcis.Decode(strings.NewReader(text), epcis.Limits{}); err != nil || len(doc.Events) != benchEvents {
			b.Fatal(err)
		}
	}
	perEvent(b)
}

func BenchmarkUnmarshal(b *testing.B) {
	text := []byte(manyEvents())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b)
}

func BenchmarkEncode(b *testing.B) {
	doc := decode(b, manyEvents())
	b.ReportAllocs()
	for b.Loop() {
		if err := doc.Encode(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b)
}

func BenchmarkKeys(b *testing.B) {
	all := decode(b, manyEvents()).Events
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range all {
			if e.Keys().Hash == "" {
				b.Fatal("no hash")
			}
		}
	}
	perEvent(b)
}

func BenchmarkMatch(b *testing.B) {
	all := decode(b, manyEvents()).Events
	q, err := epcis.ParseQuery(url.Values{"EQ_bizStep": {"receiving"}, "MATCH_anyEPC": {"urn:epc:idpat:sgtin:0614141.107346.*"}, "EQ_example:gate": {"3"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range all {
			q.Match(e)
		}
	}
	perEvent(b)
}
