package llrp

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// trickle gives its chunks one by one, then nothing.
type trickle struct{ chunks [][]byte }

func (p *trickle) Read(b []byte) (int, error) {
	if len(p.chunks) == 0 {
		time.Sleep(time.Millisecond)
		return 0, nil
	}
	n := copy(b, p.chunks[0])
	if p.chunks[0] = p.chunks[0][n:]; len(p.chunks[0]) == 0 {
		p.chunks = p.chunks[1:]
	}
	return n, nil
}

func TestALengthThatLiesTakesNoMemory(t *testing.T) {
	head := make([]byte, HeaderSize)
	Header{Version: Version101, Type: ROAccessReportType, Length: MaxMessage}.put(head)
	s := newStream(&trickle{[][]byte{append(head, make([]byte, 100)...)}})
	if _, _, err := s.next(context.Background(), 20*time.Millisecond); !errors.Is(err, errQuiet) {
		t.Error(err)
	}
	if len(s.buf) > 16<<10 {
		t.Errorf("%d bytes are taken for 110 that came", len(s.buf))
	}
}

func TestMessagesOfAnySizeAndInAnyPiecesAreFound(t *testing.T) {
	var all []byte
	var want []int
	for _, n := range []int{0, 1, 5000, 0, 100_000, MaxMessage - HeaderSize - 5, 7} {
		b, err := Message{ID: uint32(n), Body: &CustomMessage{Data: bytes.Repeat([]byte{4}, n)}}.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, 0xFF, 0), b...) // two bytes that are no message
		want = append(want, n)
	}
	p := &trickle{}
	for len(all) > 0 {
		n := min(len(all), 9_999)
		p.chunks = append(p.chunks, all[:n])
		all = all[n:]
	}
	s := newStream(p)
	for _, n := range want {
		h, payload, err := s.next(context.Background(), 5*time.Second)
		if err != nil || h.ID != uint32(n) || len(payload) != n+5 {
			t.Fatalf("%+v with %d bytes, %v; want %d", h, len(payload), err, n+5)
		}
	}
	if n := s.garbage(); n != uint64(2*len(want)) || s.garbage() != 0 {
		t.Errorf("%d bytes of garbage", n)
	}
	if len(s.buf) > 2*MaxMessage {
		t.Errorf("the buffer has %d bytes", len(s.buf))
	}
}

func TestTheNearestPowerIsNeverMoreThanAskedFor(t *testing.T) {
	table := &GetReaderCapabilitiesResponse{Regulatory: &RegulatoryCapabilities{UHF: &UHFBand{
		Powers: []TransmitPower{{3, 3000}, {1, 1000}, {2, 2000}}, // not in order
	}}}
	for power, want := range map[int]uint16{500: 1, 1000: 1, 1999: 1, 2000: 2, 2999: 2, 3000: 3, 3300: 3} {
		if got, ok := table.powerIndex(unit.DBm(power)); got != want || !ok {
			t.Errorf("%d is row %d, want %d", power, got, want)
		}
	}
	if _, ok := (&GetReaderCapabilitiesResponse{}).powerIndex(1000); ok {
		t.Error("a reader without a table has a row")
	}
}

// nowhere is a sink that takes everything.
type nowhere struct{ reads int }

func (s *nowhere) Read(devices.Read)     { s.reads++ }
func (s *nowhere) GPI(devices.GPI)       {}
func (s *nowhere) Sample(devices.Sample) {}
func (s *nowhere) Health(devices.Health) {}

// pallet is the payload of a report of 100 tags, with all that an Impinj reader is asked for.
func pallet(tb testing.TB) []byte {
	tb.Helper()
	r := &ROAccessReport{}
	for i := range 100 {
		r.Tags = append(r.Tags, TagReport{
			Has: HasEPC | HasAntenna | HasPeakRSSI | HasChannel | HasFirstSeenUTC | HasLastSeenUTC | HasSeenCount | HasRSSI | HasPhase,
			EPC: bytes.Repeat([]byte{byte(i)}, 12), EPCBits: 96, Antenna: 1, PeakRSSI: -55, Channel: 1, LastSeenUTC: 1_700_000_000_000_000,
			SeenCount: 2, RSSI: -5525, Phase: 1024,
		})
	}
	b, err := Message{Body: r}.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b[HeaderSize:]
}

func newRun(sink devices.Sink) *run {
	return &run{Config: Config{ID: "gate-1", Now: time.Now}, sink: sink, terms: terms{channels: []uint32{920625}}}
}

// BenchmarkDeliver is the driver's road from a report to the sink.
func BenchmarkDeliver(b *testing.B) {
	payload, sink := pallet(b), &nowhere{}
	r := newRun(sink)
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		r.deliver(payload)
	}
	b.ReportMetric(float64(sink.reads)/b.Elapsed().Seconds(), "reads/s")
}

func TestDeliveringReadsDoesNotAllocate(t *testing.T) {
	payload, sink := pallet(t), &nowhere{}
	r := newRun(sink)
	if n := testing.AllocsPerRun(50, func() { r.deliver(payload) }); n != 0 || sink.reads != 5100 {
		t.Errorf("%v allocations in 100 reads; %d reads", n, sink.reads)
	}
}
