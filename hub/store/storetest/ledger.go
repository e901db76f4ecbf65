package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func epc(n int) devices.Tag {
	tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, byte(n >> 8), byte(n)})
	if err != nil {
		panic(err)
	}
	return tag
}

func epcs(all ...int) (tags []devices.Tag) {
	for _, n := range all {
		tags = append(tags, epc(n))
	}
	return tags
}

// model is what the ledger must come to, kept the simplest way.
type model struct {
	balance map[[4]string]int64
	at      map[devices.Tag]ledger.Entry
}

func newModel() *model {
	return &model{map[[4]string]int64{}, map[devices.Tag]ledger.Entry{}}
}

func (m *model) post(moved ledger.Movement) {
	for _, e := range moved.Entries() {
		m.balance[[4]string{e.Item, e.Lot, e.Location, string(e.State)}] += e.Quantity
		if e.Quantity > 0 && !e.Tag.IsZero() {
			m.at[e.Tag] = e
		}
	}
}

// testLedgerLaws: whatever is observed, posted and taken back, in any order, every item adds up to zero, the balances are
// what the entries add up to, and a movement taken back leaves everything as it was before.
func testLedgerLaws(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	books := store.Ledger{DB: db}
	rapid.Check(t, func(rt *rapid.T) {
		empty(rt, db)
		want := newModel()
		var posted []ledger.Movement
		for i := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			if len(posted) > 0 && rapid.IntRange(0, 4).Draw(rt, "reverse") == 0 {
				k := rapid.IntRange(0, len(posted)-1).Draw(rt, "which")
				before := want
				r, err := books.Reverse(ctx, posted[k].ID, "lin")
				if errors.Is(err, fault.Conflict) {
					want = before
					continue
				}
				if err != nil {
					rt.Fatal(err)
				}
				want.post(r)
				continue
			}
			m := drawMovement(rt, want, i)
			if len(m.Lines) == 0 {
				continue
			}
			if err := books.Post(ctx, m); err != nil {
				rt.Fatal(err)
			}
			if err := books.Post(ctx, m); !errors.Is(err, ledger.ErrDuplicate) {
				rt.Fatalf("the same movement twice: %v", err)
			}
			want.post(m)
			posted = append(posted, m)
		}
		checkBooks(rt, db, want)
	})
}

