package watch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/watch"
)

// site is 64 probes and n rules on them: of each eight rules four are limits, and one each silence, rate, a sum and a
// kinetic temperature.
func site(n int) watch.Spec {
	spec := watch.Spec{Occurrence: coldRoom().Occurrence}
	for i := range 64 {
		spec.Devices = append(spec.Devices, watch.Device{ID: fmt.Sprintf("probe-%d", i), Location: "R"})
	}
	kinds := []watch.Rule{
		{Kind: watch.High, Limit: 8000, Deadband: 500, OnDelay: 5 * time.Minute},
		{Kind: watch.Low, Limit: 2000, Deadband: 500, OnDelay: 5 * time.Minute},
		{Kind: watch.NoData, Silence: 15 * time.Minute},
		{Kind: watch.High, Limit: 15000},
		{Kind: watch.Rise, Limit: 1000, Span: 10 * time.Minute},
		{Kind: watch.Low, Limit: 0},
		{Kind: watch.High, Limit: 8000, Cumulative: true, OnDelay: time.Hour, Window: 24 * time.Hour},
		{Kind: watch.MKT, Limit: 8001, Window: 24 * time.Hour},
	}
	for i := range n {
		r := kinds[i%len(kinds)]
		r.ID, r.Device, r.Quantity, r.Location = fmt.Sprintf("rule-%d", i), fmt.Sprintf("probe-%d", i%64), unit.Temperature, "R"
		spec.Rules = append(spec.Rules, r)
	}
	return spec
}

func BenchmarkStepSample(b *testing.B) {
	for _, n := range []int{100, 800} {
		b.Run(fmt.Sprintf("%d rules", n), func(b *testing.B) {
			m, now := watch.New(site(n)), start
			samples := make([]devices.Sample, 64)
			for i := range samples {
				samples[i] = devices.Sample{Device: fmt.Sprintf("probe-%d", i), Quantity: unit.Temperature, Value: 5000}
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				s := &samples[i%64]
				s.Value, s.HostTime = 5000+unit.Milli(i%300), now
				m.Step(watch.Input{Sample: s}, now)
				if i++; i%64 == 0 {
					now = now.Add(30 * time.Second)
				}
			}
		})
	}
}

func BenchmarkStepTick(b *testing.B) {
	m, now := watch.New(site(100)), start
	for i := range 64 {
		m.Step(watch.Input{Sample: &devices.Sample{
			Device: fmt.Sprintf("probe-%d", i), Quantity: unit.Temperature, Value: 5000, HostTime: now,
		}}, now)
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		m.Step(watch.Input{}, now)
	}
}

// BenchmarkFlush is a round of all probes and the Flush after it.
func BenchmarkFlush(b *testing.B) {
	m, now := watch.New(site(100)), start
	b.ReportAllocs()
	values, bytes := 0, 0
	for b.Loop() {
		now = now.Add(30 * time.Second)
		for i := range 64 {
			m.Step(watch.Input{Sample: &devices.Sample{
				Device: fmt.Sprintf("probe-%d", i), Quantity: unit.Temperature, Value: 5000, HostTime: now,
			}}, now)
		}
		m.Flush(func(k, v []byte) { values, bytes = values+1, bytes+len(k)+len(v) })
	}
	b.ReportMetric(float64(values)/float64(b.N), "values/op")
	b.ReportMetric(float64(bytes)/float64(b.N), "stored-B/op")
}
