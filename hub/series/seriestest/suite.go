// Package seriestest is the contract of series: what every database of samples must do, and a plain one in memory that
// others are compared with.
package seriestest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
)

// Harness is a database under test. It keeps all it is given: nothing is trimmed.
type Harness struct {
	Sink   series.Sink
	Source series.Source
	Many   int // samples of the test of many; 0 = 100,000
}

// Run tests a database. open gives an empty one.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"what was written comes back, by sensor and time":     roundTrip,
		"a sample written again changes nothing":              writtenTwice,
		"of two samples of one moment one stays":              sameMoment,
		"samples without value are readings, not in buckets":  withoutValue,
		"a span has its beginning and not its end":            boundaries,
		"buckets are whole, and begin where they should":      wholeBuckets,
		"names of all kinds are names":                        awkwardNames,
		"the largest values are exact":                        largestValues,
		"a sample that cannot be refuses all with it":         invalidRefusesAll,
		"a sensor nobody knows, and one that was silent":      silence,
		"a silence is a gap in every resolution":              gaps,
		"many samples are all there and few points are drawn": many,
		"many write at once":                                  concurrentWriters,
		"whoever has gone gets no answer":                     cancelled,
		"it says what the plain one says":                     likeMemory,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// probe is the sensor that most tests use.
var probe = series.Key{Edge: "SZ1-E1", Device: "probe-r", Quantity: unit.Temperature}

func sample(key series.Key, at time.Time, v unit.Milli) series.Sample {
	return series.Sample{Key: key, At: at, Value: v, HasValue: true, Location: "SZ1-R"}
}

// steady is a probe's n samples, one each half minute.
func steady(from time.Time, n int) (all []series.Sample) {
	for i := range n {
		all = append(all, sample(probe, from.Add(time.Duration(i)*30*time.Second), unit.Milli(4000+i*7919%977)))
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h Harness) write(t *testing.T, samples ...series.Sample) {
	t.Helper()
	must(t, h.Sink.Write(t.Context(), samples))
}

func (h Harness) readings(t *testing.T, key series.Key, from, to time.Time) []series.Reading {
	t.Helper()
	all, err := h.Source.Readings(t.Context(), series.SensorOf(key, ""), from, to)
	must(t, err)
	return all
}

func (h Harness) buckets(t *testing.T, key series.Key, from, to time.Time, res series.Resolution) []series.Bucket {
	t.Helper()
	all, err := h.Source.Buckets(t.Context(), series.SensorOf(key, ""), from, to, res)
	must(t, err)
	return all
}

// query asks as the console does, on the day after noon.
func (h Harness) query(t *testing.T, q series.Query) []series.Series {
	t.Helper()
	all, err := h.reader().Query(t.Context(), q)
	must(t, err)
	return all
}

func (h Harness) reader() *series.Reader {
	return series.NewReader(h.Source, series.Retention{}, func() time.Time { return noon.Add(24 * time.Hour) })
}

// same compares readings or buckets.
func same[T any](t interface{ Fatalf(string, ...any) }, what string, got, want []T) {
	if len(got) != len(want) {
		t.Fatalf("%s: %d, want %d:\n%+v\nwant\n%+v", what, len(got), len(want), got, want)
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%s: number %d is\n%+v\nwant\n%+v", what, i, got[i], want[i])
		}
	}
}

func readingsOf(samples []series.Sample) (all []series.Reading) {
	for _, s := range samples {
		all = append(all, s.Reading())
	}
	slices.SortFunc(all, func(a, b series.Reading) int { return a.At.Compare(b.At) })
	return all
}

