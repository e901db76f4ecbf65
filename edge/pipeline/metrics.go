package pipeline

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	steps                                                    prometheus.Counter
	movements, passes, alarms, commits, excursions, verdicts *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, p *Pipeline) *metrics {
	vec := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tallydock_edge_" + name, Help: help}, []string{label})
	}
	m := &metrics{
		steps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_edge_pipeline_steps_total", Help: "Reads, samples, health reports and commands that were worked on.",
		}),
		movements:  vec("movements_total", "Movements decided.", "step"),
		passes:     vec("passes_total", "Passes opened (no direction) and closed.", "direction"),
		alarms:     vec("alarm_transitions_total", "Alarm transitions.", "action"),
		excursions: vec("excursions_total", "Excursions that began and ended.", "what"),
		verdicts:   vec("verdicts_total", "Final verdicts on passes at doors with a list.", "signal"),
		commits:    vec("commits_total", "Batches handed to the store.", "result"),
	}
	if r == nil {
		return m
	}
	r.MustRegister(m.steps, m.movements, m.passes, m.alarms, m.commits, m.excursions, m.verdicts,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tallydock_edge_pipeline_queue", Help: "Reads, samples and the like that wait; drivers wait at 4096.",
		}, func() float64 { return float64(len(p.queue)) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tallydock_edge_pipeline_stalled_seconds", Help: "Time since the last progress; it grows while the disk is full.",
		}, func() float64 { return p.Stalled().Seconds() }))
	return m
}
