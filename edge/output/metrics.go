package output

import "github.com/prometheus/client_golang/prometheus"

// The metrics of each output.
var (
	onDesc      = prometheus.NewDesc("tallydock_edge_output_on", "1 while the output is wanted on.", []string{"output"}, nil)
	failingDesc = prometheus.NewDesc("tallydock_edge_output_failing", "1 while the output cannot be set for longer than 15 s.",
		[]string{"output"}, nil)
)

// collector shows the outputs as they are.
type collector struct{ outputs *Outputs }

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) { to <- onDesc; to <- failingDesc }

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	for _, s := range c.outputs.States() {
		to <- prometheus.MustNewConstMetric(onDesc, prometheus.GaugeValue, flag(s.On), s.Name)
		to <- prometheus.MustNewConstMetric(failingDesc, prometheus.GaugeValue, flag(s.Failing), s.Name)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
