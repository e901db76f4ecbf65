package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

var errNo = errors.New("no")

// documentOf puts, reads, changes and drops one thing of a kind.
func documentOf[T any](t *testing.T, d store.Documents[T], first, second T, key ...string) {
	t.Helper()
	ctx := t.Context()
	if _, err := d.Find(ctx, key...); !errors.Is(err, fault.NotFound) {
		t.Errorf("%v before: %v", key, err)
	}
	for i, v := range []T{first, second} {
		fresh, err := d.Put(ctx, v, func(now *T) error {
			if (now == nil) != (i == 0) {
				return fmt.Errorf("was shown %v", now)
			}
			return nil
		})
		if got, found := d.Find(ctx, key...); err != nil || fresh != (i == 0) || found != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("put %v: %v, new %v; read %+v, %v; want %+v", key, err, fresh, got, found, v)
		}
	}
	if _, err := d.Put(ctx, first, func(*T) error { return errNo }); !errors.Is(err, errNo) {
		t.Errorf("a change that is not allowed: %v", err)
	}
	if err := d.Drop(ctx, func(*T) error { return errNo }, key...); !errors.Is(err, errNo) {
		t.Errorf("a drop that is not allowed: %v", err)
	}
	if got, err := d.Find(ctx, key...); err != nil || !reflect.DeepEqual(got, second) {
		t.Errorf("after what was not allowed: %+v, %v", got, err)
	}
	yes := func(*T) error { return nil }
	if err := d.Drop(ctx, yes, key...); err != nil {
		t.Errorf("drop %v: %v", key, err)
	}
	if err := d.Drop(ctx, yes, key...); !errors.Is(err, fault.NotFound) {
		t.Errorf("drop %v again: %v", key, err)
	}
}

func testThingsAreEditedOneByOne(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	name := func(s string) catalog.Text { return catalog.Text{EN: s, ZH: "'; DROP TABLE item;--"} }
	documentOf(t, store.Items(db), catalog.Item{ID: "A", Name: name("a"), Unit: "EA", Cost: 7}, catalog.Item{ID: "A", Name: name("b"), Unit: "KGM"}, "A")
	documentOf(t, store.Packs(db), catalog.Pack{Item: "A", Code: "CS", Units: 2}, catalog.Pack{Item: "A", Code: "CS", Units: 3, Name: name("c")}, "A", "CS")
	documentOf(t, store.Locations(db), catalog.Location{Code: "L", Site: "L", Kind: catalog.Site}, catalog.Location{Code: "L", Site: "L", Kind: catalog.Site, X: 1, H: 4}, "L")
	documentOf(t, store.Suppliers(db), catalog.Supplier{ID: "S"}, catalog.Supplier{ID: "S", Name: name("s")}, "S")
	documentOf(t, store.Lots(db), catalog.Lot{Item: "A", Lot: "1/2"}, catalog.Lot{Item: "A", Lot: "1/2", Expires: "2026-01-01"}, "A", "1/2")
	documentOf(t, store.Policies(db), intake.Policy{ReadPoint: "SZ1-*", Threshold: 1, At: noon}, intake.Policy{ReadPoint: "SZ1-*", Threshold: 900, Actor: "a", At: noon}, "SZ1-*")
}

