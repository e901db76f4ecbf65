package enrol

import "time"

// Act is what happened.
type Act string

// The acts.
const (
	TokenMade      Act = "token made"
	TokenWithdrawn Act = "token withdrawn"
	Enrolled       Act = "enrolled"
	Renewed        Act = "renewed"
	RenewedLate    Act = "renewed after expiry"
	Revoked        Act = "revoked"
	Refused        Act = "refused"
)

// Fact is something that an auditor wants to know of. Empty fields do not apply or are not known.
type Fact struct {
	At     time.Time
	Act    Act
	Edge   string // of a refusal: as the asker says
	Site   string
	Serial string
	Token  string // Token.ID
	By     string // the user, where one did it
	From   string // network address, where it came from outside
	Reason string
}
