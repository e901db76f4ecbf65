package pipeline

import (
	"testing"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/store"
)

func TestLargeBatchTellsRecordsBeforeState(t *testing.T) {
	b := store.Batch{Records: make([]wire.Record, 4000), Put: make([]store.KV, 6000), Delete: make([][]byte, 3), Commands: []string{"c"}}
	records, puts := 0, 0
	for i, p := range parts(b) {
		if len(p.Records) > partRecords || len(p.Put) > partKeys {
			t.Errorf("part %d has %d records and %d keys", i, len(p.Records), len(p.Put))
		}
		if len(p.Records) > 0 && puts > 0 {
			t.Errorf("part %d has records after state", i)
		}
		records, puts = records+len(p.Records), puts+len(p.Put)
	}
	if records != 4000 || puts != 6000 {
		t.Errorf("%d records and %d keys", records, puts)
	}
	if got := parts(store.Batch{Records: make([]wire.Record, 10), Put: make([]store.KV, 10)}); len(got) != 1 {
		t.Errorf("a small batch was split into %d", len(got))
	}
}
