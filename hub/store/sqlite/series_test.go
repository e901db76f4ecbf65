package sqlite_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

func sample(at time.Time, v unit.Milli) wire.Sample {
	return wire.Sample{Device: "probe-r", Location: "SZ1-R", Quantity: unit.Temperature, Value: v, At: at}
}

func putSamples(t *testing.T, db *sqlite.DB, all []wire.Sample) {
	t.Helper()
	err := sqlite.Intake{DB: db}.Take(context.Background(), func(tx intake.Tx) error {
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

func points(t *testing.T, db *sqlite.DB, from, to time.Time) []series.Point {
	t.Helper()
	all, err := sqlite.Series{DB: db}.Query(context.Background(), series.Query{From: from, To: to})
	if err != nil || len(all) != 1 {
		t.Fatalf("series %+v, %v", all, err)
	}
	return all[0].Points
}

// TestALongSpanKeepsEveryHoursExtremes: samples in any order, some of them twice, some of them without value.
func TestALongSpanKeepsEveryHoursExtremes(t *testing.T) {
	db := openCore(t, filepath.Join(t.TempDir(), "hub.db"), nil)
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

func TestALongSpanEndsWhereItWasAskedTo(t *testing.T) {
	db := openCore(t, filepath.Join(t.TempDir(), "hub.db"), nil)
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

func TestOldSamplesAreForgotten(t *testing.T) {
	ctx := context.Background()
	db := openCore(t, filepath.Join(t.TempDir(), "hub.db"), nil)
	var all []wire.Sample
	for i := range 12_000 { // more than one transaction's worth
		all = append(all, sample(noon.Add(time.Duration(i)*time.Minute), unit.Milli(i)))
	}
	putSamples(t, db, all)
	store := sqlite.Series{DB: db}
	cut := noon.Add(11_000*time.Minute + 30*time.Second)
	if gone, err := store.Trim(ctx, cut); err != nil || gone != 11_001 {
		t.Fatalf("%d samples went, %v; want 11001", gone, err)
	}
	if gone, err := store.Trim(ctx, cut); err != nil || gone != 0 {
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

// TestHoursOfSamplesFromBeforeThereWereHours: the database of a hub that had no hours yet.
func TestHoursOfSamplesFromBeforeThereWereHours(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hub.db")
	db := openCore(t, file, nil)
	var all []wire.Sample
	for i := range 300 {
		all = append(all, sample(noon.Add(time.Duration(i)*time.Minute), unit.Milli(i*7919%977)))
	}
	all[7].Quality = devices.Sentinel
	putSamples(t, db, all)
	long := func(db *sqlite.DB) []series.Point { return points(t, db, noon, noon.Add(30*24*time.Hour)) }
	want := long(db)
	err := db.Write(context.Background(), func(tx *sqlite.Tx) error {
		if _, err := tx.Exec(`DROP TABLE sample_hour`); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM schema_version WHERE name = 'migrations/0007_sample_hour.sql'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if got := long(openCore(t, file, nil)); len(want) != 10 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
