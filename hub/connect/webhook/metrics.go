package webhook

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	attempts *prometheus.CounterVec // by outcome
	ended    *prometheus.CounterVec // by state
	disabled prometheus.Counter
	stale    prometheus.Counter
	troubles *prometheus.CounterVec // by operation
	inHand   prometheus.Gauge
	took     prometheus.Histogram
	late     prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallydock_webhook_attempts_total",
			Help: "Attempts to send, by outcome: 2xx, 3xx, 4xx, 5xx, or why there was no answer.",
		}, []string{"outcome"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallydock_webhook_deliveries_total", Help: "Deliveries that ended, by state: delivered, failed.",
		}, []string{"state"}),
		disabled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_webhook_disabled_total", Help: "Endpoints that were disabled because they failed or wanted no more.",
		}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_webhook_stale_total", Help: "Outcomes that came after their lease was gone; the message may go out again.",
		}),
		troubles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallydock_webhook_store_errors_total", Help: "Calls of the database that failed, by operation: claim, settle.",
		}, []string{"operation"}),
		inHand: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tallydock_webhook_in_hand", Help: "Messages that are being sent.",
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tallydock_webhook_attempt_seconds", Help: "Time that an attempt took.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 13),
		}),
		late: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tallydock_webhook_delay_seconds", Help: "Time from when an attempt was due to its beginning.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 10),
		}),
	}
	if reg != nil {
		reg.MustRegister(m.attempts, m.ended, m.disabled, m.stale, m.troubles, m.inHand, m.took, m.late)
	}
	return m
}

// kind is an outcome as it is counted.
func (o Outcome) kind() string {
	if o.Status == 0 {
		return string(o.Cause)
	}
	return string(rune('0'+o.Status/100)) + "xx"
}
