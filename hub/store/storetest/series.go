package storetest

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/seriestest"
	"github.com/tallydock/tallydock/hub/store"
)

// RunSeries runs the contract of series on the tables of samples, and that of spools on the spool.
func RunSeries(t *testing.T, open Open) {
	t.Run("tables", func(t *testing.T) {
		seriestest.Run(t, func(t *testing.T) seriestest.Harness {
			kept := store.Series{DB: openAt(t, open, nil)}
			return seriestest.Harness{Sink: kept, Source: kept, Many: 30_000}
		})
	})
	t.Run("spool", func(t *testing.T) {
		seriestest.RunSpool(t, func(t *testing.T) seriestest.SpoolHarness {
			db := openAt(t, open, nil)
			return seriestest.SpoolHarness{Spool: store.Spool{DB: db}, Put: store.Spool{DB: db}, Refused: func(reason string) (n int) {
				for _, e := range parkedSamples(t, db) {
					if e.Detail == reason {
						n++
					}
				}
				return n
			}}
		})
	})
}

func parkedSamples(t *testing.T, db *store.DB) []intake.Entry {
	t.Helper()
	all, err := store.Intake{DB: db}.Quarantine(context.Background(), intake.Open)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

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

func putSamples(t testing.TB, kept store.Intake, all []wire.Sample) {
	t.Helper()
	err := kept.Take(context.Background(), func(tx intake.Tx) error {
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

var (
	probe = series.SensorOf(series.Key{Edge: "E", Device: "probe-r", Quantity: unit.Temperature}, "SZ1-R")
	later = noon.AddDate(10, 0, 0)
)

func readings(t testing.TB, db *store.DB) []series.Reading {
	t.Helper()
	all, err := store.Series{DB: db}.Readings(context.Background(), probe, time.Time{}, later)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func buckets(t testing.TB, db *store.DB, res series.Resolution) []series.Bucket {
	t.Helper()
	all, err := store.Series{DB: db}.Buckets(context.Background(), probe, time.Time{}, later, res)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// testASensorTellsWhatItSaidLast: whatever comes late or twice.
func testASensorTellsWhatItSaidLast(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	kept := store.Intake{DB: db}
	moved := sample(noon.Add(time.Hour), 5000)
	moved.Location = "SZ1-F"
	putSamples(t, kept, []wire.Sample{sample(noon.Add(time.Minute), 4000), moved, sample(noon, 3000)})
	again := moved
	again.Value, again.Location = 9000, "SZ1-X"
	putSamples(t, kept, []wire.Sample{again, sample(noon.Add(30*time.Minute), 1000)})
	if all, err := (store.Series{DB: db}).Sensors(t.Context(), series.Choice{}); err != nil || len(all) != 1 || all[0].Location != "SZ1-F" {
		t.Errorf("sensors %+v, %v", all, err)
	}
	if n := len(readings(t, db)); n != 4 {
		t.Errorf("%d readings, want 4", n)
	}
	if all := buckets(t, db, series.Hour); len(all) != 2 || all[0].Count != 3 || all[0].Low.Value != 1000 || all[1].Sum != 5000 {
		t.Errorf("hours %+v", all)
	}
}

// testASampleThatCannotBeIsParkedAlone: and stays parked when it is tried again.
func testASampleThatCannotBeIsParkedAlone(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	in := intake.New(intake.Config{Hub: "h", Now: func() time.Time { return noon }, NewID: newID}, store.Intake{DB: db})
	env := wire.Envelope{Edge: "E", Epoch: 1, EpochStart: 1, Stream: wire.SampleStream, FirstSeq: 1}
	for i, s := range []wire.Sample{sample(noon, 1), sample(noon.AddDate(300, 0, 0), 2), sample(noon.Add(time.Minute), 3)} {
		raw, err := wire.EncodeRecord(wire.Record{Seq: uint64(i) + 1, Sample: &s})
		if err != nil {
			t.Fatal(err)
		}
		env.Records = append(env.Records, raw)
	}
	if r, err := in.Take(t.Context(), []wire.Envelope{env}); err != nil || r.Samples != 3 || r.Parked != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := len(readings(t, db)); n != 2 {
		t.Errorf("%d readings, want 2", n)
	}
	parked := parkedSamples(t, db)
	if len(parked) != 1 || parked[0].Reason != intake.Inapplicable {
		t.Fatalf("parked %+v", parked)
	}
	if e, err := in.Retry(t.Context(), parked[0].ID, "vera"); err == nil || e.State != intake.Open {
		t.Errorf("retried: %+v, %v", e, err)
	}
}

// testOldSamplesAreForgotten, each resolution by itself. The samples are of two months, and end with a third.
func testOldSamplesAreForgotten(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	var all []wire.Sample
	for i := range 12_000 { // more than one transaction's worth
		all = append(all, sample(april.Add(time.Duration(i-11_000)*time.Minute), unit.Milli(i)))
	}
	putSamples(t, store.Intake{DB: db}, all)
	kept := store.Series{DB: db}
	trim := func(res series.Resolution, want int64) {
		t.Helper()
		if gone, err := kept.Trim(t.Context(), res, april); err != nil || gone != want {
			t.Fatalf("%d of %s went, %v; want %d", gone, res, err, want)
		}
	}
	trim(series.Raw, 11_000)
	trim(series.Raw, 0)
	if got := readings(t, db); len(got) != 1000 || got[0].Value != 11_000 {
		t.Errorf("%d readings are kept, want 1000", len(got))
	}
	for res, all := range map[series.Resolution]int{series.Minute: 12_000, series.QuarterHour: 801, series.Hour: 201} {
		if n := len(buckets(t, db, res)); n != all {
			t.Errorf("%d buckets of %s are left, want all %d", n, res, all)
		}
	}
	trim(series.Minute, 11_000)
	trim(series.Hour, 184)
	if all := buckets(t, db, series.Hour); len(all) != 17 || !all[0].Start.Equal(april) {
		t.Errorf("hours %+v", all)
	}
	if n := len(buckets(t, db, series.QuarterHour)); n != 801 {
		t.Errorf("%d quarters of an hour are left, want all", n)
	}
}

// testSpooledSamplesGoIntoNoTable, but their sensors are known.
func testSpooledSamplesGoIntoNoTable(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	putSamples(t, store.Intake{DB: db, Spooled: true}, someSamples(100))
	if n := len(readings(t, db)) + len(buckets(t, db, series.Hour)); n != 0 {
		t.Errorf("%d rows are in the tables", n)
	}
	if all, err := (store.Series{DB: db}).Sensors(t.Context(), series.Choice{ID: probe.ID}); err != nil || len(all) != 1 || all[0] != probe {
		t.Errorf("sensors %+v, %v", all, err)
	}
	if b, err := (store.Spool{DB: db}).Backlog(t.Context()); err != nil || b.Samples != 100 {
		t.Errorf("backlog %+v, %v", b, err)
	}
}

// testARefusedSampleCanBePutBack into the spool.
func testARefusedSampleCanBePutBack(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	kept, spool := store.Intake{DB: db, Spooled: true}, store.Spool{DB: db}
	putSamples(t, kept, someSamples(3))
	before, err := spool.Next(t.Context(), 0, 10)
	if err != nil || len(before) != 3 {
		t.Fatal(before, err)
	}
	if err := spool.Refuse(t.Context(), []series.Refused{{Row: before[1].Row, Reason: "too old\x00\xff"}}); err != nil {
		t.Fatal(err)
	}
	parked := parkedSamples(t, db)
	if len(parked) != 1 || parked[0].Reason != intake.SampleRefused || !strings.Contains(string(parked[0].Record), "probe-r") {
		t.Fatalf("parked %+v", parked)
	}
	in := intake.New(intake.Config{Hub: "h", Now: func() time.Time { return noon }, NewID: newID}, kept)
	if e, err := in.Retry(t.Context(), parked[0].ID, "vera"); err != nil || e.State != intake.Resolved {
		t.Fatalf("%+v, %v", e, err)
	}
	after, err := spool.Next(t.Context(), before[2].Row, 10)
	if err != nil || len(after) != 1 || after[0].Sample != before[1].Sample {
		t.Errorf("put back: %+v, %v; want %+v", after, err, before[1])
	}
}

// testAFullSpoolIsThinnedOldestFirst: of each sensor something is left.
func testAFullSpoolIsThinnedOldestFirst(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	spool := store.Spool{DB: db}
	const each = 500
	var all []series.Sample
	random := rand.New(rand.NewPCG(3, 5))
	for i := range each {
		for _, n := range random.Perm(4) {
			all = append(all, series.Of("E", wire.Sample{
				Device: string(rune('a' + n)), Quantity: unit.Temperature, At: noon.Add(time.Duration(i) * time.Minute),
			}))
		}
	}
	if err := spool.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	left := func() (rows []series.Spooled) {
		rows, err := spool.Next(t.Context(), 0, 10_000)
		if b, err2 := spool.Backlog(t.Context()); err != nil || err2 != nil || b.Samples != int64(len(rows)) {
			t.Fatalf("%d rows are left, told is %+v; %v, %v", len(rows), b, err, err2)
		}
		return rows
	}
	for _, c := range []struct{ most, lost int64 }{{2000, 0}, {1500, 500}, {1500, 0}, {600, 900}, {3, 597}} {
		if lost, err := spool.Thin(t.Context(), c.most); err != nil || lost != c.lost {
			t.Fatalf("to %d: %d were lost, %v; want %d", c.most, lost, err, c.lost)
		}
		rows := left()
		if c.most == 1500 && (rows[499].Row > 1000 || rows[500].Row != 1001 || rows[1499].Row != 2000) {
			t.Errorf("of the oldest every second is to go, of the newest none")
		}
		of := map[string]int{}
		for _, r := range rows {
			of[r.Device]++
		}
		if c.most == 600 && (of["a"] < 100 || of["b"] < 100 || of["c"] < 100 || of["d"] < 100) {
			t.Errorf("left of each sensor: %v", of)
		}
	}
	if rows := left(); rows[2].Row != 2000 {
		t.Errorf("the newest is gone: %+v", rows)
	}
}
