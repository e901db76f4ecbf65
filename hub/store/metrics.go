package store

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
)

// metrics count what this DB asked of the database.
type metrics struct {
	transactions *prometheus.CounterVec // by result
	commit       prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		transactions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tallydock_database_transactions_total",
			Help: "Attempts of write transactions: committed, undone (what was asked is refused), disturbed (by another one, and tried again), failed.",
		}, []string{"result"}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tallydock_database_commit_seconds", Help: "Time of the commits of write transactions, until they are durable.",
			Buckets: prometheus.ExponentialBuckets(0.0002, 2, 15),
		}),
	}
	for _, result := range []string{committed, undone, disturbed, failed} {
		m.transactions.WithLabelValues(result) // so that a rate is there before the first of them
	}
	return m
}

// The results of an attempt.
const (
	committed = "committed"
	undone    = "undone"
	disturbed = "disturbed"
	failed    = "failed"
)

// attempted counts an attempt by its error.
func (db *DB) attempted(err error) {
	result := failed
	switch {
	case err == nil:
		result = committed
	case db.again(err):
		result = disturbed
	case refusal(err) || errors.Is(err, context.Canceled):
		result = undone
	}
	db.metrics.transactions.WithLabelValues(result).Inc()
}

// refusal reports whether an error is about what was asked, and not about the database.
func refusal(err error) bool {
	for _, kind := range []error{fault.Invalid, fault.NotFound, fault.Conflict, fault.Forbidden, intake.ErrRefused} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// timed runs a commit.
func (m *metrics) timed(commit func() error) error {
	began := time.Now()
	err := commit()
	m.commit.Observe(time.Since(began).Seconds())
	return err
}

// Register shows the database's metrics; they count from when the DB was made.
func (db *DB) Register(r prometheus.Registerer) {
	r.MustRegister(db.metrics.transactions, db.metrics.commit)
}
