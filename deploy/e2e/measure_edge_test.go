package e2e_test

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/port"
)

const (
	roadLines   = 4    // serial readers; they work in pairs that pass their tags to and fro
	roadTags    = 1000 // tags before each reader
	roadWarm    = 2 * time.Second
	roadSpan    = 10 * time.Second
	rawSpan     = 3 * time.Second
	lineReads   = 115200.0 / 10 / frameBytes // reads a second that fit a line of 115200 baud, 8N1
	strongSight = -20
	weakSight   = -90
)

// roadLoad is what the readers see of each tag before the neighbour has it: strong reads, by which it moves to them,
// and weak ones, after which the neighbour's strong ones move it back.
type roadLoad struct {
	what         string
	strong, weak int
	stay         bool // the tags stay where they are
}

// The loads: 4,000 tags that lie on their shelves; tags of which each hundredth, and each fifth, read moves one.
var roadLoads = []roadLoad{
	{"re-reads only", 0, 1, true},
	{"1 read in 100 moves its tag", 2, 98, false},
	{"1 read in 5 moves its tag", 2, 3, false},
}

// measureEdgeRoad takes what one edge sustains from serial bytes to the durable outbox, without a hub, beside what bare
// loops read from the same lines and what the disk syncs.
func measureEdgeRoad(t *testing.T, f *figures) {
	raw := rawLines(t, func(f *feeder) (io.ReadCloser, error) { return f.slave, nil })
	bare := rawLines(t, openPort)
	r := openEdgeRoad(t, programs(t))
	syncs := rawSyncs(t, r.h.Dir)
	for _, l := range roadLoads {
		got := r.drive(l, roadSpan)
		f.add("edge, "+l.what, got.reads, "reads/s", fmt.Sprintf("bare loops on %d PTYs", roadLines), raw)
		f.add("  the same", got.reads, "reads/s", "devices/port without decoding", bare)
		f.add("  the same", got.reads, "reads/s", "one reader's line at 115200 baud", lineReads)
		f.add("  of the edge's own CPU", got.reads/got.cpu, "reads/s", "", 0)
		if !l.stay {
			f.add("  movements made durable", got.moves, "moves/s", "fdatasync of 4 KiB, one by one", syncs)
		}
		t.Logf("%s: %.0f reads/s, %.0f movements/s, edge uses %.2f cores, generator and this test the rest; %.0f commits/s of %.0f records",
			l.what, got.reads, got.moves, got.cpu, got.commits, got.moves/max(got.commits, 1))
		if got.lost > 0 {
			t.Errorf("%s: the readers lost %.0f reports", l.what, got.lost)
		}
		if !l.stay && got.moves < got.reads/float64(l.strong+l.weak)/2 {
			t.Errorf("%s: only %.0f of about %.0f movements a second were made", l.what, got.moves, got.reads/float64(l.strong+l.weak))
		}
	}
}

// edgeRoad is an edge with readers that send without pause.
type edgeRoad struct {
	t     *testing.T
	h     *benchHouse
	lines []*feeder
}

func openEdgeRoad(t *testing.T, bin string) *edgeRoad {
	t.Helper()
	var readers []benchReader
	for i := range roadLines {
		readers = append(readers, benchReader{id: fmt.Sprintf("uhf-%d", i), driver: "uhf", bays: []int{i}})
	}
	r := &edgeRoad{t: t, h: openBench(t, bin, []string{"SZ1-E1"}, readers)}
	for _, reader := range readers {
		l := newFeeder(t, filepath.Join(r.h.Dir, "tty-"+reader.id))
		go l.answer()
		r.lines = append(r.lines, l)
	}
	r.h.start("edge")
	for _, l := range r.lines {
		l.awaitPolling()
	}
	return r
}

// roadResult is what happened in a second of a span.
type roadResult struct {
	reads, moves, commits float64 // a second
	cpu                   float64 // cores that the edge kept busy
	lost                  float64 // in all
}

