package reconcile

import (
	"math"

	"github.com/tallydock/tallydock/devices/unit"
)

// Powers and levels are turned into one another with each read at a door, so it is done by tables: to a thousandth of a decibel.

// The power of whole dBm, from lowestPower on, and of hundredths of a decibel: a power of ten costs more than all else that is
// done with a read.
const lowestPower, highestPower = -150, 50

var (
	wholePower = powers(lowestPower, highestPower, 10)
	centiPower = powers(0, 99, 1000)
)

func powers(from, to int, per float64) []float64 {
	out := make([]float64, 0, to-from+1)
	for k := from; k <= to; k++ {
		out = append(out, math.Pow(10, float64(k)/per))
	}
	return out
}

func picowatts(v unit.DBm) float64 {
	v = min(max(v, 100*lowestPower), 100*highestPower) - 100*lowestPower
	return 1e9 * wholePower[v/100] * centiPower[v%100]
}

// The logarithm of mantissas, and what is left of a power after so many paces.
const (
	mantissaBits   = 11
	fadeSteps      = 256
	fadeFrom       = 0.5 / fadeSteps
	longestFade    = 12 // paces; after them 52 dB are gone
	leastPicowatts = 1e-6
)

var (
	mantissas = tabled(1<<mantissaBits, func(k float64) float64 { return math.Log10(1 + (k+0.5)/(1<<mantissaBits)) })
	fades     = tabled(longestFade*fadeSteps, func(k float64) float64 { return math.Exp(-k / fadeSteps) })
	log2      = math.Log10(2)
)

func tabled(n int, f func(float64) float64) []float64 {
	out := make([]float64, n)
	for k := range out {
		out[k] = f(float64(k))
	}
	return out
}

// faded is what is left of a power after so many paces without a read.
func faded(paces float64) float64 {
	if paces >= longestFade-fadeFrom {
		return 0
	}
	return fades[int((paces+fadeFrom)*fadeSteps)]
}

// dBmOf turns picowatts, as linear gives them, into a level.
func dBmOf(picowatts float64) unit.DBm {
	bits := math.Float64bits(max(picowatts, leastPicowatts))
	log := float64(int(bits>>52)-1023)*log2 + mantissas[bits>>(52-mantissaBits)&(1<<mantissaBits-1)]
	return unit.DBm(math.Round(1000*log)) - 9000
}

func dBm(v float64) unit.DBm { return unit.DBm(math.Round(100 * v)) }
