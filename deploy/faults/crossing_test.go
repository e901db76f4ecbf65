package faults_test

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/replay"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/simulators/portal"
	"github.com/tallydock/tallydock/simulators/radio"
)

// crossing is a load that goes through a door, as a recording has it.
type crossing struct {
	truth radio.Pass
	reads []radio.Read // of the load's tags, from the first to the last
}

// takings takes a recording's reads.
type takings struct{ reads []radio.Read }

func (s *takings) Read(r radio.Read) error {
	s.reads = append(s.reads, r)
	return nil
}

func (s *takings) Edge(radio.Edge) error { return nil }

// crossings records loads at one door and gives n that make one pass, and a moved load, where nothing is disturbed.
func crossings(t *testing.T, n int, seed uint64) (out []crossing) {
	t.Helper()
	var all takings
	truth, err := radio.Record(radio.Clean, 2*n+4, seed, radio.Options{Doors: 1}, &all)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range truth.Passes {
		c := crossing{truth: p}
		for _, r := range all.reads {
			if slices.Contains(p.Tags, r.Tag) {
				c.reads = append(c.reads, r)
			}
		}
		if len(out) < n && len(c.reads) > 20 && c.undisturbed(t) == 1 {
			out = append(out, c)
		}
	}
	if len(out) < n {
		t.Fatalf("%d of %d loads make one pass; want %d", len(out), len(truth.Passes), n)
	}
	return out
}

// undisturbed tells how many passes are told of the load by a door that is quicker to end one than those of the tests.
func (c crossing) undisturbed(t *testing.T) (passes int) {
	t.Helper()
	plan, err := site.New(site.Spec{Edge: edgeID, Doors: []site.Door{doorOf(c.reads[0].Reader, 2*time.Second)}})
	if err != nil {
		t.Fatal(err)
	}
	p := replay.New(replay.Config{Plan: plan, Params: reconcile.Defaults(), Tell: func(e reconcile.Event) error {
		if e.Pass != nil && !e.Pass.Closed.IsZero() {
			passes++
		}
		return nil
	}})
	for _, r := range c.reads {
		e := recording.Entry{At: r.At, Read: &devices.Read{
			Device: r.Reader, Antenna: r.Antenna, Tag: r.Tag, RSSI: r.RSSI, HasRSSI: true, ReaderTime: r.At, Count: 1,
		}}
		if err := p.Play(&e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.End(); err != nil {
		t.Fatal(err)
	}
	return passes
}

// doorOf is a door with the four antennas of one reader.
func doorOf(id string, quiet time.Duration) site.Door {
	return site.Door{
		ID: id, Location: "FLOOR-" + id, Inside: []site.Source{{Device: id, Antenna: 1}, {Device: id, Antenna: 3}},
		Outside: []site.Source{{Device: id, Antenna: 2}, {Device: id, Antenna: 4}}, Quiet: quiet, Longest: time.Minute, MinReads: 2,
	}
}

// lasts is the time from the first read to the last.
func (c crossing) lasts() time.Duration {
	return c.reads[len(c.reads)-1].At.Sub(c.reads[0].At)
}

// play puts the load before the reader's antennas, at the pace of the recording.
func (c crossing) play(ctx context.Context, to *portal.Reader) {
	begin := time.Now()
	for _, r := range c.reads {
		if wait := r.At.Sub(c.reads[0].At) - time.Since(begin); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
		to.Sight(portal.Sighting{At: time.Now(), Antenna: r.Antenna, Tag: r.Tag, RSSI: r.RSSI, Phase: r.Phase, Channel: 1})
	}
}

// startPortal runs a simulated reader until the test ends.
func startPortal(t *testing.T, flavour portal.Flavour) *portal.Reader {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := portal.New(portal.Config{Listener: l, Flavour: flavour})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("portal: %v", err)
		}
	})
	return r
}

// awaitReady waits until a gateway hears the reader.
func awaitReady(t *testing.T, r *portal.Reader) {
	t.Helper()
	limit := time.After(60 * time.Second)
	for !r.Ready() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-limit:
			t.Fatal("no gateway hears the reader")
		}
	}
}

// tags is a set of them.
type tags map[devices.Tag]bool
