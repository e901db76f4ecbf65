package reconcile_test

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/reconcile"
)

const crowd = 100_000

// settled is a machine that knows a crowd of tags on shelf A, and a read of each.
func settled(t testing.TB) (*reconcile.Machine, []devices.Read) {
	m := reconcile.New(dock(t), reconcile.Defaults())
	reads := make([]devices.Read, crowd)
	for i := range reads {
		reads[i] = devices.Read{Device: "a", Tag: epc(i), RSSI: unit.DBm(-5000 - i%700), HasRSSI: true, Count: 1}
	}
	for round := range 3 {
		for i := range reads {
			reads[i].HostTime = start.Add(time.Duration(round) * time.Second)
			m.Step(reconcile.Input{Read: &reads[i]}, reads[i].HostTime)
		}
	}
	m.Flush(func(_, _ []byte) {}, func([]byte) {})
	return m, reads
}

func BenchmarkReadOfAHundredThousandTags(b *testing.B) {
	m, reads := settled(b)
	now := start.Add(time.Minute)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		r := &reads[i%crowd]
		r.HostTime = now
		m.Step(reconcile.Input{Read: r}, now)
		if i++; i%crowd == 0 {
			now = now.Add(10 * time.Second)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

func TestReadOfAKnownTagAllocatesNothing(t *testing.T) {
	m, reads := settled(t)
	now := start.Add(10 * time.Second)
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		reads[i].HostTime = now
		m.Step(reconcile.Input{Read: &reads[i]}, now)
		i++
	}); n != 0 {
		t.Fatalf("%v allocations a read, want 0", n)
	}
}
