package influx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/influx"
	"github.com/tallydock/tallydock/hub/series/influx/influxtest"
	"github.com/tallydock/tallydock/hub/series/seriestest"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// samples are n of ten sensors of two quantities, all different; batch tells them from those of other calls.
func samples(batch, n int) (all []series.Sample) {
	for i := range n {
		all = append(all, series.Sample{
			Key: series.Key{
				Edge: "SZ1-E1", Device: fmt.Sprintf("probe %d", i%5), Channel: "28-0a",
				Quantity: []unit.Quantity{unit.Temperature, unit.Humidity}[i%10/5],
			},
			At: noon.Add(time.Duration(batch*n+i) * time.Second), Value: unit.Milli(i*7919%977) - 500, HasValue: true, Location: "SZ1-R",
		})
	}
	return all
}

// watched tells the test of each Done, and lets it see how much is held.
type watched struct {
	seriestest.MemorySpool
	done chan int // how many rows
}

func (w *watched) Done(ctx context.Context, rows []int64) error {
	if err := w.MemorySpool.Done(ctx, rows); err != nil {
		return err
	}
	select {
	case w.done <- len(rows):
	default:
	}
	return nil
}

func newWatched() *watched { return &watched{done: make(chan int, 100_000)} }

// wait blocks until n rows are done.
func (w *watched) wait(n int) {
	for n > 0 {
		n -= <-w.done
	}
}