func roundTrip(t *testing.T, h Harness) {
	var want []series.Key
	var all []series.Sample
	for i, q := range unit.Quantities() {
		key := series.Key{Edge: "SZ1-E1", Device: "probe-r", Channel: []string{"", "28-00000a"}[i%2], Quantity: q}
		want = append(want, key)
		for n := range 5 {
			all = append(all, sample(key, noon.Add(time.Duration(n)*time.Minute), unit.Milli(1000*i-n)))
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for part := range slices.Chunk(all, 9) {
		h.write(t, part...)
	}
	slices.SortFunc(want, func(a, b series.Key) int { return strings.Compare(a.ID(), b.ID()) })
	got := h.query(t, series.Query{From: noon, To: noon.Add(time.Hour)})
	if len(got) != len(want) {
		t.Fatalf("%d sensors, want %d", len(got), len(want))
	}
	for i, s := range got {
		if wanted := series.SensorOf(want[i], "SZ1-R"); s.Sensor != wanted {
			t.Errorf("sensor %+v, want %+v", s.Sensor, wanted)
		}
		of := slices.DeleteFunc(slices.Clone(all), func(s series.Sample) bool { return s.Key != want[i] })
		same(t, "readings", h.readings(t, want[i], noon, noon.Add(time.Hour)), readingsOf(of))
		if len(s.Points) != 5 || *s.Points[2].Value != h.readings(t, want[i], noon, noon.Add(time.Hour))[2].Value.Float() {
			t.Errorf("points of %s: %+v", s.ID, s.Points)
		}
	}
	one := h.query(t, series.Query{From: noon, To: noon.Add(time.Hour), Sensors: series.Choice{ID: want[3].ID()}})
	if len(one) != 1 || one[0].ID != want[3].ID() {
		t.Errorf("asked for %s, got %+v", want[3].ID(), one)
	}
}

func writtenTwice(t *testing.T, h Harness) {
	all := steady(noon, 10)
	h.write(t, append(slices.Clone(all), all[3], all[3])...)
	before := h.buckets(t, probe, noon, noon.Add(time.Hour), series.Minute)
	h.write(t, all...)
	h.write(t, all[5])
	same(t, "readings", h.readings(t, probe, noon, noon.Add(time.Hour)), readingsOf(all))
	same(t, "buckets before", before, series.Rollup(readingsOf(all), time.Minute))
	same(t, "buckets after", h.buckets(t, probe, noon, noon.Add(time.Hour), series.Minute), before)
}

// sameMoment: which one stays is the database's to say; that it is the same in readings and in buckets is not. A sensor
// that was moved is still the same sensor.
func sameMoment(t *testing.T, h Harness) {
	moved := sample(probe, noon, 4000)
	moved.Location = "SZ1-F"
	for _, s := range []series.Sample{sample(probe, noon, 4000), sample(probe, noon.Add(400), 5000), moved, sample(probe, noon.Add(time.Minute), 1)} {
		h.write(t, s)
	}
	got := h.readings(t, probe, noon, noon.Add(time.Hour))
	if len(got) != 2 || !got[0].HasValue || got[0].Value != 4000 && got[0].Value != 5000 {
		t.Fatalf("got %+v", got)
	}
	same(t, "buckets", h.buckets(t, probe, noon, noon.Add(time.Hour), series.Hour), series.Rollup(got, time.Hour))
}

func withoutValue(t *testing.T, h Harness) {
	all := steady(noon, 6)
	for i, q := range []devices.Quality{devices.Sentinel, devices.NoData, devices.OutOfRange} {
		all[i+1].HasValue, all[i+1].Value, all[i+1].Quality, all[i+1].Reason = false, 85000, q, `probe says "85.0",\ = no value`+"\nyet"
	}
	h.write(t, all...)
	same(t, "readings", h.readings(t, probe, noon, noon.Add(time.Hour)), readingsOf(all))
	got := h.buckets(t, probe, noon, noon.Add(time.Hour), series.Minute)
	same(t, "buckets", got, series.Rollup(readingsOf(all), time.Minute))
	if len(got) != 2 { // the second minute has no value
		t.Errorf("%d buckets, want 2", len(got))
	}
	if s := h.query(t, series.Query{From: noon, To: noon.Add(time.Hour)}); len(s) != 1 || len(s[0].Points) != 6 || s[0].Points[2].Value != nil {
		t.Errorf("series %+v", s)
	}
}

func boundaries(t *testing.T, h Harness) {
	from, to := noon.Add(17*time.Second), noon.Add(29*time.Minute+3*time.Microsecond)
	var all []series.Sample
	for i, at := range []time.Time{from.Add(-time.Microsecond), from, from.Add(time.Microsecond), to.Add(-time.Microsecond), to, to.Add(time.Microsecond)} {
		all = append(all, sample(probe, at, unit.Milli(i)))
	}
	h.write(t, all...)
	same(t, "readings", h.readings(t, probe, from, to), readingsOf(all[1:4]))
	same(t, "readings of no time", h.readings(t, probe, from, from), nil)
	same(t, "readings of a microsecond", h.readings(t, probe, from, from.Add(time.Microsecond)), readingsOf(all[1:2]))
	same(t, "readings of all time", h.readings(t, probe, time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)), readingsOf(all))
	for _, res := range []series.Resolution{series.Raw, series.Minute, series.Hour} {
		s := h.query(t, series.Query{From: from, To: to, Resolution: res})
		if len(s) != 1 {
			t.Fatalf("in %s: %+v", res, s)
		}
		for _, p := range s[0].Points {
			if p.At.Before(from) || !p.At.Before(to) {
				t.Errorf("in %s there is a point of %s, outside %s to %s", res, p.At, from, to)
			}
		}
	}
}

func wholeBuckets(t *testing.T, h Harness) {
	var all []series.Sample
	for _, start := range []time.Time{time.Unix(3600, 0), noon, noon.Add(15 * time.Minute), noon.Add(time.Hour)} {
		for i, d := range []time.Duration{-time.Microsecond, 0, time.Microsecond, time.Minute - time.Microsecond} {
			all = append(all, sample(probe, start.Add(d), unit.Milli(i-2)))
		}
	}
	h.write(t, all...)
	for _, res := range series.Rollups() {
		want := series.Rollup(readingsOf(all), res.Width())
		same(t, "all buckets of "+string(res), h.buckets(t, probe, time.Unix(0, 0), noon.Add(48*time.Hour), res), want)
		// From within a bucket to just after the beginning of another: both whole.
		from, to := noon.Add(30*time.Second), noon.Add(time.Hour+time.Microsecond)
		within := slices.DeleteFunc(want, func(b series.Bucket) bool {
			return !b.Start.Add(res.Width()).After(from) || !b.Start.Before(to)
		})
		same(t, "buckets of "+string(res), h.buckets(t, probe, from, to, res), within)
		same(t, "buckets to a border", h.buckets(t, probe, from, noon.Add(time.Hour), res), within[:len(within)-1])
	}
	if _, err := h.Source.Buckets(t.Context(), series.SensorOf(probe, ""), noon, noon.Add(time.Hour), series.Raw); !errors.Is(err, fault.Invalid) {
		t.Errorf("buckets of raw: %v", err)
	}
}

// names that break what puts them between quotes without a thought, in line protocol, in Flux or in SQL.
var names = []string{
	"plain", "with space", " ", "a,b", "a=b", `say "hi"`, "it's", `back\slash`, `ends with \`, "new\nline", "tab\tand\rreturn",
	"percent%41", "%", "温度探头", "Kühlraum", "e\u0301", "\u202eRTL", "🌡", "\x01\x7f", "a/b", "#comment", "$", "${r.device}", "${1+1}",
	`") |> drop(columns: ["_value"]) //`, `x" or true or r.device == "y`, `\") or true //`, "'; DROP TABLE sample; --", "/* ", "null", "_measurement",
	strings.Repeat("l", series.MaxName), strings.Repeat("漢", series.MaxName/3),
}

// awkward are samples of such names.
func awkward() (all []series.Sample) {
	for i, name := range names {
		plain := strings.ReplaceAll(name, "/", "-") // edge and device have no slashes
		for part := range 4 {
			s := sample(probe, noon.Add(time.Duration(i)*time.Second), unit.Milli(4*i+part))
			*[]*string{&s.Edge, &s.Device, &s.Channel, &s.Location}[part] = []string{plain, plain, name, name}[part]
			if s.Reason = name; part == 0 {
				s.HasValue, s.Value, s.Quality = false, 0, devices.NoData
			}
			all = append(all, s)
		}
	}
	return all
}

func awkwardNames(t *testing.T, h Harness) {
	all := awkward()
	h.write(t, all...)
	from, to := noon.Add(-time.Hour), noon.Add(time.Hour)
	sensors := map[string][]series.Sample{}
	for _, s := range all {
		sensors[s.ID()] = append(sensors[s.ID()], s)
	}
	got, err := h.Source.Sensors(t.Context(), series.Choice{})
	must(t, err)
	if len(got) != len(sensors) {
		t.Errorf("%d sensors, want %d", len(got), len(sensors))
	}
	for id, of := range sensors {
		s := h.query(t, series.Query{From: from, To: to, Sensors: series.Choice{ID: id}})
		if len(s) != 1 || s[0].Edge != of[0].Edge || s[0].Device != of[0].Device || s[0].Channel != of[0].Channel {
			t.Fatalf("asked for %q, got %+v", id, s)
		}
		same(t, fmt.Sprintf("readings of %q", id), h.readings(t, of[0].Key, from, to), readingsOf(of))
	}
}

func largestValues(t *testing.T, h Harness) {
	var all []series.Sample
	for i, v := range []unit.Milli{series.MaxValue, -series.MaxValue, series.MaxValue - 1, 1 - series.MaxValue, 0, -1, 1, series.MaxValue, series.MaxValue} {
		all = append(all, sample(probe, noon.Add(time.Duration(i)*time.Second), v))
	}
	all = append(all, sample(probe, time.Date(2199, 12, 31, 23, 59, 59, 999_999_000, time.UTC), 5), sample(probe, time.Unix(0, 1000), 6))
	h.write(t, all...)
	want := readingsOf(all)
	same(t, "readings", h.readings(t, probe, time.Unix(0, 0), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)), want)
	same(t, "buckets", h.buckets(t, probe, noon, noon.Add(time.Hour), series.Hour), series.Rollup(want[1:len(want)-1], time.Hour))
}

