package capture

import (
	"math"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/ledger"
)

// pieces are the codes of UN/ECE Recommendation 20 for a piece.
var pieces = []string{"", "EA", "C62", "H87", "PCE", "NAR"}

// amount adds the lines for an amount of a class.
func (p *plan) amount(i epcis.Intent, item epcis.Item) (*refusal, error) {
	on, err := p.class(item.GTIN)
	if err != nil {
		return nil, err
	}
	if on.Unknown != "" {
		return refuse(on.Unknown, "%s: %s", item.Class, on.Detail), nil
	}
	quantity, why := units(item, on.Quantity, on.unit)
	if why != nil {
		return why, nil
	}
	line := ledger.Line{Item: on.Item, Lot: item.Lot, Quantity: quantity, From: i.From, To: i.To}
	if i.Kind == epcis.Count {
		return p.count(i, line)
	}
	if line.From == "" {
		if !p.waived || line.To == "" {
			return refuse(PlaceUnknown, "nobody says where %d of item %s were taken from: say it in a sourceList, or move them by hand", quantity, on.Item), nil
		}
		line.From = ledger.Loss
	}
	if line.To == "" {
		line.To = line.From
	}
	line.FromState = virtualState(line.From)
	if line.From == line.To && i.State == ledger.Available {
		line.FromState = ledger.Quarantined
	}
	line.ToState = stateAfter(i, line, nil)
	if line.From == line.To && line.FromState == line.ToState {
		return nil, nil
	}
	if ledger.IsVirtual(line.From) {
		p.add(i, line)
		return nil, nil
	}
	return p.takeFromLots(i, line)
}

// units gives an amount in the item's smallest unit; one of the class is so many of it.
func units(item epcis.Item, each int64, unit string) (int64, *refusal) {
	same := strings.EqualFold(item.UOM, unit) || slices.Contains(pieces, item.UOM) && slices.Contains(pieces, strings.ToUpper(unit))
	if item.UOM != "" && !same {
		return 0, refuse(WrongUnit, "%s is told in %s and kept in %q", item.Class, item.UOM, unit)
	}
	n, ok := item.Quantity.Units(0)
	if !ok {
		return 0, refuse(WrongUnit, "%s of %s is no whole number", item.Quantity, item.Class)
	}
	each = max(each, 1)
	if n > math.MaxInt64/1_000_000/each {
		return 0, refuse(WrongUnit, "%s of %s is more than can be counted", item.Quantity, item.Class)
	}
	return n * each, nil
}

// takeFromLots adds lines that take a quantity from the lots that there are: of the one that is named, or of those that
// expire first. What is reserved stays.
func (p *plan) takeFromLots(i epcis.Intent, line ledger.Line) (*refusal, error) {
	have, err := ledger.Stocked(p.tx, line.Item, line.Lot, line.From, line.FromState)
	if err != nil {
		return nil, err
	}
	left := line.Quantity
	for _, h := range have {
		k := balanceKey{h.Item, h.Lot, h.Location, h.State}
		n := min(left, h.Free()-p.taken[k])
		if n <= 0 {
			continue
		}
		p.taken[k] += n
		left -= n
		part := line
		part.Lot, part.Quantity = h.Lot, n
		p.add(i, part)
	}
	if left > 0 {
		return refuse(Short, "%d of item %s leave %s, and %d are free there", line.Quantity, line.Item, line.From, line.Quantity-left), nil
	}
	return nil, nil
}

// count compares what was counted of an item with the books. A difference is booked on a person's word.
func (p *plan) count(i epcis.Intent, line ledger.Line) (*refusal, error) {
	all, err := p.tx.Balances(line.Item, line.To)
	if err != nil {
		return nil, err
	}
	var have int64
	for _, b := range all {
		if line.Lot == "" || b.Lot == line.Lot {
			have += b.Quantity
		}
	}
	differs := line.Quantity - have
	switch {
	case differs == 0:
		return nil, nil
	case !p.waived:
		return refuse(CountDiffers, "%d of item %s were counted at %s, and the books have %d: count again, or accept it", line.Quantity, line.Item, line.To, have), nil
	case differs > 0:
		line.Quantity, line.From, line.FromState, line.ToState = differs, ledger.Loss, ledger.Available, ledger.Available
		p.add(i, line)
		return nil, nil
	}
	line.Quantity, line.From, line.FromState, line.ToState = -differs, line.To, ledger.Available, ledger.Available
	line.To = ledger.Loss
	return p.takeFromLots(i, line)
}
