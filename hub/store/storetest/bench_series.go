package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
)

// Load is a shape in which samples come: so many of so many sensors in one transaction.
type Load struct {
	Name          string
	Sensors, Each int
}

// Loads are those that the benchmarks measure.
var Loads = []Load{
	{"each sensor once", 500, 1},    // as they come
	{"ten sensors at once", 10, 50}, // of an edge that was away
}

// Batch is how many samples a transaction of the load has.
func (l Load) Batch() int { return l.Sensors * l.Each }

// sample is the nth sample of a load, with its edge: in transactions, by sensor, half a minute apart.
func (l Load) sample(n int) (edge string, s wire.Sample) {
	turn, within := n/l.Batch(), n%l.Batch()
	sensor, nth := within/l.Each, turn*l.Each+within%l.Each
	return fmt.Sprintf("SZ1-E%d", sensor/20), wire.Sample{
		Device: fmt.Sprintf("probe-%d", sensor), Channel: "28-00000a", Location: "SZ1-R", Quantity: unit.Temperature,
		Value: unit.Milli(4000 + n*7919%977), At: noon.Add(time.Duration(nth) * 30 * time.Second),
	}
}

// Rows are n samples of a load as the table of samples has them.
func (l Load) Rows(n int) (rows [][]any) {
	for i := range n {
		_, s := l.sample(i)
		rows = append(rows, []any{int64(i%l.Batch()/l.Each + 1), s.At.UnixMicro(), int64(s.Value), int64(devices.Good), ""})
	}
	return rows
}

// BenchmarkSamples is how many samples a second are taken into the tables of samples, and into the spool.
func BenchmarkSamples(b *testing.B, open Open) {
	for _, l := range Loads {
		b.Run(l.Name, func(b *testing.B) { benchmarkSamples(b, store.Intake{DB: open(b, time.Now, nil)}, l) })
	}
	b.Run("spool", func(b *testing.B) {
		benchmarkSamples(b, store.Intake{DB: open(b, time.Now, nil), Spooled: true}, Loads[0])
	})
}

func benchmarkSamples(b *testing.B, kept store.Intake, l Load) {
	putLoad(b, kept, l, 0) // the sensors are known
	b.ReportAllocs()
	b.ResetTimer()
	done := 0
	for turn := 1; done < b.N; turn++ {
		done += putLoad(b, kept, l, turn)
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "samples/s")
}

func putLoad(b *testing.B, kept store.Intake, l Load, turn int) int {
	err := kept.Take(b.Context(), func(tx intake.Tx) error {
		for i := range l.Batch() {
			if err := tx.PutSample(l.sample(turn*l.Batch() + i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return l.Batch()
}

// BenchmarkYear asks for a year of one sensor with a sample each half minute, by resolution.
func BenchmarkYear(b *testing.B, open Open) {
	kept := store.Series{DB: open(b, time.Now, nil)}
	const day, all = 24 * time.Hour, 365 * 2880
	var some []series.Sample
	for i := range all {
		s := sample(noon.Add(time.Duration(i)*30*time.Second), unit.Milli(4000+i*7919%977))
		if some = append(some, series.Of("E", s)); len(some) == 5000 || i == all-1 {
			if err := kept.Write(b.Context(), some); err != nil {
				b.Fatal(err)
			}
			some = some[:0]
		}
	}
	reader := series.NewReader(kept, series.Retention{}, func() time.Time { return noon.Add(365 * day) })
	for _, c := range []struct {
		name string
		span time.Duration
		res  series.Resolution
	}{
		{"4 hours raw", 4 * time.Hour, series.Raw},
		{"a day raw", day, series.Raw},
		{"8 days raw", 8 * day, series.Raw},
		{"8 days in minutes", 8 * day, series.Minute},
		{"120 days in quarters of an hour", 120 * day, series.QuarterHour},
		{"a year in hours", 365 * day, series.Hour},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				got, err := reader.Query(b.Context(), series.Query{From: noon.Add(200*day - c.span/2), To: noon.Add(200*day + c.span/2), Resolution: c.res})
				if err != nil || len(got) != 1 || got[0].Resolution != c.res || len(got[0].Points) == 0 {
					b.Fatal(got, err)
				}
			}
		})
	}
}
