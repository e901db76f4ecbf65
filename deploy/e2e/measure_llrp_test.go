package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/simulators/portal"
)

// llrpReports is how many tags a report of the measured readers has.
const llrpReports = 100

// llrpLine is an LLRP reader on TCP that reports as fast as the gateway takes it. What is not a report, the simulated
// reader behind it says.
type llrpLine struct {
	t       *testing.T
	address string
	ready   chan struct{} // closed once the gateway has enabled reports
	once    sync.Once

	mu   sync.Mutex // of writing whole messages
	conn net.Conn
}

func newLLRPLine(t *testing.T) *llrpLine {
	t.Helper()
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := portal.New(portal.Config{Listener: behind, Antennas: 1})
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	l := &llrpLine{t: t, address: front.Addr().String(), ready: make(chan struct{})}
	go l.accept(front, behind.Addr().String())
	t.Cleanup(func() { cancel(); front.Close(); l.hangUp(); <-done })
	return l
}

func (l *llrpLine) accept(front net.Listener, behind string) {
	for {
		conn, err := front.Accept()
		if err != nil {
			return
		}
		reader, err := net.Dial("tcp", behind)
		if err != nil {
			conn.Close()
			continue
		}
		l.mu.Lock()
		l.conn = conn
		l.mu.Unlock()
		go l.relay(conn, reader, true)
		go l.relay(reader, conn, false)
	}
}

// relay hands messages on whole, so that reports can go between those of the reader.
func (l *llrpLine) relay(from, to net.Conn, asked bool) {
	defer from.Close()
	defer to.Close()
	head := make([]byte, llrp.HeaderSize)
	for {
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		h, err := llrp.ParseHeader(head)
		if err != nil {
			return
		}
		message := append(head[:llrp.HeaderSize:llrp.HeaderSize], make([]byte, int(h.Length)-llrp.HeaderSize)...)
		if _, err := io.ReadFull(from, message[llrp.HeaderSize:]); err != nil {
			return
		}
		l.mu.Lock()
		_, err = to.Write(message)
		l.mu.Unlock()
		if err != nil {
			return
		}
		if asked && h.Type == llrp.StartROSpecType || !asked && h.Type == llrp.EnableROSpecResponseType {
			l.once.Do(func() { close(l.ready) })
		}
	}
}

func (l *llrpLine) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.conn.Close()
	}
}

// say sends whole messages and waits until the network has taken them; it reports whether it has.
func (l *llrpLine) say(messages []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.conn.Write(messages)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		l.t.Errorf("reader %s: %v", l.address, err)
	}
	return err == nil
}

// llrpFrames is one stay of a group of tags before a reader, as reports of 100 tags.
func llrpFrames(t *testing.T, group int, load roadLoad) [][]byte {
	t.Helper()
	var tags []llrp.TagReport
	for n := range load.strong + load.weak {
		rssi := int8(weakSight)
		if n < load.strong {
			rssi = strongSight
		}
		for i := range roadTags {
			tags = append(tags, llrp.TagReport{
				Has: llrp.HasEPC | llrp.HasAntenna | llrp.HasPeakRSSI | llrp.HasSeenCount, EPC: sgtin(t, group*roadTags+i).Bytes(), EPCBits: 96,
				Antenna: 1, PeakRSSI: rssi, SeenCount: 1,
			})
		}
	}
	var out [][]byte
	for len(tags) > 0 {
		n := min(llrpReports, len(tags))
		b, err := llrp.Message{Version: llrp.Version101, Body: &llrp.ROAccessReport{Tags: tags[:n]}}.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		out, tags = append(out, b), tags[n:]
	}
	return out
}

// measureLLRPRoad takes what one edge sustains from LLRP's TCP bytes to the durable outbox, without a hub.
func measureLLRPRoad(t *testing.T, f *figures) {
	var readers []benchReader
	var lines []*llrpLine
	for i := range roadLines {
		l := newLLRPLine(t)
		lines = append(lines, l)
		readers = append(readers, benchReader{id: fmt.Sprintf("llrp-%d", i), driver: "llrp", bays: []int{i}, address: "tcp:" + l.address})
	}
	h := openBench(t, programs(t), []string{"SZ1-E1"}, readers)
	syncs := rawSyncs(t, h.Dir)
	h.start("edge")
	for _, l := range lines {
		select {
		case <-l.ready:
		case <-time.After(30 * time.Second):
			t.Fatalf("no gateway starts %s after 30 s", l.address)
		}
	}
	for _, load := range roadLoads[:2] { // so fast, tags that move with each fifth read would change places within a blink
		got := driveLLRP(t, h, lines, load)
		f.add("edge over LLRP, "+load.what, got.reads, "reads/s", "aim", 300_000)
		f.add("  of the edge's own CPU", got.reads/got.cpu, "reads/s", "", 0)
		if !load.stay {
			f.add("  movements made durable", got.moves, "moves/s", "fdatasync of 4 KiB, one by one", syncs)
		}
		t.Logf("%s: %.0f reads/s, %.0f movements/s, edge uses %.2f cores", load.what, got.reads, got.moves, got.cpu)
	}
}

func driveLLRP(t *testing.T, h *benchHouse, lines []*llrpLine, load roadLoad) roadResult {
	t.Helper()
	var stop atomic.Bool
	var playing sync.WaitGroup
	for i := 0; i < len(lines); i += 2 {
		groups := [2][][]byte{llrpFrames(t, i, load), llrpFrames(t, i+1, load)}
		playing.Go(func() {
			for round := 0; !stop.Load(); round++ {
				var both sync.WaitGroup
				for k, l := range lines[i : i+2] {
					group := groups[k]
					if !load.stay {
						group = groups[(k+round)%2]
					}
					both.Go(func() {
						for _, message := range group {
							if stop.Load() || !l.say(message) {
								return
							}
						}
					})
				}
				both.Wait()
			}
		})
	}
	time.Sleep(roadWarm)
	before, m0 := used(t, h.PID("edge")), metrics(t, h.EdgeAPI)
	time.Sleep(roadSpan)
	after, m1 := used(t, h.PID("edge")), metrics(t, h.EdgeAPI)
	stop.Store(true)
	playing.Wait()
	seconds := after.at.Sub(before.at).Seconds()
	rate := func(name string) float64 { return (m1[name] - m0[name]) / seconds }
	return roadResult{
		reads: rate("tallydock_edge_device_reads_total"), moves: rate("edge_store_head"), commits: rate("edge_store_commit_seconds_count"),
		cpu: (after.cpu - before.cpu).Seconds() / seconds,
	}
}