func invalidRefusesAll(t *testing.T, h Harness) {
	for _, spoil := range []func(*series.Sample){
		func(s *series.Sample) { s.At = time.Time{} },
		func(s *series.Sample) { s.Value = series.MaxValue + 1 },
		func(s *series.Sample) { s.Channel = "a\x00b" },
		func(s *series.Sample) { s.Device = "" },
	} {
		all := steady(noon, 3)
		spoil(&all[2])
		if err := h.Sink.Write(t.Context(), all); !errors.Is(err, fault.Invalid) {
			t.Errorf("error is %v", err)
		}
	}
	must(t, h.Sink.Write(t.Context(), nil))
	if all, err := h.Source.Sensors(t.Context(), series.Choice{}); err != nil || len(all) != 0 {
		t.Errorf("there are %+v, %v", all, err)
	}
}

func silence(t *testing.T, h Harness) {
	span := series.Query{From: noon, To: noon.Add(time.Hour)}
	if all := h.query(t, span); len(all) != 0 {
		t.Errorf("in an empty database: %+v", all)
	}
	h.write(t, steady(noon.Add(2*time.Hour), 3)...)
	if all := h.query(t, span); len(all) != 1 || len(all[0].Points) != 0 {
		t.Errorf("of a sensor that was silent: %+v", all)
	}
	span.Sensors.ID = "SZ1-E1/nobody//temperature"
	if all := h.query(t, span); len(all) != 0 {
		t.Errorf("of a sensor nobody knows: %+v", all)
	}
	stranger := series.Key{Edge: "SZ1-E1", Device: "probe", Channel: "r", Quantity: unit.Humidity}
	same(t, "readings of a stranger", h.readings(t, stranger, noon, noon.Add(9*time.Hour)), nil)
	same(t, "buckets of a stranger", h.buckets(t, stranger, noon, noon.Add(9*time.Hour), series.Hour), nil)
}

