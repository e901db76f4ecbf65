package world

import (
	"math"
	"math/rand/v2"

	"github.com/tallydock/tallydock/simulators/scenario"
)

// DailyDemand draws how many units are asked for on one day. The kinds are those of Syntetos and Boylan's
// classification: smooth demand comes each day and varies little, erratic varies much, intermittent comes on few days,
// lumpy comes on few days and varies much. The mean is d.Daily in each.
func DailyDemand(rng *rand.Rand, d scenario.Demand) int {
	switch d.Kind {
	case "smooth":
		return poisson(rng, d.Daily)
	case "erratic":
		return poisson(rng, d.Daily*uneven(rng, 0.9))
	case "intermittent":
		return rare(rng, 3, func() int { return 1 + poisson(rng, max(0, 3*d.Daily-1)) })
	case "lumpy":
		return rare(rng, 5, func() int { return 1 + poisson(rng, max(0, 5*d.Daily*uneven(rng, 0.8)-1)) })
	default:
		return 0
	}
}

// rare draws on one day in n.
func rare(rng *rand.Rand, n int, draw func() int) int {
	if rng.IntN(n) != 0 {
		return 0
	}
	return draw()
}

// uneven draws a factor of mean 1, log-normal.
func uneven(rng *rand.Rand, sigma float64) float64 {
	return math.Exp(sigma*rng.NormFloat64() - sigma*sigma/2)
}

// poisson draws by Knuth's multiplication, which is exact; for large means by the normal approximation.
func poisson(rng *rand.Rand, mean float64) int {
	if mean > 200 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	limit, product, n := math.Exp(-mean), rng.Float64(), 0
	for product > limit {
		product *= rng.Float64()
		n++
	}
	return n
}
