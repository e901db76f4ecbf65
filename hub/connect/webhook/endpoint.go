package webhook

import (
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/event"
)

// State is whether an endpoint gets messages.
type State string

// The states of an endpoint.
const (
	// Enabled: what it wants is enqueued for it and sent.
	Enabled State = "enabled"
	// Disabled: nothing is enqueued for it. What waited when it was disabled still does, and goes out when it is enabled.
	Disabled State = "disabled"
)

const (
	// GiveUpAfter is for how long an endpoint may fail before it is disabled.
	GiveUpAfter = 5 * 24 * time.Hour
	// SilenceBreaks is how long nothing must have failed for a failure to count as a new one: who was not tried for so long
	// cannot be said to have failed all the while. It is longer than the longest wait between two attempts.
	SilenceBreaks = 48 * time.Hour
	// ByHub is who disabled an endpoint when no person did.
	ByHub = "hub"
)

// Endpoint is a place that messages are sent to, and what it wants to hear.
type Endpoint struct {
	ID          string
	URL         string
	Description string
	Events      []event.Type // at least one
	Sites       []string     // none = all sites, and what is of the company
	Secrets     Secrets
	State       State
	Turned      Turned // how it came to State
	Health      Health
	Created     time.Time
	CreatedBy   string
	Updated     time.Time
	Revision    int64 // rises with every change but Health's
}

// Turned is who enabled or disabled an endpoint, when and why.
type Turned struct {
	By, Why string
	At      time.Time
}

// Health is how an endpoint does. It is the dispatcher's to change.
type Health struct {
	Failing time.Time // since when every attempt failed; zero = the last one went well
	Failed  time.Time // when the last one failed; zero as above
	Paused  time.Time // nothing is sent before: the receiver asked for a rest
}

// Wants reports whether the endpoint hears of o, and whether it may have all of the Data. One that is limited to sites may
// not, where the Data are of other sites too: then it hears that there is something, and asks the API in its own name.
func (e Endpoint) Wants(o Occurrence) (want, open bool) {
	if e.State != Enabled || !slices.Contains(e.Events, o.Type) {
		return false, false
	}
	if len(e.Sites) == 0 {
		return true, true
	}
	shared := 0
	for _, s := range o.Sites {
		if slices.Contains(e.Sites, s) {
			shared++
		}
	}
	return shared > 0, shared == len(o.Sites)
}

// Ready reports whether messages may be sent to it now.
func (e Endpoint) Ready(now time.Time) bool {
	return e.State == Enabled && !now.Before(e.Health.Paused)
}

// Change is what an attempt means for its endpoint.
type Change struct {
	At      time.Time
	Result  Result
	Pause   time.Time // rest until then; zero = none
	Disable string    // why it must be disabled; "" = it need not
}

// Result is how an attempt went, for the endpoint's health.
type Result uint8

// The results.
const (
	Untold Result = iota // nothing was tried
	Well
	Bad
)

// After gives the endpoint after a change, and whether that differs. An endpoint that failed for GiveUpAfter is disabled.
func (e Endpoint) After(c Change) (Endpoint, bool) {
	before, state := e.Health, e.State
	switch c.Result {
	case Well:
		e.Health.Failing, e.Health.Failed = time.Time{}, time.Time{}
	case Bad:
		e.Health = e.Health.failed(c.At)
	}
	if c.Pause.After(e.Health.Paused) {
		e.Health.Paused = c.Pause
	}
	why := c.Disable
	if why == "" && c.Result == Bad && c.At.Sub(e.Health.Failing) >= GiveUpAfter {
		why = fmt.Sprintf("every attempt failed since %s", e.Health.Failing.UTC().Format(time.RFC3339))
	}
	if why != "" && e.State == Enabled {
		e = e.turn(Disabled, ByHub, why, c.At)
	}
	return e, !e.Health.equal(before) || e.State != state
}

func (h Health) equal(o Health) bool {
	return h.Failing.Equal(o.Failing) && h.Failed.Equal(o.Failed) && h.Paused.Equal(o.Paused)
}

func (h Health) failed(at time.Time) Health {
	if h.Failing.IsZero() || at.Sub(h.Failed) > SilenceBreaks {
		h.Failing = at
	}
	if at.After(h.Failed) {
		h.Failed = at
	}
	return h
}

// turn brings it into a state.
func (e Endpoint) turn(s State, by, why string, at time.Time) Endpoint {
	e.State, e.Turned = s, Turned{by, why, at}
	e.Updated, e.Revision = at, e.Revision+1
	return e
}
