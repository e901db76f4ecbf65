package forecast

import "math"

// Normal gives the standard normal quantile: the z with P(Z ≤ z) = p. p is held within 1e-9 of 0 and 1.
func Normal(p float64) float64 {
	if math.IsNaN(p) {
		return 0
	}
	return math.Sqrt2 * math.Erfinv(2*min(max(p, 1e-9), 1-1e-9)-1)
}

// countLimit is the mean above which counts are near enough to a normal distribution (and e^-mean still a number).
const countLimit = 200

// Quantile gives the demand of one day that is not exceeded with probability p: whole units, of a negative binomial
// distribution where demand varies more than chance would have it, of a Poisson distribution where not, and of a normal
// distribution where demand is large.
func (f Forecast) Quantile(p float64) float64 {
	p = min(max(p, 0), 1-1e-9)
	switch variance := f.SD * f.SD; {
	case f.Mean <= 0:
		return 0
	case f.Mean > countLimit:
		return math.Round(max(0, f.Mean+Normal(p)*f.SD))
	case variance > f.Mean*1.0001:
		return negativeBinomial(f.Mean, variance, p)
	default:
		return poisson(f.Mean, p)
	}
}

// maxSteps bounds the walk up a distribution's tail.
const maxSteps = 1_000_000

func poisson(mean, p float64) float64 {
	term := math.Exp(-mean)
	return walk(term, p, func(k float64) float64 { return mean / k })
}

// negativeBinomial has the mean and variance given: r = mean²/(variance−mean) successes of probability mean/variance.
func negativeBinomial(mean, variance, p float64) float64 {
	r, success := mean*mean/(variance-mean), mean/variance
	term := math.Exp(r * math.Log(success))
	return walk(term, p, func(k float64) float64 { return (k + r - 1) / k * (1 - success) })
}

// walk sums a distribution over 0, 1, 2 … until it reaches p; ratio gives P(k)/P(k−1).
func walk(term, p float64, ratio func(k float64) float64) float64 {
	sum := term
	for k := 1.0; k < maxSteps; k++ {
		if sum >= p {
			return k - 1
		}
		term *= ratio(k)
		sum += term
	}
	return maxSteps
}
