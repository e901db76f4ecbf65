package ledger_test

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/ledger"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func tag(t testing.TB, n byte) devices.Tag {
	t.Helper()
	tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n})
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func at(location string, state ledger.State) *ledger.Position {
	return &ledger.Position{
		Item: "SKU-1", Lot: "L1", Location: location, State: state, Movement: "m0", Source: "edge:SZ1-E1", Since: noon, SeenAt: noon,
	}
}

func TestPlace(t *testing.T) {
	shelf := wire.Movement{To: "SZ1-A-01", BizStep: wire.Storing, Disposition: wire.Accessible}
	in := wire.Movement{To: "SZ1-DOCK", BizStep: wire.Receiving, Disposition: wire.InProgress}
	out := wire.Movement{To: ledger.Customer, BizStep: wire.Shipping, Disposition: wire.InTransit}
	absent := wire.Movement{To: "SZ1-A-01", BizStep: wire.Observe, Disposition: wire.Unknown}
	again := wire.Movement{To: "SZ1-A-01", BizStep: wire.Observe, Disposition: wire.Accessible}
	pad := wire.Movement{To: "SZ1-QA", BizStep: wire.Inspect, Disposition: wire.InProgress}

	for _, c := range []struct {
		name     string
		seen     wire.Movement
		now      *ledger.Position
		kind     ledger.Kind
		from, to ledger.Entry // location and state; zero = no entries
		touched  bool
	}{
		{"first sight at a door is received from the supplier", in, nil, ledger.Receive, e("SUPPLIER", "available"), e("SZ1-DOCK", "available"), true},
		{"first sight at a shelf is found", shelf, nil, ledger.Found, e("LOSS", "available"), e("SZ1-A-01", "available"), true},
		{"first sight at a pad is found", pad, nil, ledger.Found, e("LOSS", "available"), e("SZ1-QA", "available"), true},
		{"first sight going out is shipped from loss", out, nil, ledger.Ship, e("LOSS", "available"), e("CUSTOMER", "available"), true},
		{"another shelf moves", shelf, at("SZ1-DOCK", ledger.Available), ledger.Move, e("SZ1-DOCK", "available"), e("SZ1-A-01", "available"), true},
		{"the same shelf changes nothing", shelf, at("SZ1-A-01", ledger.Available), "", ledger.Entry{}, ledger.Entry{}, true},
		{"the source is the ledger's place, not the edge's", with(shelf, "SZ1-B-01"), at("SZ1-DOCK", ledger.Available), ledger.Move, e("SZ1-DOCK", "available"), e("SZ1-A-01", "available"), true},
		{"out of the door ships", out, at("SZ1-DOCK", ledger.Available), ledger.Ship, e("SZ1-DOCK", "available"), e("CUSTOMER", "available"), true},
		{"shipped again changes nothing", out, at("CUSTOMER", ledger.Available), "", ledger.Entry{}, ledger.Entry{}, true},
		{"back through the door is a return", in, at("CUSTOMER", ledger.Available), ledger.Return, e("CUSTOMER", "available"), e("SZ1-DOCK", "available"), true},
		{"shipped, yet on a shelf is found", shelf, at("CUSTOMER", ledger.Available), ledger.Found, e("CUSTOMER", "available"), e("SZ1-A-01", "available"), true},
		{"booked out as lost, yet on a shelf is found", shelf, at("LOSS", ledger.Available), ledger.Found, e("LOSS", "available"), e("SZ1-A-01", "available"), true},
		{"a receipt taken back comes from the supplier again", in, at("SUPPLIER", ledger.Available), ledger.Receive, e("SUPPLIER", "available"), e("SZ1-DOCK", "available"), true},
		{"absent where the ledger has it becomes unseen", absent, at("SZ1-A-01", ledger.Available), ledger.Unseen, e("SZ1-A-01", "available"), e("SZ1-A-01", "unseen"), false},
		{"absent twice changes nothing", absent, at("SZ1-A-01", ledger.StateUnseen), "", ledger.Entry{}, ledger.Entry{}, false},
		{"absent where the ledger has it elsewhere is left alone", absent, at("SZ1-B-01", ledger.Available), "", ledger.Entry{}, ledger.Entry{}, false},
		{"absent and never seen is left alone", absent, nil, "", ledger.Entry{}, ledger.Entry{}, false},
		{"absent in quarantine stays there", absent, at("SZ1-A-01", ledger.Quarantined), "", ledger.Entry{}, ledger.Entry{}, false},
		{"seen again becomes available", again, at("SZ1-A-01", ledger.StateUnseen), ledger.Unseen, e("SZ1-A-01", "unseen"), e("SZ1-A-01", "available"), true},
		{"unseen, then elsewhere, moves and is available", shelf, at("SZ1-B-01", ledger.StateUnseen), ledger.Move, e("SZ1-B-01", "unseen"), e("SZ1-A-01", "available"), true},
		{"quarantine moves as quarantine", shelf, at("SZ1-B-01", ledger.Quarantined), ledger.Move, e("SZ1-B-01", "quarantine"), e("SZ1-A-01", "quarantine"), true},
		{"quarantine seen at its place changes nothing", shelf, at("SZ1-A-01", ledger.Quarantined), "", ledger.Entry{}, ledger.Entry{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.seen.Tag, c.seen.Confidence, c.seen.EventTime = tag(t, 1), 900, noon.Add(time.Minute)
			p := ledger.Place(ledger.Observation{
				Movement: c.seen, Item: "SKU-1", Lot: "L1", Source: "edge:SZ1-E1", Now: c.now, Threshold: 600,
			})
			if p.Refusal != "" || p.Kind != c.kind || p.Seen != c.touched {
				t.Fatalf("got %+v, want kind %q, seen %v", p, c.kind, c.touched)
			}
			if c.kind == "" {
				if len(p.Entries) != 0 {
					t.Fatalf("entries %+v where nothing changed", p.Entries)
				}
				return
			}
			c.from.Tag, c.to.Tag = c.seen.Tag, c.seen.Tag
			c.from.Quantity, c.to.Quantity = -1, 1
			if len(p.Entries) != 2 || p.Entries[0] != c.from || p.Entries[1] != c.to {
				t.Errorf("entries\n%+v, want\n%+v\n%+v", p.Entries, c.from, c.to)
			}
		})
	}
}

