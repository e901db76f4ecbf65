package faults_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/simulators/portal"
	"github.com/tallydock/tallydock/simulators/probe"
)

// startProbe runs a simulated Modbus TCP probe until the test ends and gives its address.
func startProbe(t *testing.T) string {
	t.Helper()
	models, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.Modbus("xy-md02")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := probe.NewUnit(model, 1)
	u.Set(unit.Temperature, 5000)
	u.Set(unit.Humidity, 60_000)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = probe.NewBus(u).Listen(ctx, l, modbus.TCP) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return l.Addr().String()
}

// jumper watches what the hub hears while the clock of the edge jumps.
type jumper struct {
	began time.Time

	mu        sync.Mutex
	told      map[string][]wire.Pass
	open      map[string]bool
	moved     map[string]map[devices.Tag]int // by pass
	samples   int
	last      map[string]time.Time // of each channel
	unsynced  struct{ movements, samples int }
	movements int
	wrong     []string
	jumped    bool // the clock has jumped
}

// tolerance is how far a time that is not marked may be from the machine's; it has to come through the outbox first.
const tolerance = 30 * time.Second

// hear takes a record of the hub.
func (j *jumper) hear(r wire.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case r.Pass != nil:
		j.pass(*r.Pass)
	case r.Movement != nil:
		m := r.Movement
		j.movements++
		if j.moved[m.Pass] == nil {
			j.moved[m.Pass] = map[devices.Tag]int{}
		}
		j.moved[m.Pass][m.Tag]++
		if m.ClockUnsynced {
			j.unsynced.movements++
		}
		j.time("movement", m.EventTime, m.ClockUnsynced || j.jumped)
		if m.LastRead.Before(m.FirstRead) {
			j.complain("movement of %s: read last at %s, first at %s", m.Tag, m.LastRead, m.FirstRead)
		}
	case r.Sample != nil:
		j.sample(*r.Sample)
	}
}

func (j *jumper) pass(p wire.Pass) {
	if p.Closed.IsZero() {
		j.open[p.ID] = true
		return
	}
	delete(j.open, p.ID)
	if p.Closed.Before(p.Opened) {
		j.complain("pass %s closed at %s, opened at %s", p.ID, p.Closed, p.Opened)
	}
	for _, before := range j.told[p.Door] {
		if p.Opened.Before(before.Opened) {
			j.complain("pass %s opened at %s, before the one before it at %s", p.ID, p.Opened, before.Opened)
		}
	}
	j.told[p.Door] = append(j.told[p.Door], p)
}

func (j *jumper) sample(s wire.Sample) {
	j.samples++
	channel := s.Device + "/" + s.Channel + "/" + s.Quantity.String()
	if s.At.Before(j.last[channel]) {
		j.complain("sample of %s at %s, after one at %s", channel, s.At, j.last[channel])
	}
	j.last[channel] = s.At
	marked := s.Quality == devices.ClockUnsynced
	if marked {
		j.unsynced.samples++
	}
	j.time("sample", s.At, marked)
}

// time judges a time: never before the test, never beyond what a believed clock showed, and right where it is not marked.
func (j *jumper) time(what string, at time.Time, marked bool) {
	now := time.Now()
	if at.Before(j.began.Add(-time.Second)) || at.After(now.Add(time.Hour+tolerance)) {
		j.complain("%s at %s cannot be; it is %s", what, at, now)
	}
	if off := now.Sub(at); !marked && (off > tolerance || off < -tolerance) {
		j.complain("%s at %s is not marked; it is %s", what, at, now)
	}
}

func (j *jumper) complain(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// closed tells how many passes of a door were told and how many are open.
func (j *jumper) closed(door string) (told, open int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.told[door]), len(j.open)
}

// writeEdge writes the configuration of an edge with readers at doors and one probe.
func writeEdge(t *testing.T, broker, probe string, docks map[string]*portal.Reader) string {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, "edge: %s\nsite: FAULT\ndata: data\nhub: {broker: \"tcp://%s\", user: %s, password_file: password}\n", edgeID, broker, edgeID)
	b.WriteString("api: {listen: \"127.0.0.1:0\"}\nspace: {ballast: -1}\nsamples: {every: 1ms}\ndevices:\n")
	fmt.Fprintf(&b, "  - {id: probe, driver: modbus, model: xy-md02, address: \"tcp:%s\", poll: 1s, location: COLD}\n", probe)
	for id, r := range docks {
		fmt.Fprintf(&b, "  - {id: %s, driver: llrp, address: \"tcp:%s\"}\n", id, r.Addr())
	}
	b.WriteString("doors:\n")
	for id := range docks {
		fmt.Fprintf(&b, "  - id: %s\n    inside_location: FLOOR-%s\n    inside: [{device: %s, antenna: 1}, {device: %s, antenna: 3}]\n"+
			"    outside: [{device: %s, antenna: 2}, {device: %s, antenna: 4}]\n    quiet: 3s\n    min_reads: 2\n", id, id, id, id, id, id)
	}
	file := filepath.Join(dir, "edge.yaml")
	for name, text := range map[string]string{file: b.String(), filepath.Join(dir, "password"): password} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// TestClockJumps moves the clock of a running edge program by an hour ahead, an hour back and to 1970 within passes, and
