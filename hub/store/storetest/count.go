package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

func (s *site) count(complete bool, at ...string) string {
	s.t.Helper()
	c := ledger.Count{ID: newID(), Site: "S", Locations: at, Complete: complete, OpenedBy: "lin", OpenedAt: noon}
	if err := s.books.OpenCount(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
	return c.ID
}

// testACountInOneSweep: what is missing, what is too much, what nobody knows; approved by another, the books say so.
func testACountInOneSweep(t *testing.T, open Open) {
	ctx := t.Context()
	s := openSite(t, open)
	if _, err := (store.Catalog{DB: s.db}).Put(ctx, catalog.Rows{Kind: "items", Items: []catalog.Item{{ID: "SKU-1", Cost: 100}}}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 6; i++ {
		s.say(seen(epc(i), "A", -60+i))
	}
	s.say(seen(epc(7), "B", -50), seen(epc(8), "B", -50), seen(epc(9), "DOCK", -50))
	receive(t, s.books, "SKU-1", "L5", "A", 20)
	id := s.count(false, "A", "B")
	at := noon.Add(10 * time.Minute)
	// 1 is missing, 2 to 5 are there, 6 moved away meanwhile, 7 lies at A, 8 and 9 too though 9 was at the dock, 10 is new,
	// 999 is nobody's.
	if _, err := s.books.Sweep(ctx, id, "A", epcs(2, 3, 4, 5, 7, 8, 9, 10, 999), at); err != nil {
		t.Fatal(err)
	}
	if _, err := s.books.Sweep(ctx, id, "B", epcs(8), at.Add(time.Minute)); err != nil { // 8 was only read through the wall
		t.Fatal(err)
	}
	if _, err := s.books.CountByHand(ctx, id, ledger.ByHand{Location: "A", Item: "SKU-1", Lot: "L5", Quantity: 17, Actor: "lin", At: at}); err != nil {
		t.Fatal(err)
	}
	s.say(seen(epc(6), "DOCK", 20))
	c, err := s.books.SubmitCount(ctx, id, "lin")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range c.Lines {
		got[fmt.Sprint(l.Tag, l.Lot)] = fmt.Sprintf("%s %s %+d %d", l.From, l.Location, l.Difference(), l.Value)
	}
	want := map[string]string{
		fmt.Sprint(epc(1), "L1"):  " A -1 -100",
		fmt.Sprint(epc(7), "L1"):  "B A +1 0",
		fmt.Sprint(epc(9), "L1"):  "DOCK A +1 0",
		fmt.Sprint(epc(10), "L1"): "LOSS A +1 100",
		"L5":                      " A -3 -300",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || c.Variance != 500 || len(c.Unknown) != 1 || c.Unknown[0] != epc(999) {
		t.Errorf("found\n%v, variance %d, unknown %v\nwant\n%v", got, c.Variance, c.Unknown, want)
	}
	if _, err := s.books.Sweep(ctx, id, "A", nil, at); !errors.Is(err, fault.Conflict) {
		t.Errorf("a sweep after that: %v", err)
	}
	if _, err := s.books.DecideCount(ctx, id, true, "lin", "", 499); !errors.Is(err, fault.Forbidden) {
		t.Errorf("approved by who submitted it: %v", err)
	}
	s.say(seen(epc(9), "B", 30)) // moved after it was counted
	if c, err = s.books.DecideCount(ctx, id, true, "chen", "", 499); err != nil || c.State != ledger.CountPosted || c.Movement == "" {
		t.Fatalf("%+v, %v", c, err)
	}
	again, err := s.books.Count(ctx, id)
	if err != nil || len(again.Lines) != 5 || again.DecidedBy != "chen" {
		t.Errorf("read again: %+v, %v", again, err)
	}
	left := 0
	for _, l := range again.Lines {
		if l.Outcome != "" {
			left++
			if l.Tag != epc(9) {
				t.Errorf("left out: %+v", l)
			}
		}
	}
	for n, where := range map[int]string{1: ledger.Loss, 2: "A", 6: "DOCK", 7: "A", 8: "B", 9: "B", 10: "A"} {
		if p := s.at(epc(n)); p.Location != where {
			t.Errorf("tag %d is at %s, want %s", n, p.Location, where)
		}
	}
	if q, _ := sum(balances(t, s.db, "SKU-1", "A")); left != 1 || q != 4+2+17 {
		t.Errorf("%d at A, %d lines left out", q, left)
	}
	if _, err := s.books.DecideCount(ctx, id, true, "chen", "", 499); !errors.Is(err, fault.Conflict) {
		t.Errorf("approved twice: %v", err)
	}
	s.sound()
}

func testACountByHandThatIsComplete(t *testing.T, open Open) {
	ctx := t.Context()
	s := openSite(t, open)
	receive(t, s.books, "SKU-1", "L5", "A", 20)
	receive(t, s.books, "WIDGET", "", "A", 4)
	s.say(seen(epc(1), "A", -10))
	id := s.count(true, "A")
	if _, err := s.books.CountByHand(ctx, id, ledger.ByHand{Location: "A", Item: "SKU-1", Lot: "L5", Quantity: 20, At: noon}); err != nil {
		t.Fatal(err)
	}
	c, err := s.books.SubmitCount(ctx, id, "lin")
	if err != nil || len(c.Lines) != 2 || c.Lines[0].Difference() != 0 || c.Lines[1].Difference() != -4 {
		t.Errorf("found %+v, %v; tags are not counted by hand", c.Lines, err)
	}
	if _, err := s.books.DecideCount(ctx, id, false, "chen", "", 0); !errors.Is(err, fault.Invalid) {
		t.Errorf("rejected without a reason: %v", err)
	}
	if c, err := s.books.DecideCount(ctx, id, false, "chen", "the cage was locked", 0); err != nil || c.State != ledger.CountRejected {
		t.Errorf("%+v, %v", c, err)
	}
	if q, _ := sum(balances(t, s.db, "WIDGET", "A")); q != 4 {
		t.Errorf("a rejected count changed the books: %d", q)
	}
	other := s.count(false, "B")
	if c, err := s.books.CancelCount(ctx, other, "lin"); err != nil || c.State != ledger.CountCancelled {
		t.Errorf("%+v, %v", c, err)
	}
	if page, next, err := s.books.Counts(ctx, "", "", 1); err != nil || len(page) != 1 || page[0].ID != other || next == "" {
		t.Errorf("counts %+v, %q, %v", page, next, err)
	}
	for what, err := range map[string]error{
		"nowhere":     s.books.OpenCount(ctx, ledger.Count{ID: newID(), Site: "S"}),
		"elsewhere":   s.books.OpenCount(ctx, ledger.Count{ID: newID(), Site: "S", Locations: []string{"Z"}}),
		"a virtual":   s.books.OpenCount(ctx, ledger.Count{ID: newID(), Site: "S", Locations: []string{ledger.Loss}}),
		"less than 0": second(s.books.CountByHand(ctx, s.count(false, "A"), ledger.ByHand{Location: "A", Item: "SKU-1", Quantity: -1})),
		"not of it":   second(s.books.Sweep(ctx, s.count(false, "A"), "B", nil, noon)),
	} {
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.sound()
}

func second[T any](_ T, err error) error { return err }
