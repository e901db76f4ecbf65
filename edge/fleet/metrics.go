package fleet

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tallydock_edge_device_"+name, help, append([]string{"device", "driver"}, labels...), nil)
}

// The metrics of each device.
var (
	upDesc       = describe("up", "1 while the device works, 0.5 while it is degraded, 0 while it is down.")
	readsDesc    = describe("reads_total", "Tag reads that the device reported.")
	samplesDesc  = describe("samples_total", "Measured values that the device reported.", "quality")
	lostDesc     = describe("lost_total", "Reports that the device says it dropped.")
	failuresDesc = describe("failures_total", "Times that the device's driver gave up and was started again.")
)

// collector shows a fleet's own counts, so that they are counted once.
type collector struct{ fleet *Fleet }

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upDesc, readsDesc, samplesDesc, lostDesc, failuresDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	for _, m := range c.fleet.members {
		count := func(d *prometheus.Desc, n uint64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), append([]string{m.id, m.kind}, labels...)...)
		}
		to <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, float64(m.snapshot().State)/float64(devices.Up), m.id, m.kind)
		count(readsDesc, m.reads.Load())
		count(lostDesc, m.lost.Load())
		count(failuresDesc, m.failures.Load())
		for q := range m.samples {
			count(samplesDesc, m.samples[q].Load(), devices.Quality(q).String())
		}
	}
}
