package ingest

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	messages *prometheus.CounterVec // by kind
	dropped  prometheus.Counter
	records  *prometheus.CounterVec // by outcome
	retries  prometheus.Counter
	fenced   prometheus.Counter
	seconds  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallydock_ingest_messages_total", Help: "Messages from edges, by kind.",
		}, []string{"kind"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_ingest_dropped_messages_total", Help: "Messages that found the queue full; edges send them again.",
		}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallydock_ingest_records_total",
			Help: "Records by what became of them: taken, sample, parked (of the taken), skipped (known already).",
		}, []string{"outcome"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_ingest_retries_total", Help: "Transactions that failed and were tried again.",
		}),
		fenced: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_ingest_fenced_total", Help: "Transactions that did not commit because another hub serves the edges by now.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tallydock_ingest_transaction_seconds", Help: "Time to take one batch, with its commit.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	if reg != nil {
		reg.MustRegister(m.messages, m.dropped, m.records, m.retries, m.fenced, m.seconds)
	}
	return m
}
