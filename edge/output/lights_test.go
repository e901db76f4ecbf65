package output_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/output"
	"github.com/tallydock/tallydock/edge/reconcile"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// street is two doors with their lamps.
type street struct {
	*output.Lights
	on map[string]bool
}

func newStreet() *street {
	s := &street{on: map[string]bool{}}
	s.Lights = output.NewLights([]output.Door{
		{ID: "D1", OK: []string{"green"}, Missing: []string{"amber"}, Unexpected: []string{"red", "horn"}, Reading: []string{"blue"}, Hold: 10 * time.Second},
		{ID: "D2", OK: []string{"green-2"}, Hold: time.Second},
	}, func(by, name string, on bool, _ string) {
		if !strings.HasPrefix(by, "door D") {
			panic(by)
		}
		delete(s.on, name)
		if on {
			s.on[name] = true
		}
	})
	return s
}

func (s *street) lit() string { return strings.Join(slices.Sorted(maps.Keys(s.on)), " ") }

func pass(id string, closed bool) *wire.Pass {
	p := &wire.Pass{ID: id, Door: "D1", Opened: noon}
	if closed {
		p.Closed = noon
	}
	return p
}

func verdict(pass string, final bool, s reconcile.Signal) *reconcile.Verdict {
	return &reconcile.Verdict{Door: "D1", Pass: pass, Final: final, Signal: s}
}

func TestLightFollowsWhatIsInTheDoor(t *testing.T) {
	s := newStreet()
	now := noon
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"a pass opens", func() { s.Pass(pass("p1", false), now) }, "blue"},
		{"it lacks some", func() { s.Verdict(verdict("p1", false, reconcile.SignalMissing), now) }, "amber blue"},
		{"a stranger", func() { s.Verdict(verdict("p1", false, reconcile.SignalUnexpected), now) }, "blue horn red"},
		{"the final verdict", func() { s.Verdict(verdict("p1", true, reconcile.SignalOK), now) }, "blue green"},
		{"the pass closes", func() { s.Pass(pass("p1", true), now) }, "green"},
		{"almost", func() { now = now.Add(9 * time.Second); s.Tick(now) }, "green"},
		{"the hold ends", func() { now = now.Add(time.Second); s.Tick(now) }, ""},
		{"a pass without a list", func() { s.Pass(pass("p2", false), now) }, "blue"},
		{"and a second", func() { s.Pass(pass("p3", false), now) }, "blue"},
		{"one closes", func() { s.Pass(pass("p2", true), now) }, "blue"},
		{"both have", func() { s.Pass(pass("p3", true), now) }, ""},
		{"a verdict after the end", func() {
			s.Pass(pass("p4", false), now)
			s.Pass(pass("p4", true), now)
			s.Verdict(verdict("p4", true, reconcile.SignalMissing), now)
		}, "amber"},
		{"the next pass ends it", func() { s.Pass(pass("p5", false), now) }, "blue"},
		{"a verdict of a pass that nobody told", func() { s.Pass(pass("p5", true), now); s.Verdict(verdict("p6", false, reconcile.SignalOK), now) }, "blue green"},
		{"a door with no light", func() { s.Verdict(&reconcile.Verdict{Door: "D9", Signal: reconcile.SignalOK}, now) }, "blue green"},
		{"a person settles an old pass", func() { s.Pass(pass("p1", true), now) }, "blue green"},
		{"it closes without a verdict", func() { s.Pass(pass("p6", true), now) }, ""},
	} {
		step.do()
		if got := s.lit(); got != step.want {
			t.Fatalf("%s: %q is on, want %q", step.what, got, step.want)
		}
	}
}