func (w *watched) put(t testing.TB, all []series.Sample) {
	t.Helper()
	if err := w.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

var quiet = slog.New(slog.DiscardHandler)

// hasty drains with short pauses.
func hasty(batch int) influx.Options {
	return influx.Options{Batch: batch, Every: 5 * time.Millisecond, Pause: 5 * time.Millisecond, Longest: 50 * time.Millisecond, Log: quiet}
}

// run runs a Drainer until the test ends or stop is called.
func run(t testing.TB, d *influx.Drainer) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() {
		cancel()
		group.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// count is how many values of a quantity InfluxDB has.
func count(t testing.TB, s *influxtest.Server, database string, q unit.Quantity) (n int) {
	t.Helper()
	var answer struct {
		Results []struct {
			Series []struct{ Values [][]any }
		}
	}
	text := s.InfluxQL(t, database, fmt.Sprintf(`SELECT count(milli) FROM "%s" GROUP BY *`, q))
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Results) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	for _, one := range answer.Results[0].Series {
		n += int(one.Values[0][1].(float64))
	}
	return n
}

func metric(t *testing.T, r *prometheus.Registry, name string) float64 {
	t.Helper()
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.GetName() == name {
			return m.GetMetric()[0].GetCounter().GetValue() + m.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func TestWhatWasSpooledIsInInfluxDBOnce(t *testing.T) {
	influxd := shared(t)
	database := influxd.Database(t)
	h := openHub(t, influxd.Addr, database)
	spool, registry := newWatched(), prometheus.NewRegistry()
	all := samples(0, 23_456)
	spool.put(t, all[:20_000])
	o := hasty(0)
	o.Metrics = registry
	d := influx.NewDrainer(h.DB, spool, o)
	run(t, d)
	spool.wait(20_000)
	spool.put(t, all[20_000:])
	spool.wait(3_456)
	if n := count(t, influxd, database, unit.Temperature) + count(t, influxd, database, unit.Humidity); n != len(all) {
		t.Errorf("%d points, want %d", n, len(all))
	}
	if b, err := spool.Backlog(t.Context()); err != nil || b.Samples != 0 {
		t.Errorf("in the spool are left %+v, %v", b, err)
	}
	if h := d.Health(); !h.Up || h.Reason != "" {
		t.Errorf("health %+v", h)
	}
	if n := metric(t, registry, "tallydock_series_influx_up"); n != 1 {
		t.Errorf("up is %v", n)
	}
}

func TestPointsThatInfluxDBRefusesAreParkedAndTheOthersGoOn(t *testing.T) {
	influxd := shared(t)
	database := influxd.Database(t)
	h := openHub(t, influxd.Addr, database)
	// The measurement of humidity has the field milli as text on that day: no humidity can be written.
	influxd.Write(t, database, fmt.Sprintf(`humidity,edge=E milli="five" %d`, noon.UnixNano()))
	spool, registry := newWatched(), prometheus.NewRegistry()
	all := samples(0, 2_000)
	spool.put(t, all)
	o := hasty(1_000)
	o.Metrics = registry
	run(t, influx.NewDrainer(h.DB, spool, o))
	spool.wait(2_000)
	if n := count(t, influxd, database, unit.Temperature); n != 1_000 {
		t.Errorf("%d temperatures, want 1000", n)
	}
	refused := spool.Refused()
	for _, p := range refused {
		if p.Quantity != unit.Humidity || !strings.Contains(p.Reason, "field type conflict") {
			t.Fatalf("refused is %+v", p)
		}
	}
	if len(refused) != 1_000 {
		t.Errorf("%d samples are parked, want 1000", len(refused))
	}
	if b, err := spool.Backlog(t.Context()); err != nil || b.Samples != 0 {
		t.Errorf("in the spool are left %+v, %v", b, err)
	}
}

func TestKilledTwentyTimesInfluxDBHasEverySampleOnce(t *testing.T) {
	const times, each = 20, 5_000
	victim := influxtest.New(t, t.TempDir())
	start := func(flux bool) {
		if err := victim.Start(flux); err != nil {
			t.Fatal(err)
		}
	}
	start(false)
	victim.InfluxQL(t, "", `CREATE DATABASE cold`)
	h := openHub(t, victim.Addr, "cold")
	spool := newWatched()
	var all []series.Sample
	o, registry := hasty(250), prometheus.NewRegistry()
	o.Metrics = registry
	run(t, influx.NewDrainer(h.DB, spool, o))
	for i := range times {
		part := samples(i, each)
		all = append(all, part...)
		spool.put(t, part)
		spool.wait(each / 4) // three quarters are on their way or wait
		victim.Kill()
		if _, err := h.Readings(t.Context(), series.SensorOf(part[0].Key, ""), noon, noon.Add(time.Hour)); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a query to a dead InfluxDB: %v", err)
		}
		start(false)
	}
	spool.wait(times * each * 3 / 4)
	victim.Kill()
	start(true)
	defer victim.Kill()
	if n := count(t, victim, "cold", unit.Temperature) + count(t, victim, "cold", unit.Humidity); n != len(all) {
		t.Errorf("%d points, want %d", n, len(all))
	}
	checkReadings(t, h, all)
	checkRetried(t, registry, times)
}

// checkRetried tells a test in which nothing went wrong from one that saw faults.
func checkRetried(t *testing.T, r *prometheus.Registry, faults int) {
	t.Helper()
	n := metric(t, r, "tallydock_series_retried_total")
	if t.Logf("%d faults, %v requests made again", faults, n); n < float64(faults) {
		t.Errorf("%v requests were made again after %d faults", n, faults)
	}
}

// checkReadings compares all that InfluxDB has with what it should have.
func checkReadings(t *testing.T, h hub, all []series.Sample) {
	t.Helper()
	want := map[series.Key][]series.Reading{}
	for _, s := range all {
		want[s.Key] = append(want[s.Key], s.Reading())
	}
	for key, readings := range want {
		slices.SortFunc(readings, func(a, b series.Reading) int { return a.At.Compare(b.At) })
		got, err := h.Readings(t.Context(), series.SensorOf(key, ""), noon, noon.Add(1000*time.Hour))
		if err != nil || !slices.Equal(got, readings) {
			t.Errorf("%s has %d readings, want %d; %v", key.ID(), len(got), len(readings), err)
		}
	}
}

func TestCutsOfTheNetworkLoseAndDoubleNothing(t *testing.T) {
	influxd := shared(t)
	database := influxd.Database(t)
	line := newProxy(t, influxd.Addr)
	h := openHub(t, line.addr(), database)
	spool := newWatched()
	o, registry := hasty(500), prometheus.NewRegistry()
	o.Metrics = registry
	run(t, influx.NewDrainer(h.DB, spool, o))
	var all []series.Sample
	for i := range 30 {
		part := samples(i, 5_000)
		all = append(all, part...)
		spool.put(t, part)
		// All connections break; the next one breaks again after so many bytes of a request, or of an answer.
		if i%2 == 0 {
			line.cutAfter(int64(i+1)*7_777, -1)
		} else {
			line.cutAfter(-1, int64(i)*17)
		}
		spool.wait(2_500)
	}
	spool.wait(30 * 2_500)
	if n := count(t, influxd, database, unit.Temperature) + count(t, influxd, database, unit.Humidity); n != len(all) {
		t.Errorf("%d points, want %d", n, len(all))
	}
	checkReadings(t, h, all)
	checkRetried(t, registry, 30)
}

func TestHalfAnAnswerIsNone(t *testing.T) {
	influxd := shared(t)
	database := influxd.Database(t)
	line := newProxy(t, influxd.Addr)
	h := openHub(t, line.addr(), database)
	all := samples(0, 50_000)
	if err := h.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	sensor := series.SensorOf(all[0].Key, "")
	read := func() (int, error) {
		got, err := h.Readings(t.Context(), sensor, noon, noon.Add(1000*time.Hour))
		return len(got), err
	}
	for _, bytes := range []int64{0, 1, 100, 1_000, 4_096, 10_000, 20_000} {
		line.cutAfter(-1, bytes)
		if n, err := read(); !errors.Is(err, fault.Unavailable) {
			t.Errorf("cut after %d bytes it gives %d readings, %v", bytes, n, err)
		}
	}
	if n, err := read(); n != 5_000 || err != nil {
		t.Errorf("%d readings, want 5000, %v", n, err)
	}
}

func TestWhoIsNotLetInIsToldWhatToDo(t *testing.T) {
	guarded := influxtest.New(t, t.TempDir())
	if err := guarded.Start(true, "INFLUXDB_HTTP_AUTH_ENABLED=true"); err != nil {
		t.Fatal(err)
	}
	defer guarded.Kill()
	guarded.InfluxQL(t, "", `CREATE USER hub WITH PASSWORD 'pass' WITH ALL PRIVILEGES`)
	database := influx.Config{URL: "http://" + guarded.Addr, Bucket: "cold/autogen", Token: "hub:pass"}
	wrong := database
	wrong.Token = "hub:word"
	for _, c := range []struct {
		config influx.Config
		want   string
	}{{database, `create bucket "cold/autogen"`}, {wrong, "check token"}} {
		err := open(t, c.config, nil).Write(t.Context(), samples(0, 3))
		if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "word") {
			t.Errorf("error %v does not say %q", err, c.want)
		}
		_, err = open(t, c.config, nil).Readings(t.Context(), series.Sensor{}, noon, noon.Add(time.Hour))
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("query: %v", err)
		}
	}
	guarded.InfluxQL(t, "", `CREATE DATABASE cold`)
	h := open(t, database, nil)
	all := samples(0, 3)
	if err := h.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Readings(t.Context(), series.SensorOf(all[0].Key, ""), noon, noon.Add(time.Hour)); err != nil || len(got) != 1 {
		t.Errorf("%d readings, %v", len(got), err)
	}
}
