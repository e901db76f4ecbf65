package store

import (
	"fmt"

	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// states are the states of goods by the number that is kept for them. The numbers never change.
var states = []ledger.State{
	1: ledger.Available, 2: ledger.StateUnseen, 3: ledger.Quarantined, 4: ledger.StateInTransit, 5: ledger.WorkInProgress,
}

// unseen is the number of ledger.StateUnseen, for constants of SQL.
const unseen = "2"

// number of a state.
func number(s ledger.State) (int64, error) {
	for n, known := range states {
		if n > 0 && known == s {
			return int64(n), nil
		}
	}
	return 0, fmt.Errorf("%w: goods have no state %q", intake.ErrRefused, s)
}

// state reads what number made.
type state struct{ *ledger.State }

// Scan reads the number of a state.
func (s state) Scan(v any) error {
	n, ok := v.(int64)
	if !ok || n < 1 || n >= int64(len(states)) {
		return fmt.Errorf("state %v is not known", v)
	}
	*s.State = states[n]
	return nil
}
