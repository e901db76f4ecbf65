package storetest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
)

func sample(at time.Time, v unit.Milli) wire.Sample {
	return wire.Sample{Device: "probe-r", Location: "SZ1-R", Quantity: unit.Temperature, Value: v, At: at}
}

func someSamples(n int) (all []wire.Sample) {
	for i := range n {
		s := sample(noon.Add(time.Duration(i)*time.Minute), unit.Milli(i*7919%977))
		if i%50 == 0 {
			s.Quality = devices.Sentinel
		}
		all = append(all, s)
	}
	return all
}

func putSamples(t *testing.T, db *store.DB, all []wire.Sample) {
	t.Helper()
	err := store.Intake{DB: db}.Take(context.Background(), func(tx intake.Tx) error {
		for _, s := range all {
			if err := tx.PutSample("E", s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func points(t *testing.T, db *store.DB, from, to time.Time) []series.Point {
	t.Helper()
	all, err := store.Series{DB: db}.Query(context.Background(), series.Query{From: from, To: to})
	if err != nil || len(all) != 1 {
		t.Fatalf("series %+v, %v", all, err)
	}
	return all[0].Points
}

// testALongSpanKeepsEveryHoursExtremes: samples in any order, some of them twice, some of them without value.
func testALongSpanKeepsEveryHoursExtremes(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	random := rand.New(rand.NewPCG(3, 5))
	const days = 9
	var all []wire.Sample
	type extremes struct{ low, high wire.Sample }
	want := map[time.Time]extremes{}
	for i := range days * 24 * 6 {
		s := sample(noon.Add(time.Duration(i)*10*time.Minute), unit.Milli(4000+1000*i+random.IntN(900)))
		if random.IntN(2) == 0 {
			s.Value = -s.Value
		}
		if random.IntN(20) == 0 {
			s.Quality, s.Value = devices.Sentinel, 85000_000
			all = append(all, s)
			continue
		}
		all = append(all, s)
		if random.IntN(10) == 0 {
			all = append(all, s)
		}
		hour := s.At.Truncate(time.Hour)
		e, ok := want[hour]
		if !ok || s.Value < e.low.Value {
			e.low = s
		}
		if !ok || s.Value > e.high.Value {
			e.high = s
		}
		want[hour] = e
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	putSamples(t, db, all)
	got := map[time.Time]float64{}
	for _, p := range points(t, db, noon, noon.Add(days*24*time.Hour)) {
		if p.Value != nil {
			got[p.At] = *p.Value
		}
	}
	n := 0
	for hour, e := range want {
		for at, v := range map[time.Time]unit.Milli{e.low.At: e.low.Value, e.high.At: e.high.Value} {
			n++
			if g, ok := got[at]; !ok || g != v.Float() {
				t.Errorf("hour %s: at %s got %v (%v), want %v", hour, at, g, ok, v.Float())
			}
		}
	}
	if len(got) != n {
		t.Errorf("%d points for %d extremes", len(got), n)
	}
}

func testALongSpanEndsWhereItWasAskedTo(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	from := noon.Add(30 * time.Minute)
	to := from.Add(10 * 24 * time.Hour)
	putSamples(t, db, []wire.Sample{
		sample(from.Add(-time.Microsecond), 1000), sample(from, 2000), sample(to.Add(-time.Microsecond), 3000), sample(to, 4000),
	})
	got := points(t, db, from, to)
	if len(got) != 2 || !got[0].At.Equal(from) || *got[1].Value != 3 {
		t.Errorf("got %+v", got)
	}
}

func testOldSamplesAreForgotten(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	var all []wire.Sample
	for i := range 12_000 { // more than one transaction's worth
		all = append(all, sample(noon.Add(time.Duration(i)*time.Minute), unit.Milli(i)))
	}
	putSamples(t, db, all)
	kept := store.Series{DB: db}
	cut := noon.Add(11_000*time.Minute + 30*time.Second)
	if gone, err := kept.Trim(ctx, cut); err != nil || gone != 11_001 {
		t.Fatalf("%d samples went, %v; want 11001", gone, err)
	}
	if gone, err := kept.Trim(ctx, cut); err != nil || gone != 0 {
		t.Errorf("again %d samples went, %v", gone, err)
	}
	if got := points(t, db, noon, cut); len(got) != 0 {
		t.Errorf("%d points are left from before, the first %+v", len(got), got[0])
	}
	got := points(t, db, cut, cut.Add(24*time.Hour))
	if len(got) != 999 || *got[0].Value != 11.001 {
		t.Errorf("%d points are kept, want 999", len(got))
	}
	if long := points(t, db, noon, noon.Add(60*24*time.Hour)); len(long) == 0 || long[0].At.Before(cut.Truncate(time.Hour)) {
		t.Errorf("hours from before are left: %+v", long)
	}
}
