package portal_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/portal"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/replay"
	"github.com/tallydock/tallydock/simulators/radio"
)

// record makes a recording, and keeps it.
func record(t testing.TB, setting radio.Setting, passes int, seed uint64, cells int) ([]recording.Entry, []replay.Truth) {
	t.Helper()
	var entries []recording.Entry
	truth, err := radio.Record(setting, passes, seed, radio.Options{Photocells: cells}, portal.Tape(func(e recording.Entry) error {
		entries = append(entries, e)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return entries, portal.Truth(truth.Passes)
}

// TestPortalKeepsItsAccuracy is on few passes: it notices what breaks, and measures nothing.
func TestPortalKeepsItsAccuracy(t *testing.T) {
	for setting, least := range map[radio.Setting]struct{ f1, exact, right float64 }{
		"clean": {0.98, 0.9, 0.98}, "neighbours": {0.97, 0.8, 0.93}, "strays": {0.94, 0.65, 0.9}, "turnbacks": {0.9, 0.55, 0.83},
	} {
		t.Run(string(setting), func(t *testing.T) {
			entries, want := record(t, setting, 60, 4712, 0)
			s := replay.Compare(want, scorePortal(t, 0, entries))
			t.Logf("F1 %.4f, exact %.3f, right %.3f", s.F1, s.ExactShare, s.Right)
			if s.F1 < least.f1 || s.ExactShare < least.exact || s.Right < least.right {
				t.Errorf("F1 %.4f, exact %.3f, right %.3f; want at least %+v", s.F1, s.ExactShare, s.Right, least)
			}
		})
	}
}

// TestMeasurePortal scores the portal rule on simulated passes, per setting. It takes minutes, so it runs on demand.
func TestMeasurePortal(t *testing.T) {
	if os.Getenv("TALLYDOCK_BENCH") == "" {
		t.Skip("a measurement; TALLYDOCK_BENCH=1 runs it")
	}
	passes, seed, cells := 500, uint64(20261122), 0
	if n, err := strconv.Atoi(os.Getenv("PORTAL_PASSES")); err == nil {
		passes = n
	}
	if n, err := strconv.ParseUint(os.Getenv("PORTAL_SEED"), 10, 64); err == nil {
		seed = n
	}
	if n, err := strconv.Atoi(os.Getenv("PORTAL_CELLS")); err == nil {
		cells = n
	}
	only := os.Getenv("PORTAL_SETTING")
	var all replay.Score // of the settings but the mix of them
	right, undecided := 0.0, 0.0
	for _, setting := range radio.Settings() {
		if only != "" && !strings.Contains(only, string(setting)) {
			continue
		}
		t.Run(string(setting), func(t *testing.T) {
			entries, want := record(t, setting, passes, seed, cells)
			s := replay.Compare(want, scorePortal(t, cells, entries))
			t.Logf("%-10s reads %d F1 %.4f (P %.4f R %.4f) exact %.1f%% (%d/%d) right %.2f%% undecided %.2f%% FP %d FN %d unread %d told %d; %v",
				setting, len(entries), s.F1, s.Precision, s.Recall, 100*s.ExactShare, s.Exact, s.Passes, 100*s.Right, 100*s.Undecided,
				s.False, s.Missed, s.Unread, s.Told, s.Confusion)
			if setting != radio.Mix {
				all.True, all.False, all.Missed = all.True+s.True, all.False+s.False, all.Missed+s.Missed
				all.Exact, all.Passes, all.Decided = all.Exact+s.Exact, all.Passes+s.Passes, all.Decided+s.Decided
				right, undecided = right+s.Right*float64(s.Decided), undecided+s.Undecided*float64(s.Passes)
			}
			for name, changes := range map[string][]change{
				"EdgeX, departed after 600 s": edgex(entries, 600*time.Second), "EdgeX, departed after 30 s": edgex(entries, 30*time.Second),
				"first antenna seen": firstSeen(entries),
			} {
				b := replay.Compare(want, toldBy(changes, want))
				t.Logf("%-10s %-28s F1 %.4f (P %.4f R %.4f) exact %.1f%% right %.2f%%", setting, name, b.F1, b.Precision, b.Recall, 100*b.ExactShare, 100*b.Right)
			}
		})
	}
	t.Logf("together   F1 %.4f exact %.1f%% (%d/%d) right %.2f%% undecided %.2f%%; all but the mix",
		2*float64(all.True)/float64(2*all.True+all.False+all.Missed), 100*float64(all.Exact)/float64(all.Passes), all.Exact, all.Passes,
		100*right/float64(all.Decided), 100*undecided/float64(all.Passes))
}

func scorePortal(t testing.TB, cells int, entries []recording.Entry) []replay.Movement {
	t.Helper()
	plan, err := portal.Layout{Doors: 2, Photocells: cells}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var got []replay.Movement
	ended := map[string]bool{}
	p := replay.New(replay.Config{Plan: plan, Params: reconcile.Defaults(), Tell: func(e reconcile.Event) error {
		if m, ok := replay.MovementOf(e); ok {
			got = append(got, m)
		}
		if e.Pass != nil && e.Pass.Direction != "" {
			if ended[e.Pass.ID] {
				t.Errorf("two passes are named %s", e.Pass.ID)
			}
			ended[e.Pass.ID] = true
		}
		return nil
	}})
	for i := range entries {
		if err := p.Play(&entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.End(); err != nil {
		t.Fatal(err)
	}
	return got
}
