package intake

import (
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Policy is the confidence from which movements of a read point post by themselves; those below wait for a person.
type Policy struct {
	ReadPoint string    `json:"read_point"` // one, or the beginning of several with * at its end
	Threshold uint16    `json:"threshold_permille"`
	Actor     string    `json:"actor" required:"false" readOnly:"true"` // who said so
	At        time.Time `json:"at" required:"false" readOnly:"true"`
}

// Check reports what cannot be right. Errors: fault.Invalid.
func (p Policy) Check() error {
	if p.ReadPoint == "" || strings.Contains(strings.TrimSuffix(p.ReadPoint, "*"), "*") {
		return fmt.Errorf("%w: read point %q; name one, or the beginning of several with * at its end", fault.Invalid, p.ReadPoint)
	}
	if p.Threshold > 1000 {
		return fmt.Errorf("%w: threshold %d; 0 to 1000 permille are possible", fault.Invalid, p.Threshold)
	}
	return nil
}