func gaps(t *testing.T, h Harness) {
	h.write(t, append(steady(noon, 240), steady(noon.Add(9*time.Hour), 600)...)...) // two hours, seven without, five hours
	for _, res := range []series.Resolution{series.Auto, series.Raw, series.Minute, series.QuarterHour, series.Hour} {
		s := h.query(t, series.Query{From: noon, To: noon.Add(15 * time.Hour), Resolution: res})
		if len(s) != 1 {
			t.Fatalf("%d series", len(s))
		}
		none := slices.DeleteFunc(s[0].Points, func(p series.Point) bool { return p.Value != nil })
		if len(none) != 1 || none[0].At.Before(noon.Add(2*time.Hour-time.Minute)) || !none[0].At.Before(noon.Add(9*time.Hour)) {
			t.Errorf("in %q the gaps are %+v", res, none)
		}
	}
}

func many(t *testing.T, h Harness) {
	n := h.Many
	if n == 0 {
		n = 100_000
	}
	all := make([]series.Sample, n)
	random := rand.New(rand.NewPCG(7, 7))
	for i := range all {
		all[i] = sample(probe, noon.Add(time.Duration(i)*2*time.Second), unit.Milli(random.IntN(20_000)-10_000))
	}
	all[n/3].Value, all[n/2].Value = -77_777, 88_888
	h.write(t, all...)
	from, to := noon, noon.Add(time.Duration(n)*2*time.Second)
	want := readingsOf(all)
	same(t, "readings", h.readings(t, probe, from, to), want)
	for _, res := range series.Rollups() {
		same(t, "buckets of "+string(res), h.buckets(t, probe, from, to, res), series.Rollup(want, res.Width()))
	}
	for _, res := range []series.Resolution{series.Auto, series.Raw, series.Minute, series.Hour} {
		s := h.query(t, series.Query{From: from, To: to, Resolution: res})
		if len(s) != 1 || len(s[0].Points) > series.MaxPoints {
			t.Fatalf("in %q: %d series, %d points", res, len(s), len(s[0].Points))
		}
		has := func(v float64) bool {
			return slices.ContainsFunc(s[0].Points, func(p series.Point) bool { return p.Value != nil && *p.Value == v })
		}
		if !has(-77.777) || !has(88.888) {
			t.Errorf("in %q the lowest or the highest value is lost", res)
		}
	}
}