// back again, and lets one pass happen wholly in 1970.
func TestClockJumps(t *testing.T) {
	demanded(t)
	t.Parallel() // it mostly waits
	program := buildShiftedEdge(t)
	j := &jumper{began: time.Now(), told: map[string][]wire.Pass{}, open: map[string]bool{}, moved: map[string]map[devices.Tag]int{}, last: map[string]time.Time{}}
	l := newLedger()
	l.heard = j.hear
	address := startBroker(t)
	hub := startPeer(t, address, l)
	docks := map[string]*portal.Reader{"plain": startPortal(t, portal.Plain), "uptime": startPortal(t, portal.Uptime)}
	e := runShifted(t, program, writeEdge(t, address, startProbe(t), docks))
	rng := dice(t, 20)
	o := outcome{fault: "clock jumps"}
	var loads []map[string]crossing
	to1970 := 5 - time.Now().Unix()
	jumps := []int64{3600, -3600, to1970, to1970}
	for range jumps {
		loads = append(loads, map[string]crossing{})
	}
	for _, id := range slices.Sorted(maps.Keys(docks)) {
		awaitReady(t, docks[id])
		for i, c := range crossings(t, len(jumps), rng.Uint64()%1e6) {
			loads[i][id] = c
		}
	}
	for i, by := range jumps {
		whole := i == len(jumps)-1
		ctx, cancel := context.WithCancel(t.Context())
		var playing sync.WaitGroup
		if whole {
			o.struck += j.jump(e, by)
		}
		longest := time.Duration(0)
		for id, c := range loads[i] {
			longest = max(longest, c.lasts())
			playing.Go(func() { c.play(ctx, docks[id]) })
		}
		if !whole {
			<-time.After(time.Duration(0.15 * (1 + rng.Float64()) * float64(longest)))
			o.acked = hub.look().others
			o.struck += j.jump(e, by)
			<-time.After(time.Duration(0.2 * (1 + rng.Float64()) * float64(longest)))
			o.struck += j.jump(e, 0)
		}
		playing.Wait()
		j.awaitPasses(t, docks, i+1)
		if whole {
			o.struck += j.jump(e, 0)
		}
		cancel()
	}
	j.settle(t, hub)
	e.end()
	j.tell(t, &o, loads, hub)
}

func (j *jumper) jump(e *shifted, by int64) int {
	j.mu.Lock()
	j.jumped = true
	j.mu.Unlock()
	e.shift(by)
	return 1
}

// awaitPasses waits until each door has told so many passes and none is open.
func (j *jumper) awaitPasses(t *testing.T, docks map[string]*portal.Reader, n int) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for id := range docks {
		for {
			told, open := j.closed(id)
			if told >= n && open == 0 {
				break
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-limit:
				t.Errorf("%s: %d passes told, %d open; want %d", id, told, open, n)
				return
			}
		}
	}
}

// settle waits until the hub has every sample that the edge says its probe gave until now.
func (j *jumper) settle(t *testing.T, hub *peer) {
	t.Helper()
	hub.mu.Lock()
	given := uint64(0)
	for _, d := range hub.status.Devices {
		if d.ID == "probe" {
			given = d.Reads
		}
	}
	hub.mu.Unlock()
	limit := time.After(20 * time.Second)
	for {
		j.mu.Lock()
		has := uint64(j.samples)
		j.mu.Unlock()
		if has >= given && given > 0 {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-limit:
			t.Errorf("the edge says that its probe gave %d samples; the hub has %d", given, has)
			return
		}
	}
}

func (j *jumper) tell(t *testing.T, o *outcome, loads []map[string]crossing, hub *peer) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, load := range loads {
		for id, c := range load {
			if len(j.told[id]) != len(loads) {
				t.Errorf("%s: %d passes were told; %d loads went through: %+v", id, len(j.told[id]), len(loads), j.told[id])
				o.twice += max(0, len(j.told[id])-len(loads)) * min(1, i)
				continue
			}
			p := j.told[id][i]
			read := tags{}
			for _, r := range c.reads {
				read[r.Tag] = true
			}
			o.lost += max(0, len(read)-int(p.Tags))
			for _, n := range j.moved[p.ID] {
				o.twice += n - 1
			}
			t.Logf("%s pass %d: %d tags read, %d in the pass, %d moved %s (truth %s), %s to %s", id, i+1, len(read), p.Tags, p.Moved, p.Direction,
				c.truth.Direction, p.Opened.Format("15:04:05.0"), p.Closed.Format("15:04:05.0"))
		}
	}
	for n, w := range j.wrong {
		if n < 20 {
			t.Error(w)
		}
	}
	o.note("%d movements, %d of them marked unsynced; %d samples, %d marked; %d complaints about times", j.movements, j.unsynced.movements,
		j.samples, j.unsynced.samples, len(j.wrong))
	o.tell(t)
	if j.unsynced.samples == 0 || j.unsynced.movements == 0 {
		t.Error("nothing was marked unsynced")
	}
	if l := hub.look(); l.damaged > 0 {
		t.Errorf("%d records are not readable", l.damaged)
	}
}
