package settings

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/devices/wire"
)

// MostAttempts is how often a trial may be begun.
const MostAttempts = 1

// longestReason is how much of a reason is kept and told, in bytes.
const longestReason = 1000

// Book is what is known of the configurations from a hub. Its methods give what it becomes and leave it as it is.
type Book struct {
	Key       ed25519.PublicKey   `json:"key,omitempty"` // of the hub that the rest speaks of
	Highest   uint64              `json:"highest"`       // version that was ever taken; none up to it is taken again
	Confirmed *wire.Configuration `json:"confirmed,omitempty"`
	Trial     *wire.Configuration `json:"trial,omitempty"`
	Attempts  int                 `json:"attempts"` // how often the trial was begun and not ended in good order
	// Offered is the version that State and Reason speak of.
	Offered uint64           `json:"offered"`
	State   wire.ConfigState `json:"state"`
	Reason  string           `json:"reason,omitempty"`
}

// Judge is who decides on an offer.
type Judge struct {
	Edge  string
	Key   ed25519.PublicKey       // nil = nothing from a hub is taken
	Check func(text string) error // whether the gateway can work by it, with all that is wrong
}

// Verdict is what became of an offer.
type Verdict int

// The verdicts.
const (
	Same    Verdict = iota // the book knew of it already; nothing changes
	Refused                // it is not taken; Reason says why
	Staged                 // it is the Trial now
)

// Running is the version by which the gateway should work and its text: 0 and "" where its own file counts alone.
func (b Book) Running() (version uint64, text string) {
	switch {
	case b.Trial != nil:
		return b.Trial.Version, b.Trial.Text
	case b.Confirmed != nil:
		return b.Confirmed.Version, b.Confirmed.Text
	default:
		return 0, ""
	}
}

// Status is what the hub is told.
func (b Book) Status() wire.ConfigStatus {
	version, _ := b.Running()
	return wire.ConfigStatus{Version: version, State: b.State, Reason: b.Reason, Offered: b.Offered}
}

// Offer judges a configuration.
func (b Book) Offer(c wire.Configuration, j Judge) (Book, Verdict) {
	if err := b.objection(c, j); err != nil {
		// A broker gives its retained message again at every connection.
		version, _ := b.Running()
		known := c.Version == version || c.Version == b.Offered && b.State != wire.ConfigRefused
		if errors.Is(err, errNotNewer) && known {
			return b, Same
		}
		was := b
		b = b.tell(c.Version, wire.ConfigRefused, err.Error())
		if was.State == b.State && was.Offered == b.Offered && was.Reason == b.Reason {
			return b, Same
		}
		return b, Refused
	}
	b.Key, b.Highest, b.Trial, b.Attempts = bytes.Clone(j.Key), c.Version, &c, 0
	return b.tell(c.Version, wire.ConfigTrial, ""), Staged
}

var errNotNewer = errors.New("not newer")

// objection is why c is not taken; nil where it is.
func (b Book) objection(c wire.Configuration, j Judge) error {
	switch {
	case j.Key == nil:
		return errors.New("this gateway takes no configuration from a hub: its own file has no hub.config_key")
	case c.Edge != j.Edge:
		return fmt.Errorf("it is for gateway %s, and this is %s", c.Edge, j.Edge)
	case !c.SignedBy(j.Key):
		return errors.New("it is not signed by the hub whose key is hub.config_key in the gateway's own file")
	case c.Version <= b.Highest:
		return fmt.Errorf("version %d is %w than version %d, which the gateway has had: send it with a higher one", c.Version, errNotNewer, b.Highest)
	}
	if err := j.Check(c.Text); err != nil {
		return fmt.Errorf("it is wrong: %w", err)
	}
	return nil
}

// Vet gives up what the gateway may not work by any more, because its own file names another key or none.
func (b Book) Vet(j Judge) Book {
	if bytes.Equal(b.Key, j.Key) && signed(b.Confirmed, j) && signed(b.Trial, j) {
		return b
	}
	version, _ := b.Running()
	next := Book{Key: bytes.Clone(j.Key)}
	if version != 0 {
		next = next.tell(version, wire.ConfigReverted, "it is not signed by the hub whose key is hub.config_key in the gateway's own file")
	}
	return next
}

func signed(c *wire.Configuration, j Judge) bool {
	return c == nil || c.Edge == j.Edge && c.SignedBy(j.Key)
}

// Begin is for the start of a gateway: a trial begins, or, where it was begun before, ends.
func (b Book) Begin() Book {
	if b.Trial == nil {
		return b
	}
	if b.Attempts >= MostAttempts {
		return b.Revert("the gateway was killed or lost its power while it was on trial")
	}
	b.Attempts++
	return b
}

// Pause is for an orderly stop in a trial, which says nothing of it: it begins anew with the next start.
func (b Book) Pause() Book {
	b.Attempts = 0
	return b
}

// Confirm ends a trial that went well.
func (b Book) Confirm() Book {
	if b.Trial == nil {
		return b
	}
	b.Confirmed, b.Trial, b.Attempts = b.Trial, nil, 0
	return b.tell(b.Confirmed.Version, wire.ConfigConfirmed, "")
}

// Revert ends a trial that went badly.
func (b Book) Revert(reason string) Book {
	if b.Trial == nil {
		return b
	}
	version := b.Trial.Version
	b.Trial, b.Attempts = nil, 0
	return b.tell(version, wire.ConfigReverted, reason)
}

// tell notes what became of a version.
func (b Book) tell(version uint64, s wire.ConfigState, reason string) Book {
	b.Offered, b.State, b.Reason = version, s, shorten(reason)
	return b
}

// shorten makes a reason fit for a message.
func shorten(reason string) string {
	reason = strings.ToValidUTF8(reason, "?")
	if len(reason) <= longestReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:longestReason-len("…")], "") + "…"
}
