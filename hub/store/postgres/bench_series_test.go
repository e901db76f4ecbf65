package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

func openDurable(t testing.TB, now func() time.Time, told func([]event.Event)) *store.DB {
	return openURL(t, durable(t.(*testing.B)), now, told)
}

func BenchmarkSamples(b *testing.B) { storetest.BenchmarkSamples(b, openDurable) }

func BenchmarkYear(b *testing.B) { storetest.BenchmarkYear(b, openDurable) }

// BenchmarkSamplesBulk is the limit: the same rows of samples by COPY, as many a durable transaction, and nothing else.
func BenchmarkSamplesBulk(b *testing.B) {
	columns := []string{"sensor", "at", "value", "quality", "reason"}
	for _, l := range storetest.Loads {
		b.Run(l.Name, func(b *testing.B) {
			url := durable(b)
			openURL(b, url, time.Now, nil)
			c, err := pgx.Connect(b.Context(), url)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close(b.Context())
			rows := l.Rows(b.N + l.Batch())
			b.ResetTimer()
			done := 0
			for ; done < b.N; done += l.Batch() {
				_, err := c.CopyFrom(b.Context(), pgx.Identifier{"sample"}, columns, pgx.CopyFromRows(rows[done:done+l.Batch()]))
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
