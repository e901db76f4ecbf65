package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// BenchmarkDoorRead is a read at a door in an open pass, where so many tags are known.
func BenchmarkDoorRead(b *testing.B) {
	for _, known := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(known), func(b *testing.B) {
			m, now := reconcile.New(dock(b), reconcile.Defaults()), start
			for i := range known {
				m.Step(reconcile.Input{Read: &devices.Read{Device: "a", Tag: epc(1000 + i), RSSI: -5000, HasRSSI: true, HostTime: now, Count: 1}}, now)
			}
			m.Step(reconcile.Input{Health: &devices.Health{Device: "d2", State: devices.Up}}, now)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i++; i%10_000 == 0 { // the pass is over
					for range 300 {
						now = now.Add(100 * time.Millisecond)
						m.Step(reconcile.Input{}, now)
					}
				}
				now = now.Add(500 * time.Microsecond)
				r := devices.Read{
					Device: "d2", Antenna: uint8(1 + i/100%2), Tag: epc(i % 200), RSSI: unit.DBm(-6500 + i%10_000/5), HasRSSI: true, HostTime: now, Count: 1,
				}
				m.Step(reconcile.Input{Read: &r}, now)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
		})
	}
}

// BenchmarkDoorVerdict is the judging of a pass of 200 tags and 10,000 reads.
func BenchmarkDoorVerdict(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	var reads []devices.Read
	for i := range 10_000 {
		at := start.Add(time.Duration(i) * 500 * time.Microsecond)
		x, antenna := inwards(float64(i)/10_000), uint8(1+i/200%2)
		pos := 3 - 2*float64(antenna)
		reads = append(reads, devices.Read{
			Device: "d2", Antenna: antenna, Tag: epc(i % 200), RSSI: unit.DBm(100 * (strength(x-pos) + 2*rng.NormFloat64())), HasRSSI: true, HostTime: at, Count: 1,
		})
	}
	var longest time.Duration
	for b.Loop() {
		m := reconcile.New(dock(b), reconcile.Defaults())
		m.Step(reconcile.Input{Health: &devices.Health{Device: "d2", State: devices.Up}}, start.Add(-time.Hour))
		for i := range reads {
			m.Step(reconcile.Input{Read: &reads[i]}, reads[i].HostTime)
		}
		for now := start.Add(5 * time.Second); now.Before(start.Add(40 * time.Second)); now = now.Add(100 * time.Millisecond) {
			began := time.Now()
			m.Step(reconcile.Input{}, now)
			longest = max(longest, time.Since(began))
		}
	}
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-step")
}
