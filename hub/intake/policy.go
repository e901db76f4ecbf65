package intake

import "time"

// Policy is the confidence from which movements of a read point post by themselves; those below wait for a person.
type Policy struct {
	ReadPoint string    `json:"read_point"` // one, or the beginning of several with * at its end
	Threshold uint16    `json:"threshold_permille"`
	Actor     string    `json:"actor"` // who said so
	At        time.Time `json:"at"`
}
