package pipeline

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/store"
)

// large is a batch of so many movements and keys, of so many bytes a value.
func large(t *testing.T, records, keys, value int) (b store.Batch) {
	t.Helper()
	for i := range records {
		tag, err := devices.NewTag(devices.TagEPC, fmt.Appendf(nil, "%012d", i))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(i), 0)
		b.Records = append(b.Records, wire.Record{Movement: &wire.Movement{
			Tag: tag, To: "SZ1-A-01", ReadPoint: "SZ1-E1:uhf-a1/1", EventTime: at, FirstRead: at, LastRead: at, Reads: 3, Confidence: 900,
		}})
	}
	for i := range keys {
		b.Put = append(b.Put, store.KV{Key: fmt.Appendf(nil, "k/%d", i), Value: bytes.Repeat([]byte{1}, value)})
	}
	return b
}

func TestLargeBatchTellsRecordsBeforeState(t *testing.T) {
	b := large(t, 4000, 6000, 10)
	b.Delete, b.Commands = make([][]byte, 3), []string{"c"}
	records, puts, deletes := 0, 0, 0
	all := parts(b)
	for i, p := range all {
		if len(p.Records) > 0 && puts > 0 {
			t.Errorf("part %d has records after state", i)
		}
		if last := i == len(all)-1; (len(p.Commands) == 1) != last {
			t.Errorf("part %d has commands %q", i, p.Commands)
		}
		records, puts, deletes = records+len(p.Records), puts+len(p.Put), deletes+len(p.Delete)
	}
	if records != 4000 || puts != 6000 || deletes != 3 {
		t.Errorf("%d records, %d keys and %d to delete", records, puts, deletes)
	}
	if got := parts(large(t, 10, 10, 10)); len(got) != 1 {
		t.Errorf("a small batch was split into %d", len(got))
	}
}

// What is within the bounds of keys may have too many bytes all the same.
func TestPartsOfAnyBatchFitIntoTheStore(t *testing.T) {
	s, _, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Edge: "E1", BallastBytes: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct{ records, keys, value int }{{1200, 1000, 300}, {0, 1999, 2000}, {1499, 2499, 100}, {10_000, 0, 0}, {0, 10_000, 1}} {
		for i, p := range parts(large(t, c.records, c.keys, c.value)) {
			if _, err := s.Commit(t.Context(), p); err != nil {
				t.Fatalf("%+v: part %d: %v", c, i, err)
			}
		}
	}
}
