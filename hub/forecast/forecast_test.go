package forecast_test

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/forecast"
)

func repeat(pattern []float64, n int) []float64 {
	var out []float64
	for len(out) < n {
		out = append(out, pattern...)
	}
	return out[:n]
}

func TestClassify(t *testing.T) {
	for want, demand := range map[forecast.Class][]float64{
		forecast.Smooth:       repeat([]float64{10, 11, 9, 10}, 60),
		forecast.Erratic:      repeat([]float64{1, 30, 2, 1, 50}, 60),
		forecast.Intermittent: repeat([]float64{0, 0, 4, 0, 5}, 60),
		forecast.Lumpy:        repeat([]float64{0, 0, 1, 0, 40, 0, 2}, 70),
		forecast.New:          repeat([]float64{5}, 13),
	} {
		if got := forecast.Classify(demand); got != want {
			t.Errorf("%v… is %s; want %s", demand[:7], got, want)
		}
	}
	if got := forecast.Classify(repeat([]float64{0}, 365)); got != forecast.New {
		t.Errorf("no demand in a year is %s; want new", got)
	}
}

func TestSteadyDemandIsForecastWithoutError(t *testing.T) {
	f := forecast.Fit(repeat([]float64{12}, 90), 14)
	if f.Method != forecast.SES || math.Abs(f.Mean-12) > 1e-9 || f.SD > 1e-9 || f.Basis != forecast.Backtest {
		t.Errorf("got %+v", f)
	}
}

func TestErrorOverTheHorizonCountsRunsOfHighDemand(t *testing.T) {
	var runs []float64
	for i := range 180 {
		runs = append(runs, 10+8*float64(i/15%2)) // a fortnight high, a fortnight low
	}
	one, over := forecast.Fit(runs, 1), forecast.Fit(runs, 14)
	if one.Basis != forecast.OneStep || over.Basis != forecast.Backtest || over.SD <= one.SD {
		t.Errorf("one day %+v, a fortnight %+v: runs must weigh more over a fortnight", one, over)
	}
}

func TestShortHistoryIsForecastByItsMean(t *testing.T) {
	f := forecast.Fit([]float64{0, 3, 0, 3}, 7)
	if f.Class != forecast.New || f.Method != forecast.Mean || f.Mean != 1.5 || f.Basis != forecast.OneStep {
		t.Errorf("got %+v", f)
	}
	if f := forecast.Fit(nil, 7); f.Mean != 0 || f.SD != 0 {
		t.Errorf("no history: %+v", f)
	}
}

func TestCrostonOnAHandComputedSeries(t *testing.T) {
	// Demands 2, 4, 2 after 2, 3 and 1 days. alpha 0.1: sizes 2, 2.2, 2.18; gaps 2, 2.1, 1.99.
	demand := []float64{0, 2, 0, 0, 4, 2}
	demand = append(demand, repeat([]float64{0}, 12)...)
	f := forecast.Fit(demand, 1)
	want := 2.18 / 1.99 * 0.95
	if f.Method != forecast.CrostonSBA || math.Abs(f.Mean-want) > 1e-9 {
		t.Errorf("got %+v; want a mean of %v", f, want)
	}
}

// shared finds the folder of recorded series beside the project; the test is skipped where there is none.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			file := filepath.Join(dir, "../shared/data", name)
			if _, err := os.Stat(file); err == nil {
				return file
			}
		}
	}
	t.Skipf("recorded series %s are not here", name)
	return ""
}

func unzip(t *testing.T, file string) io.Reader {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// series reads the training part of every series of a set.
func series(t *testing.T, file string) map[string][]float64 {
	t.Helper()
	r := csv.NewReader(unzip(t, file))
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		horizon, err := strconv.Atoi(row[2])
		if err != nil {
			t.Fatal(err)
		}
		var values []float64
		for _, s := range strings.Fields(row[4]) {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
		}
		out[row[0]] = values[:len(values)-horizon]
	}
}

func TestCrostonAgreesWithR(t *testing.T) {
	golden, data := shared(t, "forecast/golden/croston_raf.json.gz"), shared(t, "forecast/series/raf_monthly.csv.gz")
	var want []struct {
		ID string  `json:"id"`
		A  float64 `json:"croston_alpha0.1"`
	}
	if err := json.NewDecoder(unzip(t, golden)).Decode(&want); err != nil {
		t.Fatal(err)
	}
	all, agreed, compared := series(t, data), 0, 0
	for _, w := range want {
		f := forecast.Fit(all[w.ID], 1)
		if f.Method != forecast.CrostonSBA {
			continue
		}
		compared++
		if got := f.Mean / 0.95; math.Abs(got-w.A) <= 1e-6*w.A {
			agreed++
		} else {
			t.Errorf("%s: %v; R says %v", w.ID, got, w.A)
		}
	}
	t.Logf("%d of %d intermittent series agree with R's croston(alpha=0.1); %d goldens", agreed, compared, len(want))
	if compared < 50 {
		t.Errorf("only %d series were compared", compared)
	}
}

func TestQuantiles(t *testing.T) {
	poisson := forecast.Forecast{Mean: 3, SD: 1}
	for p, want := range map[float64]float64{0.1: 1, 0.5: 3, 0.9: 5, 0.99: 8} { // tables of the Poisson distribution
		if got := poisson.Quantile(p); got != want {
			t.Errorf("Poisson(3) at %v is %v; want %v", p, got, want)
		}
	}
	// r = 4, probability 0.4: mean 6, variance 15; cumulative sums by hand.
	nb := forecast.Forecast{Mean: 6, SD: math.Sqrt(15)}
	for p, want := range map[float64]float64{0.5: 5, 0.9: 11} {
		if got := nb.Quantile(p); got != want {
			t.Errorf("negative binomial at %v is %v; want %v", p, got, want)
		}
	}
	if got := (forecast.Forecast{Mean: 5000, SD: 100}).Quantile(0.9); got != 5128 {
		t.Errorf("normal at 0.9 is %v; want 5128", got)
	}
}

func TestEverythingThatComesOutIsFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		demand := rapid.SliceOf(rapid.OneOf(
			rapid.Just(0.0), rapid.Float64Range(0, 50), rapid.Float64(),
			rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -3, 1e308}),
		)).Draw(t, "demand")
		f := forecast.Fit(demand, rapid.IntRange(0, 100).Draw(t, "horizon"))
		for name, v := range map[string]float64{
			"mean": f.Mean, "sd": f.SD, "alpha": f.Alpha, "q10": f.Quantile(0.1), "q90": f.Quantile(0.9),
		} {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				t.Fatalf("%s is %v of %v", name, v, demand)
			}
		}
		if f.Quantile(0.1) > f.Quantile(0.9) {
			t.Fatalf("bands cross: %+v", f)
		}
	})
}

func BenchmarkFit365Days(b *testing.B) {
	demand := repeat([]float64{10, 14, 9, 0, 11, 12, 30}, 365)
	for b.Loop() {
		forecast.Fit(demand, 14)
	}
}
