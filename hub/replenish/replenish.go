// Package replenish decides whether to order, and how much, from a forecast, the terms of supply and what is there.
//
// The policy is (R, s, S): every ReviewDays the position is looked at, and where it has come down to the reorder point s
// or below, an order brings it up to S. Demand must be covered for the review period and the lead time together, because
// what is not ordered now can come only after the next review and another lead time:
//
//	σ_DL = √( (L+R)·σ² + d²·σ_L² )      error of demand over lead time and review
//	safety stock = z(service level)·σ_DL
//	s = d·(L+R) + safety stock
//	S = s + d·R, and at least s + MOQ is what an order brings
//
// with d and σ the mean and error of a day's demand, L and σ_L the mean and deviation of the lead time in days, R the
// review period in days (Silver, Pyke and Thomas, Inventory and Production Management in Supply Chains, chapters 6 and 7).
// The service level is that of a cycle: the probability that it ends without a stock-out, not the fill rate.
package replenish

import (
	"errors"
	"fmt"
	"math"

	"github.com/tallydock/tallydock/hub/forecast"
)

// Terms are what supply and company set.
type Terms struct {
	LeadTime     float64 // days
	LeadTimeSD   float64 // days
	ReviewDays   float64
	ServiceLevel float64 // of a cycle, 0.5 to 0.9999
	MOQ          int64   // least order, in units
	PackMultiple int64   // orders are a multiple of it; 0 or 1 = any
}

// Position is what there is and what is coming.
type Position struct {
	OnHand, OnOrder, Backordered int64
}

// Total is the inventory position: on hand + on order − backordered.
func (p Position) Total() int64 { return p.OnHand + p.OnOrder - p.Backordered }

// Decision is what to order, with every figure that led to it.
type Decision struct {
	Quantity     int64   // 0 = nothing
	Z            float64 // quantile of the service level
	SigmaDL      float64 // units
	SafetyStock  float64 // units
	ReorderPoint float64 // s, units
	OrderUpTo    float64 // S, units
	CoverDays    float64 // position / daily demand; 0 where there is no demand
}

// Check reports terms that cannot be.
func (t Terms) Check() error {
	var errs []error
	for name, v := range map[string]float64{"lead time": t.LeadTime, "deviation of the lead time": t.LeadTimeSD, "review period": t.ReviewDays} {
		if !(v >= 0 && v <= 3650) {
			errs = append(errs, fmt.Errorf("%s of %v days is not between 0 and 3650", name, v))
		}
	}
	if !(t.ServiceLevel >= 0.5 && t.ServiceLevel <= 0.9999) {
		errs = append(errs, fmt.Errorf("service level %v is not between 0.5 and 0.9999", t.ServiceLevel))
	}
	if t.MOQ < 0 || t.PackMultiple < 0 {
		errs = append(errs, errors.New("least order and pack multiple cannot be negative"))
	}
	return errors.Join(errs...)
}

// Horizon is the time that a stock must cover, in whole days: lead time and review period.
func (t Terms) Horizon() int { return int(math.Ceil(t.LeadTime + t.ReviewDays)) }

// SigmaDL is the error of demand over days of cover, in units, where the lead time itself deviates too.
func SigmaDL(daySD, dayMean, days, leadTimeSD float64) float64 {
	return math.Sqrt(days*daySD*daySD + dayMean*dayMean*leadTimeSD*leadTimeSD)
}

// Decide applies the policy.
func Decide(f forecast.Forecast, t Terms, p Position) (Decision, error) {
	if err := t.Check(); err != nil {
		return Decision{}, err
	}
	cover := t.LeadTime + t.ReviewDays
	d := Decision{Z: forecast.Normal(t.ServiceLevel), SigmaDL: SigmaDL(f.SD, f.Mean, cover, t.LeadTimeSD)}
	d.SafetyStock = d.Z * d.SigmaDL
	d.ReorderPoint = f.Mean*cover + d.SafetyStock
	d.OrderUpTo = d.ReorderPoint + f.Mean*t.ReviewDays
	position := float64(p.Total())
	if f.Mean > 0 {
		d.CoverDays = max(0, position/f.Mean)
	}
	if f.Mean > 0 && position <= d.ReorderPoint {
		d.Quantity = t.Round(d.OrderUpTo - position)
	}
	return d, nil
}

// Round makes an order of what is needed: not less than the MOQ, and up to the next pack.
func (t Terms) Round(need float64) int64 {
	if need <= 0 {
		return 0
	}
	q := max(int64(math.Ceil(need-1e-9)), t.MOQ)
	pack := max(1, t.PackMultiple)
	return (q + pack - 1) / pack * pack
}