func empty(rt *rapid.T, db *store.DB) {
	err := db.Write(context.Background(), func(tx *store.Tx) error {
		for _, table := range []string{"movement_line", "movement", "movement_key", "chain", "balance", "tag_position", "flow_hour"} {
			if _, err := tx.ExecContext(context.Background(), "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
}

// drawMovement makes what an edge may have decided about one of few tags.
func drawMovement(rt *rapid.T, now *model, i int) ledger.Movement {
	tag := epc(rapid.IntRange(1, 3).Draw(rt, "tag"))
	seen := wire.Movement{
		Tag: tag, Confidence: 1000, EventTime: noon.Add(time.Duration(i) * time.Second),
		To:      rapid.SampledFrom([]string{"A", "B", "C", ledger.Customer}).Draw(rt, "to"),
		BizStep: rapid.SampledFrom([]wire.BizStep{wire.Receiving, wire.Storing, wire.Shipping, wire.Observe}).Draw(rt, "step"),
	}
	if rapid.IntRange(0, 3).Draw(rt, "absent") == 0 {
		seen.Disposition = wire.Unknown
	}
	o := ledger.Observation{Movement: seen, Item: "SKU-" + tag.String()[25:], Lot: "L", Source: "edge:E"}
	if e, ok := now.at[tag]; ok {
		o.Now = &ledger.Position{Tag: tag, Item: e.Item, Lot: e.Lot, Quantity: e.Quantity, Location: e.Location, State: e.State, Source: "edge:E"}
	}
	p := ledger.Place(o)
	return ledger.Movement{
		ID: newID(), Kind: p.Kind, Source: "edge:E", Key: fmt.Sprintf("E/1/%d", i), EffectiveAt: seen.EventTime,
		RecordedAt: noon, Lines: p.Lines,
	}
}

func checkBooks(rt *rapid.T, db *store.DB, want *model) {
	ctx := context.Background()
	wrong, err := store.Ledger{DB: db}.Check(ctx)
	if err != nil || len(wrong) > 0 {
		rt.Fatalf("books do not agree: %+v, %v", wrong, err)
	}
	perItem := map[string]int64{}
	onHand := map[[2]string]int64{}
	for k, q := range want.balance {
		perItem[k[0]] += q
		if !ledger.IsVirtual(k[2]) {
			onHand[[2]string{k[0], k[2]}] += q
		}
	}
	for item, sum := range perItem {
		if sum != 0 {
			rt.Fatalf("item %s adds up to %d", item, sum)
		}
	}
	rows, err := store.Stock{DB: db}.Rows(ctx)
	if err != nil {
		rt.Fatal(err)
	}
	for _, r := range rows {
		k := [2]string{r.Item, r.Location}
		if r.OnHand != onHand[k] || r.OnHand < 0 || r.Unseen < 0 || r.Unseen > r.OnHand {
			rt.Fatalf("stock %+v, want %d on hand", r, onHand[k])
		}
		delete(onHand, k)
	}
	for k, q := range onHand {
		if q != 0 {
			rt.Fatalf("stock of %v is missing: %d", k, q)
		}
	}
}

func receipt(key string, tag devices.Tag, to string) ledger.Movement {
	l := ledger.Line{
		Item: "SKU-1", Tag: tag, From: ledger.Supplier, FromState: ledger.Available, To: to, ToState: ledger.Available, Quantity: 1,
	}
	return ledger.Movement{
		ID: newID(), Kind: ledger.Receive, Source: "edge:E", Key: key, EffectiveAt: noon, RecordedAt: noon,
		Evidence: ledger.Evidence{ReadPoint: "D1", Pass: "p1"}, Lines: []ledger.Line{l},
	}
}

func testReverse(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	books := store.Ledger{DB: db}
	m := receipt("E/1/1", epc(1), "A")
	if err := books.Post(ctx, m); err != nil {
		t.Fatal(err)
	}
	read, err := books.Movement(ctx, m.ID)
	if err != nil || len(read.Lines) != 1 || read.Lines[0] != m.Lines[0] || read.Evidence != m.Evidence {
		t.Fatalf("read %+v, %v", read, err)
	}
	r, err := books.Reverse(ctx, m.ID, "lin")
	if err != nil {
		t.Fatal(err)
	}
	row, err := store.Stock{DB: db}.Row(ctx, "SKU-1", "A")
	if err != nil || row.OnHand != 0 {
		t.Errorf("after the reversal stock is %+v, %v", row, err)
	}
	for id, want := range map[string]error{m.ID: fault.Conflict, r.ID: fault.Conflict, "nobody": fault.NotFound} {
		if _, err := books.Reverse(ctx, id, "lin"); !errors.Is(err, want) {
			t.Errorf("reversing %s: %v, want %v", id, err, want)
		}
	}

	first, second := receipt("E/1/2", epc(2), "A"), receipt("E/1/3", epc(2), "B")
	if err := errors.Join(books.Post(ctx, first), books.Post(ctx, second)); err != nil {
		t.Fatal(err)
	}
	if _, err := books.Reverse(ctx, first.ID, "lin"); !errors.Is(err, fault.Conflict) {
		t.Errorf("taking back what has moved on: %v", err)
	}
}

func testCheckFindsAndRebuildMendsAWrongBalance(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	books := store.Ledger{DB: db}
	if err := books.Post(ctx, receipt("E/1/1", epc(1), "A")); err != nil {
		t.Fatal(err)
	}
	err := db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE balance SET quantity = 7 WHERE location = 'A'`)
		return errors.Join(err, func() error {
			_, err := tx.ExecContext(ctx, `UPDATE tag_position SET location = 'B'`)
			return err
		}())
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := books.Check(ctx)
	if err != nil || len(wrong) != 2 || wrong[0].Balance != 7 || wrong[0].Entries != 1 || wrong[1].Tag != epc(1).String() {
		t.Fatalf("found %+v, %v", wrong, err)
	}
	if changed, err := books.Rebuild(ctx); err != nil || len(changed) != 1 {
		t.Fatalf("changed %+v, %v", changed, err)
	}
	row, err := store.Stock{DB: db}.Row(ctx, "SKU-1", "A")
	if err != nil || row.OnHand != 1 {
		t.Errorf("after rebuilding stock is %+v, %v", row, err)
	}
}

func testOneStockEventForATransaction(t *testing.T, open Open) {
	told := make(chan event.Event, 10)
	db := openAt(t, open, func(all []event.Event) {
		for _, e := range all {
			told <- e
		}
	})
	for i := range 2 {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			key := func(n int) string { return fmt.Sprintf("E/1/%d", 3*i+n) }
			return errors.Join(tx.Post(receipt(key(1), epc(3*i+1), "B")), tx.Post(receipt(key(2), epc(3*i+2), "B")),
				tx.Post(receipt(key(3), epc(3*i+3), "A")))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range int64(2) {
		want := fmt.Sprintf(`[["SKU-1","A",%d,0,%d],["SKU-1","B",%d,0,%d]]`, i+1, noon.UnixMilli(), 2*i+2, noon.UnixMilli())
		if e := <-told; e.Seq != i+1 || e.Type != event.Stock || string(e.Data) != want || !e.At.Equal(noon) {
			t.Errorf("told %+v\nwant %d, %s", e, i+1, want)
		}
	}
}
