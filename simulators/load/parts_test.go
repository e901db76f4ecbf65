package load_test

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/simulators/load"
)

func TestThePlanTellsAllThatIsWrong(t *testing.T) {
	p, err := load.Parse([]byte(`
world: {edges: 0, bays: 1, hot_item: 2}
rate: 1
total: 5
passes: {share: -1, tags: 1000}
uplink: {window: 0, resend: 1ms}
settle: 0s
brokers: [localhost, "http://x:1"]
`))
	if err != nil {
		t.Fatal(err)
	}
	err = p.Check()
	for _, want := range []string{
		"world.edges: is 0; use 1 to", "world.bays: is 1", "world.hot_item: is 2", "rate: is 1, total 5", "passes.share: is -1",
		"passes.tags: is 1000; use 1 to 50", "uplink.window: is 0", "uplink.resend: is 1ms; use 10ms or more", "settle: is 0s",
		`brokers[0]: "localhost" is not tcp://host:port`, "brokers[1]: ",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	if _, err := load.Parse([]byte("edge: 3\n")); err == nil || !strings.Contains(err.Error(), "field edge not found") {
		t.Errorf("a key that is not known: %v", err)
	}
	if p, err := load.Parse(nil); err != nil || p.Check() != nil {
		t.Errorf("the default: %v, %v", err, p.Check())
	}
}

func TestLoginsThatLackAnEdgeAreExplained(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "credentials.yaml")
	if err := os.WriteFile(file, []byte("hub: {user: hub, password: x}\nedges:\n  LD001-E01: {user: LD001-E01, password: y}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*load.Plan){
		"have no edge LD001-E02":            func(p *load.Plan) { p.Credentials = file },
		"cannot read credentials":           func(p *load.Plan) { p.Credentials = file + "x" },
		"certificate of edge LD001-E01":     func(p *load.Plan) { p.Certs = dir },
		"ca.crt has no certificate":         func(p *load.Plan) { p.Certs = withFile(t, "ca.crt", "nothing") },
		"world.edges":                       func(p *load.Plan) { p.World.Edges = -1 },
		"is not tcp://host:port or ssl://h": func(p *load.Plan) { p.Brokers = []string{"mqtt://x:1"} },
	} {
		p := load.Default()
		p.World.Edges = 2
		change(&p)
		if _, err := load.New(p, load.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	p := load.Default()
	p.World.Edges, p.Credentials = 1, file
	if _, err := load.New(p, load.Options{}); err != nil {
		t.Error(err)
	}
}

func withFile(t *testing.T, name, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestArrivalsAreAPoissonProcess(t *testing.T) {
	p := load.Default()
	p.Rate, p.Passes, p.Alarms, p.Sensors, p.Duration = 20, load.Passes{Share: 0.5, Tags: 10}, 60, 3, 2000*time.Second
	p.SampleEvery = 30 * time.Second
	by := map[uint8][]time.Duration{}
	var last time.Duration
	for _, h := range load.Happenings(p, 3) {
		if h.At < last || h.At > p.Duration {
			t.Fatalf("%v after %v", h.At, last)
		}
		last = h.At
		by[h.Kind] = append(by[h.Kind], h.At)
	}
	for kind, want := range map[uint8]float64{load.Moving: 20_000, load.Opening: 2000, load.Closing: 2000, load.Alarming: 2000, load.Sampling: 200} {
		if n := float64(len(by[kind])); math.Abs(n-want) > 5*math.Sqrt(want) {
			t.Errorf("kind %d happens %v times, want %v", kind, n, want)
		}
	}
	if len(by[load.Opening]) != len(by[load.Closing]) {
		t.Errorf("%d passes open and %d close", len(by[load.Opening]), len(by[load.Closing]))
	}
	// The gaps of a Poisson process are exponential: as spread as they are long.
	var sum, squares float64
	moves := by[load.Moving]
	for i := 1; i < len(moves); i++ {
		gap := (moves[i] - moves[i-1]).Seconds()
		sum, squares = sum+gap, squares+gap*gap
	}
	n := float64(len(moves) - 1)
	if mean, spread := sum/n, math.Sqrt(squares/n-sum/n*sum/n); math.Abs(spread/mean-1) > 0.05 {
		t.Errorf("gaps of %v are spread by %v", mean, spread)
	}
}

func TestAnEdgeIsSmall(t *testing.T) {
	p := load.Default()
	p.World.Edges = 500
	if n, err := load.Burden(p); err != nil || n > 24<<10 {
		t.Errorf("an edge takes %d bytes, %v", n, err)
	}
}

func TestQuantilesAreWithinAHundredth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, int64(48*time.Hour)), func(n int64) time.Duration { return time.Duration(n) }), 1, 200).Draw(t, "durations")
		qs := []float64{0, 0.5, 0.9, 0.99, 0.999, 1}
		got := load.Quantiles(list, qs...)
		slices.Sort(list)
		for i, q := range append(qs, 1) {
			want := list[max(int(math.Ceil(q*float64(len(list)))), 1)-1]
			if off := math.Abs(float64(got[i] - want)); off > max(float64(want)/100, float64(time.Microsecond)) {
				t.Fatalf("quantile %v is %v, want %v", q, got[i], want)
			}
		}
	})
	if q := load.Quantiles(nil, 0.5); q[0] != 0 || q[1] != 0 {
		t.Errorf("of nothing: %v", q)
	}
}

