package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/series/influx/influxtest"
)

// begin is when the probe of these tests began to say something.
var begin = time.Now().UTC().Add(-time.Hour).Truncate(time.Second)

// envelope has the samples of a probe from one number to another, one each second; its value is the number.
func envelope(t *testing.T, from, to uint64) []byte {
	t.Helper()
	env := wire.Envelope{Edge: "SZ1-E1", Epoch: 1, EpochStart: 1, Stream: wire.SampleStream, FirstSeq: from}
	for seq := from; seq <= to; seq++ {
		b, err := wire.EncodeRecord(wire.Record{Seq: seq, Sample: &wire.Sample{
			Device: "probe-r", Location: "SZ1-R", Quantity: unit.Temperature, Value: unit.Milli(1000 * seq), At: begin.Add(time.Duration(seq) * time.Second),
		}})
		if err != nil {
			t.Fatal(err)
		}
		env.Records = append(env.Records, b)
	}
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	b, err := codec.Encode(env)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// measure sends samples by the hundred and has each hundred acknowledged.
func (g gateway) measure(from, to uint64) {
	g.t.Helper()
	for ; from <= to; from += 100 {
		upto := from + 99
		g.send(wire.UpSamples, envelope(g.t, from, upto), func(a wire.Ack) bool { return a.SamplesUpto >= upto })
	}
}

// seriesAre waits until the API gives the samples 1 to n, each once and with its value.
func (b browser) seriesAre(n int) {
	b.t.Helper()
	path := "/series?resolution=raw&from=" + begin.Format(time.RFC3339) + "&to=" + begin.Add(time.Hour).Format(time.RFC3339)
	var text string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		_, text = b.do("GET", path, "", "")
		if got := values(text); len(got) == n {
			for i, v := range got {
				if v != float64(i+1) {
					b.t.Fatalf("point %d is %v: %s", i, v, text)
				}
			}
			return
		}
	}
	b.t.Fatalf("there are not %d samples: %.2000s", n, text)
}

// values reads the values of the only sensor; nil where there is none.
func values(answer string) (all []float64) {
	var body struct {
		Sensors []struct {
			Resolution string
			Points     [][2]float64
		}
	}
	if json.Unmarshal([]byte(answer), &body) != nil || len(body.Sensors) != 1 || body.Sensors[0].Resolution != "raw" {
		return nil
	}
	for _, p := range body.Sensors[0].Points {
		all = append(all, p[1])
	}
	return all
}

func TestSamplesGoThroughInfluxDBAlsoWhenItDies(t *testing.T) {
	influxd := influxtest.New(t, t.TempDir())
	if err := influxd.Start(true); err != nil {
		t.Fatal(err)
	}
	defer influxd.Kill()
	influxd.InfluxQL(t, "", `CREATE DATABASE cold`)
	c := configuration(t)
	c.Influx.URL, c.Influx.Bucket, c.Influx.TokenFile = influxd.URL(), "cold/autogen", filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(c.Influx.TokenFile, []byte("hub:pass\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hub, out, stop := run(t, c)
	first := password(t, out)
	enter := func(hub *app.App) browser {
		_, csrf, cookies := signIn(t, hub, first)
		return browser{t, hub, csrf, cookies}
	}
	b := enter(hub)
	g := connectEdge(t, hub.MQTT(), c)
	g.send(wire.UpMovements, movement(t), func(a wire.Ack) bool { return a.Upto == 1 }) // its epoch begins
	g.measure(1, 300)
	b.seriesAre(300)

	influxd.Kill()
	g.measure(301, 600) // is acknowledged all the same
	if status, text := b.do("GET", "/series", "", ""); status != 503 || !strings.Contains(text, "InfluxDB") {
		t.Errorf("with InfluxDB away: %d %s", status, text)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	hub, _, stop = run(t, c) // starts without InfluxDB, and knows what waits
	g = connectEdge(t, hub.MQTT(), c)
	g.measure(501, 800) // some of it again
	if err := influxd.Start(true); err != nil {
		t.Fatal(err)
	}
	enter(hub).seriesAre(800)
	if text := influxd.InfluxQL(t, "cold", `SELECT count(milli) FROM temperature`); !strings.Contains(text, `,800]`) {
		t.Errorf("InfluxDB has %s", text)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	influxd.Kill()
	hub, _, stop = run(t, c)
	connectEdge(t, hub.MQTT(), c).measure(801, 900)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	c.Influx = configuration(t).Influx // no InfluxDB any more: what waits for it is not lost
	hub, _, _ = run(t, c)
	b = enter(hub)
	path := fmt.Sprintf("/series?from=%s&to=%s", begin.Add(800*time.Second).Format(time.RFC3339), begin.Add(time.Hour).Format(time.RFC3339))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		status, text := b.do("GET", path, "", "")
		if got := values(text); len(got) == 100 && got[0] == 801 && got[99] == 900 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("in the hub's own database: %d %s", status, text)
		}
	}
}

func TestATokenFileThatIsNotThereStopsTheStart(t *testing.T) {
	c := configuration(t)
	c.Influx.URL, c.Influx.Bucket, c.Influx.TokenFile = "http://127.0.0.1:9", "cold/autogen", "/does/not/exist"
	hub, err := app.New(c, app.Options{Log: slog.New(slog.DiscardHandler), Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "influx.token_file") {
		t.Errorf("got %v", err)
	}
}
