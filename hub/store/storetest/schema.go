package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

// testMigrationsGoDownAndUp: each step can be undone and taken again, and what a step keeps goes with it.
func testMigrationsGoDownAndUp(t *testing.T, open Open) {
	ctx := t.Context()
	db := openAt(t, open, nil)
	all, err := db.Migrations(ctx)
	if err != nil || len(all) < 8 {
		t.Fatalf("migrations %+v, %v", all, err)
	}
	walk(t, db, 5)
	for round := range 2 {
		for version := len(all) - 1; version >= 0; version-- {
			if err := db.Migrate(ctx, version); err != nil {
				t.Fatalf("round %d, down to %d: %v", round, version, err)
			}
		}
		for version := 1; version <= len(all); version++ {
			if err := db.Migrate(ctx, version); err != nil {
				t.Fatalf("round %d, up to %d: %v", round, version, err)
			}
		}
	}
	if again, err := db.Migrations(ctx); err != nil || !again[len(again)-1].Done {
		t.Errorf("after that %+v, %v", again, err)
	}
	if n := len(walk(t, db, 5)); n < 5 {
		t.Errorf("%d movements are kept after that", n)
	}
	for _, v := range []int{-2, len(all) + 1} {
		if err := db.Migrate(ctx, v); !errors.Is(err, fault.Invalid) {
			t.Errorf("version %d: %v", v, err)
		}
	}
}

func testADatabaseOfANewerHubIsLeftAlone(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.Strike(`UPDATE schema_version SET version = 9999`) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), store.Newest); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
}

// testBytesThatAreNoText: what one database would take and the other would not, neither does.
func testBytesThatAreNoText(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	for _, id := range []string{"A\x00B", "A\xff"} {
		_, err := store.Catalog{DB: db}.Put(t.Context(), catalog.Rows{Kind: "items", Items: []catalog.Item{{ID: id}}})
		if !errors.Is(err, intake.ErrRefused) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// testManyWritersMoveTheSameGoods: whoever writes at the same time, nothing is lost and nothing counted twice.
func testManyWritersMoveTheSameGoods(t *testing.T, open Open) {
	const writers, each, items = 16, 25, 3
	db := openAt(t, open, nil)
	books := store.Ledger{DB: db}
	var group sync.WaitGroup
	failed := make(chan error, writers)
	for w := range writers {
		group.Go(func() {
			for i := range each {
				l := ledger.Line{
					Item: fmt.Sprint("SKU-", (w+i)%items), From: ledger.Supplier, FromState: ledger.Available, To: fmt.Sprint("BAY-", (w*i)%4),
					ToState: ledger.Available, Quantity: int64(1 + i%3),
				}
				other := l
				other.Item = fmt.Sprint("SKU-", (w+i+1)%items)
				err := books.Post(t.Context(), ledger.Movement{
					ID: newID(), Kind: ledger.Receive, Source: "test", EffectiveAt: noon, RecordedAt: noon, Actor: fmt.Sprint("user", w),
					Key: fmt.Sprintf("%d/%d", w, i), Lines: []ledger.Line{other, l},
				})
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if wrong, err := books.Check(t.Context()); err != nil || len(wrong) > 0 {
		t.Errorf("books do not agree: %+v, %v", wrong, err)
	}
	v, err := books.Verify(t.Context(), nil)
	if err != nil || len(v.Wrong) > 0 || v.Movements != writers*each {
		t.Errorf("chains: %+v, %v", v, err)
	}
	first, last, err := store.Events{DB: db}.Bounds(t.Context())
	if err != nil || first != 1 || last != writers*each {
		t.Errorf("events %d to %d, %v; want one for each of %d transactions", first, last, err, writers*each)
	}
}
