package planner

import (
	"slices"
	"time"
)

// Receipt is goods of an item that came in at a site.
type Receipt struct {
	At       time.Time
	Quantity int64
}

// Receive spreads receipts of one item at one site over its orders, oldest order first: a receipt fills orders that were
// placed before it came. It sets Received; what no order waits for is left over. Both lists are of one item and site.
func Receive(orders []Order, receipts []Receipt) {
	slices.SortStableFunc(orders, func(a, b Order) int { return a.OrderedAt.Compare(b.OrderedAt) })
	slices.SortStableFunc(receipts, func(a, b Receipt) int { return a.At.Compare(b.At) })
	for i := range orders {
		orders[i].Received = 0
	}
	for _, r := range receipts {
		for i := range orders {
			o := &orders[i]
			if o.Cancelled || o.OrderedAt.After(r.At) || r.Quantity == 0 {
				continue
			}
			take := min(o.Quantity-o.Received, r.Quantity)
			o.Received += take
			r.Quantity -= take
		}
	}
}

// Outstanding is what the orders still have to bring.
func Outstanding(orders []Order) int64 {
	sum := int64(0)
	for _, o := range orders {
		if !o.Cancelled {
			sum += o.Quantity - o.Received
		}
	}
	return sum
}
