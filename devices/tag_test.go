package devices_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices"
)

func TestTagReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]devices.TagKind{devices.TagEPC, devices.TagUID}).Draw(t, "kind")
		id := rapid.SliceOfN(rapid.Byte(), 1, devices.MaxTagBytes).Draw(t, "id")
		tag, err := devices.NewTag(kind, id)
		if err != nil {
			t.Fatal(err)
		}
		back, err := devices.ParseTag(tag.String())
		if err != nil || back != tag || string(back.Bytes()) != string(id) || back.Kind() != kind {
			t.Fatalf("%s is read as %s, %v", tag, back, err)
		}
	})
}

func TestBadTagsAreRefusedWithAReason(t *testing.T) {
	for text, want := range map[string]string{
		"3034": "starts with neither", "epc:": "0 bytes", "epc:3": "odd length", "uid:zz": "invalid byte",
		"epc:" + strings.Repeat("00", 63): "63 bytes",
	} {
		if _, err := devices.ParseTag(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want an error with %q", text, err, want)
		}
	}
	if _, err := devices.NewTag(0, []byte{1}); err == nil {
		t.Error("a tag without a kind is made")
	}
}

func TestTagAsMapKeyAllocatesNothing(t *testing.T) {
	tag, err := devices.ParseTag("epc:3034257bf7194e4000001a85")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[devices.Tag]int{tag: 0}
	if n := testing.AllocsPerRun(100, func() { seen[tag]++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
