package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

// site is a hub with a catalogue and one edge that has something to say.
type site struct {
	t     *testing.T
	db    *store.DB
	books store.Ledger
	in    *intake.Intake
	epoch uint64
}

func openSite(t *testing.T, open Open) *site {
	t.Helper()
	db := openAt(t, open, nil)
	load := importer(t, db)
	for _, f := range [][2]string{
		{"items", "id,name_en,gtin\nSKU-1,One,\nWIDGET,Widget,\n"},
		{"packs", "item,code,units,gtin\nWIDGET,CS,12,80614141123458\n"},
		{"locations", "code,site,kind,parent,name_en\nS,S,site,,S\nA,S,bay,S,A\nB,S,bay,S,B\nDOCK,S,dock,S,D\n"},
		{"tags", tagRows(1, 40)},
	} {
		if _, err := load(f[0], f[1]); err != nil {
			t.Fatal(f[0], err)
		}
	}
	in := intake.New(intake.Config{Hub: "h", Threshold: 600, Now: func() time.Time { return noon }, NewID: newID}, store.Intake{DB: db})
	return &site{t: t, db: db, books: store.Ledger{DB: db}, in: in}
}

func tagRows(from, to int) string {
	var b strings.Builder
	b.WriteString("tag,item,lot,units\n")
	for i := from; i <= to; i++ {
		units := 1
		if i == 40 {
			units = 480
		}
		fmt.Fprintf(&b, "%s,SKU-1,L1,%d\n", epc(i), units)
	}
	return b.String()
}

