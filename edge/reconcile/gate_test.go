package reconcile_test

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	epcs "github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/site"
)

// conveyor is a door with two photocells and antennas in its line only; pads settle what is in doubt.
func conveyor(t testing.TB, cells ...site.Photocell) *site.Plan {
	t.Helper()
	p, err := site.New(site.Spec{Edge: "E1", Doors: []site.Door{{
		ID: "D1", Location: "DOCK", Middle: []site.Source{{Device: "d1", Antenna: 1}, {Device: "d1", Antenna: 2}}, Photocells: cells,
		Quiet: 3 * time.Second, Longest: time.Minute, MinReads: 2,
		Confirm: []site.Confirm{{Source: site.Source{Device: "pad-in"}, Way: site.OnlyIn}, {Source: site.Source{Device: "pad-out"}, Way: site.OnlyOut}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	cellOut = site.Photocell{Device: "d1", Port: 1, Side: site.Outside}
	cellIn  = site.Photocell{Device: "d1", Port: 2, Side: site.Inside, Low: true}
)

func gateRig(t testing.TB, cells ...site.Photocell) *rig {
	r := &rig{t: t, m: reconcile.New(conveyor(t, cells...), reconcile.Defaults()), now: start}
	r.up("d1", "pad-in", "pad-out")
	return r
}

func (r *rig) gpi(port uint8, high bool) {
	r.step(reconcile.Input{GPI: &devices.GPI{Device: "d1", Port: port, High: high, HostTime: r.now, ReaderTime: r.now}})
}

// box goes through the beams with some tags, which are also heard, fainter, before and after.
func (r *rig) box(rng *rand.Rand, from, to func(bool), tags ...int) {
	faint := func() {
		for _, tag := range tags {
			r.now = r.now.Add(time.Millisecond)
			r.read("d1", 1, tag, -66+rng.NormFloat64())
		}
	}
	for range 5 {
		faint()
		r.wait(200 * time.Millisecond)
	}
	from(true)
	for i := range 10 {
		for _, tag := range tags {
			r.now = r.now.Add(time.Millisecond)
			r.read("d1", uint8(1+i%2), tag, -50+2*rng.NormFloat64())
		}
		r.wait(100 * time.Millisecond)
		if i == 4 {
			to(true)
		}
		if i == 6 {
			from(false)
		}
	}
	to(false)
	for range 5 {
		faint()
		r.wait(200 * time.Millisecond)
	}
}

func TestBeamsTellTheDirectionWhereAntennasCannot(t *testing.T) {
	for _, c := range []struct {
		name string
		in   bool
		want string
	}{{"inwards", true, ">DOCK" + receiving}, {"outwards", false, ">CUSTOMER" + shipping}} {
		t.Run(c.name, func(t *testing.T) {
			r := gateRig(t, cellOut, cellIn)
			r.gpi(2, true) // the inner beam is broken while its input is low
			outer, inner := func(b bool) { r.gpi(1, b) }, func(b bool) { r.gpi(2, !b) }
			if c.in {
				r.box(rand.New(rand.NewPCG(1, 1)), outer, inner, 1, 2)
			} else {
				r.box(rand.New(rand.NewPCG(1, 1)), inner, outer, 1, 2)
			}
			r.wait(20 * time.Second)
			r.want(c.want, c.want)
			if len(r.opens) != 1 || len(r.ends) != 1 {
				t.Fatalf("%d passes opened, %d ended", len(r.opens), len(r.ends))
			}
		})
	}
}

func TestEachBoxOfAConveyorKeepsItsTags(t *testing.T) {
	r := gateRig(t, site.Photocell{Device: "d1", Port: 1, Side: site.Middle})
	rng := rand.New(rand.NewPCG(2, 2))
	beam := func(b bool) { r.gpi(1, b) }
	none := func(bool) {}
	// The next box is heard while this one is in the beam, and this one while the next is.
	for box := range 6 {
		r.box(rng, beam, none, 10*box+1, 10*box+2)
		beam(false)
		r.wait(500 * time.Millisecond)
		r.read("d1", 1, 10*box+11, -64)
		r.read("d1", 1, 10*box-9+10, -63)
	}
	r.wait(time.Minute)
	passes := map[string][]string{}
	for _, c := range r.crossings {
		passes[c.Pass] = append(passes[c.Pass], c.Tag.String())
	}
	if len(passes) != 6 || len(r.crossings) != 12 {
		t.Fatalf("%d passes with %d tags: %v", len(passes), len(r.crossings), passes)
	}
	if len(r.moves) != 0 {
		t.Fatalf("%d moves, though nothing tells the direction", len(r.moves))
	}
	r.step(reconcile.Input{Read: &devices.Read{Device: "pad-out", Tag: card(t), HostTime: r.now, Count: 1}})
	r.want(">CUSTOMER"+shipping, ">CUSTOMER"+shipping)
	if last := r.ends[len(r.ends)-1]; last.Direction != wire.Out || last.Confidence != 1000 || last.Moved != 2 {
		t.Fatalf("the confirmed pass is %+v", last)
	}
	r.wait(time.Hour)
	r.step(reconcile.Input{Read: &devices.Read{Device: "pad-out", Tag: card(t), HostTime: r.now, Count: 1}})
	r.want()
}

func card(t testing.TB) devices.Tag {
	t.Helper()
	id, err := devices.NewTag(devices.TagUID, []byte{4, 1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestBeamThatBouncesMakesOnePass(t *testing.T) {
	r := gateRig(t, cellOut, cellIn)
	r.gpi(2, true)
	for i := range 12 {
		r.gpi(1, i%2 == 0)
		r.read("d1", 1, 1, -50-float64(i))
		r.wait(100 * time.Millisecond)
	}
	r.gpi(2, false)
	r.wait(300 * time.Millisecond)
	r.gpi(2, true)
	r.wait(20 * time.Second)
	r.want(">DOCK" + receiving)
}

func TestListAtTheDoorIsComparedWhileThePalletIsInIt(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	r.step(reconcile.Input{Expect: &reconcile.Expected{ID: "ASN-1", Door: "D1", Direction: wire.In, Tags: []devices.Tag{epc(1), epc(2), epc(3)}}})
	r.walk(rand.New(rand.NewPCG(1, 3)), "d1", []int{1, 2, 9}, 4*time.Second, inwards)
	live := len(r.verdicts)
	if live == 0 || r.verdicts[live-1].Final || r.verdicts[live-1].Matched != 2 || r.verdicts[live-1].Signal != reconcile.SignalUnexpected {
		t.Fatalf("while the pallet is in the door: %+v", r.verdicts)
	}
	r.wait(10 * time.Second)
	v := r.verdicts[len(r.verdicts)-1]
	if !v.Final || v.Matched != 2 || v.Missing != 1 || v.Unexpected != 1 || v.MissingTags[0] != epc(3) || v.UnexpectedTags[0] != epc(9) {
		t.Fatalf("at last: %+v", v)
	}
	disk := map[string][]byte{}
	flush(r.m, disk)
	again := reconcile.New(dock(t), reconcile.Defaults())
	for k, b := range disk {
		if err := again.Load([]byte(k), b); err != nil {
			t.Fatal(err)
		}
	}
	r.m = again // the list survives
	r.walk(rand.New(rand.NewPCG(1, 4)), "d1", []int{3}, 4*time.Second, inwards)
	r.wait(10 * time.Second)
	if v := r.verdicts[len(r.verdicts)-1]; !v.Final || v.Matched != 1 || v.Missing != 0 || v.Signal != reconcile.SignalOK {
		t.Fatalf("after the second pass: %+v", v)
	}
}

func TestListByItemCountsUnitsAndLeavesThePalletAside(t *testing.T) {
	r := newRig(t, reconcile.Defaults())
	r.step(reconcile.Input{Expect: &reconcile.Expected{ID: "PICK-7", Door: "D1", Items: []reconcile.ExpectedItem{{GTIN: "00614141812349", Quantity: 3}}}})
	tags := []devices.Tag{sgtin(t, 1), sgtin(t, 2), sgtin(t, 3), sgtin(t, 4), sscc(t)}
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range 40 {
		for j, tag := range tags {
			for antenna, pos := range map[uint8]float64{1: 1, 2: -1} {
				r.now = r.now.Add(time.Millisecond)
				s := strength(outwards(float64(i)/40)-0.1*float64(j)-pos) + rng.NormFloat64()
				r.step(reconcile.Input{Read: &devices.Read{Device: "d1", Antenna: antenna, Tag: tag, RSSI: unit.DBm(100 * s), HasRSSI: true, HostTime: r.now, ReaderTime: r.now, Count: 1}})
			}
		}
		r.wait(100 * time.Millisecond)
	}
	r.wait(10 * time.Second)
	v := r.verdicts[len(r.verdicts)-1]
	if !v.Final || v.Matched != 3 || v.Missing != 0 || v.Unexpected != 1 || v.Signal != reconcile.SignalUnexpected {
		t.Fatalf("verdict %+v", v)
	}
	if len(v.UnexpectedItems) != 1 || v.UnexpectedItems[0] != (reconcile.ExpectedItem{GTIN: "00614141812349", Quantity: 1}) {
		t.Fatalf("unexpected items %+v", v.UnexpectedItems)
	}
}

func sgtin(t testing.TB, serial uint64) devices.Tag {
	t.Helper()
	tag, err := epcs.EncodeSGTIN96("00614141812349", 7, 1, serial)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func sscc(t testing.TB) devices.Tag {
	t.Helper()
	id, err := hex.DecodeString("3114257bf4499602d2000000")
	if err != nil {
		t.Fatal(err)
	}
	tag, err := devices.NewTag(devices.TagEPC, id)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}
