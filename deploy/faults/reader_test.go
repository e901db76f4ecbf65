package faults_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/fleet"
	"github.com/tallydock/tallydock/edge/pipeline"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/store"
	"github.com/tallydock/tallydock/edge/watch"
	"github.com/tallydock/tallydock/simulators/portal"
)

// dock is a door with its reader and what the gateway heard and told of it.
type dock struct {
	id     string
	reader *portal.Reader
	told   chan wire.Record // passes and movements, in order

	mu    sync.Mutex
	heard tags // since the last call of fresh
}

// fresh gives the tags that the gateway heard since the last call.
func (d *dock) fresh() tags {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.heard
	d.heard = tags{}
	return h
}

func (d *dock) hear(tag devices.Tag) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard[tag] = true
}

// ear is a Sink that notes which tags go by.
type ear struct {
	devices.Sink
	docks map[string]*dock
}

func (e ear) Read(r devices.Read) {
	e.docks[r.Device].hear(r.Tag)
	e.Sink.Read(r)
}

// gatewayAt runs drivers, fleet, pipeline and store for readers until the test ends.
func gatewayAt(t *testing.T, flavours map[string]portal.Flavour) map[string]*dock {
	t.Helper()
	spec := site.Spec{Edge: edgeID}
	docks := map[string]*dock{}
	var settings []devices.Settings
	for id, flavour := range flavours {
		d := &dock{id: id, reader: startPortal(t, flavour), told: make(chan wire.Record, 10_000), heard: tags{}}
		docks[id] = d
		settings = append(settings, devices.Settings{ID: id, Driver: "llrp", Address: "tcp:" + d.reader.Addr().String()})
		spec.Doors = append(spec.Doors, doorOf(id, 3*time.Second))
	}
	plan, err := site.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	st, _, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Edge: edgeID, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Config{
		Store: st, Reconcile: reconcile.New(plan, reconcile.Defaults()), Watch: watch.New(watch.Spec{}), Now: time.Now,
		Unsynced: func() bool { return false }, Location: plan.LocationOf, Patient: func(devices.Read) bool { return false },
		Conditions: func() []watch.Condition { return nil }, Every: time.Minute, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := port.NewOpener(0)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.New(fleet.Config{Devices: settings, Env: all.Env{Ports: ports}}, ear{p, docks})
	if err != nil {
		t.Fatal(err)
	}
	runParts(t, st, p, f, docks)
	return docks
}

func runParts(t *testing.T, st *store.Store, p *pipeline.Pipeline, f *fleet.Fleet, docks map[string]*dock) {
	ctx, cancel := context.WithCancel(context.Background())
	drivers, hangUp := context.WithCancel(ctx)
	var working, reading sync.WaitGroup
	reading.Go(func() { _ = f.Run(drivers) })
	working.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("pipeline: %v", err)
		}
	})
	working.Go(func() { tellDocks(ctx, t, st, docks) })
	t.Cleanup(func() {
		hangUp()
		reading.Wait()
		cancel()
		working.Wait()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

// tellDocks hands each record of the outbox to its door.
func tellDocks(ctx context.Context, t *testing.T, st *store.Store, docks map[string]*dock) {
	for next := uint64(1); ; {
		run, err := st.ReadMain(next, 500, 1<<20)
		if err != nil {
			t.Error(err)
			return
		}
		for _, s := range run.Records {
			r, err := wire.DecodeRecord(s.Bytes)
			switch {
			case err != nil:
				t.Error(err)
			case r.Pass != nil:
				docks[r.Pass.Door].told <- r
			case r.Movement != nil && docks[r.Movement.ReadPoint] != nil:
				docks[r.Movement.ReadPoint].told <- r
			}
			next = s.Seq + 1
		}
		if len(run.Records) > 0 {
			continue
		}
		select {
		case <-st.Changed():
		case <-ctx.Done():
			return
		}
	}
}

// struck is what became of one pass in which the reader failed.
type struck struct {
	strikes     int
	before, all tags // heard before the first strike, and in all
	told        []wire.Pass
	moved       map[devices.Tag]int
}

// await waits until a pass is told as closed, and takes what is told until the door has been quiet for a while.
func (d *dock) await(t *testing.T, s *struck, open map[string]bool) {
	t.Helper()
	const quiet = 8 * time.Second // longer than it takes to close a second one
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	silence := time.NewTimer(time.Hour)
	defer silence.Stop()
	for {
		select {
		case r := <-d.told:
			switch {
			case r.Movement != nil:
				s.moved[r.Movement.Tag]++
			case r.Pass.Closed.IsZero():
				open[r.Pass.ID] = true
			default:
				delete(open, r.Pass.ID)
				s.told = append(s.told, *r.Pass)
			}
			if len(s.told) > 0 && len(open) == 0 {
				silence.Reset(quiet)
			}
		case <-silence.C:
			return
		case <-limit.C:
			t.Errorf("%s: %d passes told, %d open after two minutes", d.id, len(s.told), len(open))
			return
		}
	}
}

// cross plays a load and strikes the reader at moments of it.
func (d *dock) cross(t *testing.T, c crossing, rng *rand.Rand) *struck {
	t.Helper()
	s := &struck{moved: map[devices.Tag]int{}, all: tags{}, strikes: 1 + rng.IntN(3)/2}
	awaitReady(t, d.reader)
	d.fresh()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var playing sync.WaitGroup
	playing.Go(func() { c.play(ctx, d.reader) })
	for n := range s.strikes {
		share := (0.2 + 0.6*rng.Float64()) / float64(s.strikes)
		<-time.After(time.Duration(share * float64(c.lasts()))) // the moment of the fault
		if n == 0 {
			s.before = d.fresh()
			s.add(s.before)
		}
		if rng.IntN(3) == 0 {
			d.reader.Drop()
		} else {
			d.reader.Reboot()
		}
	}
	playing.Wait()
	d.await(t, s, map[string]bool{})
	s.add(d.fresh())
	return s
}

func (s *struck) add(more tags) {
	for tag := range more {
		s.all[tag] = true
	}
}

// TestReaderRestartsWithinAPass lets loads of a radio recording go through doors while their readers restart, or their lines
// break, at random moments of the pass. The pass must be told once, with every tag that the gateway heard.
func TestReaderRestartsWithinAPass(t *testing.T) {
	demanded(t)
	t.Parallel() // it mostly waits
	docks := gatewayAt(t, map[string]portal.Flavour{"plain": portal.Plain, "impinj": portal.Impinj, "uptime": portal.Uptime})
	passes := number(t, "FAULTS_PASSES", 5)
	o := outcome{fault: "reader restarts within a pass"}
	var mu sync.Mutex
	var doors sync.WaitGroup
	right, moved, heard, unheard, stream := 0, 0, 0, 0, uint64(10)
	for _, id := range slices.Sorted(maps.Keys(docks)) {
		d := docks[id]
		stream++
		seed := stream
		doors.Go(func() {
			rng := dice(t, seed)
			for i, c := range crossings(t, passes, rng.Uint64()%1e6) {
				s := d.cross(t, c, rng)
				mu.Lock()
				o.book(t, fmt.Sprintf("%s pass %d", id, i+1), s)
				heard, moved, unheard = heard+len(s.all), moved+len(s.moved), unheard+len(c.truth.Tags)-len(s.all)
				if len(s.told) == 1 && string(s.told[0].Direction) == string(c.truth.Direction) {
					right++
				}
				mu.Unlock()
			}
		})
	}
	doors.Wait()
	o.note("%d tags heard, %d moved; %d tags never heard; direction right %d times", heard, moved, unheard, right)
	o.tell(t)
}

// book counts a pass.
func (o *outcome) book(t *testing.T, where string, s *struck) {
	t.Helper()
	o.struck += s.strikes
	o.acked += len(s.before)
	for _, n := range s.moved {
		o.twice += n - 1
	}
	if len(s.told) != 1 {
		o.twice += max(0, len(s.told)-1)
		t.Errorf("%s was told %d times: %+v", where, len(s.told), s.told)
		if len(s.told) == 0 {
			o.lost += len(s.all)
		}
		return
	}
	p := s.told[0]
	if missing := len(s.all) - int(p.Tags); missing > 0 {
		o.lost += missing
		t.Errorf("%s: %d tags were heard, %d before the reader failed; the pass has %d", where, len(s.all), len(s.before), p.Tags)
	}
	t.Logf("%s: %d strikes, %d tags heard before, %d in all, %d in the pass, %d moved %s", where, s.strikes, len(s.before), len(s.all), p.Tags, p.Moved, p.Direction)
}
