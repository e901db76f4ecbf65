// Package valuation says what stock is worth and what the goods that left have cost, by moving average or first in, first
// out, and explains each figure.
//
// Value lives in areas: the whole company is one, or each site is one. Goods have a value while they are at a real
// location or in transit; suppliers, customers, production and loss are outside. A line of the ledger that goes from one
// area to another, or crosses to the outside, is an Event. Events of an item count in the order of the time at which they
// took effect, whenever they were heard of:
//
//   - What comes in is worth what its movement says; where that says nothing, as much as the area's goods cost now, or as
//     the catalogue says. What comes from another area is worth what it cost there.
//   - What was said later that a line cost, by an invoice, say, counts from that line on, in place of all that; the last word
//     counts.
//   - What goes out costs its share of the goods that are there: of all of them by moving average, of the oldest by first
//     in, first out. Shares are rounded half to even; the rest stays with the goods that are left, so that no goods have no
//     value.
//   - What goes out before it came in, by the books, costs as much as the last goods did, for the time being. What comes in
//     next makes up for that: the difference is an adjustment of what went out. The goods' new area keeps the first cost.
//   - A reversal and the movement that it takes back are both out of the fold from the reversal on: the goods left are worth,
//     and all others cost, what they would have without the two. What others cost more or less by it is adjusted then.
//   - A change of method takes the value over: the average goods become one layer, the layers become average goods.
//
// The fold is written down as entries, which nobody changes: an Entry belongs to the event at which it came about (its
// Step) and says what that event did to the cost of one line (its Of). Where an event is heard of late, the fold is done
// again from there, and what differs from the entries so far is added to them, with the late event as its cause. So the
// entries of a line add up to what it cost as known today, those that were recorded until a day to what was known on that
// day, and those of steps until a day to what the books are on that day. An entry whose step is in a closed period is booked
// at the first moment that is open, so that what was closed stays as it was.
package valuation
