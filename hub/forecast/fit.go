package forecast

import "math"

// Method is how a series was forecast.
type Method string

// The methods.
const (
	SES        Method = "ses"         // simple exponential smoothing
	CrostonSBA Method = "croston_sba" // Croston's method, times (1 - alpha/2)
	Mean       Method = "mean"        // the mean of a short history
)

// Basis says how the error was measured.
type Basis string

// The bases of an error.
const (
	// Backtest: root mean square error of the demand over the whole horizon, forecast from many days of the past, divided
	// by the root of the horizon to make it a day's.
	Backtest Basis = "backtest"
	// OneStep: root mean square error one day ahead; the history is too short for more.
	OneStep Basis = "one_step"
)

// Forecast is what to expect of each day to come.
type Forecast struct {
	Class  Class
	Method Method
	Alpha  float64 // smoothing constant; 0 for Mean
	Mean   float64 // units a day
	SD     float64 // error of a day, in units; over n days it is SD·√n
	Basis  Basis
	Days   int // length of the history
}

// crostonAlpha is the smoothing constant for intermittent demand, where too few demands are there to fit one: the
// middle of the 0.05 to 0.2 that the literature recommends.
const crostonAlpha = 0.1

// maxDemand bounds one day's demand, so that no square overflows.
const maxDemand = 1e12

// Fit forecasts a series of daily demand, oldest first, for a stock that must cover horizon days. What is not a number
// or negative counts as no demand.
func Fit(demand []float64, horizon int) Forecast {
	demand = clean(demand)
	f := Forecast{Class: Classify(demand), Days: len(demand)}
	switch f.Class {
	case New:
		f.Method = Mean
	case Smooth, Erratic:
		f.Method, f.Alpha = SES, bestAlpha(demand)
	default:
		f.Method, f.Alpha = CrostonSBA, crostonAlpha
	}
	path := f.path(demand)
	f.Mean = path[len(path)-1]
	f.SD, f.Basis = f.error(demand, path, horizon)
	return f
}

func clean(demand []float64) []float64 {
	out := make([]float64, len(demand))
	for i, d := range demand {
		if d > 0 { // false for NaN
			out[i] = min(d, maxDemand)
		}
	}
	return out
}

// path gives the forecast of a day's demand as it stood before each day, and last the one after all of them.
func (f Forecast) path(demand []float64) []float64 {
	switch f.Method {
	case SES:
		return sesPath(demand, f.Alpha, sesStart(demand))
	case CrostonSBA:
		p := crostonPath(demand, f.Alpha)
		for i := range p {
			p[i] *= 1 - f.Alpha/2
		}
		return p
	default:
		return meanPath(demand)
	}
}

// error measures how wrong the method was on this history.
func (f Forecast) error(demand, path []float64, horizon int) (float64, Basis) {
	start := min(len(demand)/3, 28) // the first days only teach
	one := rmse(demand, path, start, 1)
	if horizon < 2 || len(demand)-start < 3*horizon {
		return one, OneStep
	}
	return rmse(demand, path, start, horizon) / math.Sqrt(float64(horizon)), Backtest
}

// rmse is the root mean square error of the demand of h days, forecast before each day from start on.
func rmse(demand, path []float64, start, h int) float64 {
	squares, n, window := 0.0, 0.0, 0.0
	for i, d := range demand {
		window += d
		if i >= h {
			window -= demand[i-h]
		}
		if from := i - h + 1; from >= start && from >= 0 {
			e := window - path[from]*float64(h)
			squares += e * e
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return math.Sqrt(squares / n)
}

// sesStart is the level before the first day: the mean of the first week.
func sesStart(demand []float64) float64 {
	week := demand[:min(7, len(demand))]
	sum := 0.0
	for _, d := range week {
		sum += d
	}
	return sum / float64(max(1, len(week)))
}

// sesPath is simple exponential smoothing: level += alpha · (demand − level).
func sesPath(demand []float64, alpha, level float64) []float64 {
	path := make([]float64, 0, len(demand)+1)
	for _, d := range demand {
		path = append(path, level)
		level += alpha * (d - level)
	}
	return append(path, level)
}

// bestAlpha has the least squared error one day ahead, of 0.02, 0.04 … 0.5.
func bestAlpha(demand []float64) float64 {
	best, least := 0.0, math.Inf(1)
	for step := 1; step <= 25; step++ {
		alpha := float64(step) / 50
		level, squares := sesStart(demand), 0.0
		for _, d := range demand {
			e := d - level
			squares += e * e
			level += alpha * e
		}
		if squares < least {
			best, least = alpha, squares
		}
	}
	return best
}

// crostonPath is Croston's method (1972): demand sizes and the days between them are smoothed apart, each from its first
// value, and the forecast is their ratio.
func crostonPath(demand []float64, alpha float64) []float64 {
	path := make([]float64, 0, len(demand)+1)
	size, gap, since, rate := 0.0, 0.0, 0.0, 0.0
	for _, d := range demand {
		path = append(path, rate)
		since++
		if d == 0 {
			continue
		}
		if size == 0 {
			size, gap = d, since
		} else {
			size += alpha * (d - size)
			gap += alpha * (since - gap)
		}
		since, rate = 0, size/gap
	}
	return append(path, rate)
}

func meanPath(demand []float64) []float64 {
	path := make([]float64, 0, len(demand)+1)
	sum := 0.0
	for i, d := range demand {
		path = append(path, sum/float64(max(1, i)))
		sum += d
	}
	return append(path, sum/float64(max(1, len(demand))))
}
