package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
)

// hours is a moment so many hours after noon.
func hours(h float64) time.Time { return noon.Add(time.Duration(h * float64(time.Hour))) }

func TestHealth(t *testing.T) {
	bad := func(h float64) webhook.Change { return webhook.Change{At: hours(h), Result: webhook.Bad} }
	well := func(h float64) webhook.Change { return webhook.Change{At: hours(h), Result: webhook.Well} }
	for _, c := range []struct {
		name    string
		changes []webhook.Change
		failing float64 // hours after noon; -1 = it does not
		state   webhook.State
		why     string
	}{
		{"nothing tried", []webhook.Change{{At: noon}}, -1, webhook.Enabled, ""},
		{"well", []webhook.Change{well(0)}, -1, webhook.Enabled, ""},
		{"bad", []webhook.Change{bad(1)}, 1, webhook.Enabled, ""},
		{"bad since", []webhook.Change{bad(1), bad(20), bad(40)}, 1, webhook.Enabled, ""},
		{"bad, then well", []webhook.Change{bad(1), bad(20), well(40)}, -1, webhook.Enabled, ""},
		{"bad after well", []webhook.Change{bad(1), well(20), bad(40)}, 40, webhook.Enabled, ""},
		{"not tried for long between", []webhook.Change{bad(1), bad(60)}, 60, webhook.Enabled, ""},
		{"just not five days", []webhook.Change{bad(0), bad(40), bad(80), bad(119.9)}, 0, webhook.Enabled, ""},
		{"five days", []webhook.Change{bad(0), bad(40), bad(80), bad(120)}, 0, webhook.Disabled, "every attempt failed since 2026-03-02T12:00:00Z"},
		{"five days with a gap", []webhook.Change{bad(0), bad(40), bad(100), bad(121)}, 100, webhook.Enabled, ""},
		{"five days with one that went well", []webhook.Change{bad(0), bad(40), well(80), bad(121)}, 121, webhook.Enabled, ""},
		{"an outcome that comes late", []webhook.Change{bad(2), bad(1)}, 2, webhook.Enabled, ""},
		{"gone", []webhook.Change{{At: hours(1), Result: webhook.Bad, Disable: "gone"}}, 1, webhook.Disabled, "gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := webhook.Endpoint{State: webhook.Enabled, Revision: 1}
			for _, change := range c.changes {
				after, changed := e.After(change)
				if same := after.Health == e.Health && after.State == e.State; same == changed {
					t.Errorf("%+v: changed %v", change, changed)
				}
				e = after
			}
			failing := time.Time{}
			if c.failing >= 0 {
				failing = hours(c.failing)
			}
			if !e.Health.Failing.Equal(failing) || e.State != c.state || e.Turned.Why != c.why {
				t.Errorf("failing since %v, %s: %q; want %v, %s: %q", e.Health.Failing, e.State, e.Turned.Why, failing, c.state, c.why)
			}
			if disabled := c.state == webhook.Disabled; disabled != (e.Turned.By == webhook.ByHub) || disabled != (e.Revision == 2) {
				t.Errorf("turned by %q, revision %d", e.Turned.By, e.Revision)
			}
		})
	}
}

func TestAPersonsDisablingStays(t *testing.T) {
	e := webhook.Endpoint{State: webhook.Disabled, Turned: webhook.Turned{By: "alice", Why: "moved"}}
	e, _ = e.After(webhook.Change{At: noon, Result: webhook.Bad, Disable: "gone"})
	if e.Turned.By != "alice" || !strings.Contains(e.Turned.Why, "moved") {
		t.Errorf("turned by %s: %s", e.Turned.By, e.Turned.Why)
	}
}

func TestRest(t *testing.T) {
	e, changed := webhook.Endpoint{State: webhook.Enabled}.After(webhook.Change{At: noon, Result: webhook.Bad, Pause: hours(2)})
	if !changed || e.Ready(hours(1.9)) || !e.Ready(hours(2)) {
		t.Errorf("rests until %v", e.Health.Paused)
	}
	e, _ = e.After(webhook.Change{At: noon, Result: webhook.Bad, Pause: hours(1)})
	if !e.Health.Paused.Equal(hours(2)) {
		t.Errorf("a shorter rest made it %v", e.Health.Paused)
	}
	e.State = webhook.Disabled
	if e.Ready(hours(3)) {
		t.Error("ready while disabled")
	}
}
