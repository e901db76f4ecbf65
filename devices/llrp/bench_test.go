package llrp_test

import (
	"encoding/binary"
	"testing"

	"github.com/tallydock/tallydock/devices/llrp"
)

// portalReport is a report of n tags of 43 bytes each: EPC, antenna, RSSI, first and last seen, count.
func portalReport(tb testing.TB, n int) []byte {
	tb.Helper()
	r := &llrp.ROAccessReport{}
	for i := range n {
		epc := binary.BigEndian.AppendUint64([]byte{0x30, 0x74, 0xBB, 0x7E}, uint64(i))
		r.Tags = append(r.Tags, llrp.TagReport{
			Has: llrp.HasEPC | llrp.HasAntenna | llrp.HasPeakRSSI | llrp.HasFirstSeenUTC | llrp.HasLastSeenUTC | llrp.HasSeenCount,
			EPC: epc, EPCBits: 96, Antenna: uint16(1 + i%4), PeakRSSI: int8(-40 - i%40),
			FirstSeenUTC: 1_700_000_000_000_000 + uint64(i), LastSeenUTC: 1_700_000_000_050_000 + uint64(i), SeenCount: 3,
		})
	}
	b, err := llrp.Message{Body: r}.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	if size := (len(b) - llrp.HeaderSize) / n; size != 43 {
		tb.Fatalf("a tag takes %d bytes", size)
	}
	return b
}

// BenchmarkTagReports goes over reports of 100 tags, and beside that over the same bytes as fast as the memory lets it:
// once adding up every eighth byte's word, once copying. No decoder can be faster than those.
func BenchmarkTagReports(b *testing.B) {
	const tags = 100
	report := portalReport(b, tags)
	payload := report[llrp.HeaderSize:]
	b.Run("scanner", func(b *testing.B) {
		var s llrp.TagScanner
		var sum int
		b.ReportAllocs()
		b.SetBytes(int64(len(payload)))
		for b.Loop() {
			for s.Reset(payload); s.Next(); {
				sum += int(s.Tag().PeakRSSI)
			}
		}
		perRead(b, tags, s.Err())
	})
	b.Run("whole message", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(payload)))
		var err error
		for b.Loop() {
			_, err = llrp.ParseBody(llrp.ROAccessReportType, payload)
		}
		perRead(b, tags, err)
	})
	b.Run("memory: sum of words", func(b *testing.B) {
		b.SetBytes(int64(len(payload)))
		var sum uint64
		for b.Loop() {
			for p := payload; len(p) >= 8; p = p[8:] {
				sum += binary.BigEndian.Uint64(p)
			}
		}
		perRead(b, tags, nil)
	})
	b.Run("memory: copy", func(b *testing.B) {
		to := make([]byte, len(payload))
		b.SetBytes(int64(len(payload)))
		for b.Loop() {
			copy(to, payload)
		}
		perRead(b, tags, nil)
	})
}

func perRead(b *testing.B, tags int, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(tags)*float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

func TestTagScannerDoesNotAllocate(t *testing.T) {
	payload := portalReport(t, 100)[llrp.HeaderSize:]
	var s llrp.TagScanner
	n := 0
	allocs := testing.AllocsPerRun(100, func() {
		for s.Reset(payload); s.Next(); {
			n += int(s.Tag().SeenCount)
		}
	})
	if allocs != 0 || s.Err() != nil || n != 101*300 {
		t.Errorf("%v allocations for 100 reports, %v, %d sightings", allocs, s.Err(), n)
	}
}
