package pad

import (
	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/pn532"
)

// air is what a radio field knows of the cards in it; a field that was off knows nothing.
type air struct {
	listed map[byte]*partner
	deaf   map[devices.Tag]bool // cards that do not answer a search until the field was off
}

// partner is a card that was listed and can be spoken with.
type partner struct {
	tag  devices.Tag
	chip chip
}

// list selects the first cards that lie there and answer. A card that speaks ISO 14443-4 is deaf to the next search.
func (a *air) list(p *Pad, most int) []pn532.Target {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.listed = map[byte]*partner{}
	if a.deaf == nil {
		a.deaf = map[devices.Tag]bool{}
	}
	var found []pn532.Target
	for _, c := range p.cards {
		if len(found) == most || a.deaf[c.Tag] {
			continue
		}
		t := c.target(byte(len(found) + 1))
		a.listed[t.Number] = &partner{tag: c.Tag, chip: c.wake()}
		a.deaf[c.Tag] = c.Kind == Type4
		found = append(found, t)
	}
	return found
}

// exchange speaks with a listed card. One that refuses a command must be listed again.
func (a *air) exchange(p *Pad, number byte, command []byte) pn532.Answer {
	partner := a.listed[number]
	if partner == nil {
		return pn532.Answer{Status: pn532.StatusContext}
	}
	if p.lies(partner.tag) {
		if answer, ok := partner.chip.answer(command); ok {
			return pn532.Answer{Data: answer}
		}
	}
	delete(a.listed, number)
	return pn532.Answer{Status: pn532.StatusNoAnswer}
}

// release lets go of the cards, which then sleep until the field was off.
func (a *air) release() {
	for _, partner := range a.listed {
		a.deaf[partner.tag] = true
	}
	a.listed = nil
}
