package llrp_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/tallydock/tallydock/devices/llrp"
)

func FuzzParseMessage(f *testing.F) {
	for _, m := range samples() {
		b, err := m.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = llrp.Decode(b)
		m, rest, err := llrp.ParseMessage(b)
		if err != nil {
			return
		}
		if len(rest) >= len(b) {
			t.Fatalf("nothing was taken of %x", b)
		}
		once, err := m.Append(nil)
		if err != nil {
			t.Fatalf("%x cannot be written back: %v", b, err)
		}
		again, rest, err := llrp.ParseMessage(once)
		if err != nil || len(rest) != 0 {
			t.Fatalf("%x became %x: %v", b, once, err)
		}
		if twice, err := again.Append(nil); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%x became %x, %v", once, twice, err)
		}
	})
}

func FuzzTagScanner(f *testing.F) {
	f.Add(portalReport(f, 3)[llrp.HeaderSize:])
	all, err := llrp.Message{Body: everything()}.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(all[llrp.HeaderSize:])
	f.Add([]byte{0, 0xF0, 0, 0})
	var s llrp.TagScanner
	f.Fuzz(func(t *testing.T, payload []byte) {
		body, err := llrp.ParseBody(llrp.ROAccessReportType, payload)
		var tags []llrp.TagReport
		for s.Reset(payload); s.Next(); {
			one := *s.Tag()
			one.Extra = append(llrp.Extra(nil), one.Extra...)
			tags = append(tags, one)
		}
		if (err == nil) != (s.Err() == nil) {
			t.Fatalf("%x: whole %v, one by one %v", payload, err, s.Err())
		}
		if err != nil {
			return
		}
		want := body.(*llrp.ROAccessReport).Tags
		if len(want) != len(tags) {
			t.Fatalf("%x: %d tags, one by one %d", payload, len(want), len(tags))
		}
		for i := range want {
			if !same(want[i], tags[i]) {
				t.Errorf("%x: tag %d is %+v, one by one %+v", payload, i, want[i], tags[i])
			}
		}
	})
}

// same compares reports, to whom an empty list and none are one.
func same(a, b llrp.TagReport) bool {
	for _, r := range []*llrp.TagReport{&a, &b} {
		if len(r.EPC) == 0 {
			r.EPC = nil
		}
		if len(r.TID) == 0 {
			r.TID = nil
		}
		if len(r.Extra) == 0 {
			r.Extra = nil
		}
		for i := range r.Extra {
			r.Extra[i].Body = append([]byte{}, r.Extra[i].Body...)
		}
	}
	return reflect.DeepEqual(a, b)
}
