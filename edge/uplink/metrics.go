package uplink

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of an uplink, all under edge_uplink_.
type metrics struct {
	envelopes *prometheus.CounterVec
	records   *prometheus.CounterVec
	acks      *prometheus.CounterVec
	resends   prometheus.Counter
	refused   prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "edge_uplink_" + name, Help: help}
	}
	return &metrics{
		envelopes: prometheus.NewCounterVec(counter("envelopes_total", "Envelopes sent, with those sent again."), []string{"topic"}),
		records:   prometheus.NewCounterVec(counter("records_total", "Records sent, with those sent again."), []string{"topic"}),
		acks:      prometheus.NewCounterVec(counter("acks_total", "Acks of the hub by what they changed."), []string{"result"}),
		resends:   prometheus.NewCounter(counter("resends_total", "How often sending began again from the cursor.")),
		refused:   prometheus.NewCounter(counter("unreadable_total", "Messages of the hub that were not readable.")),
	}
}

func (m *metrics) register(r prometheus.Registerer, u *Uplink) {
	if r == nil {
		return
	}
	connected := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "edge_uplink_connected", Help: "1 while there is a connection to the hub's broker.",
	}, func() float64 {
		if u.State().Connected {
			return 1
		}
		return 0
	})
	lag := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "edge_uplink_lag_records", Help: "Main records that the hub does not have yet.",
	}, func() float64 {
		p := u.outbox.Position()
		return float64(p.Head - min(p.Acked, p.Head))
	})
	r.MustRegister(m.envelopes, m.records, m.acks, m.resends, m.refused, connected, lag)
}

func (m *metrics) sent(topic string, records int) {
	m.envelopes.WithLabelValues(topic).Inc()
	m.records.WithLabelValues(topic).Add(float64(records))
}
