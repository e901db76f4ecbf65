package influx

import "github.com/prometheus/client_golang/prometheus"

// metrics of a Drainer, all under tallydock_series_.
type metrics struct {
	written, retried, quarantined prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "tallydock_series_" + name, Help: help})
	}
	return &metrics{
		written:     counter("written_total", "Samples that InfluxDB has taken."),
		retried:     counter("retried_total", "Requests that had to be made again."),
		quarantined: counter("quarantined_total", "Samples that InfluxDB refused."),
	}
}

func (m *metrics) register(r prometheus.Registerer, d *Drainer) {
	if r == nil {
		return
	}
	gauge := func(name, help string, value func(Health) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tallydock_series_" + name, Help: help},
			func() float64 { return value(d.Health()) })
	}
	r.MustRegister(m.written, m.retried, m.quarantined,
		gauge("spool_samples", "Samples that wait for InfluxDB.", func(h Health) float64 { return float64(h.Backlog.Samples) }),
		gauge("lag_seconds", "How long the oldest of those has waited.", func(h Health) float64 { return h.Backlog.Age.Seconds() }),
		gauge("influx_up", "1 while InfluxDB takes samples.", func(h Health) float64 {
			if h.Up {
				return 1
			}
			return 0
		}),
	)
}
