package ledger

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
)

// Reversal makes the movement that takes m back: its lines the other way. id is the new movement's. It fails
// with fault.Conflict where m is itself a reversal; that it happens once is for the store to see, by its key.
func Reversal(m Movement, id, actor string, now time.Time) (Movement, error) {
	if m.Reverses != "" {
		return Movement{}, fmt.Errorf("%w: movement %s is itself a reversal: post what is right instead", fault.Conflict, m.ID)
	}
	r := Movement{
		ID: id, Kind: Reverse, Source: "user:" + actor, EffectiveAt: now, RecordedAt: now, Actor: actor,
		Key: "reverse/" + m.ID, Reverses: m.ID, Lines: make([]Line, len(m.Lines)),
	}
	for i, l := range m.Lines { // the last first: a line may lean on one before it
		l.From, l.FromState, l.To, l.ToState = l.To, l.ToState, l.From, l.FromState
		r.Lines[len(m.Lines)-1-i] = l
	}
	return r, nil
}

// Places gives the line by which m leaves each tag that is in it where it does.
func (m Movement) Places() map[devices.Tag]Line {
	at := map[devices.Tag]Line{}
	for _, l := range m.Lines {
		if !l.Tag.IsZero() {
			at[l.Tag] = l
		}
	}
	return at
}