func e(location string, state ledger.State) ledger.Entry {
	return ledger.Entry{Item: "SKU-1", Lot: "L1", Location: location, State: state}
}

func with(m wire.Movement, from string) wire.Movement {
	m.From = from
	return m
}

func TestPlaceRefuses(t *testing.T) {
	move := wire.Movement{Tag: tag(t, 1), To: "SZ1-B-01", BizStep: wire.Storing, Confidence: 599, EventTime: noon}
	late := move
	late.Confidence, late.EventTime = 1000, noon.Add(-ledger.LateAfter-time.Second)
	justLate := late
	justLate.EventTime = noon.Add(-ledger.LateAfter)
	same := move
	same.To = "SZ1-A-01"
	for _, c := range []struct {
		name   string
		seen   wire.Movement
		source string
		waived bool
		want   ledger.Refusal
	}{
		{"a doubtful movement", move, "edge:SZ1-E1", false, ledger.LowConfidence},
		{"not a doubtful one that a person has looked at", move, "edge:SZ1-E1", true, ""},
		{"not a doubtful one that changes nothing", same, "edge:SZ1-E1", false, ""},
		{"another edge's old news", late, "edge:SZ1-E2", false, ledger.Late},
		{"not old news within the clocks' difference", justLate, "edge:SZ1-E2", false, ""},
		{"not the same edge's, whose order is known", late, "edge:SZ1-E1", false, ""},
		{"not old news that a person has looked at", late, "edge:SZ1-E2", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ledger.Place(ledger.Observation{
				Movement: c.seen, Item: "SKU-1", Source: c.source, Now: at("SZ1-A-01", ledger.Available), Threshold: 600, Waived: c.waived,
			})
			if p.Refusal != c.want {
				t.Errorf("refusal %q, want %q", p.Refusal, c.want)
			}
			if (p.Refusal != "") != (p.Detail != "") || p.Refusal != "" && len(p.Entries) > 0 {
				t.Errorf("a refusal has its detail and no entries, got %+v", p)
			}
		})
	}
}

func TestReversalTurnsEverySign(t *testing.T) {
	m := ledger.Movement{ID: "m1", Kind: ledger.Receive, Key: "k", Entries: []ledger.Entry{
		{Item: "SKU-1", Location: ledger.Supplier, State: ledger.Available, Quantity: -5, Value: -500},
		{Item: "SKU-1", Location: "SZ1-DOCK", State: ledger.Available, Quantity: 5, Value: 500},
	}}
	r, err := ledger.Reversal(m, "m2", "lin", noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	for i := range m.Entries {
		if r.Entries[i].Quantity != -m.Entries[i].Quantity || r.Entries[i].Value != -m.Entries[i].Value {
			t.Errorf("entry %d is %+v", i, r.Entries[i])
		}
	}
	if r.Reverses != "m1" || r.Kind != ledger.Reverse || r.Source != "user:lin" {
		t.Errorf("got %+v", r)
	}
	if _, err := ledger.Reversal(r, "m3", "lin", noon); err == nil {
		t.Error("a reversal was taken back")
	}
}
