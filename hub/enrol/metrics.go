package enrol

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of a Service.
type metrics struct {
	issued *prometheus.CounterVec

	mu      sync.Mutex
	servers []*serverKeeper
}

func newMetrics() *metrics {
	return &metrics{issued: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tallydock_enrol_requests_total", Help: "Certificates that edges asked for, by what became of it: enrolled, renewed, renewed_late or refused.",
	}, []string{"result"})}
}

func (m *metrics) register(r prometheus.Registerer, s *Service) {
	if r == nil {
		return
	}
	ca := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tallydock_enrol_ca_expiry_timestamp_seconds", Help: "When the root that issues certificates ends, in Unix time.",
	}, func() float64 { return seconds(s.cfg.CA.issuer().root.NotAfter) })
	server := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tallydock_enrol_server_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of a listener of this hub ends that ends first, in Unix time; 0 = there is none.",
	}, m.soonest)
	r.MustRegister(m.issued, ca, server)
}

func (m *metrics) serve(k *serverKeeper) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.servers = append(m.servers, k)
}

func (m *metrics) soonest() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var first time.Time
	for _, k := range m.servers {
		if end := k.expires(); first.IsZero() || end.Before(first) {
			first = end
		}
	}
	return seconds(first)
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}