// concurrentWriters all write much the same, each in an order of its own.
func concurrentWriters(t *testing.T, h Harness) {
	all := steady(noon, 300)
	other := probe
	other.Channel = "2"
	for _, s := range steady(noon, 300) {
		s.Key = other
		all = append(all, s)
	}
	errs := make(chan error, 100)
	var group sync.WaitGroup
	for w := range uint64(6) {
		group.Go(func() {
			mine := slices.Clone(all)
			rand.New(rand.NewPCG(w, 1)).Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			for part := range slices.Chunk(mine, 97) {
				errs <- h.Sink.Write(t.Context(), part)
			}
		})
	}
	for range 5 { // and somebody looks on
		_, err := h.reader().Query(t.Context(), series.Query{From: noon, To: noon.Add(24 * time.Hour)})
		errs <- err
	}
	group.Wait()
	close(errs)
	for err := range errs {
		must(t, err)
	}
	for _, key := range []series.Key{probe, other} {
		want := readingsOf(slices.DeleteFunc(slices.Clone(all), func(s series.Sample) bool { return s.Key != key }))
		same(t, "readings", h.readings(t, key, noon, noon.Add(24*time.Hour)), want)
		for _, res := range series.Rollups() {
			same(t, "buckets", h.buckets(t, key, noon, noon.Add(24*time.Hour), res), series.Rollup(want, res.Width()))
		}
	}
}

func cancelled(t *testing.T, h Harness) {
	h.write(t, steady(noon, 3)...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Sink.Write(ctx, steady(noon, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	if _, err := h.reader().Query(ctx, series.Query{From: noon, To: noon.Add(time.Hour)}); !errors.Is(err, context.Canceled) {
		t.Errorf("query: %v", err)
	}
}

// likeMemory writes the same to the database and to a Memory, and asks both. Each run has an edge of its own.
func likeMemory(t *testing.T, h Harness) {
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		var memory Memory
		edge := fmt.Sprintf("run-%d", run)
		writes := rapid.SliceOfN(rapid.SliceOfN(anySample(edge), 1, 30), 1, 5).Draw(rt, "writes")
		for _, w := range writes {
			if err := errors.Join(h.Sink.Write(t.Context(), w), memory.Write(t.Context(), w)); err != nil {
				rt.Fatal(err)
			}
		}
		from := noon.Add(rapid.SampledFrom(moments).Draw(rt, "from"))
		to := from.Add(rapid.SampledFrom(moments).Draw(rt, "span") + time.Microsecond)
		sensors, err := memory.Sensors(t.Context(), series.Choice{})
		if err != nil {
			rt.Fatal(err)
		}
		for _, s := range sensors {
			got, err1 := h.Source.Readings(t.Context(), s, from, to)
			want, err2 := memory.Readings(t.Context(), s, from, to)
			if err := errors.Join(err1, err2); err != nil {
				rt.Fatal(err)
			}
			same(rt, "readings of "+s.ID, got, want)
			for _, res := range series.Rollups() {
				got, err1 := h.Source.Buckets(t.Context(), s, from, to, res)
				want, err2 := memory.Buckets(t.Context(), s, from, to, res)
				if err := errors.Join(err1, err2); err != nil {
					rt.Fatal(err)
				}
				same(rt, "buckets of "+s.ID+" in "+string(res), got, want)
			}
		}
	})
}

// moments are times after noon, at the borders of buckets and beside them.
var moments = func() (all []time.Duration) {
	for _, at := range []time.Duration{0, time.Minute, 14 * time.Minute, 15 * time.Minute, 59 * time.Minute, time.Hour, 2 * time.Hour} {
		all = append(all, at, at+time.Microsecond, at+time.Minute-time.Microsecond, at+17*time.Second)
	}
	return all
}()

// anySample draws one of few sensors and few moments, so that many come again; what it says follows from those.
func anySample(edge string) *rapid.Generator[series.Sample] {
	return rapid.Custom(func(rt *rapid.T) series.Sample {
		key := series.Key{
			Edge: edge, Device: rapid.SampledFrom([]string{"d", "d 2"}).Draw(rt, "device"),
			Channel: rapid.SampledFrom([]string{"", "a,b"}).Draw(rt, "channel"), Quantity: unit.Humidity,
		}
		i := rapid.IntRange(0, len(moments)-1).Draw(rt, "moment")
		s := sample(key, noon.Add(moments[i]), unit.Milli(i*i*1237%101-50)*1001)
		if i%7 == 3 {
			s.HasValue, s.Value, s.Quality, s.Reason = false, 0, devices.NoData, "probe is gone"
		}
		return s
	})
}
