package reconcile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/reconcile"
	"pgregory.net/rapid"
)

// happening is one input with its time.
type happening struct {
	in  reconcile.Input
	now time.Time
}

// history draws a run of reads, ticks and reader failures around the dock.
func history(t *rapid.T) []happening {
	now := start
	var out []happening
	add := func(in reconcile.Input) { out = append(out, happening{in, now}) }
	for _, id := range []string{"a", "b", "d1", "d2"} {
		add(reconcile.Input{Health: &devices.Health{Device: id, State: devices.Up}})
	}
	antennas := []struct {
		device string
		number uint8
	}{{"a", 0}, {"b", 0}, {"d1", 1}, {"d1", 2}, {"d1", 1}, {"d1", 2}, {"d2", 1}, {"d2", 2}}
	for range rapid.IntRange(1, 250).Draw(t, "length") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 20, 150, 400, 900, 3500, 90_000}).Draw(t, "ms")) * time.Millisecond)
		add(reconcile.Input{}) // a tick goes before every input, as in the gateway
		switch kind := rapid.IntRange(0, 30).Draw(t, "kind"); kind {
		case 0:
			state := devices.HealthState(rapid.IntRange(0, 2).Draw(t, "state"))
			add(reconcile.Input{Health: &devices.Health{Device: rapid.SampledFrom(antennas).Draw(t, "reader").device, State: state}})
		default:
			a := rapid.SampledFrom(antennas).Draw(t, "antenna")
			r := &devices.Read{
				Device: a.device, Antenna: a.number, Tag: epc(rapid.IntRange(1, 4).Draw(t, "tag")), HostTime: now, Count: 1,
				RSSI: unit.DBm(rapid.IntRange(-80, -40).Draw(t, "rssi") * 100), HasRSSI: kind < 28,
			}
			if a.device == "d1" || a.device == "b" {
				r.ReaderTime = now.Add(-time.Duration(rapid.IntRange(0, 50).Draw(t, "delay")) * time.Millisecond)
			}
			add(reconcile.Input{Read: r})
		}
	}
	for range 20 {
		now = now.Add(time.Minute)
		add(reconcile.Input{})
	}
	return out
}

func exact() reconcile.Params {
	p := reconcile.Defaults()
	p.Refresh = 0
	return p
}

// told runs a history and lists what the machine said.
func told(m *reconcile.Machine, hs []happening) (out []string) {
	for _, h := range hs {
		for _, e := range m.Step(h.in, h.now) {
			switch {
			case e.Movement != nil:
				out = append(out, fmt.Sprintf("%+v", *e.Movement))
			case e.Crossing != nil:
				out = append(out, fmt.Sprintf("%+v", *e.Crossing))
			default:
				out = append(out, fmt.Sprintf("%+v", *e.Pass))
			}
		}
	}
	return out
}

func TestMachineIsBlindToDuplicates(t *testing.T) {
	plan := dock(t)
	rapid.Check(t, func(t *rapid.T) {
		hs := history(t)
		want := told(reconcile.New(plan, exact()), hs)
		var twice []happening
		var reads []reconcile.Input
		for _, h := range hs {
			twice = append(twice, h)
			if h.in.Read == nil {
				continue
			}
			reads = append(reads, h.in)
			for range rapid.IntRange(0, 2).Draw(t, "again") { // itself, or any read of before, as it was
				in := rapid.SampledFrom(reads).Draw(t, "which")
				twice = append(twice, happening{in, h.now})
			}
		}
		same(t, told(reconcile.New(plan, exact()), twice), want)
	})
}

func TestStateTakenBackAtAnyMomentChangesNothing(t *testing.T) {
	plan := dock(t)
	rapid.Check(t, func(t *rapid.T) {
		hs := history(t)
		want := told(reconcile.New(plan, exact()), hs)
		cut := rapid.IntRange(0, len(hs)).Draw(t, "cut")
		m, disk := reconcile.New(plan, exact()), map[string][]byte{}
		var got []string
		for _, h := range hs[:cut] {
			got = append(got, told(m, []happening{h})...)
			if rapid.Bool().Draw(t, "flush") {
				flush(m, disk)
			}
		}
		flush(m, disk)
		again := reconcile.New(plan, exact())
		for _, k := range slices.Sorted(maps.Keys(disk)) {
			if err := again.Load([]byte(k), disk[k]); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, told(again, hs[cut:])...)
		same(t, got, want)
	})
}