// hubStream judges envelopes as package wire has it, for one edge.
type hubStream struct {
	ack  wire.Ack
	took []time.Time // what was taken, by the time of its answer, which numbers records here
}

func (h *hubStream) take(t rapid.TB, e *wire.Envelope) {
	before := e.Before
	for i, raw := range e.Records {
		seq := e.FirstSeq + uint64(i)
		hash := wire.Chain(before, e.Epoch, seq, raw)
		follows := e.Epoch == h.ack.Epoch && seq == h.ack.Upto+1 && before == h.ack.Hash
		begins := e.Epoch > h.ack.Epoch && seq == e.EpochStart && before == wire.Hash{}
		if follows || begins {
			r, err := wire.DecodeRecord(raw)
			if err != nil || r.Seq != seq {
				t.Fatalf("record %d says %d: %v", seq, r.Seq, err)
			}
			h.ack = wire.Ack{Epoch: e.Epoch, Upto: seq, Hash: hash}
			h.took = append(h.took, r.Answer.At)
		}
		before = hash
	}
}

func (h *hubStream) clone() *hubStream { return &hubStream{h.ack, slices.Clone(h.took)} }

func TestTheOutboxBringsEverythingToAnyHub(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const keepAll = 1 << 20
		box, h, backup := load.NewBox("E", 3, keepAll), &hubStream{}, &hubStream{}
		made := 0
		var onTheWay []*wire.Envelope
		steps := rapid.SliceOfN(rapid.IntRange(0, 7), 1, 80).Draw(t, "steps")
		for _, step := range append(steps, 0, 1, 3, 4, 1, 3, 4, 1, 3, 4) {
			switch step {
			case 0:
				made++
				r := wire.Record{Answer: &wire.Answer{Command: "c", At: time.UnixMicro(int64(made)).UTC()}}
				if err := box.Add(r); err != nil {
					t.Fatal(err)
				}
			case 1:
				for e := box.Send(3); e != nil; e = box.Send(3) {
					onTheWay = append(onTheWay, e)
				}
			case 2: // the line loses the first
				onTheWay = onTheWay[min(1, len(onTheWay)):]
			case 3:
				for _, e := range onTheWay {
					h.take(t, e)
				}
				onTheWay = nil
			case 4:
				if _, _, _, err := box.Ack(h.ack, false, false); err != nil {
					t.Fatal(err)
				}
			case 5:
				backup = h.clone()
			case 6:
				h = backup.clone()
			case 7: // an old word that the broker kept
				if _, _, _, err := box.Ack(backup.ack, true, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		if box.Waiting() != 0 || len(h.took) != made {
			t.Fatalf("%d wait, the hub has %d of %d", box.Waiting(), len(h.took), made)
		}
		for i, at := range h.took {
			if at != time.UnixMicro(int64(i+1)).UTC() {
				t.Fatalf("the hub has %v", h.took)
			}
		}
	})
}

func TestAnInsistingHubGetsTheRestInANewEpoch(t *testing.T) {
	box, h := load.NewBox("E", 1, 10), &hubStream{}
	for n := range 100 {
		if err := box.Add(wire.Record{Answer: &wire.Answer{Command: "c", At: time.UnixMicro(int64(n + 1)).UTC()}}); err != nil {
			t.Fatal(err)
		}
		h.take(t, box.Send(1))
		if n >= 95 {
			continue
		}
		if _, _, fresh, err := box.Ack(h.ack, false, false); err != nil || fresh != 1 {
			t.Fatalf("%d fresh, %v", fresh, err)
		}
	}
	if box.Kept() > 5+10+10/4 {
		t.Fatalf("%d records are kept", box.Kept())
	}
	old := &hubStream{ack: wire.Ack{Epoch: 1, Upto: 50}}
	if _, gone, _, _ := box.Ack(old.ack, false, false); !gone {
		t.Fatal("it has what it has not")
	}
	if _, gone, _, err := box.Ack(old.ack, false, true); gone || err != nil {
		t.Fatal(err)
	}
	for e := box.Send(100); e != nil; e = box.Send(100) {
		old.take(t, e)
	}
	if _, _, fresh, err := box.Ack(old.ack, false, false); err != nil || fresh != 5 || box.Waiting() != 0 || old.ack.Epoch != 2 {
		t.Fatalf("%d fresh, %d wait, %v", fresh, box.Waiting(), err)
	}
}

func TestPacketsAreThoseOfTheStandard(t *testing.T) {
	for name, test := range map[string]struct {
		got  []byte
		want string
	}{
		"connect": {
			load.ConnectPacket("edge-A", "u", "pw", "t/w", []byte{1, 2}),
			"1022 0004 4d515454 04 ee 000f 0006 656467652d41 0003 742f77 0002 0102 0001 75 0002 7077",
		},
		"connect without a login": {
			load.ConnectPacket("e", "", "", "w", []byte{9}), "1013 0004 4d515454 04 2e 000f 0001 65 0001 77 0001 09",
		},
		"publish":            {load.PublishPacket(258, "a/b", false, []byte("x")), "3208 0003 612f62 0102 78"},
		"publish, retained":  {load.PublishPacket(1, "a", true, nil), "3305 0001 61 0001"},
		"subscribe":          {load.SubscribePacket(7, "a/b"), "8208 0007 0003 612f62 01"},
		"publish, 200 bytes": {load.PublishPacket(1, "a", false, make([]byte, 195))[:3], "32c801"},
	} {
		if want, _ := hex.DecodeString(strings.ReplaceAll(test.want, " ", "")); !bytes.Equal(test.got, want) {
			t.Errorf("%s: %x, want %x", name, test.got, want)
		}
	}
}

func TestWrongPacketsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		packet string
		want   string
	}{
		"endless length":           {"30ffffffffff", "more than four bytes"},
		"too long":                 {"30ffffff7f", "at most"},
		"QoS 2":                    {"34070001610001ff", "QoS 2"},
		"topic beyond the message": {"32040009612f", "topic of 9"},
		"a client's packet":        {"82020007", "kind 8, which no client gets"},
		"long CONNACK":             {"20050000000000", "kind 2 with 5 bytes"},
	} {
		b, _ := hex.DecodeString(test.packet)
		if _, _, err := load.ReadPackets(b); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := load.PublishPacket(1, "t", true, make([]byte, 1<<20))
	if n, kept, err := load.ReadPackets(append(long, load.PublishPacket(2, "t", false, []byte("abc"))...)); n != 2 || kept != 1+1+3 || !errors.Is(err, io.EOF) {
		t.Errorf("a catalogue and an ack: %d packets, %d bytes kept, %v", n, kept, err)
	}
}

