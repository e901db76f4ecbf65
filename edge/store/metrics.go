package store

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/edge/outbox"
)

// metrics of a store, all under edge_store_.
type metrics struct {
	commits prometheus.Histogram
	groups  prometheus.Histogram
	stops   prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "edge_store_commit_seconds", Help: "Time of one synced commit.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14),
		}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "edge_store_commit_records", Help: "Records in one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		stops: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "edge_store_intake_stops_total", Help: "How often intake stopped for want of space.",
		}),
	}
}

func (m *metrics) register(r prometheus.Registerer, s *Store) {
	if r == nil {
		return
	}
	gauge := func(name, help string, value func(outbox.Position) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "edge_store_" + name, Help: help},
			func() float64 { return value(s.Position()) })
	}
	r.MustRegister(m.commits, m.groups, m.stops,
		gauge("head", "Seq of the last main record.", func(p outbox.Position) float64 { return float64(p.Head) }),
		gauge("acked", "Last main record that the hub has.", func(p outbox.Position) float64 { return float64(p.Acked) }),
		gauge("epoch", "Number of the open epoch.", func(p outbox.Position) float64 { return float64(p.Epoch) }),
		gauge("samples_head", "Seq of the last sample.", func(p outbox.Position) float64 { return float64(p.SamplesHead) }),
		gauge("samples_acked", "Last sample that the hub has.", func(p outbox.Position) float64 { return float64(p.SamplesAcked) }),
		gauge("samples_thinned", "Samples given up for want of space.", func(p outbox.Position) float64 { return float64(p.Thinned) }),
		gauge("damaged", "Records found damaged.", func(p outbox.Position) float64 { return float64(p.Damaged) }),
		gauge("free_bytes", "Free bytes on the file system.", func(p outbox.Position) float64 { return float64(p.Free) }),
		gauge("need_bytes", "Free bytes below which intake stops.", func(p outbox.Position) float64 { return float64(p.Need) }),
	)
}

func (m *metrics) group(records int) { m.groups.Observe(float64(records)) }