// drive puts a load on all lines and measures for span, after a time to warm up.
func (r *edgeRoad) drive(l roadLoad, span time.Duration) roadResult {
	r.t.Helper()
	var stop atomic.Bool
	var playing sync.WaitGroup
	for i := 0; i < len(r.lines); i += 2 {
		groups := [2][][]byte{r.frames(i, l), r.frames(i+1, l)}
		playing.Go(func() { r.play(r.lines[i:i+2], groups, l.stay, &stop) })
	}
	time.Sleep(roadWarm)
	before, m0 := used(r.t, r.h.PID("edge")), metrics(r.t, r.h.EdgeAPI)
	time.Sleep(span)
	after, m1 := used(r.t, r.h.PID("edge")), metrics(r.t, r.h.EdgeAPI)
	stop.Store(true)
	playing.Wait()
	seconds := after.at.Sub(before.at).Seconds()
	rate := func(name string) float64 { return (m1[name] - m0[name]) / seconds }
	return roadResult{
		reads: rate("tallydock_edge_device_reads_total"), moves: rate("edge_store_head"), commits: rate("edge_store_commit_seconds_count"),
		cpu: (after.cpu - before.cpu).Seconds() / seconds, lost: m1["tallydock_edge_device_lost_total"] - m0["tallydock_edge_device_lost_total"],
	}
}

// frames is one stay of a group of tags before a reader, in pieces.
func (r *edgeRoad) frames(group int, l roadLoad) [][]byte {
	var all []byte
	for n := range l.strong + l.weak {
		rssi := int8(weakSight)
		if n < l.strong {
			rssi = strongSight
		}
		for i := range roadTags {
			all = sighting(r.t, all, sgtin(r.t, group*roadTags+i).Bytes(), rssi)
		}
	}
	return pieces(all)
}

// play lets a pair of readers see their groups of tags, again and again; unless they stay, the groups change places after
// each time.
func (r *edgeRoad) play(pair []*feeder, groups [2][][]byte, stay bool, stop *atomic.Bool) {
	for round := 0; !stop.Load(); round++ {
		var both sync.WaitGroup
		for i, l := range pair {
			group := groups[i]
			if !stay {
				group = groups[(i+round)%2]
			}
			both.Go(func() {
				for _, piece := range group {
					if stop.Load() || !l.say(piece) {
						return
					}
				}
			})
		}
		both.Wait()
	}
}

// rawLines tells how many frames a second come through as many lines as the edge has, read by bare loops.
func rawLines(t *testing.T, open func(*feeder) (io.ReadCloser, error)) float64 {
	t.Helper()
	var all []byte
	for i := range roadTags {
		all = sighting(t, all, sgtin(t, i).Bytes(), weakSight)
	}
	frames := pieces(all)
	var bytes atomic.Int64
	var stop atomic.Bool
	var writers, readers sync.WaitGroup
	var lines []*feeder
	for range roadLines {
		l := newFeeder(t, "")
		lines = append(lines, l)
		p, err := open(l)
		if err != nil {
			t.Fatal(err)
		}
		readers.Go(func() { count(p, &bytes) })
		writers.Go(func() {
			for !stop.Load() {
				for _, piece := range frames {
					l.say(piece)
				}
			}
		})
	}
	time.Sleep(rawSpan / 10)
	n0, start := bytes.Load(), time.Now()
	time.Sleep(rawSpan)
	n1, end := bytes.Load(), time.Now()
	stop.Store(true)
	writers.Wait()
	for _, l := range lines {
		l.master.Close() // hangs up, which ends the readers
	}
	readers.Wait()
	return float64(n1-n0) / frameBytes / end.Sub(start).Seconds()
}

// count reads until the line hangs up.
func count(p io.ReadCloser, bytes *atomic.Int64) {
	defer p.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := p.Read(b)
		bytes.Add(int64(n))
		if err != nil {
			return
		}
	}
}

func openPort(f *feeder) (io.ReadCloser, error) {
	a, err := port.ParseAddress("serial:" + f.path + "?baud=115200")
	if err != nil {
		return nil, err
	}
	return port.Open(f.t.Context(), a, port.Options{})
}

// percentile of values, which it sorts.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(p*float64(len(values))))]
}
