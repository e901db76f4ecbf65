package portal_test

import (
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/replay"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/simulators/radio"
)

// portalPlan is the doors of a radio recording as a gateway's configuration has them.
func portalPlan(t testing.TB, doors, photocells int) *site.Plan {
	t.Helper()
	var spec site.Spec
	spec.Edge = "SIM-E1"
	for i := range doors {
		id := "dock" + strconv.Itoa(i+1)
		d := site.Door{
			ID: id, Location: "FLOOR-" + id, Inside: []site.Source{{Device: id, Antenna: 1}, {Device: id, Antenna: 3}},
			Outside: []site.Source{{Device: id, Antenna: 2}, {Device: id, Antenna: 4}}, Quiet: 3 * time.Second, Longest: time.Minute, MinReads: 1,
		}
		if photocells > 0 {
			d.Photocells = append(d.Photocells, site.Photocell{Device: id, Port: 1, Side: site.Outside})
		}
		if photocells > 1 {
			d.Photocells = append(d.Photocells, site.Photocell{Device: id, Port: 2, Side: site.Inside})
		}
		spec.Doors = append(spec.Doors, d)
	}
	p, err := site.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tape keeps a radio recording as entries.
type tape struct{ entries []recording.Entry }

func (t *tape) Read(r radio.Read) error {
	t.entries = append(t.entries, recording.Entry{At: r.At, Read: &devices.Read{
		Device: r.Reader, Antenna: r.Antenna, Tag: r.Tag, RSSI: r.RSSI, HasRSSI: true, Phase: r.Phase, HasPhase: true,
		ChannelKHz: r.ChannelKHz, ReaderTime: r.At, Count: 1,
	}})
	return nil
}

func (t *tape) Edge(e radio.Edge) error {
	t.entries = append(t.entries, recording.Entry{At: e.At, GPI: &devices.GPI{Device: e.Reader, Port: e.GPI, High: e.High, ReaderTime: e.At}})
	return nil
}

func truthOf(passes []radio.Pass) []replay.Truth {
	var out []replay.Truth
	for _, p := range passes {
		t := replay.Truth{
			Pass: p.ID, ReadPoint: p.Door, From: p.From, To: p.To, Direction: string(p.Direction), EPCs: map[string]bool{}, Unread: map[string]bool{},
		}
		for _, tag := range p.Tags {
			t.EPCs[hex.EncodeToString(tag.Bytes())] = true
		}
		for _, tag := range p.Unseen {
			t.Unread[hex.EncodeToString(tag.Bytes())] = true
		}
		out = append(out, t)
	}
	return out
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
	for _, setting := range radio.Settings() {
		if only != "" && !strings.Contains(only, string(setting)) {
			continue
		}
		t.Run(string(setting), func(t *testing.T) {
			var tp tape
			truth, err := radio.Record(setting, passes, seed, radio.Options{Photocells: cells}, &tp)
			if err != nil {
				t.Fatal(err)
			}
			want := truthOf(truth.Passes)
			s := replay.Compare(want, scorePortal(t, portalPlan(t, 2, cells), tp.entries))
			t.Logf("%-10s reads %d F1 %.4f (P %.4f R %.4f) exact %.1f%% (%d/%d) right %.2f%% undecided %.2f%% FP %d FN %d unread %d told %d; %v",
				setting, len(tp.entries), s.F1, s.Precision, s.Recall, 100*s.ExactShare, s.Exact, s.Passes, 100*s.Right, 100*s.Undecided,
				s.False, s.Missed, s.Unread, s.Told, s.Confusion)
			for name, changes := range map[string][]change{
				"EdgeX, departed after 600 s": edgex(tp.entries, 600*time.Second), "EdgeX, departed after 30 s": edgex(tp.entries, 30*time.Second),
				"first antenna seen": firstSeen(tp.entries),
			} {
				b := replay.Compare(want, toldBy(changes, want))
				t.Logf("%-10s %-28s F1 %.4f (P %.4f R %.4f) exact %.1f%% right %.2f%%", setting, name, b.F1, b.Precision, b.Recall, 100*b.ExactShare, 100*b.Right)
			}
		})
	}
}

func scorePortal(t testing.TB, plan *site.Plan, entries []recording.Entry) []replay.Movement {
	t.Helper()
	var got []replay.Movement
	p := replay.New(replay.Config{Plan: plan, Params: reconcile.Defaults(), Tell: func(e reconcile.Event) error {
		if m, ok := replay.MovementOf(e); ok {
			got = append(got, m)
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