// say sends movements in one envelope of an epoch of its own.
func (s *site) say(all ...wire.Movement) intake.Result {
	s.t.Helper()
	streams, err := store.Intake{DB: s.db}.Streams(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.epoch++
	e := wire.Envelope{Edge: "E", Epoch: s.epoch, EpochStart: 1, Stream: wire.MainStream, FirstSeq: 1}
	if len(streams) > 0 {
		e.EpochStart, e.FirstSeq = streams[0].Upto+1, streams[0].Upto+1
	}
	for i := range all {
		raw, err := wire.EncodeRecord(wire.Record{Seq: e.FirstSeq + uint64(i), Movement: &all[i]})
		if err != nil {
			s.t.Fatal(err)
		}
		e.Records = append(e.Records, raw)
	}
	r, err := s.in.Take(s.t.Context(), []wire.Envelope{e})
	if err != nil || r.Records != len(all) {
		s.t.Fatalf("%+v, %v", r, err)
	}
	return r
}

func seen(tag devices.Tag, to string, minute int) wire.Movement {
	return wire.Movement{
		Tag: tag, To: to, BizStep: wire.Storing, Disposition: wire.Accessible, ReadPoint: "E:r1/1", Confidence: 900,
		EventTime: noon.Add(time.Duration(minute) * time.Minute),
	}
}

func (s *site) at(tag devices.Tag) (p ledger.Position) {
	s.t.Helper()
	err := s.db.Write(s.t.Context(), func(tx *store.Tx) error {
		at, err := tx.Position(tag)
		if at != nil {
			p = *at
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *site) sound() {
	s.t.Helper()
	if wrong, err := s.books.Check(s.t.Context()); err != nil || len(wrong) > 0 {
		s.t.Errorf("books: %+v, %v", wrong, err)
	}
	if v, err := s.books.Verify(s.t.Context(), nil); err != nil || len(v.Wrong) > 0 {
		s.t.Errorf("chains: %+v, %v", v, err)
	}
}

func sscc(t testing.TB, n byte) devices.Tag {
	t.Helper()
	tag, err := devices.NewTag(devices.TagEPC, []byte{0x31, 0x74, 0x25, 0x7b, 0xf4, 0, 0, 0, 0, 0, 0, n})
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// testWhatIsPackedMovesWithItsPallet: items in a case on a pallet are where the pallet was seen, until they are taken out.
func testWhatIsPackedMovesWithItsPallet(t *testing.T, open Open) {
	ctx := t.Context()
	s := openSite(t, open)
	pallet, box := sscc(t, 1), sscc(t, 2)
	s.say(seen(epc(1), "A", 0), seen(epc(2), "A", 0), seen(epc(3), "A", 0))
	pack := func(key string, parent devices.Tag, add, all bool, children ...devices.Tag) error {
		return s.books.Do(ctx, &ledger.Pack{Aggregation: ledger.Aggregation{
			ID: newID(), Key: key, Parent: parent, Children: children, Add: add, At: noon, RecordedAt: noon, Actor: "lin", Source: "user:lin",
		}, All: all})
	}
	if err := errors.Join(pack("1", box, true, false, epcs(1, 2)...), pack("2", pallet, true, false, box, epc(3))); err != nil {
		t.Fatal(err)
	}
	if r := s.say(seen(pallet, "B", 1)); r.Parked != 0 {
		t.Errorf("the pallet was parked: %+v", r)
	}
	for i := 1; i <= 3; i++ {
		if p := s.at(epc(i)); p.Location != "B" {
			t.Errorf("tag %d is at %+v", i, p)
		}
	}
	page, _, err := store.View{DB: s.db}.Movements(ctx, filterTag(epc(2)))
	if err != nil || len(page[0].Lines) != 3 {
		t.Errorf("the pallet's movement is %+v, %v", page, err)
	}
	if u, err := s.books.Unit(ctx, pallet); err != nil || len(u.Contents) != 4 {
		t.Errorf("in the pallet are %+v, %v", u, err)
	}
	for what, err := range map[string]error{
		"into itself":       pack("3", pallet, true, false, pallet),
		"twice":             pack("4", pallet, true, false, epc(5), epc(5)),
		"nothing":           pack("5", pallet, true, false),
		"everything put in": pack("6", pallet, true, true),
	} {
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"a pallet into its own case": pack("7", box, true, false, pallet),
		"out of what it is not in":   pack("8", pallet, false, false, epc(1)),
		"out of an empty one":        pack("9", sscc(t, 9), false, true),
		"the same key":               pack("1", box, true, false, epc(9)),
	} {
		if !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := errors.Join(pack("10", box, false, false, epc(1)), pack("11", pallet, false, true)); err != nil {
		t.Fatal(err)
	}
	s.say(seen(pallet, "A", 2))
	s.say(seen(box, "DOCK", 3))
	for i, want := range map[int]string{1: "B", 2: "DOCK", 3: "B"} {
		if p := s.at(epc(i)); p.Location != want {
			t.Errorf("unpacked, tag %d is at %s, want %s", i, p.Location, want)
		}
	}
	s.sound()
}

func testTagsStandForPacks(t *testing.T, open Open) {
	s := openSite(t, open)
	box, err := devices.ParseTag("epc:3074257bf7194e4000001a85") // SGTIN 0614141.812345.6789
	if err != nil {
		t.Fatal(err)
	}
	s.say(seen(epc(40), "A", 0), seen(epc(1), "A", 0), seen(box, "A", 0))
	if q, _ := sum(balances(t, s.db, "SKU-1", "A")); q != 481 {
		t.Errorf("%d on hand, want a pallet of 480 and 1", q)
	}
	if q, _ := sum(balances(t, s.db, "WIDGET", "A")); q != 12 {
		t.Errorf("%d on hand, want a case of 12", q)
	}
	s.say(seen(epc(40), "B", 1))
	if q, _ := sum(balances(t, s.db, "SKU-1", "A")); q != 1 {
		t.Errorf("%d are left", q)
	}
	s.sound()
}

func testConfidenceByReadPoint(t *testing.T, open Open) {
	ctx := t.Context()
	s := openSite(t, open)
	kept := store.Intake{DB: s.db}
	for point, need := range map[string]uint16{"E:r1/*": 950, "E:r1/1": 300, "E:*": 990} {
		if err := kept.PutPolicy(ctx, intake.Policy{ReadPoint: point, Threshold: need, Actor: "lin"}); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []struct {
		point  string
		sure   uint16
		parked int
	}{{"E:r1/1", 350, 0}, {"E:r1/1", 250, 1}, {"E:r1/2", 900, 1}, {"E:r1/2", 960, 0}, {"E:r9/1", 980, 1}, {"F:r1/1", 650, 0}, {"F:r1/1", 550, 1}} {
		m := seen(epc(i+1), "A", i)
		m.ReadPoint, m.Confidence = c.point, c.sure
		if r := s.say(m); r.Parked != c.parked {
			t.Errorf("%s with %d: %d parked", c.point, c.sure, r.Parked)
		}
	}
	for _, p := range []intake.Policy{{ReadPoint: ""}, {ReadPoint: "E*1"}, {ReadPoint: "E", Threshold: 1001}} {
		if err := kept.PutPolicy(ctx, p); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if err := kept.DropPolicy(ctx, "E:*"); err != nil {
		t.Error(err)
	}
	if err := kept.DropPolicy(ctx, "E:*"); !errors.Is(err, fault.NotFound) {
		t.Errorf("dropped twice: %v", err)
	}
	if all, err := kept.Policies(ctx); err != nil || len(all) != 2 || all[0].Actor != "lin" {
		t.Errorf("policies %+v, %v", all, err)
	}
}

// testDiscrepancies: what waits for a person is accepted as it is, corrected, or rejected.
func testDiscrepancies(t *testing.T, open Open) {
	ctx := t.Context()
	s := openSite(t, open)
	kept := store.Intake{DB: s.db}
	var unknown [3]devices.Tag
	for i := range unknown {
		unknown[i] = epc(900 + i)
	}
	doubtful := seen(epc(1), "A", 0)
	doubtful.Confidence = 10
	s.say(doubtful, seen(unknown[0], "A", 0), seen(epc(2), "NOWHERE", 0), seen(unknown[1], "A", 0))
	open4, err := kept.Quarantine(ctx, "")
	if err != nil || len(open4) != 4 {
		t.Fatalf("waiting %+v, %v", open4, err)
	}
	id := map[uint64]string{}
	for _, e := range open4 {
		id[e.Seq] = e.ID
	}
	if _, err := s.in.Retry(ctx, id[1], "lin"); err != nil {
		t.Error(err)
	}
	if e, err := s.in.Correct(ctx, id[2], "lin", intake.Correction{Item: "SKU-1", Lot: "L9", Reason: "label read by hand"}); err != nil ||
		e.State != intake.Resolved || e.Note != "label read by hand; item SKU-1; lot L9" {
		t.Errorf("corrected: %+v, %v", e, err)
	}
	if _, err := s.in.Correct(ctx, id[3], "lin", intake.Correction{To: "ELSEWHERE", Reason: "seen"}); !errors.Is(err, fault.Conflict) {
		t.Errorf("corrected to where there is nothing: %v", err)
	}
	if _, err := s.in.Correct(ctx, id[3], "lin", intake.Correction{To: "B", Reason: "seen"}); err != nil {
		t.Error(err)
	}
	for _, c := range []intake.Correction{{To: "B"}, {Reason: "why not"}} {
		if _, err := s.in.Correct(ctx, id[4], "lin", c); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := s.in.Correct(ctx, id[4], "lin", intake.Correction{Item: "NONE", Reason: "x"}); !errors.Is(err, fault.Conflict) {
		t.Errorf("an unknown item: %v", err)
	}
	if _, err := s.in.Discard(ctx, id[4], "lin", "a badge"); err != nil {
		t.Error(err)
	}
	for tag, want := range map[devices.Tag]string{epc(1): "A", unknown[0]: "A", epc(2): "B", unknown[1]: ""} {
		if p := s.at(tag); p.Location != want {
			t.Errorf("%s is at %q, want %q", tag, p.Location, want)
		}
	}
	if p := s.at(unknown[0]); p.Lot != "L9" {
		t.Errorf("lot %q", p.Lot)
	}
	s.sound()
}

// testClosedPeriods: nobody books before the close; what an edge reports late is booked at its end, and says when it was
// seen.
func testClosedPeriods(t *testing.T, open Open) {
	ctx := t.Context()
	s := openSite(t, open)
	s.say(seen(epc(1), "A", -600))
	close := noon.Add(-5 * time.Hour)
	if _, err := s.books.ClosePeriod(ctx, close, "lin", ""); err != nil {
		t.Fatal(err)
	}
	early := &ledger.Transfer{
		ID: newID(), Key: "early", Item: "SKU-1", Quantity: 1, From: ledger.Supplier, To: "B", At: close.Add(-time.Second), Recorded: noon,
	}
	if err := s.books.Do(ctx, early); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "closed until") {
		t.Errorf("booked before the close: %v", err)
	}
	early.At = close
	if err := s.books.Do(ctx, early); err != nil {
		t.Error(err)
	}
	late := seen(epc(1), "B", -590)
	late.LastRead = late.EventTime
	s.say(late)
	page, _, err := store.View{DB: s.db}.Movements(ctx, filterTag(epc(1)))
	if err != nil || len(page) != 2 || !page[0].EffectiveAt.Equal(close) || !page[0].Evidence.LastRead.Equal(late.LastRead) {
		t.Errorf("movements %+v, %v", page, err)
	}
	if _, err := s.books.ClosePeriod(ctx, noon.Add(time.Second), "lin", ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("closed ahead: %v", err)
	}
	if _, err := s.books.ClosePeriod(ctx, close.Add(-time.Hour), "lin", ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("opened again without a reason: %v", err)
	}
	if _, err := s.books.ClosePeriod(ctx, close.Add(-time.Hour), "lin", "an invoice came late"); err != nil {
		t.Error(err)
	}
	if all, err := s.books.Closes(ctx); err != nil || len(all) != 2 || all[0].Reason == "" || all[1].Actor != "lin" {
		t.Errorf("closes %+v, %v", all, err)
	}
	s.sound()
}
