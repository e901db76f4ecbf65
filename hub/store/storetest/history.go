package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/view"
)

// walk makes movements of few tags between few places, as edges and people do: in batches of any size, some of them
// carrying several tags at once.
func walk(t *testing.T, db *store.DB, n int) (all []ledger.Movement) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, uint64(n)))
	places := []string{"A", "B", "C", ledger.Customer}
	at := map[devices.Tag]string{}
	for len(all) < n {
		batch := min(1+random.IntN(20), n-len(all))
		var made []ledger.Movement
		next := map[devices.Tag]string{}
		err := (store.Intake{DB: db}).Take(t.Context(), func(tx intake.Tx) error {
			made = nil
			for range batch {
				m := ledger.Movement{
					ID: newID(), Kind: ledger.Move, Source: "edge:E", EffectiveAt: noon.Add(time.Duration(len(all)+len(made)) * time.Second),
					RecordedAt: noon, Key: fmt.Sprintf("E/1/%d", len(all)+len(made)),
				}
				first := random.IntN(30)
				for k := range 1 + random.IntN(3) {
					tag := epc(1 + (first+7*k)%30)
					from := ledger.Loss
					if p, ok := next[tag]; ok {
						from = p
					} else if p, ok := at[tag]; ok {
						from = p
					}
					to := places[random.IntN(len(places))]
					if to == from {
						continue
					}
					next[tag] = to
					m.Lines = append(m.Lines, ledger.Line{
						Item: fmt.Sprintf("SKU-%d", tag.Bytes()[11]%4), Lot: "L" + fmt.Sprint(tag.Bytes()[11]%2), Tag: tag, From: from, FromState: ledger.Available,
						To: to, ToState: ledger.Available, Quantity: 1,
					})
				}
				if len(m.Lines) == 0 {
					continue
				}
				if err := tx.Post("E", m); err != nil {
					return err
				}
				made = append(made, m)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for tag, p := range next {
			at[tag] = p
		}
		all = append(all, made...)
	}
	return all
}

// testHistoryOfAnything: whatever is asked for, movements come newest first and page by page as a search through all of
// them finds them.
func testHistoryOfAnything(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	all := walk(t, db, 400)
	slices.Reverse(all)
	var filters []view.MovementFilter
	for _, item := range []string{"", "SKU-1", "SKU-9"} {
		for _, place := range []string{"", "A", ledger.Customer, "nowhere"} {
			for _, tag := range []string{"", epc(3).String(), epc(900).String(), "no tag"} {
				filters = append(filters, view.MovementFilter{Item: item, Location: place, Tag: tag})
			}
		}
	}
	for _, f := range filters {
		var want []string
		for _, m := range all {
			if slices.ContainsFunc(m.Lines, func(l ledger.Line) bool { return fits(f, l) }) {
				want = append(want, m.ID)
			}
		}
		var got []string
		for f.Limit = 37; ; {
			page, next, err := store.View{DB: db}.Movements(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				got = append(got, m.ID)
			}
			if f.Before = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: %d movements, want %d", f, len(got), len(want))
		}
	}
	_, _, err := store.View{DB: db}.Movements(t.Context(), view.MovementFilter{Before: "yesterday"})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("a cursor that is none: %v", err)
	}
}

func fits(f view.MovementFilter, l ledger.Line) bool {
	return (f.Item == "" || f.Item == l.Item) && (f.Location == "" || f.Location == l.From || f.Location == l.To) &&
		(f.Tag == "" || f.Tag == l.Tag.String())
}

// testVerifyFindsWhatWasChanged: each of these strikes the database behind the ledger's back, and is found.
func testVerifyFindsWhatWasChanged(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	all := walk(t, db, 60)
	books := store.Ledger{DB: db}
	v, err := books.Verify(t.Context(), nil)
	if err != nil || len(v.Wrong) > 0 || v.Chains != 1 || v.Movements != int64(len(all)) {
		t.Fatalf("before: %+v, %v", v, err)
	}
	for i, strike := range []string{
		`UPDATE movement_line SET quantity = 2 WHERE movement = ?`,
		`UPDATE movement_line SET to_location = 'X' WHERE movement = ?`,
		`INSERT INTO movement_line SELECT movement, 7, item, lot, tag, from_location, from_state, to_location, to_state, quantity,
			value, before_tag, before_from, before_to FROM movement_line WHERE movement = ? AND line = 0`,
		`DELETE FROM movement_line WHERE movement = ?`,
		`UPDATE movement SET effective_at = effective_at + 1 WHERE id = ?`,
		`UPDATE movement SET actor = 'nobody' WHERE id = ?`,
		`UPDATE movement SET hash = (SELECT hash FROM chain LIMIT 1) WHERE id = ?`,
		`UPDATE movement SET link = link + 1000 WHERE id = ?`,
		`DELETE FROM movement WHERE id = ?`,
	} {
		id := all[len(all)-3-5*i].ID // from the end, for what lies behind a missing link is not looked at
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.Strike(strike, id) }); err != nil {
			t.Fatal(err)
		}
		now, err := books.Verify(t.Context(), nil)
		if err != nil || slices.Equal(now.Wrong, v.Wrong) || len(now.Wrong) == 0 {
			t.Errorf("%s\nfound only %q, %v", strike, now.Wrong, err)
		}
		v = now
	}
}

// testTheEndOfAChainIsGuarded: the newest movements cannot be cut off unseen either.
func testTheEndOfAChainIsGuarded(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	all := walk(t, db, 40)
	id := all[len(all)-1].ID
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.Strike(`DELETE FROM movement_line WHERE movement = ?`, id), tx.Strike(`DELETE FROM movement WHERE id = ?`, id))
	})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := (store.Ledger{DB: db}).Verify(context.Background(), nil); err != nil || len(v.Wrong) != 1 {
		t.Errorf("found %+v, %v", v, err)
	}
}

func filterTag(tag devices.Tag) view.MovementFilter { return view.MovementFilter{Tag: tag.String()} }
