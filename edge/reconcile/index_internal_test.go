package reconcile

import (
	"testing"

	"github.com/tallydock/tallydock/devices"
	"pgregory.net/rapid"
)

func tagNumbered(t interface{ Fatal(...any) }, n int) devices.Tag {
	id, err := devices.NewTag(devices.TagEPC, []byte{0x30, byte(n >> 8), byte(n)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestIndexIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x index
		var tags []tag
		want := map[devices.Tag]int32{}
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			id := tagNumbered(t, rapid.IntRange(0, 120).Draw(t, "tag"))
			had, known := want[id]
			if s, ok := x.find(tags, &id); ok != known || ok && s != had {
				t.Fatalf("%s is found at %d, %v; want %d, %v", id, s, ok, had, known)
			}
			switch {
			case !known:
				tags = append(tags, tag{id: id})
				want[id] = int32(len(tags) - 1)
				x.insert(tags, want[id])
			case rapid.Bool().Draw(t, "remove"):
				x.remove(tags, &id)
				delete(want, id)
				tags[had] = tag{}
			}
		}
		n := 0
		x.each(func(s int32) bool {
			if want[tags[s].id] != s {
				t.Fatalf("slot %d is still there", s)
			}
			n++
			return true
		})
		if n != len(want) || x.n != len(want) {
			t.Fatalf("%d entries, counted %d; want %d", n, x.n, len(want))
		}
	})
}
