package ingest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/store"
)

func excursion(ended time.Time, goods ...wire.Goods) wire.Record {
	return wire.Record{Excursion: &wire.Excursion{
		ID: "x1", Alarm: "alarm-1", Rule: "cold-r-high", Source: "probe-r", Location: "SZ1-R", Quantity: unit.Temperature,
		Kind: "high", Limit: 8000, Began: noon, Ended: ended, Worst: 12_300, WorstAt: noon.Add(time.Minute),
		Outside: 90 * time.Second, HasMKT: true, MKT: 9100, Goods: goods, More: 2,
	}}
}

func service(h *hub) fleet.Service {
	return fleet.Service{
		Store: store.Fleet{DB: h.DB}, Commands: store.Fleet{DB: h.DB}, Edges: away{}, Now: time.Now, NewID: newID, Log: quiet(),
	}
}

// listening runs a hub with an edge that can speak to it.
func listening(t *testing.T) (*hub, *edge) {
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	return h, newEdge(t, b.Addr(), "SZ1-E1", false)
}

func TestAnExcursionIsKeptWithItsGoodsAndLots(t *testing.T) {
	ctx := context.Background()
	h, e := listening(t)
	stranger, err := devices.NewTag(devices.TagUID, []byte{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	e.put(excursion(time.Time{}, wire.Goods{Tag: tag(0), Still: true}))
	e.deliver(ctx)
	f := store.Fleet{DB: h.DB}
	began, err := f.Excursion(ctx, "x1")
	if err != nil || began.EndedAt != nil || len(began.Tags) != 1 || began.Goods != 3 {
		t.Fatalf("as it began %+v, %v", began, err)
	}
	e.put(
		wire.Record{Escalation: &wire.Escalation{Alarm: "alarm-1", Rule: "cold-r-high", Level: 1, Notify: "duty", At: noon.Add(time.Minute)}},
		excursion(noon.Add(time.Hour), wire.Goods{Tag: tag(0), Exposed: time.Hour, Still: true}, wire.Goods{Tag: tag(4), Exposed: time.Minute},
			wire.Goods{Tag: stranger, Exposed: time.Second}),
		excursion(time.Time{}), // said again, late
	)
	e.deliver(ctx)
	x, err := f.Excursion(ctx, "x1")
	if err != nil {
		t.Fatal(err)
	}
	if x.Edge != "SZ1-E1" || x.EndedAt == nil || !x.EndedAt.Equal(noon.Add(time.Hour)) || x.Worst != 12.3 || *x.MKT != 9.1 || x.Outside != 90 || x.Goods != 5 {
		t.Errorf("as it ended %+v", x.Excursion)
	}
	want := []fleet.ExposedLot{{Item: "SKU-0", Tags: 2, Exposed: 3600}, {Tags: 1, Exposed: 1}}
	if len(x.Tags) != 3 || len(x.Lots) != 2 || x.Lots[0] != want[0] || x.Lots[1] != want[1] {
		t.Errorf("goods %+v, lots %+v", x.Tags, x.Lots)
	}
	if len(x.Escalations) != 1 || x.Escalations[0].Notify != "duty" || x.Escalations[0].Level != 1 {
		t.Errorf("escalations %+v", x.Escalations)
	}
	for what, q := range map[string]fleet.ExcursionFilter{
		"1": {Location: "SZ1-R", Item: "SKU-0"}, "0": {Item: "SKU-1"}, "none": {Location: "elsewhere"}, "all": {},
	} {
		page, next, err := f.Excursions(ctx, q)
		if n := map[string]int{"1": 1, "all": 1}[what]; err != nil || next != "" || len(page) != n {
			t.Errorf("%+v gives %d, %q, %v", q, len(page), next, err)
		}
	}
	if _, err := f.Excursion(ctx, "x2"); !errors.Is(err, fault.NotFound) {
		t.Errorf("no such excursion: %v", err)
	}
	if n := len(h.open(t)); n != 0 {
		t.Errorf("%d entries in the quarantine", n)
	}
}

// A record of a later version is parked, and what follows is taken: so does a hub of before these records with them.
func TestARecordOfALaterVersionIsParkedAndTheStreamGoesOn(t *testing.T) {
	h, e := listening(t)
	e.put(moves(0, 1)...)
	e.putRaw([]byte{8, 2, 0x9a, 6, 2, 8, 1}) // seq 2, body 99
	e.put(moves(1, 3)...)
	e.deliver(context.Background())
	if parked := h.open(t); reasons(parked) != string(intake.Undecodable) || parked[0].Seq != 2 ||
		!strings.Contains(parked[0].Detail, "does not know") {
		t.Errorf("parked %+v", parked)
	}
	if rows, err := (store.Stock{DB: h.DB}).Rows(context.Background()); err != nil || len(rows) != 3 {
		t.Errorf("stock %+v, %v", rows, err)
	}
}

func TestVerdictsOfADoorAreKept(t *testing.T) {
	ctx := context.Background()
	h, e := listening(t)
	for i, pass := range []string{"p1", "p2", "p3"} {
		e.put(wire.Record{Verdict: &wire.Verdict{
			Door: "SZ1-D1", Pass: pass, List: "ASN-1", Direction: wire.In, Signal: "missing", At: noon.Add(time.Duration(i) * time.Minute),
			Matched: 2, Missing: 1, MissingTags: []devices.Tag{tag(1)}, MissingItems: []wire.ItemCount{{GTIN: "09521234543213", Quantity: 4}},
		}})
	}
	e.deliver(ctx)
	f := store.Fleet{DB: h.DB}
	page, next, err := f.Verdicts(ctx, "SZ1-D1", "", 2)
	if err != nil || len(page) != 2 || page[0].Pass != "p3" || next != "p2" {
		t.Fatalf("the newest: %+v, %q, %v", page, next, err)
	}
	v := page[0]
	if v.Signal != "missing" || v.Edge != "SZ1-E1" || v.MissingTags[0] != tag(1).String() || v.MissingItems[0].Quantity != 4 || v.UnexpectedTags == nil {
		t.Errorf("got %+v", v)
	}
	if page, next, err = f.Verdicts(ctx, "SZ1-D1", next, 2); err != nil || len(page) != 1 || page[0].Pass != "p1" || next != "" {
		t.Errorf("the rest: %+v, %q, %v", page, next, err)
	}
}

// A list goes to its edge until the edge says what became of it.
func TestAListGoesToItsEdgeAndIsAnswered(t *testing.T) {
	ctx := context.Background()
	h, e := listening(t)
	e.put(moves(0, 1)...)
	e.deliver(ctx)
	desk := service(h)
	list := wire.Expect{ID: "ASN-1", Door: "SZ1-D1", Tags: []devices.Tag{tag(1)}}
	if err := desk.Expect(ctx, "SZ1-E1", "lin", list); err != nil {
		t.Fatal(err)
	}
	if err := desk.Expect(ctx, "SZ1-E1", "lin", wire.Expect{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a list for no door: %v", err)
	}
	if err := desk.ResetSum(ctx, "SZ1-E1", "r", "probe-r", "lin", "new load"); err != nil {
		t.Fatal(err)
	}
	e.status(onlineStatus())
	eventually(t, "the commands reached the edge", func() bool { return len(e.asked()) > 1 })
	asked := e.asked()
	if asked[0].Expect == nil || asked[0].Expect.Tags[0] != tag(1) || asked[1].ResetSum == nil || asked[1].Actor != "lin" {
		t.Fatalf("the edge was asked %+v", asked)
	}
	e.put(wire.Record{Answer: &wire.Answer{Command: asked[0].ID, At: noon}},
		wire.Record{SumReset: &wire.SumReset{Rule: "r", Source: "probe-r", Actor: "lin", Reason: "new load", At: noon}},
		wire.Record{Answer: &wire.Answer{Command: asked[1].ID, Error: "rule r sums nothing", At: noon}})
	e.deliver(ctx)
	e.status(onlineStatus())
	e.put(moves(1, 2)...)
	e.deliver(ctx) // by now the status was answered
	if n := len(e.asked()); n != 2 {
		t.Errorf("the edge was asked %d times", n)
	}
}

func TestALatchedAlarmIsOpenUntilItIsReset(t *testing.T) {
	ctx := context.Background()
	h, e := listening(t)
	e.put(transition("alarm-1", noon, alarm.Raise, alarm.Normal, alarm.Unacked), transition("alarm-1", noon, alarm.Return, alarm.Unacked, alarm.RTNUnacked),
		transition("alarm-1", noon, alarm.Acknowledge, alarm.RTNUnacked, alarm.Latched))
	e.deliver(ctx)
	f, desk := store.Fleet{DB: h.DB}, service(h)
	page, _, err := f.Alarms(ctx, fleet.AlarmFilter{})
	if err != nil || len(page) != 1 || page[0].State != "latched" {
		t.Fatalf("active: %+v, %v", page, err)
	}
	if _, err := desk.Acknowledge(ctx, "alarm-1", "lin", ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("acknowledging a latched alarm: %v", err)
	}
	a, err := desk.Reset(ctx, "alarm-1", "lin", "looked")
	if err != nil || a.Pending != "reset" {
		t.Fatalf("reset gave %+v, %v", a, err)
	}
	e.put(transition("alarm-1", noon.Add(time.Minute), alarm.Reset, alarm.Latched, alarm.Normal))
	e.deliver(ctx)
	if a, _, err := f.Alarm(ctx, "alarm-1"); err != nil || a.State != "normal" || a.Pending != "" {
		t.Errorf("at last %+v, %v", a, err)
	}
}

// An edge that cannot do a command about an alarm says so, and the alarm no longer waits for it.
func TestARefusedCommandIsNoLongerPending(t *testing.T) {
	ctx := context.Background()
	h, e := listening(t)
	e.put(transition("alarm-1", noon, alarm.Raise, alarm.Normal, alarm.Unacked))
	e.deliver(ctx)
	desk := service(h)
	if a, err := desk.RemoveFromService(ctx, "alarm-1", "lin", "probe away"); err != nil || a.Pending != "remove_from_service" {
		t.Fatalf("removing gave %+v, %v", a, err)
	}
	if _, err := desk.RemoveFromService(ctx, "alarm-1", "lin", ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	e.status(onlineStatus())
	eventually(t, "the command reached the edge", func() bool { return len(e.asked()) > 0 })
	e.put(wire.Record{Answer: &wire.Answer{Command: e.asked()[0].ID, Error: "no such alarm is running here", At: noon}})
	e.deliver(ctx)
	if a, _, err := (store.Fleet{DB: h.DB}).Alarm(ctx, "alarm-1"); err != nil || a.Pending != "" {
		t.Errorf("after the answer %+v, %v", a, err)
	}
}
