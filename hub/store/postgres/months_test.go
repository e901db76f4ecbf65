package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
)

// partitions lists those of the samples that have rows.
func partitions(t *testing.T, c *pgx.Conn) (names []string) {
	t.Helper()
	rows, err := c.Query(t.Context(), `SELECT tableoid::regclass::text FROM sample GROUP BY 1 ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	if names, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestOldMonthsOfSamplesGoAtOnce(t *testing.T) {
	url := postgrestest.URL(t)
	db := openURL(t, url, time.Now, nil)
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	february := time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)
	if err := db.MakeMonths(t.Context(), february); err != nil { // January to April
		t.Fatal(err)
	}
	var all []series.Sample
	for _, at := range []time.Time{
		time.Date(2024, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2025, 1, 31, 23, 59, 59, 0, time.UTC), february,
		february.AddDate(0, 1, -1), february.AddDate(0, 1, 0), time.Unix(5, 0),
	} {
		all = append(all, series.Of("E", wire.Sample{Device: "probe", Quantity: unit.Humidity, At: at}))
	}
	kept := store.Series{DB: db}
	if err := kept.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if got := partitions(t, c); !slices.Equal(got, []string{"sample_2025_01", "sample_2025_02", "sample_2025_03", "sample_other"}) {
		t.Fatalf("samples are in %v", got)
	}
	before := february.AddDate(0, 1, -1) // the last day of February
	reading, err := c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reading.Exec(t.Context(), `SELECT count(*) FROM sample`); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Trim(t.Context(), series.Raw, before); err == nil {
		t.Error("a month went while somebody read it")
	}
	if err := reading.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := kept.Trim(t.Context(), series.Raw, before); err != nil {
			t.Fatal(err)
		}
		if got := partitions(t, c); !slices.Equal(got, []string{"sample_2025_02", "sample_2025_03"}) {
			t.Errorf("samples are left in %v", got)
		}
	}
	if got, err := kept.Buckets(t.Context(), series.SensorOf(all[0].Key, ""), time.Unix(0, 0), before, series.Hour); err != nil || len(got) != 4 {
		t.Errorf("hours %+v, %v", got, err)
	}
}
