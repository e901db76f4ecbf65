package wire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// facts has one of each record that came after the first, by the name of its golden, with every field set.
func facts(t testing.TB) map[string]wire.Record {
	sgtin, sscc := tag(t, "epc:3034257bf7194e4000001a85"), tag(t, "epc:3114257bf4499602d2000000")
	return map[string]wire.Record{
		"excursion": {Seq: 11, Excursion: &wire.Excursion{
			ID: "x1", Alarm: "a1", Rule: "cold-r-high", Source: "probe-r", Location: "SZ1-R", Quantity: unit.Temperature,
			Kind: "high", Limit: 8000, Began: at, Ended: at.Add(time.Hour), Worst: 12_300, WorstAt: at.Add(30 * time.Minute),
			Outside: 55 * time.Minute, Cumulative: 3 * time.Hour, HasMKT: true, MKT: 9_100, Gap: 5 * time.Minute, Gaps: 1,
			Correction: "corrected by -0.3 °C, certificate K-17", More: 7, Incomplete: true,
			Goods: []wire.Goods{{Tag: sgtin, Exposed: time.Hour, Still: true}, {Tag: sscc, Exposed: 90 * time.Second}},
		}},
		"escalation": {Seq: 12, Escalation: &wire.Escalation{
			Alarm: "a1", Rule: "cold-r-high", Source: "probe-r", Location: "SZ1-R", Priority: alarm.Critical, Level: 2,
			Notify: "quality manager", Repeat: 3, At: at,
		}},
		"verdict": {Seq: 13, Verdict: &wire.Verdict{
			Door: "SZ1-D1", Pass: "p1", List: "ASN-4711", Direction: wire.In, Signal: "unexpected", At: at, Matched: 22,
			Missing: 3, Unexpected: 1, MissingTags: []devices.Tag{sscc}, UnexpectedTags: []devices.Tag{sgtin},
			MissingItems:    []wire.ItemCount{{GTIN: "09521234543213", Quantity: 2}},
			UnexpectedItems: []wire.ItemCount{{GTIN: "00614141123452", Quantity: 1}},
		}},
		"sum_reset": {Seq: 14, SumReset: &wire.SumReset{
			Rule: "pharma.mkt", Source: "probe-r", Location: "SZ1-R", Actor: "li.wei", Reason: "new load", Outside: time.Minute, At: at,
		}},
		"answer":        {Seq: 15, Answer: &wire.Answer{Command: "c8", Error: "door SZ1-D9 is none of this gateway", At: at}},
		"alarm_latched": {Seq: 16, Alarm: &wire.Alarm{ID: "a1", Rule: "r", Source: "s", From: alarm.RTNUnacked, To: alarm.Latched, At: at}},
	}
}

func expected() *wire.Expect {
	t, _ := devices.ParseTag("epc:3114257bf4499602d2000000")
	return &wire.Expect{
		ID: "ASN-4711", Door: "SZ1-D1", Direction: wire.In, Tags: []devices.Tag{t},
		Items: []wire.ItemCount{{GTIN: "09521234543213", Quantity: 24}},
	}
}

func TestListsThatCannotBeAreRefused(t *testing.T) {
	change := func(f func(*wire.Expect)) wire.Expect {
		x := *expected()
		f(&x)
		return x
	}
	for why, x := range map[string]wire.Expect{
		"has no door":            change(func(x *wire.Expect) { x.Door = "" }),
		"has no id":              change(func(x *wire.Expect) { x.ID = "" }),
		"direction is":           change(func(x *wire.Expect) { x.Direction = wire.Undecided }),
		"without an identity":    change(func(x *wire.Expect) { x.Tags = append(x.Tags, devices.Tag{}) }),
		"14 digits":              change(func(x *wire.Expect) { x.Items = []wire.ItemCount{{GTIN: "123", Quantity: 1}} }),
		"has 0 of item":          change(func(x *wire.Expect) { x.Items = []wire.ItemCount{{GTIN: "09521234543213"}} }),
		"at most 1000 are possi": change(func(x *wire.Expect) { x.Tags = make([]devices.Tag, wire.MaxExpected) }),
	} {
		if _, err := wire.EncodeCommand(wire.Command{ID: "c", Expect: &x}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestWhatGoesBeyondItsBoundIsCutAndCounted(t *testing.T) {
	x := wire.Excursion{ID: "x", More: 2}
	v := wire.Verdict{Pass: "p"}
	for i := range wire.MaxGoods + 5 {
		id, err := devices.NewTag(devices.TagEPC, fmt.Appendf(nil, "tag %d", i))
		if err != nil {
			t.Fatal(err)
		}
		x.Goods = append(x.Goods, wire.Goods{Tag: id})
		v.MissingTags = append(v.MissingTags, id)
		v.MissingItems = append(v.MissingItems, wire.ItemCount{GTIN: fmt.Sprintf("%014d", i), Quantity: 1})
	}
	got := again(t, wire.Record{Seq: 1, Excursion: &x}).Excursion
	if len(got.Goods) != wire.MaxGoods || got.More != 7 || got.Goods[0].Tag != x.Goods[0].Tag {
		t.Errorf("%d goods and %d more", len(got.Goods), got.More)
	}
	w := again(t, wire.Record{Seq: 1, Verdict: &v}).Verdict
	if len(w.MissingTags) != wire.MaxNamed || len(w.MissingItems) != wire.MaxNamed {
		t.Errorf("%d tags and %d items", len(w.MissingTags), len(w.MissingItems))
	}
}

func again(t *testing.T, r wire.Record) wire.Record {
	t.Helper()
	b, err := wire.EncodeRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	r, err = wire.DecodeRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecordsWithoutWhatNamesThemAreRefused(t *testing.T) {
	for why, r := range map[string]wire.Record{
		"excursion lacks its id":      {Excursion: &wire.Excursion{}},
		"verdict lacks its pass":      {Verdict: &wire.Verdict{}},
		"escalation lacks its alarm":  {Escalation: &wire.Escalation{}},
		"tag kind 0 is not known":     {Excursion: &wire.Excursion{ID: "x", Goods: []wire.Goods{{}}}},
		"alarm lacks its id or a sta": {Alarm: &wire.Alarm{}},
	} {
		b, err := wire.EncodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wire.DecodeRecord(b); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// A body of a later version is what an older hub gets: its seq can still be read, so that it can be parked.
func TestRecordOfALaterVersionIsRefusedByItsSeq(t *testing.T) {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 42)
	b = protowire.AppendBytes(protowire.AppendTag(b, 99, protowire.BytesType), []byte{8, 1})
	r, err := wire.DecodeRecord(b)
	if r.Seq != 42 || err == nil || !strings.Contains(err.Error(), "record 42: body is of a kind") {
		t.Errorf("record %d: %v", r.Seq, err)
	}
}