// testAThingThatIsNeededStays: what the ledger or the catalogue names cannot be dropped.
func testAThingThatIsNeededStays(t *testing.T, open Open) {
	s := openSite(t, open)
	receive(t, s.books, "SKU-1", "L5", "A", 20)
	if _, err := store.Lots(s.db).Put(t.Context(), catalog.Lot{Item: "SKU-1", Lot: "L5", Supplier: "ACME"}, func(*catalog.Lot) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for name, drop := range map[string]func() error{
		"item of the ledger":     func() error { return store.Items(s.db).Drop(t.Context(), any1[catalog.Item], "SKU-1") },
		"item with a pack":       func() error { return store.Items(s.db).Drop(t.Context(), any1[catalog.Item], "WIDGET") },
		"location of the ledger": func() error { return store.Locations(s.db).Drop(t.Context(), any1[catalog.Location], "A") },
		"location with others":   func() error { return store.Locations(s.db).Drop(t.Context(), any1[catalog.Location], "S") },
		"lot of the ledger":      func() error { return store.Lots(s.db).Drop(t.Context(), any1[catalog.Lot], "SKU-1", "L5") },
	} {
		if err := drop(); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := store.Locations(s.db).Drop(t.Context(), any1[catalog.Location], "B"); err != nil {
		t.Errorf("a location that nothing needs: %v", err)
	}
}

func any1[T any](*T) error { return nil }

// testManyAddOneThing: of many that add the same thing one does, and each that counts it up does so alone.
func testManyAddOneThing(t *testing.T, open Open) {
	items := store.Items(openAt(t, open, nil))
	var added atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			v := catalog.Item{ID: "A", Cost: int64(i)}
			_, err := items.Put(t.Context(), v, func(now *catalog.Item) error {
				if now != nil {
					return errNo
				}
				return nil
			})
			switch {
			case err == nil:
				added.Add(1)
			case !errors.Is(err, errNo):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if added.Load() != 1 {
		t.Errorf("%d added it", added.Load())
	}
}

func testPagesOfThingsAndBalances(t *testing.T, open Open) {
	s := openSite(t, open)
	packs := store.Packs(s.db)
	for i := range 7 {
		if _, err := packs.Put(t.Context(), catalog.Pack{Item: "SKU-1", Code: fmt.Sprintf("P%d", i), Units: 1}, any1[catalog.Pack]); err != nil {
			t.Fatal(err)
		}
		receive(t, s.books, "SKU-1", fmt.Sprintf("L%d", i), "A", int64(i+1))
	}
	for item, want := range map[string]int{"": 8, "SKU-1": 7, "WIDGET": 1, "NONE": 0} {
		n, last := 0, ""
		for after := ""; ; {
			page, next, err := packs.Page(t.Context(), catalog.PageFilter{Item: item, After: after, Limit: 3})
			if err != nil || len(page) > 3 {
				t.Fatal(len(page), err)
			}
			for _, p := range page {
				if k := p.Item + "\x00" + p.Code; k <= last {
					t.Errorf("%q after %q", k, last)
				} else {
					last = k
				}
			}
			if n, after = n+len(page), next; next == "" {
				break
			}
		}
		if n != want {
			t.Errorf("%d packs of %q; want %d", n, item, want)
		}
	}
	var sum int64
	for after, pages := "", 0; ; pages++ {
		page, next, err := s.books.Balances(t.Context(), ledger.BalanceFilter{Item: "SKU-1", After: after, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page {
			sum += b.Quantity
			if b.Location != "A" {
				t.Errorf("%+v is not within the company", b)
			}
		}
		if after = next; next == "" {
			if pages != 3 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if sum != 1+2+3+4+5+6+7 {
		t.Errorf("%d on hand", sum)
	}
	for _, cursor := range []string{"x", "W10", "WyJhIl0", "%%"} {
		if _, _, err := s.books.Balances(t.Context(), ledger.BalanceFilter{After: cursor}); !errors.Is(err, fault.Invalid) {
			t.Errorf("balances after %q: %v", cursor, err)
		}
		if _, _, err := packs.Page(t.Context(), catalog.PageFilter{After: cursor}); !errors.Is(err, fault.Invalid) {
			t.Errorf("packs after %q: %v", cursor, err)
		}
	}
}

// testKeysOfCountsAndPeriods: what is asked for twice under one key is there once.
func testKeysOfCountsAndPeriods(t *testing.T, open Open) {
	s := openSite(t, open)
	c := ledger.Count{ID: newID(), Key: "k", Site: "S", Locations: []string{"A"}, OpenedBy: "lin", OpenedAt: noon}
	if err := s.books.OpenCount(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	again := c
	again.ID = newID()
	if err := s.books.OpenCount(t.Context(), again); !errors.Is(err, ledger.ErrDuplicate) {
		t.Errorf("again: %v", err)
	}
	if made, err := s.books.MadeBy(t.Context(), ledger.CountKey("k")); err != nil || made != c.ID {
		t.Errorf("made %q, %v", made, err)
	}
	if made, err := s.books.MadeBy(t.Context(), "nothing"); err != nil || made != "" {
		t.Errorf("made %q, %v", made, err)
	}
	first, err := s.books.ClosePeriod(t.Context(), noon.Add(-time.Nanosecond), "lin", "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.books.ClosePeriod(t.Context(), noon.Add(-time.Nanosecond), "lin", "")
	all, listed := s.books.Closes(t.Context())
	if err != nil || listed != nil || second.ID != first.ID || len(all) != 1 {
		t.Errorf("closed as %+v, then %+v, %v, and there are %d, %v", first, second, err, len(all), listed)
	}
}
