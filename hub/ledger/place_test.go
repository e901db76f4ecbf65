package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
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
		Item: "SKU-1", Lot: "L1", Quantity: 1, Location: location, State: state, Movement: "m0", Source: "edge:SZ1-E1", Since: noon, SeenAt: noon,
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
				if len(p.Lines) != 0 {
					t.Fatalf("lines %+v where nothing changed", p.Lines)
				}
				return
			}
			want := ledger.Line{
				Item: "SKU-1", Lot: "L1", Tag: c.seen.Tag, Quantity: 1,
				From: c.from.Location, FromState: c.from.State, To: c.to.Location, ToState: c.to.State,
			}
			if len(p.Lines) != 1 || p.Lines[0] != want {
				t.Errorf("lines\n%+v, want\n%+v", p.Lines, want)
			}
		})
	}
}

func e(location string, state ledger.State) ledger.Entry {
	return ledger.Entry{Item: "SKU-1", Lot: "L1", Quantity: 1, Location: location, State: state}
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
			if (p.Refusal != "") != (p.Detail != "") || p.Refusal != "" && len(p.Lines) > 0 {
				t.Errorf("a refusal has its detail and no lines, got %+v", p)
			}
		})
	}
}

func TestAReversalGoesTheOtherWay(t *testing.T) {
	m := ledger.Movement{ID: "m1", Kind: ledger.Receive, Key: "k", Lines: []ledger.Line{
		{Item: "SKU-1", From: ledger.Supplier, FromState: ledger.Available, To: "DOCK", ToState: ledger.Available, Quantity: 5, Value: 500},
		{Item: "SKU-1", From: "DOCK", FromState: ledger.Available, To: "DOCK", ToState: ledger.Quarantined, Quantity: 2, Value: 200},
	}}
	r, err := ledger.Reversal(m, "m2", "lin", noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	left := map[ledger.Entry]int64{}
	for _, e := range append(m.Entries(), r.Entries()...) {
		k := e
		k.Quantity, k.Value = 0, 0
		left[k] += e.Quantity*1_000_000 + e.Value
	}
	for k, n := range left {
		if n != 0 {
			t.Errorf("%+v is left with %d", k, n)
		}
	}
	if r.Reverses != "m1" || r.Kind != ledger.Reverse || r.Source != "user:lin" || r.Lines[0].FromState != ledger.Quarantined {
		t.Errorf("got %+v", r)
	}
	if _, err := ledger.Reversal(r, "m3", "lin", noon); err == nil {
		t.Error("a reversal was taken back")
	}
}

func TestAMovementThatIsNoneIsRefused(t *testing.T) {
	good := ledger.Line{Item: "SKU-1", From: "A", FromState: ledger.Available, To: "B", ToState: ledger.Available, Quantity: 1}
	for name, change := range map[string]func(*ledger.Line){
		"no item":          func(l *ledger.Line) { l.Item = "" },
		"a place":          func(l *ledger.Line) { l.To = "" },
		"state is missing": func(l *ledger.Line) { l.FromState = "" },
		"moves nothing":    func(l *ledger.Line) { l.To = "A" },
		"more than 0":      func(l *ledger.Line) { l.Quantity = 0 },
		"quantity -1":      func(l *ledger.Line) { l.Quantity = -1 },
	} {
		l := good
		change(&l)
		err := ledger.Movement{ID: "m", Key: "k", Lines: []ledger.Line{l}}.Check()
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := (ledger.Movement{ID: "m", Key: "k"}).Check(); !errors.Is(err, fault.Invalid) {
		t.Errorf("no lines: %v", err)
	}
}

// TestASealHoldsEverythingThatAMovementSays: any field that changes changes the hash.
func TestASealHoldsEverythingThatAMovementSays(t *testing.T) {
	dbm := -51.5
	m := ledger.Movement{
		ID: "m1", Kind: ledger.Move, Source: "edge:E", EffectiveAt: noon, RecordedAt: noon, Actor: "lin", Key: "k", Reverses: "m0",
		Evidence: ledger.Evidence{ReadPoint: "D1", Pass: "p", BizStep: "storing", FirstRead: noon, LastRead: noon, Reads: 3, PeakRSSI: &dbm, Confidence: 9},
		Lines: []ledger.Line{{
			Item: "I", Lot: "L", Tag: tag(t, 1), From: "A", FromState: ledger.Available, To: "B", ToState: ledger.Quarantined, Quantity: 1, Value: 2,
		}},
		Chain: ledger.Chain{Number: 3, Link: 7},
	}
	seen := map[[32]byte]string{m.Seal([32]byte{}): "as it is", m.Seal([32]byte{1}): "after another"}
	for name, change := range map[string]func(*ledger.Movement){
		"id": func(m *ledger.Movement) { m.ID += "x" }, "kind": func(m *ledger.Movement) { m.Kind = ledger.Lost },
		"source": func(m *ledger.Movement) { m.Source = "" }, "effective": func(m *ledger.Movement) { m.EffectiveAt = noon.Add(time.Microsecond) },
		"recorded": func(m *ledger.Movement) { m.RecordedAt = noon.Add(time.Microsecond) },
		"actor":    func(m *ledger.Movement) { m.Actor = "" }, "key": func(m *ledger.Movement) { m.Key = "" },
		"reverses": func(m *ledger.Movement) { m.Reverses = "" }, "number": func(m *ledger.Movement) { m.Chain.Number++ },
		"link": func(m *ledger.Movement) { m.Chain.Link++ }, "read point": func(m *ledger.Movement) { m.Evidence.ReadPoint = "" },
		"pass": func(m *ledger.Movement) { m.Evidence.Pass = "" }, "step": func(m *ledger.Movement) { m.Evidence.BizStep = "" },
		"first": func(m *ledger.Movement) { m.Evidence.FirstRead = time.Time{} },
		"last":  func(m *ledger.Movement) { m.Evidence.LastRead = time.Time{} },
		"reads": func(m *ledger.Movement) { m.Evidence.Reads++ }, "rssi": func(m *ledger.Movement) { m.Evidence.PeakRSSI = nil },
		"sureness": func(m *ledger.Movement) { m.Evidence.Confidence++ },
		"item":     func(m *ledger.Movement) { m.Lines[0].Item += "L"; m.Lines[0].Lot = "" },
		"lot":      func(m *ledger.Movement) { m.Lines[0].Lot = "" }, "tag": func(m *ledger.Movement) { m.Lines[0].Tag = tag(t, 2) },
		"from": func(m *ledger.Movement) { m.Lines[0].From = "" }, "from state": func(m *ledger.Movement) { m.Lines[0].FromState = "" },
		"to": func(m *ledger.Movement) { m.Lines[0].To = "" }, "to state": func(m *ledger.Movement) { m.Lines[0].ToState = "" },
		"quantity": func(m *ledger.Movement) { m.Lines[0].Quantity++ }, "value": func(m *ledger.Movement) { m.Lines[0].Value++ },
		"a line more": func(m *ledger.Movement) { m.Lines = append(m.Lines, m.Lines[0]) },
	} {
		c := m
		c.Lines = slices.Clone(m.Lines)
		change(&c)
		h := c.Seal([32]byte{})
		if other, twice := seen[h]; twice {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[h] = name
	}
}
