package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics tell how the API is used.
type metrics struct {
	took    *prometheus.HistogramVec
	streams prometheus.Gauge
	dropped prometheus.Counter
}

// newMetrics registers them; reg nil = nowhere.
func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tallydock_api_request_seconds", Help: "Time that requests of the API took, by route and status.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10},
		}, []string{"route", "status"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tallydock_api_event_streams", Help: "Open event streams."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_api_event_streams_dropped_total", Help: "Event streams closed because their client was too slow.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.took, m.streams, m.dropped)
	}
	return m
}

// request counts a request of the API's table; streams are counted by themselves.
func (m *metrics) request(route string, status int, took time.Duration) {
	if route != "" && route != "events" {
		m.took.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
	}
}