func FuzzPackets(f *testing.F) {
	f.Add(load.PublishPacket(3, "td/v1/1/E/down/ack", true, []byte("ack")))
	f.Add([]byte{0x20, 2, 0, 0, 0x90, 3, 0, 1, 1, 0x40, 2, 0, 1, 0xd0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, kept, err := load.ReadPackets(b); err == nil || kept > len(b) {
			t.Fatalf("%d bytes kept of %d, %v", kept, len(b), err)
		}
	})
}

func TestTheSeedIsWhatTheWorldSays(t *testing.T) {
	w := load.World{Edges: 23, EdgesPerSite: 10, Bays: 4, Tags: 6, Items: 5, HotItem: 0.5}
	dir := t.TempDir()
	paths, err := load.WriteSeed(dir, w, load.Hub{Listen: "127.0.0.1:8080", MQTT: "127.0.0.1:1883"})
	if err != nil || len(paths) != 3 {
		t.Fatal(paths, err)
	}
	text, _ := os.ReadFile(paths[0])
	var hub struct {
		Data  string
		MQTT  struct{ Listen string }
		Edges []struct{ ID, Site string }
	}
	if err := yaml.Unmarshal(text, &hub); err != nil || len(hub.Edges) != 23 || hub.Edges[22].ID != "LD003-E03" || hub.Edges[22].Site != "LD003" ||
		hub.MQTT.Listen != "127.0.0.1:1883" || hub.Data != filepath.Join(dir, "hub") {
		t.Fatalf("%v %+v", err, hub)
	}
	items, places := column(t, paths[1], 1, 0), column(t, paths[2], 0, 1)
	if len(items) != 5 || len(places) != 3*(1+1+4)+23 || places["LD003-D03"] != "LD003" || places["LD001-A-004"] != "LD001" {
		t.Fatalf("%v %v", items, places)
	}
	counts, seen := map[string]int{}, map[devices.Tag]bool{}
	for i := range w.Edges {
		if wire.ValidEdgeID(w.Edge(i)) != nil || hub.Edges[i].ID != w.Edge(i) {
			t.Errorf("edge %q", w.Edge(i))
		}
		for n := range w.Tags {
			tag, err := w.Tag(i, n)
			gtin, ok := epc.GTIN14(tag)
			if err != nil || !ok || items[gtin] != w.Item(w.ItemOf(i, n)) || seen[tag] {
				t.Fatalf("tag %v of edge %d: GTIN %s, %v", tag, i, gtin, err)
			}
			seen[tag] = true
			counts[items[gtin]]++
		}
	}
	if hot := counts[w.Item(0)]; hot < 23*3 || len(counts) != 5 {
		t.Errorf("tags by item: %v", counts)
	}
	if _, err := load.WriteSeed(dir, load.World{}, load.Hub{}); err == nil {
		t.Error("an empty world is written")
	}
}

// column reads a CSV file as a map of two of its columns.
func column(t *testing.T, file string, key, value int) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range rows[1:] {
		out[r[key]] = r[value]
	}
	return out
}

func TestDifferencesFromTheTruthAreFound(t *testing.T) {
	w := load.World{Edges: 1, EdgesPerSite: 1, Bays: 2, Tags: 1, Items: 1}
	truth := load.Truth{Stock: []load.Count{{"LD-00001", "LD001-A-001", 3}, {"LD-00001", "LD001-A-002", 1}}}
	have := []load.Count{
		{"LD-00001", "LD001-A-001", 3}, {"LD-00001", "LD001-DOCK", 2}, {"LD-00001", "elsewhere", 9}, {"other", "LD001-A-002", 0},
	}
	got := truth.Compare(w, have)
	want := []load.Difference{
		{load.Count{Item: "LD-00001", Location: "LD001-A-002", Quantity: 1}, 0}, {load.Count{Item: "LD-00001", Location: "LD001-DOCK"}, 2},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
