package watch

import (
	"math"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// Constants of the mean kinetic temperature.
const (
	gasConstant = 8.3144 // J/(mol K), as USP <1160> has it
	zeroCelsius = 273.15 // K
	// reference is a temperature, K, against which the exponentials are taken, so that sums stay near 1. It cancels out.
	reference = zeroCelsius + 5
)

// Kinetic is the mean kinetic temperature of a time: the one constant temperature that would have done the same harm.
//
//	T = (ΔH/R) / -ln( Σ tᵢ e^(-ΔH/RTᵢ) / Σ tᵢ )      T in K, ΔH the heat of activation, R the gas constant
//
// That is USP <1160> with weights, as Tong and Lock have it (2015): each value counts for the time that it stood. With equal
// times it is the formula of the chapter. The zero Kinetic is empty.
type Kinetic struct {
	Known time.Duration // Σ tᵢ
	Sum   float64       // Σ tᵢ e^(...), tᵢ in s, relative to the reference temperature
}

// Add counts a value, in thousandths of °C, for d. heat is in J/mol; 0 is DefaultHeat.
func (k *Kinetic) Add(v unit.Milli, d time.Duration, heat int64) {
	k.Known += d
	k.Sum += d.Seconds() * harm(v, heat)
}

// Mean gives the temperature in °C; false where nothing was counted.
func (k Kinetic) Mean(heat int64) (celsius float64, ok bool) {
	if k.Known <= 0 || k.Sum <= 0 {
		return 0, false
	}
	q := slope(heat)
	return q/(q/reference-math.Log(k.Sum/k.Known.Seconds())) - zeroCelsius, true
}

// Milli gives the temperature in thousandths of °C.
func (k Kinetic) Milli(heat int64) (unit.Milli, bool) {
	c, ok := k.Mean(heat)
	if !ok {
		return 0, false
	}
	v, err := unit.MilliFromFloat(c)
	return v, err == nil
}

// harm is how much faster than at the reference temperature things decay.
func harm(v unit.Milli, heat int64) float64 {
	kelvin := max(v.Float()+zeroCelsius, 1)
	return math.Exp(-slope(heat) * (1/kelvin - 1/reference))
}

// slope is ΔH/R in K.
func slope(heat int64) float64 { return float64(heatOr(heat)) / gasConstant }

func heatOr(heat int64) int64 {
	if heat <= 0 {
		return DefaultHeat
	}
	return heat
}
