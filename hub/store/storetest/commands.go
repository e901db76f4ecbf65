package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

// receive brings a quantity of a lot to a place.
func receive(t testing.TB, books ledger.Store, item, lot, to string, quantity int64) {
	t.Helper()
	key := newID()
	err := books.Do(t.Context(), &ledger.Transfer{
		ID: key, Key: key, Item: item, Lot: lot, Quantity: quantity, From: ledger.Supplier, To: to, Actor: "lin", Source: "user:lin", Recorded: noon,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func balances(t testing.TB, db *store.DB, item string, places ...string) (all []ledger.Balance) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		all = nil
		for _, p := range places {
			b, err := tx.Balances(item, p)
			if err != nil {
				return err
			}
			all = append(all, b...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sum(all []ledger.Balance) (quantity, reserved int64) {
	for _, b := range all {
		quantity, reserved = quantity+b.Quantity, reserved+b.Reserved
	}
	return quantity, reserved
}

func testReservations(t *testing.T, open Open) {
	ctx := t.Context()
	db := openAt(t, open, nil)
	books := store.Ledger{DB: db}
	load := importer(t, db)
	for _, f := range [][2]string{
		{"items", "id,name_en\nMILK,Milk\n"}, {"lots", "item,lot,expires\nMILK,OLD,2026-04-01\nMILK,NEW,2026-09-01\n"},
	} {
		if _, err := load(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, books, "MILK", "NEW", "A", 10)
	receive(t, books, "MILK", "OLD", "B", 6)
	receive(t, books, "MILK", "", "B", 5)
	r := &ledger.Reserve{
		ID: newID(), Key: "SO-1", Item: "MILK", Places: []string{"A", "B"}, Quantity: 12, For: "order 1", Actor: "lin", At: noon,
		Expires: noon.Add(time.Hour),
	}
	if err := books.Do(ctx, r); err != nil {
		t.Fatal(err)
	}
	want := []ledger.Hold{{Lot: "OLD", Location: "B", Quantity: 6}, {Lot: "NEW", Location: "A", Quantity: 6}}
	if fmt.Sprint(r.Made.Holds) != fmt.Sprint(want) {
		t.Errorf("held %+v, want what expires first: %+v", r.Made.Holds, want)
	}
	again := *r
	again.ID = newID()
	if err := books.Do(ctx, &again); !errors.Is(err, ledger.ErrDuplicate) {
		t.Errorf("the same key again: %v", err)
	}
	for name, c := range map[string]ledger.Command{
		"more than is free": &ledger.Reserve{ID: newID(), Key: "SO-2", Item: "MILK", Places: []string{"A", "B"}, Quantity: 10, Actor: "x", At: noon},
		"a move of what is reserved": &ledger.Transfer{
			ID: newID(), Key: "m1", Item: "MILK", Lot: "NEW", Quantity: 5, From: "A", To: "C", Recorded: noon,
		},
	} {
		if err := books.Do(ctx, c); !errors.Is(err, ledger.ErrShort) {
			t.Errorf("%s: %v", name, err)
		}
	}
	take := &ledger.Transfer{
		ID: newID(), Key: "m2", Item: "MILK", Quantity: 4, From: "B", To: ledger.Customer, Held: r.ID, Recorded: noon, Value: 10,
	}
	if err := books.Do(ctx, take); err != nil || take.Made.Kind != ledger.Ship || take.Made.Lines[0].Lot != "OLD" || take.Made.Lines[0].Value != 10 {
		t.Errorf("taking from it: %v, %+v", err, take.Made)
	}
	if q, held := sum(balances(t, db, "MILK", "A", "B")); q != 17 || held != 8 {
		t.Errorf("%d on hand, %d reserved; want 17 and 8", q, held)
	}
	more := &ledger.Transfer{ID: newID(), Key: "m3", Item: "MILK", Quantity: 3, From: "B", To: "C", Held: r.ID, Recorded: noon}
	if err := books.Do(ctx, more); !errors.Is(err, fault.Conflict) {
		t.Errorf("taking more than it holds there: %v", err)
	}
	if ids, err := books.Expired(ctx, noon.Add(2*time.Hour), 10); err != nil || len(ids) != 1 || ids[0] != r.ID {
		t.Errorf("expired: %v, %v", ids, err)
	}
	release := &ledger.Release{ID: r.ID}
	if err := errors.Join(books.Do(ctx, release)); err != nil || release.Made.State != ledger.Released {
		t.Errorf("releasing: %v", err)
	}
	if err := books.Do(ctx, &ledger.Release{ID: r.ID}); !errors.Is(err, fault.Conflict) {
		t.Errorf("releasing twice: %v", err)
	}
	if err := books.Do(ctx, &ledger.Release{ID: newID()}); !errors.Is(err, fault.NotFound) {
		t.Errorf("releasing none: %v", err)
	}
	if q, held := sum(balances(t, db, "MILK", "A", "B")); q != 17 || held != 0 {
		t.Errorf("%d on hand, %d reserved; want 17 and none", q, held)
	}
	page, next, err := books.Reservations(ctx, ledger.ReservationFilter{})
	if err != nil || next != "" || len(page) != 1 || page[0].Holds[1].Taken != 4 {
		t.Errorf("reservations %+v, %q, %v", page, next, err)
	}
}

func testTransfersOfTags(t *testing.T, open Open) {
	ctx := t.Context()
	db := openAt(t, open, nil)
	books := store.Ledger{DB: db}
	for i := range 3 {
		if err := books.Post(ctx, receipt(fmt.Sprint("k", i), epc(i+1), "A")); err != nil {
			t.Fatal(err)
		}
	}
	both := epcs(1, 2)
	hold := &ledger.Transfer{ID: newID(), Key: "q", Tags: both, From: "A", To: "A", ToState: ledger.Quarantined, Recorded: noon}
	if err := books.Do(ctx, hold); err != nil || hold.Made.Kind != ledger.Regrade || len(hold.Made.Lines) != 2 {
		t.Fatalf("%v, %+v", err, hold.Made)
	}
	for name, c := range map[string]*ledger.Transfer{
		"elsewhere":     {Tags: epcs(3), From: "B", To: "C"},
		"another state": {Tags: epcs(1), From: "A", To: "C"},
		"never seen":    {Tags: epcs(9), From: "A", To: "C"},
		"one of two":    {Tags: epcs(3, 9), From: "A", To: "C"},
	} {
		c.ID, c.Key, c.Recorded = newID(), name, noon
		if err := books.Do(ctx, c); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]*ledger.Transfer{
		"no item":       {From: "A", To: "B", Quantity: 1},
		"no quantity":   {From: "A", To: "B", Item: "X"},
		"tags and item": {From: "A", To: "B", Item: "X", Tags: both},
		"nowhere":       {From: "A", Item: "X", Quantity: 1},
		"no such state": {From: "A", To: "B", ToState: "lost", Item: "X", Quantity: 1},
		"the same":      {From: "A", To: "A", Item: "X", Quantity: 1},
		"below nothing": {From: "A", To: "B", Item: "X", Quantity: -1},
	} {
		c.ID, c.Key, c.Recorded = newID(), name, noon
		if err := books.Do(ctx, c); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if wrong, err := books.Check(ctx); err != nil || len(wrong) > 0 {
		t.Errorf("books: %+v, %v", wrong, err)
	}
}

// testManyReserveAndMoveTheSameItems: 64 at a time want more than there is. Nobody gets what is not there, nothing is
// promised twice, and what one is told is what the books say.
func testManyReserveAndMoveTheSameItems(t *testing.T, open Open) {
	const writers, rounds, items, stock = 64, 12, 10, 60
	db := openAt(t, open, nil)
	books := store.Ledger{DB: db}
	for i := range items {
		receive(t, books, fmt.Sprint("SKU-", i), "", "A", stock)
	}
	var moved, held, refused [items]atomic.Int64
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for i := range rounds {
				n, q := random.IntN(items), int64(1+random.IntN(3))
				item, key := fmt.Sprint("SKU-", n), fmt.Sprintf("%d/%d", w, i)
				var err error
				switch random.IntN(3) {
				case 0:
					r := &ledger.Reserve{ID: newID(), Key: key, Item: item, Places: []string{"A"}, Quantity: q, Actor: "x", At: noon}
					if err = books.Do(t.Context(), r); err == nil {
						held[n].Add(q)
						if random.IntN(2) == 0 {
							if err = books.Do(t.Context(), &ledger.Release{ID: r.ID}); err == nil {
								held[n].Add(-q)
							}
						}
					}
				default:
					err = books.Do(t.Context(), &ledger.Transfer{
						ID: newID(), Key: key, Item: item, Quantity: q, From: "A", To: "B", Actor: fmt.Sprint("user", w), Recorded: noon,
					})
					if err == nil {
						moved[n].Add(q)
					}
				}
				switch {
				case errors.Is(err, ledger.ErrShort):
					refused[n].Add(1)
				case err != nil:
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	turned := int64(0)
	for i := range items {
		turned += refused[i].Load()
		at, there := balances(t, db, fmt.Sprint("SKU-", i), "A"), balances(t, db, fmt.Sprint("SKU-", i), "B")
		q, r := sum(at)
		gone, _ := sum(there)
		if q < r || r < 0 || gone != moved[i].Load() || q != stock-gone || r != held[i].Load() {
			t.Errorf("item %d: %d at A, %d of it reserved, %d at B; want %d, %d, %d", i, q, r, gone, stock-moved[i].Load(), held[i].Load(), moved[i].Load())
		}
	}
	if turned == 0 {
		t.Error("nobody was refused: the test asks for too little")
	}
	if wrong, err := books.Check(t.Context()); err != nil || len(wrong) > 0 {
		t.Errorf("books: %+v, %v", wrong, err)
	}
	if v, err := books.Verify(t.Context(), nil); err != nil || len(v.Wrong) > 0 {
		t.Errorf("chains: %+v, %v", v, err)
	}
}
