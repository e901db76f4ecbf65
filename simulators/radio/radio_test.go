package radio_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/simulators/radio"
)

// tape keeps a recording.
type tape struct {
	reads []radio.Read
	edges []radio.Edge
	lines bytes.Buffer
}

func (t *tape) Read(r radio.Read) error {
	t.reads = append(t.reads, r)
	t.lines.Write(radio.AppendRead(nil, r))
	return nil
}

func (t *tape) Edge(e radio.Edge) error {
	t.edges = append(t.edges, e)
	t.lines.Write(radio.AppendEdge(nil, e))
	return nil
}

func record(t testing.TB, s radio.Setting, passes int, seed uint64, o radio.Options) (*tape, radio.Truth) {
	t.Helper()
	var got tape
	truth, err := radio.Record(s, passes, seed, o, &got)
	if err != nil {
		t.Fatal(err)
	}
	return &got, truth
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	sum := func(seed uint64) [32]byte {
		got, truth := record(t, radio.Mix, 8, seed, radio.Options{Photocells: 2})
		text, err := json.Marshal([]any{truth.Passes, truth.Strays})
		if err != nil {
			t.Fatal(err)
		}
		got.lines.Write(text)
		return sha256.Sum256(got.lines.Bytes())
	}
	first := sum(1)
	if sum(1) != first {
		t.Error("two recordings of one seed differ")
	}
	if sum(2) == first {
		t.Error("two seeds give one recording")
	}
}

func TestPhotocellsDoNotChangeWhatIsRead(t *testing.T) {
	none, _ := record(t, radio.TurnBacks, 4, 3, radio.Options{})
	one, _ := record(t, radio.TurnBacks, 4, 3, radio.Options{Photocells: 1})
	two, _ := record(t, radio.TurnBacks, 4, 3, radio.Options{Photocells: 2})
	if !slices.Equal(none.reads, two.reads) || !slices.Equal(none.reads, one.reads) || len(none.edges) != 0 {
		t.Error("the reads differ, or there are edges without photocells")
	}
	if slices.ContainsFunc(one.edges, func(e radio.Edge) bool { return e.GPI != 1 }) || len(two.edges) <= len(one.edges) {
		t.Errorf("%d edges of one photocell, %d of two", len(one.edges), len(two.edges))
	}
}

func TestEveryRecordingIsSound(t *testing.T) {
	for i, s := range radio.Settings() {
		o := radio.Options{Photocells: 2}
		if i%3 == 0 {
			o = radio.Options{Band: radio.FCC, Doors: 3, Photocells: 1, Inventory: "s1-dual"}
		}
		got, truth := record(t, s, 6, 11, o)
		if len(truth.Passes) != 6 || len(got.reads) == 0 {
			t.Fatalf("%s: %d passes, %d reads", s, len(truth.Passes), len(got.reads))
		}
		soundReads(t, s, got, o)
		soundEdges(t, s, got)
		soundTruth(t, s, got, truth)
	}
}

func soundReads(t *testing.T, s radio.Setting, got *tape, o radio.Options) {
	t.Helper()
	var last time.Time
	for line := range bytes.Lines(got.lines.Bytes()) {
		var l struct {
			T time.Time `json:"t"`
		}
		if err := json.Unmarshal(line, &l); err != nil || l.T.Before(last) {
			t.Fatalf("%s: line %s: %v, after %s", s, line, err, last)
		}
		last = l.T
	}
	for _, r := range got.reads {
		low, high := uint32(865700), uint32(867500)
		if o.Band == radio.FCC {
			low, high = 902750, 927250
		}
		if r.RSSI < -8300 || r.RSSI > -2000 || r.RSSI%50 != 0 || r.Phase > 35999 || r.ChannelKHz < low || r.ChannelKHz > high ||
			r.Antenna < 1 || r.Antenna > 4 {
			t.Fatalf("%s: %+v", s, r)
		}
	}
}

func soundEdges(t *testing.T, s radio.Setting, got *tape) {
	t.Helper()
	type cell struct {
		reader string
		gpi    uint8
	}
	high := map[cell]bool{}
	for _, e := range got.edges {
		c := cell{e.Reader, e.GPI}
		if high[c] == e.High {
			t.Fatalf("%s: input %v goes to %v twice", s, c, e.High)
		}
		high[c] = e.High
	}
}

