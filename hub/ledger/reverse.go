package ledger

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
)

// Reversal makes the movement that takes m back: its entries with the signs turned. id is the new movement's. It fails
// with fault.Conflict where m is itself a reversal; that it happens once is for the store to see, by its key.
func Reversal(m Movement, id, actor string, now time.Time) (Movement, error) {
	if m.Reverses != "" {
		return Movement{}, fmt.Errorf("%w: movement %s is itself a reversal: post what is right instead", fault.Conflict, m.ID)
	}
	r := Movement{
		ID: id, Kind: Reverse, Source: "user:" + actor, EffectiveAt: now, RecordedAt: now, Actor: actor,
		Key: "reverse/" + m.ID, Reverses: m.ID, Entries: make([]Entry, len(m.Entries)),
	}
	for i, e := range m.Entries {
		e.Quantity, e.Value = -e.Quantity, -e.Value
		r.Entries[i] = e
	}
	return r, nil
}

// Places gives where m leaves each tag that is in it: the place of its positive entry.
func (m Movement) Places() map[devices.Tag]Entry {
	at := map[devices.Tag]Entry{}
	for _, e := range m.Entries {
		if !e.Tag.IsZero() && e.Quantity > 0 {
			at[e.Tag] = e
		}
	}
	return at
}
