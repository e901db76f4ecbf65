package valuation

import (
	"fmt"
	"math/bits"

	"github.com/tallydock/tallydock/hub/fault"
)

// most is the greatest quantity or value that is worked with: two of them can be added.
const most = 1 << 61

// within fails with fault.Invalid where a figure is too great to be worked with.
func within(what string, n int64) error {
	if n > most || n < -most {
		return fmt.Errorf("%w: a %s of %d is more than can be valued", fault.Invalid, what, n)
	}
	return nil
}

// share is value × part / whole, rounded half to even; 0 <= value, 0 < part <= whole.
func share(value, part, whole int64) int64 {
	n, _ := ratio{value, whole}.of(part)
	return n
}

// ratio is a value of a quantity: what one unit costs.
type ratio struct {
	Value    int64 `json:"v"`
	Quantity int64 `json:"q"`
}

// of is what a quantity costs, rounded half to even. Errors: fault.Invalid where that is too much.
func (r ratio) of(quantity int64) (int64, error) {
	hi, lo := bits.Mul64(uint64(r.Value), uint64(quantity))
	whole := uint64(r.Quantity)
	if hi >= whole {
		return 0, fmt.Errorf("%w: %d units at %d for %d are worth more than can be valued", fault.Invalid, quantity, r.Value, r.Quantity)
	}
	n, rest := bits.Div64(hi, lo, whole)
	if up := whole - rest; rest > up || rest == up && n%2 == 1 {
		n++
	}
	if n > most {
		return 0, within("value", most+1)
	}
	return int64(n), nil
}