// same fails at the first difference.
func same(t *rapid.T, got, want []string) {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("event %d of %d and %d differs:\n got %.600q\nwant %.600q", i, len(got), len(want), got[min(i, len(got)):], want[min(i, len(want)):])
		}
	}
}

func flush(m *reconcile.Machine, disk map[string][]byte) {
	m.Flush(func(k, v []byte) { disk[string(k)] = v }, func(k []byte) { delete(disk, string(k)) })
}

func TestExportIsWhatFlushesMade(t *testing.T) {
	plan := dock(t)
	rapid.Check(t, func(t *rapid.T) {
		m, disk := reconcile.New(plan, exact()), map[string][]byte{}
		for _, h := range history(t) {
			m.Step(h.in, h.now)
			flush(m, disk)
		}
		all := map[string][]byte{}
		m.Export(func(k, v []byte) { all[string(k)] = v })
		for k, v := range all {
			had, ok := disk[k]
			untouched := !ok && (k[2] == 'p' || k[2] == 'd') // a place or a door at which nothing ever happened
			if string(had) != string(v) && k != "r/k" && !untouched {
				t.Fatalf("key %q: flushed %x, exported %x", k, disk[k], v)
			}
		}
		for k := range disk {
			if _, ok := all[k]; !ok {
				t.Fatalf("key %q was never removed", k)
			}
		}
	})
}

func FuzzLoad(f *testing.F) {
	plan := dock(f)
	m := reconcile.New(plan, exact())
	for i := range 40 {
		now := start.Add(time.Duration(i) * 100 * time.Millisecond)
		for _, d := range []string{"a", "d1"} {
			m.Step(reconcile.Input{Read: &devices.Read{
				Device: d, Antenna: uint8(1 + i/20), Tag: epc(i % 3), RSSI: unit.DBm(-5000 - i), HasRSSI: true, HostTime: now, ReaderTime: now,
			}}, now)
		}
		m.Step(reconcile.Input{}, now)
	}
	m.Export(func(k, v []byte) { f.Add(k, v) })
	f.Fuzz(func(t *testing.T, k, v []byte) {
		m := reconcile.New(plan, exact())
		_ = m.Load(k, v)
		for i := range 10 {
			now := start.Add(time.Duration(i) * time.Second)
			m.Step(reconcile.Input{Read: &devices.Read{Device: "d1", Antenna: 1, Tag: epc(i % 3), HostTime: now}}, now)
			m.Step(reconcile.Input{}, now)
		}
		m.Export(func(_, _ []byte) {})
	})
}

func TestDuplicatesLeaveNoTrace(t *testing.T) {
	plan := dock(t)
	rapid.Check(t, func(t *rapid.T) {
		once, often := reconcile.New(plan, exact()), reconcile.New(plan, exact())
		a, b := map[string][]byte{}, map[string][]byte{}
		var reads []reconcile.Input
		for i, h := range history(t) {
			once.Step(h.in, h.now)
			often.Step(h.in, h.now)
			if h.in.Read != nil {
				reads = append(reads, h.in)
				for range rapid.IntRange(0, 2).Draw(t, "again") {
					often.Step(rapid.SampledFrom(reads).Draw(t, "which"), h.now)
				}
			}
			flush(once, a)
			flush(often, b)
			for k := range b {
				if strings.HasPrefix(k, "r/p") || k == "r/k" {
					continue // coverage is handed out as it was at the last flush that had something to say
				}
				if string(a[k]) != string(b[k]) {
					t.Fatalf("after input %d: key %q\nonce  %x\noften %x", i, k, a[k], b[k])
				}
			}
		}
	})
}