// soundTruth counts again what the truth says of the recording.
func soundTruth(t *testing.T, s radio.Setting, got *tape, truth radio.Truth) {
	t.Helper()
	reads, passes := map[devices.Tag][]radio.Read{}, map[devices.Tag]int{}
	for _, r := range got.reads {
		reads[r.Tag] = append(reads[r.Tag], r)
	}
	want := radio.Tally{Reads: len(got.reads), Edges: len(got.edges), Lasts: truth.Tally.Lasts}
	for i, p := range truth.Passes {
		if !p.From.Before(p.To) || i > 0 && p.From.Before(truth.Passes[i-1].From) {
			t.Errorf("%s: pass %s is from %s to %s", s, p.ID, p.From, p.To)
		}
		for _, tag := range p.Tags {
			want.TagPasses++
			passes[tag]++
			if len(reads[tag]) == 0 {
				want.Unread++
			}
			seen := 0
			for _, r := range reads[tag] {
				switch within := !r.At.Before(p.From) && !r.At.After(p.To); {
				case within && r.Reader == p.Door:
					seen++
				case within:
					want.Cross++
				}
			}
			want.InPass += seen
			if seen == 0 {
				want.Unseen++
			}
			if (seen == 0) != slices.Contains(p.Unseen, tag) || (len(reads[tag]) == 0) != slices.Contains(p.Unread, tag) {
				t.Errorf("%s: pass %s: %s is read %d times, %d in the pass", s, p.ID, tag, len(reads[tag]), seen)
			}
			if _, err := epc.Decode(tag.Bytes()); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
	}
	if want != truth.Tally {
		t.Errorf("%s: the tally is %+v, counted %+v", s, truth.Tally, want)
	}
	for _, y := range truth.Strays {
		if len(y.Tags) == 0 || !y.From.Before(y.To) || y.Kind != "staged" && passes[y.Tags[0]] > 0 {
			t.Errorf("%s: stray %+v", s, y)
		}
	}
}

// share gives a part of the reads in %.
func share(part, of int) float64 { return 100 * float64(part) / float64(of) }

func TestSettingsDoWhatTheySay(t *testing.T) {
	for _, tt := range []struct {
		setting                 radio.Setting
		passes                  int
		leastOutside, leastBack float64 // %
		mostUnread              float64 // %
		reads                   [2]float64
	}{
		{radio.Clean, 20, 30, 0, 2, [2]float64{4, 60}},
		{radio.Neighbours, 20, 30, 0, 3, [2]float64{3, 60}},
		{radio.Strays, 20, 60, 0, 3, [2]float64{3, 60}},
		{radio.TurnBacks, 30, 30, 20, 3, [2]float64{5, 100}},
		{radio.Dense, 4, 30, 0, 10, [2]float64{1, 40}},
		{radio.Liquids, 20, 10, 0, 75, [2]float64{0.3, 40}},
		{radio.Mix, 26, 30, 0, 50, [2]float64{1, 60}},
	} {
		_, truth := record(t, tt.setting, tt.passes, 5, radio.Options{})
		y := truth.Tally
		outside, back, each := share(y.Reads-y.InPass, y.Reads), 0.0, float64(y.InPass)/float64(y.TagPasses)
		for _, p := range truth.Passes {
			if p.Direction == radio.TurnedBack {
				back += share(1, len(truth.Passes))
			}
		}
		cross := share(y.Cross, y.Cross+y.InPass)
		t.Logf("%-10s %4.0f s, %d reads, %.1f per tag and pass, %.1f %% outside passes, %.1f %% of those of tags in passes by other"+
			" doors; %.1f %% of tags never read, %.1f %% not in their pass; %.0f %% turned back", tt.setting, y.Lasts.Seconds(), y.Reads,
			each, outside, cross, share(y.Unread, y.TagPasses), share(y.Unseen, y.TagPasses), back)
		if outside < tt.leastOutside || back < tt.leastBack || share(y.Unread, y.TagPasses) > tt.mostUnread ||
			each < tt.reads[0] || each > tt.reads[1] || cross == 0 || cross > 45 {
			t.Errorf("%s is not as it should be", tt.setting)
		}
	}
}

// TestARecordingShowsTheWay takes the middle of the times of each side's reads as the way: the plainest rule there is.
func TestARecordingShowsTheWay(t *testing.T) {
	got, truth := record(t, radio.Clean, 40, 9, radio.Options{})
	right, ways := 0, map[radio.Direction]int{}
	for _, p := range truth.Passes {
		ways[p.Direction]++
		var sum [2]float64
		var n [2]int
		for _, r := range got.reads {
			if r.Reader == p.Door && !r.At.Before(p.From) && !r.At.After(p.To) && slices.Contains(p.Tags, r.Tag) {
				side := int(r.Antenna) % 2 // 1 is inside
				sum[side] += r.At.Sub(p.From).Seconds()
				n[side]++
			}
		}
		if in := sum[1]/float64(n[1]) > sum[0]/float64(n[0]); in == (p.Direction == radio.In) {
			right++
		}
	}
	t.Logf("%d of %d ways right by the mean time of each side's reads; %v", right, len(truth.Passes), ways)
	if right < 30 || ways[radio.In] < 10 || ways[radio.Out] < 10 {
		t.Errorf("%d of %d right, %v", right, len(truth.Passes), ways)
	}
}

type full struct{ tape }

var errFull = errors.New("disk full")

func (f *full) Read(r radio.Read) error {
	if len(f.reads) == 100 {
		return errFull
	}
	return f.tape.Read(r)
}

func TestASinksErrorEndsTheRecording(t *testing.T) {
	var f full
	if _, err := radio.Record(radio.Clean, 20, 1, radio.Options{}, &f); !errors.Is(err, errFull) || len(f.reads) != 100 {
		t.Errorf("%v after %d reads", err, len(f.reads))
	}
}

func TestWrongOrdersAreRefused(t *testing.T) {
	for _, tt := range []struct {
		setting radio.Setting
		passes  int
		o       radio.Options
		want    string
	}{
		{"storm", 1, radio.Options{}, `setting "storm" is not known; use one of clean neighbours strays`},
		{radio.Clean, 0, radio.Options{}, "0 passes"},
		{radio.Clean, 10000, radio.Options{}, "10000 passes"},
		{radio.Clean, 1, radio.Options{Doors: 9}, "9 doors"},
		{radio.Clean, 1, radio.Options{Photocells: 3}, "3 photocells"},
		{radio.Clean, 1, radio.Options{Band: 2}, "band 2"},
		{radio.Clean, 1, radio.Options{Inventory: "s3"}, `inventory "s3"`},
		{radio.Clean, 1, radio.Options{Inventory: "s0-"}, `inventory "s0-"`},
		{radio.Clean, 1, radio.Options{Inventory: "0s"}, `inventory "0s"`},
	} {
		if _, err := radio.Record(tt.setting, tt.passes, 1, tt.o, &tape{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(uint64(1), uint8(6), uint8(3), uint8(2), uint8(2), "")
	f.Fuzz(func(t *testing.T, seed uint64, setting, passes, doors, cells uint8, inventory string) {
		list := radio.Settings()
		s := list[int(setting)%len(list)]
		o := radio.Options{Doors: int(doors), Photocells: int(cells), Inventory: inventory}
		truth, err := radio.Record(s, int(passes%5), seed, o, &tape{})
		if err == nil && len(truth.Passes) != int(passes%5) {
			t.Errorf("%d passes of %d", len(truth.Passes), passes%5)
		}
	})
}

type deaf struct{}

func (deaf) Read(radio.Read) error { return nil }
func (deaf) Edge(radio.Edge) error { return nil }

func BenchmarkMix(b *testing.B) {
	b.ReportAllocs()
	reads := 0
	for b.Loop() {
		truth, err := radio.Record(radio.Mix, 50, 7, radio.Options{}, deaf{})
		if err != nil {
			b.Fatal(err)
		}
		reads += truth.Tally.Reads
	}
	b.ReportMetric(float64(reads)/b.Elapsed().Seconds(), "reads/s")
}
