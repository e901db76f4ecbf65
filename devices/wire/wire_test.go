package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

var update = flag.Bool("update", false, "write the golden files of the present version")

var at = time.Date(2026, 11, 22, 8, 30, 0, 123456000, time.UTC)

func tag(t testing.TB, s string) devices.Tag {
	t.Helper()
	v, err := devices.ParseTag(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// records has one of each kind, with every field set.
func records(t testing.TB) []wire.Record {
	return []wire.Record{
		{Seq: 7, Movement: &wire.Movement{
			Tag: tag(t, "epc:3034257bf7194e4000001a85"), From: "SZ1-A-01", To: "SZ1-B-02", BizStep: wire.Storing,
			Disposition: wire.Accessible, ReadPoint: "SZ1-B-02", Pass: "p1", EventTime: at, FirstRead: at.Add(-time.Second),
			LastRead: at.Add(time.Second), Reads: 12, HasRSSI: true, PeakRSSI: -5525, Confidence: 987, ClockUnsynced: true,
		}},
		{Seq: 8, Pass: &wire.Pass{
			ID: "p1", Door: "SZ1-D1", Direction: wire.Out, Opened: at, Closed: at.Add(20 * time.Second), Tags: 24, Moved: 23,
			Confidence: 990,
		}},
		{Seq: 9, Alarm: &wire.Alarm{
			ID: "a1", Rule: "cold-r-high", Source: "probe-r", Location: "SZ1-R", Class: "cold_chain",
			Priority: alarm.Critical, From: alarm.Unacked, To: alarm.Shelved, Action: alarm.Shelve, At: at,
			Quantity: unit.Temperature, HasValue: true, Value: 10250, HasLimit: true, Limit: 8000, Reason: "high",
			Actor: "li.wei", Comment: "door held open", Command: "c1", ShelvedUntil: at.Add(time.Hour),
		}},
		{Seq: 10, Sample: &wire.Sample{
			Device: "probe-r", Channel: "00000566CC39", Location: "SZ1-R", Quantity: unit.Temperature, Value: -20500,
			Quality: devices.Sentinel, Reason: "ds18b20_power_on_reset", At: at,
		}},
	}
}

// messages has one of each message by name.
func messages(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	put := func(name string, b []byte, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b
	}
	for _, r := range records(t) {
		b, err := wire.EncodeRecord(r)
		name := map[bool]string{r.Movement != nil: "movement", r.Pass != nil: "pass", r.Alarm != nil: "alarm", r.Sample != nil: "sample"}[true]
		put(name, b, err)
	}
	for name, r := range facts(t) {
		b, err := wire.EncodeRecord(r)
		put(name, b, err)
	}
	b, err := wire.EncodeAck(wire.Ack{Edge: "SZ1-E1", Epoch: 3, Upto: 4711, Hash: wire.Hash{1, 2, 3}, SamplesUpto: 99, Hub: "h", At: at})
	put("ack", b, err)
	b, err = wire.EncodeStatus(status())
	put("status", b, err)
	b, err = wire.EncodeStatus(configured())
	put("status_config", b, err)
	b, err = wire.EncodeConfiguration(configuration())
	put("configuration", b, err)
	for name, c := range commands() {
		b, err = wire.EncodeCommand(c)
		put(name, b, err)
	}
	return out
}

// configured is a status of a gateway to which the hub has offered a configuration.
func configured() wire.Status {
	return wire.Status{Edge: "SZ1-E1", Site: "SZ1", Online: true, At: at, Config: wire.ConfigStatus{
		Version: 6, State: wire.ConfigRefused, Reason: "devices[0].address: is missing", Offered: 7,
	}}
}

// configKey is a key that everybody knows.
func configKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func configuration() wire.Configuration {
	return wire.Configuration{Edge: "SZ1-E1", Version: 7, Text: "samples: {every: 5m}\n"}.Sign(configKey())
}

func status() wire.Status {
	return wire.Status{
		Edge: "SZ1-E1", Site: "SZ1", Online: true, Epoch: 3, EpochStart: 100, Head: 4711, Acked: 4700, SamplesHead: 12,
		SamplesThinned: 1, FreeBytes: 1 << 30, At: at, Software: "1.0.0", ClockUnsynced: true,
		Devices: []wire.Device{{ID: "r", Driver: "uhf", State: devices.Degraded, Reason: "slow", Since: at, Reads: 9, Lost: 2, Location: "SZ1-A-01"}},
		Limits:  []wire.Limit{{Location: "SZ1-R", Quantity: unit.Temperature, HasLow: true, Low: 2000, HasHigh: true, High: 8000}},
		Doors:   []wire.Door{{ID: "SZ1-D1", Location: "SZ1-DOCK", Devices: []string{"r700-d1"}}},
	}
}

func commands() map[string]wire.Command {
	return map[string]wire.Command{
		"command_acknowledge": {ID: "c1", At: at, Actor: "li.wei", Acknowledge: &wire.AlarmAcknowledge{Alarm: "a1", Comment: "seen"}},
		"command_shelve":      {ID: "c2", At: at, Actor: "li.wei", Shelve: &wire.AlarmShelve{Alarm: "a1", Until: at.Add(time.Hour), Reason: "defrost"}},
		"command_unshelve":    {ID: "c3", At: at, Actor: "li.wei", Unshelve: &wire.AlarmUnshelve{Alarm: "a1"}},
		"command_remove":      {ID: "c4", At: at, Actor: "li.wei", RemoveFromService: &wire.AlarmOutOfService{Alarm: "a1", Reason: "probe away"}},
		"command_return":      {ID: "c5", At: at, Actor: "li.wei", ReturnToService: &wire.AlarmInService{Alarm: "a1", Comment: "back"}},
		"command_reset":       {ID: "c6", At: at, Actor: "li.wei", Reset: &wire.AlarmReset{Alarm: "a1", Comment: "looked"}},
		"command_reset_sum":   {ID: "c7", At: at, Actor: "li.wei", ResetSum: &wire.ResetSum{Rule: "r.sum", Source: "probe-r", Reason: "new load"}},
		"command_expect":      {ID: "c8", At: at, Actor: "li.wei", Expect: expected()},
		"command_expect_none": {ID: "c9", At: at, Actor: "li.wei", Expect: &wire.Expect{Door: "SZ1-D1"}},
	}
}

// decoded gives what a golden says, as JSON, so that a reader can review it.
func decoded(t testing.TB, name string, b []byte) string {
	t.Helper()
	var v any
	var err error
	switch {
	case name == "ack":
		v, err = wire.DecodeAck(b)
	case name == "configuration":
		v, err = wire.DecodeConfiguration(b)
	case strings.HasPrefix(name, "status"):
		v, err = wire.DecodeStatus(b)
	case strings.HasPrefix(name, "command"):
		v, err = wire.DecodeCommand(b)
	default:
		v, err = wire.DecodeRecord(b)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	j, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(j) + "\n"
}

func TestGoldensOfEveryVersionStayReadable(t *testing.T) {
	if *update {
		for name, b := range messages(t) {
			write(t, filepath.Join("testdata/v1", name+".bytes"), b)
			write(t, filepath.Join("testdata/v1", name+".json"), []byte(decoded(t, name, b)))
		}
	}
	files, err := filepath.Glob("testdata/v*/*.bytes")
	if err != nil || len(files) < len(messages(t)) {
		t.Fatalf("found %d goldens, %v; want one per message", len(files), err)
	}
	for _, f := range files {
		b, want := read(t, f), read(t, strings.TrimSuffix(f, "bytes")+"json")
		name := strings.TrimSuffix(filepath.Base(f), ".bytes")
		if got := decoded(t, name, b); got != string(want) {
			t.Errorf("%s reads as\n%s\nwant\n%s", f, got, want)
		}
		if strings.Contains(f, "/v1/") && !bytes.Equal(messages(t)[name], b) {
			t.Errorf("%s: this code writes other bytes for the same message", f)
		}
	}
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func codec(t testing.TB) *wire.Codec {
	t.Helper()
	c, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func envelope(t testing.TB) wire.Envelope {
	e := wire.Envelope{Edge: "SZ1-E1", Epoch: 3, EpochStart: 1, Stream: wire.MainStream, FirstSeq: 7, Before: wire.Hash{9}}
	for _, r := range records(t)[:3] {
		b, err := wire.EncodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		e.Records = append(e.Records, b)
	}
	return e
}

func TestEnvelopeComesBackAsItWas(t *testing.T) {
	c, e := codec(t), envelope(t)
	b, err := c.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(e)
	if have, _ := json.Marshal(got); !bytes.Equal(have, want) {
		t.Errorf("got %s\nwant %s", have, want)
	}
}

func TestDamagedEnvelopeIsRefused(t *testing.T) {
	c := codec(t)
	whole, err := c.Encode(envelope(t))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(envelope(t))
	for bit := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		e, err := c.Decode(b)
		if err != nil {
			continue
		}
		// What is taken in spite of the flip must say what was sent: the flip hit an encoding that means the same.
		if got, _ := json.Marshal(e); !bytes.Equal(got, want) {
			t.Errorf("bit %d: the flip went unnoticed and made\n%s\nof\n%s", bit, got, want)
		}
	}
}

func TestForeignInputIsRefusedWithAReason(t *testing.T) {
	c := codec(t)
	newer, err := wire.EncodeAck(wire.Ack{Edge: "e"})
	if err != nil {
		t.Fatal(err)
	}
	newer[1] = 99 // the version field's value
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"text":          {second(c.Decode([]byte("hello"))), "no envelope"},
		"empty":         {second(c.Decode(nil)), "wire version 0"},
		"too long":      {second(c.Decode(make([]byte, wire.MaxMessageBytes+1))), "at most"},
		"later version": {second(wire.DecodeAck(newer)), "update it"},
		"no records":    {second(c.Encode(wire.Envelope{})), "0 records"},
		"no body":       {second(wire.DecodeRecord([]byte{8, 5})), "record 5"},
		"empty command": {second(wire.EncodeCommand(wire.Command{ID: "x"})), "no body"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: error %v; want one with %q", name, test.err, test.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestZipBombIsRefused(t *testing.T) {
	c := codec(t)
	e := envelope(t)
	e.Records = [][]byte{make([]byte, wire.MaxPayload-100)}
	b, err := c.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Decode(b); err != nil {
		t.Fatalf("a payload within the bound is refused: %v", err)
	}
	e.Records = [][]byte{make([]byte, wire.MaxPayload)}
	if _, err := c.Encode(e); err == nil {
		t.Error("a payload beyond the bound is sent")
	}
}

func TestTopics(t *testing.T) {
	topic := wire.Topic("SZ1-E1", wire.UpMovements)
	edge, leaf, err := wire.ParseTopic(topic)
	if err != nil || edge != "SZ1-E1" || leaf != wire.UpMovements {
		t.Fatalf("%s parses to %q %q %v", topic, edge, leaf, err)
	}
	for _, bad := range []string{"", "td/v1/1", "td/v2/1/e/up/x", "td/v1/99/SZ1-E1/up/movements", "td/v1/0/a b/up/movements"} {
		if _, _, err := wire.ParseTopic(bad); err == nil {
			t.Errorf("topic %q is taken", bad)
		}
	}
}

func TestPartitionNeverChanges(t *testing.T) {
	for edge, want := range map[string]int{"SZ1-E1": 28, "edge-1": 54} {
		if got := wire.Partition(edge); got != want {
			t.Errorf("partition of %s is %d; FNV-1a says %d", edge, got, want)
		}
	}
}

func TestChainNoticesEveryChange(t *testing.T) {
	base := wire.Chain(wire.Hash{1}, 2, 3, []byte("record"))
	for name, other := range map[string]wire.Hash{
		"before": wire.Chain(wire.Hash{2}, 2, 3, []byte("record")),
		"epoch":  wire.Chain(wire.Hash{1}, 3, 3, []byte("record")),
		"seq":    wire.Chain(wire.Hash{1}, 2, 4, []byte("record")),
		"bytes":  wire.Chain(wire.Hash{1}, 2, 3, []byte("recorD")),
	} {
		if other == base {
			t.Errorf("another %s gives the same hash", name)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, r := range slices.AppendSeq(records(f), maps.Values(facts(f))) {
		b, err := wire.EncodeRecord(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := wire.DecodeRecord(b)
		if err != nil {
			return
		}
		again, err := wire.EncodeRecord(r)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		r2, err := wire.DecodeRecord(again)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		one, _ := json.Marshal(r)
		if two, _ := json.Marshal(r2); !bytes.Equal(one, two) {
			t.Fatalf("%s became %s", one, two)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	c := codec(f)
	b, err := c.Encode(envelope(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := c.Decode(b); err == nil {
			if _, err := c.Encode(e); err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
		}
	})
}

func FuzzControl(f *testing.F) {
	for _, b := range messages(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := wire.DecodeAck(b); err == nil {
			if _, err := wire.EncodeAck(a); err != nil {
				t.Fatal(err)
			}
		}
		if s, err := wire.DecodeStatus(b); err == nil {
			if _, err := wire.EncodeStatus(s); err != nil {
				t.Fatal(err)
			}
		}
		if c, err := wire.DecodeCommand(b); err == nil {
			if _, err := wire.EncodeCommand(c); err != nil {
				t.Fatal(err)
			}
		}
		if c, err := wire.DecodeConfiguration(b); err == nil {
			if _, err := wire.EncodeConfiguration(c); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkEnvelope500(b *testing.B) {
	c := codec(b)
	e := wire.Envelope{Edge: "SZ1-E1", Epoch: 1, EpochStart: 1, Stream: wire.MainStream, FirstSeq: 1}
	for i := range 500 {
		r := records(b)[0]
		r.Seq = uint64(i + 1)
		rec, err := wire.EncodeRecord(r)
		if err != nil {
			b.Fatal(err)
		}
		e.Records = append(e.Records, rec)
	}
	var size int
	for b.Loop() {
		msg, err := c.Encode(e)
		if err != nil {
			b.Fatal(err)
		}
		size = len(msg)
		if _, err := c.Decode(msg); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)/500, "B/record")
}
