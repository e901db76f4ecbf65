package watch_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/watch"
)

// mkt is the mean kinetic temperature of values with weights, in hours; nil for equal ones.
func mkt(t *testing.T, temps, weights []float64, heat int64) float64 {
	t.Helper()
	var k watch.Kinetic
	for i, c := range temps {
		d := time.Hour
		if weights != nil {
			d = time.Duration(weights[i] * float64(time.Hour))
		}
		v, err := unit.MilliFromFloat(c)
		if err != nil {
			t.Fatal(err)
		}
		k.Add(v, d, heat)
	}
	c, ok := k.Mean(heat)
	if !ok {
		t.Fatal("nothing was counted")
	}
	return c
}

func repeat(c float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = c
	}
	return out
}

func TestMeanKineticTemperatureOfTheVectors(t *testing.T) {
	var file struct {
		Third []struct {
			Source string
			Temps  []float64 `json:"temps_c"`
			Want   *float64  `json:"expected_c_2dp"`
		} `json:"third_party"`
		Exact []struct {
			Case    string
			Weights []float64 `json:"weights_h"`
			Temps   any       `json:"temps_c"`
			Want    string    `json:"mkt_c_8dp"`
		} `json:"independent_40_digit_decimal"`
	}
	sharedJSON(t, "mkt/vectors.json", &file)
	for _, v := range file.Third {
		if v.Want != nil {
			if got := mkt(t, v.Temps, nil, 0); math.Abs(got-*v.Want) > 0.005 {
				t.Errorf("%s: %f, want %f", v.Source, got, *v.Want)
			}
		}
	}
	spelled := map[string][]float64{"spike 90x5,10x15": append(repeat(5, 90), repeat(15, 10)...)}
	for _, v := range file.Exact {
		temps := spelled[v.Case]
		if list, ok := v.Temps.([]any); ok {
			temps = nil
			for _, c := range list {
				temps = append(temps, c.(float64))
			}
		}
		want, err := strconv.ParseFloat(v.Want, 64)
		if err != nil || temps == nil {
			t.Fatalf("%s: %v", v.Case, err)
		}
		if got := mkt(t, temps, v.Weights, 0); math.Abs(got-want) > 5.001e-9 {
			t.Errorf("%s: %.9f, want %s", v.Case, got, v.Want)
		}
	}
}

func TestMeanKineticTemperature(t *testing.T) {
	for _, v := range []struct {
		name           string
		temps, weights []float64
		heat           int64
		want           float64
	}{
		{"third party's readings, to five digits", []float64{19.8, 20.2, 20.6, 21, 21.3, 21.5}, nil, 0, 20.75278},
		{"18 h at 5, 6 h at 14", []float64{5, 14}, []float64{18, 6}, 0, 8.2852},
		{"one temperature is itself", []float64{-18.5}, nil, 0, -18.5},
		{"with no heat to speak of it is the harmonic mean in K", []float64{4, 16}, nil, 1, 2/(1/277.15+1/289.15) - 273.15},
	} {
		if got := mkt(t, v.temps, v.weights, v.heat); math.Abs(got-v.want) > 1e-3 {
			t.Errorf("%s: %.5f, want %.5f", v.name, got, v.want)
		}
	}
	if _, ok := (watch.Kinetic{}).Mean(0); ok {
		t.Error("nothing has a mean kinetic temperature")
	}
}

// The machine sums in buckets as values come; at the end of its window it must say what the formula says of all of them.
func TestStreamedMKTIsExact(t *testing.T) {
	for _, c := range []struct {
		name   string
		window time.Duration
		each   time.Duration
		runs   []span
		want   unit.Milli
	}{
		{"24 h: 20 h at 5, 4 h at 15", 24 * time.Hour, time.Minute, []span{{20 * time.Hour, 5}, {4 * time.Hour, 15}}, 7705},
		{"24 h: 18 h at 5, 6 h at 14", 24 * time.Hour, 7 * time.Minute, []span{{18 * time.Hour, 5}, {6 * time.Hour, 14}}, 8285},
		{"what was before the window is out of it", 24 * time.Hour, 5 * time.Minute, []span{{30 * time.Hour, 25}, {20 * time.Hour, 5}, {4 * time.Hour, 15}}, 7705},
		{"30 days", 30 * 24 * time.Hour, 10 * time.Minute, []span{{600 * time.Hour, 20}, {120 * time.Hour, 25}}, 0},
		{"since the reset", 0, 10 * time.Minute, []span{{600 * time.Hour, 20}, {120 * time.Hour, 25}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRigOf(t, one(watch.Rule{Kind: watch.MKT, Limit: 1, Window: c.window})) // 0.001 °C: always in alarm
			for _, s := range c.runs {
				r.every(c.each, s.d, s.celsius)
				r.now = r.now.Truncate(time.Hour) // 7 minutes do not divide an hour
			}
			r.sample(0, devices.Good)
			var k watch.Kinetic
			if c.want == 0 {
				for _, s := range c.runs {
					k.Add(unit.Milli(s.celsius*1000), s.d, 0)
				}
				c.want, _ = k.Milli(0)
			}
			if got := r.m.Standing()[0].Value; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestOldestBucketCountsForThePartInTheWindow(t *testing.T) {
	const half = 150 * time.Second // of a bucket of five minutes
	r := newRigOf(t, one(watch.Rule{Kind: watch.MKT, Limit: 1, Window: 24 * time.Hour}))
	r.every(half, 30*time.Hour, 25)
	r.every(half, 24*time.Hour-half, 5)
	r.sample(5, devices.Good)
	var k watch.Kinetic
	k.Add(25_000, half, 0)
	k.Add(5_000, 24*time.Hour-half, 0)
	if want, _ := k.Milli(0); r.m.Sums()[0].MKT != want {
		t.Errorf("%s, want %s", r.m.Sums()[0].MKT, want)
	}
}

func TestMKTOfTooLittleSaysNothing(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{Kind: watch.MKT, Limit: 8001, Window: 24 * time.Hour, Least: 6 * time.Hour}))
	r.every(5*time.Minute, 6*time.Hour, 9)
	r.want()
	r.sample(9, devices.Good)
	r.want("rule raise normal>unacked")
	if c := r.got[0].Comment; c != "75.0 % of 24h0m0s not measured" {
		t.Errorf("told with %q", c)
	}
	if s := r.m.Sums(); len(s) != 1 || s[0].MKT != 9000 || s[0].Known != 6*time.Hour || s[0].Missing != 18*time.Hour || !s[0].Upto.Equal(r.now) {
		t.Errorf("sums %+v", s)
	}
}

func TestGapsAreNoPartOfMKTAndKeepItFromReturning(t *testing.T) {
	r := newRigOf(t, one(watch.Rule{Kind: watch.MKT, Limit: 8001, Window: 24 * time.Hour, Least: time.Hour, MaxGap: 5 * time.Minute}))
	r.every(5*time.Minute, 2*time.Hour, 9)
	r.want("rule raise normal>unacked")
	r.now = r.now.Add(30 * time.Hour) // the hot hours leave the window unseen
	r.every(5*time.Minute, 21*time.Hour, 3)
	r.want() // more than a tenth of the window is unknown
	r.every(5*time.Minute, time.Hour, 3)
	r.want("rule return unacked>rtn_unacked")
}
