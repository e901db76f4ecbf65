package influx_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/influx"
)

// benchPoints are drained by one turn of a benchmark.
const benchPoints = 200_000

// keys are the sensors of the benchmarks.
var keys = func() (all [200]series.Key) {
	for i := range all {
		all[i] = series.Key{Edge: fmt.Sprintf("SZ1-E%d", i/20), Device: fmt.Sprintf("probe-%d", i), Channel: "28-00000a", Quantity: unit.Temperature}
	}
	return all
}()

func benchSample(row int64) series.Sample {
	return series.Sample{
		Key: keys[row%200], At: noon.Add(time.Duration(row/200) * time.Second), Value: unit.Milli(row * 7919 % 9973), HasValue: true, Location: "SZ1-R",
	}
}

// stream is a spool that is never read from a disk.
type stream struct {
	done atomic.Int64
	end  chan struct{}
}

func (s *stream) Next(_ context.Context, after int64, n int) (all []series.Spooled, _ error) {
	for row := max(after, s.done.Load()) + 1; row <= benchPoints && len(all) < n; row++ {
		all = append(all, series.Spooled{Row: row, Sample: benchSample(row)})
	}
	return all, nil
}

func (s *stream) Done(_ context.Context, rows []int64) error {
	if s.done.Add(int64(len(rows))) == benchPoints {
		close(s.end)
	}
	return nil
}

func (s *stream) Refuse(context.Context, []series.Refused) error  { panic("refused") }
func (s *stream) Backlog(context.Context) (series.Backlog, error) { return series.Backlog{}, nil }

// BenchmarkDrain brings the same points to the same InfluxDB: by a Drainer, and by the client's own asynchronous writer, which
// confirms nothing and gives up what it cannot send.
func BenchmarkDrain(b *testing.B) {
	s := shared(b)
	b.Run("drainer", func(b *testing.B) {
		h := openHub(b, s.Addr, s.Database(b))
		for b.Loop() {
			spool := &stream{end: make(chan struct{})}
			stop := run(b, influx.NewDrainer(h.DB, spool, influx.Options{Log: quiet}))
			<-spool.end
			stop()
		}
		b.ReportMetric(benchPoints*float64(b.N)/b.Elapsed().Seconds(), "points/s")
	})
	b.Run("client's WriteAPI", func(b *testing.B) {
		database := s.Database(b)
		client := influxdb2.NewClientWithOptions("http://"+s.Addr, "", influxdb2.DefaultOptions().SetBatchSize(5_000).SetPrecision(time.Microsecond))
		defer client.Close()
		w := client.WriteAPI("", database+"/autogen")
		for b.Loop() {
			for row := range int64(benchPoints) {
				p := benchSample(row + 1)
				w.WritePoint(write.NewPoint(p.Quantity.String(),
					map[string]string{"channel": p.Channel, "device": p.Device, "edge": p.Edge, "location": p.Location},
					map[string]any{"milli": int64(p.Value), "value": p.Value.Float()}, p.At))
			}
			w.Flush()
		}
		b.ReportMetric(benchPoints*float64(b.N)/b.Elapsed().Seconds(), "points/s")
	})
}

// BenchmarkRead reads a sensor's month of half minutes, as it is and in hours.
func BenchmarkRead(b *testing.B) {
	s := shared(b)
	h := openHub(b, s.Addr, s.Database(b))
	const month = 30 * 24 * time.Hour
	var all []series.Sample
	for at := time.Duration(0); at < month; at += 30 * time.Second {
		all = append(all, series.Sample{Key: keys[0], At: noon.Add(at), Value: unit.Milli(at/time.Second) % 977, HasValue: true})
	}
	if err := h.Write(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	sensor := series.SensorOf(keys[0], "")
	b.Run("readings", func(b *testing.B) {
		for b.Loop() {
			if got, err := h.Readings(b.Context(), sensor, noon, noon.Add(month)); err != nil || len(got) != len(all) {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("hours", func(b *testing.B) {
		for b.Loop() {
			if got, err := h.Buckets(b.Context(), sensor, noon, noon.Add(month), series.Hour); err != nil || len(got) != 30*24 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("four hours", func(b *testing.B) {
		for b.Loop() {
			if got, err := h.Readings(b.Context(), sensor, noon, noon.Add(4*time.Hour)); err != nil || len(got) != 480 {
				b.Fatal(len(got), err)
			}
		}
	})
}
