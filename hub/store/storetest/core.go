package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

func testEventsAreTrimmedButTheNewest(t *testing.T, open Open) {
	ctx := context.Background()
	now := noon
	db := open(t, func() time.Time { return now }, nil)
	events := store.Events{DB: db}
	bounds := func(first, last int64) {
		t.Helper()
		if f, l, err := events.Bounds(ctx); f != first || l != last || err != nil {
			t.Errorf("kept %d to %d, want %d to %d (%v)", f, l, first, last, err)
		}
	}
	bounds(0, 0)
	for range 10 {
		now = now.Add(time.Hour)
		if err := db.Write(ctx, func(tx *store.Tx) error { return tx.Emit(event.Quarantine, map[string]int{"open": 1}) }); err != nil {
			t.Fatal(err)
		}
	}
	bounds(1, 10)
	if err := events.Trim(ctx, 6, noon); err != nil {
		t.Fatal(err)
	}
	bounds(5, 10)
	if err := events.Trim(ctx, 100, now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	bounds(8, 10)
	if err := events.Trim(ctx, 0, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	bounds(10, 10)
	got, err := events.Since(ctx, 0, 5)
	if err != nil || len(got) != 1 || got[0].Seq != 10 || string(got[0].Data) != `{"open":1}` || !got[0].At.Equal(now) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func testAlarmsComeInOrderPageByPage(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	taking := store.Intake{DB: db}
	put := func(id string, p alarm.Priority, minute int, to alarm.State) string {
		t.Helper()
		err := taking.Take(ctx, func(tx intake.Tx) error {
			return tx.PutAlarm(map[bool]string{true: "E", false: "F"}[minute%2 == 0], 1, uint64(minute)+1, wire.Alarm{
				ID: id, Priority: p, From: alarm.Normal, To: to, Action: alarm.Raise, At: noon.Add(time.Duration(minute) * time.Minute),
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for edge, site := range map[string]string{"E": "S", "F": "S", "G": "N"} {
		if _, _, err := taking.Status(ctx, wire.Status{Edge: edge, Site: site, Online: true, At: noon}); err != nil {
			t.Fatal(err)
		}
	}
	put("over", alarm.Critical, 0, alarm.Normal)
	put("acked", alarm.Critical, 1, alarm.Acked)
	put("rtn", alarm.Critical, 2, alarm.RTNUnacked)
	put("old-high", alarm.High, 3, alarm.Unacked)
	put("new-high", alarm.High, 4, alarm.Unacked)
	put("new-high-too", alarm.High, 4, alarm.Unacked)
	put("critical", alarm.Critical, 5, alarm.Unacked)
	put("quality", alarm.Quality, 6, alarm.Unacked)
	put("shelved", alarm.Critical, 7, alarm.Shelved)
	for state, want := range map[string][]string{
		"":        {"critical", "new-high", "new-high-too", "old-high", "quality", "rtn", "acked"},
		"all":     {"critical", "new-high", "new-high-too", "old-high", "quality", "rtn", "acked", "shelved", "over"},
		"shelved": {"shelved"},
		"rtn":     {"rtn"},
	} {
		for n := range 12 {
			limit, site := 1+n/2*2, []string{"", "S"}[n%2]
			var got []string
			for before, pages := "", 0; ; pages++ {
				page, next, err := store.Fleet{DB: db}.Alarms(ctx, fleet.AlarmFilter{State: state, Site: site, Before: before, Limit: limit})
				if err != nil || pages > 10 {
					t.Fatal(err, pages)
				}
				for _, a := range page {
					got = append(got, a.ID)
				}
				if before = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q of site %q by %d: %v, want %v", state, site, limit, got, want)
			}
		}
	}
	if page, _, err := (store.Fleet{DB: db}).Alarms(ctx, fleet.AlarmFilter{State: "all", Site: "N"}); err != nil || len(page) > 0 {
		t.Errorf("of another site: %v, %v", page, err)
	}
	for _, f := range []fleet.AlarmFilter{{State: "loud"}, {Before: "x"}, {Before: "a.b.c.d"}} {
		if _, _, err := (store.Fleet{DB: db}).Alarms(ctx, f); !errors.Is(err, fault.Invalid) {
			t.Errorf("filter %+v: %v", f, err)
		}
	}
}

func testPassesComeNewestFirstPageByPage(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	err := store.Intake{DB: db}.Take(ctx, func(tx intake.Tx) error {
		for i := range 7 {
			p := wire.Pass{ID: fmt.Sprintf("p%d", i), Door: "D1", Opened: noon.Add(time.Duration(i/2) * time.Minute), Closed: noon.Add(time.Hour)}
			if err := tx.PutPass("E", p); err != nil {
				return err
			}
		}
		return tx.PutPass("E", wire.Pass{ID: "x", Door: "D2", Opened: noon})
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for before := ""; ; {
		page, next, err := store.Fleet{DB: db}.Passes(ctx, "D1", before, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			got = append(got, p.ID)
		}
		if before = next; next == "" {
			break
		}
	}
	if want := []string{"p6", "p5", "p4", "p3", "p2", "p1", "p0"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if _, _, err := (store.Fleet{DB: db}).Passes(ctx, "D1", "nobody", 3); !errors.Is(err, fault.NotFound) {
		t.Errorf("a cursor that is not there: %v", err)
	}
}

// testARecordThatTheDatabaseRefusesIsParkedAlone: a unique index breaks one record of four.
func testARecordThatTheDatabaseRefusesIsParkedAlone(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	err := db.Write(ctx, func(tx *store.Tx) error { // as a schema of a later day might
		_, err := tx.ExecContext(ctx, `CREATE UNIQUE INDEX one_door ON pass (tags)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	in := intake.New(intake.Config{Hub: "h", Now: func() time.Time { return noon }, NewID: newID}, store.Intake{DB: db})
	e := wire.Envelope{Edge: "E", Epoch: 1, EpochStart: 1, Stream: wire.MainStream, FirstSeq: 1}
	for seq, tags := range []uint32{1, 2, 1, 3} {
		b, err := wire.EncodeRecord(wire.Record{Seq: uint64(seq) + 1, Pass: &wire.Pass{ID: fmt.Sprint("p", seq), Door: "D", Opened: noon, Tags: tags}})
		if err != nil {
			t.Fatal(err)
		}
		e.Records = append(e.Records, b)
	}
	r, err := in.Take(ctx, []wire.Envelope{e})
	if err != nil || !r.Careful || r.Records != 4 || r.Parked != 1 || len(r.Acks) != 1 || r.Acks[0].Upto != 4 {
		t.Fatalf("got %+v, %v", r, err)
	}
	parked, err := store.Intake{DB: db}.Quarantine(ctx, "")
	if err != nil || len(parked) != 1 || parked[0].Reason != intake.Inapplicable || parked[0].Seq != 3 {
		t.Errorf("parked %+v, %v", parked, err)
	}
	for id, want := range map[string]error{"p1": nil, "p2": fault.NotFound, "p3": nil} {
		if _, err := (store.Fleet{DB: db}).Pass(ctx, id); !errors.Is(err, want) {
			t.Errorf("pass %s: %v", id, err)
		}
	}
}

func testAbsenceAndSightOfATag(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	if err := (store.Ledger{DB: db}).Post(ctx, receipt("E/1/1", epc(1), "A")); err != nil {
		t.Fatal(err)
	}
	later := noon.Add(time.Hour)
	err := store.Intake{DB: db}.Take(ctx, func(tx intake.Tx) error {
		at, err := tx.Position(epc(1))
		if err != nil {
			return err
		}
		return tx.Seen(*at, later)
	})
	if err != nil {
		t.Fatal(err)
	}
	row, err := store.Stock{DB: db}.Row(ctx, "SKU-1", "A")
	if err != nil || !row.SeenAt.Equal(later) || row.OnHand != 1 {
		t.Errorf("row %+v, %v", row, err)
	}
	if row, _ := (store.Stock{DB: db}).Row(ctx, "SKU-1", ledger.Supplier); row.OnHand != 0 {
		t.Errorf("a virtual place has stock: %+v", row)
	}
}
