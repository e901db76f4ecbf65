package app_test

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
)

func onPostgres(t *testing.T) config.Config {
	t.Helper()
	s, err := postgrestest.New("fsync=off", "synchronous_commit=off")
	if errors.Is(err, postgrestest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	url, err := s.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := configuration(t)
	c.Database.URL = config.Secret(url)
	return c
}

// A hub with a broker of its own works on PostgreSQL, serves its edges under leases, and is alone there.
func TestHubWithItsOwnBrokerIsAloneOnItsDatabase(t *testing.T) {
	c := onPostgres(t)
	hub, _, _ := run(t, c)
	if ack := publishMovement(t, hub, c); ack.Upto != 1 {
		t.Errorf("ack %+v", ack)
	}
	other := c
	other.Data = t.TempDir()
	second, err := app.New(other, app.Options{Log: slog.New(slog.DiscardHandler), Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "mqtt.broker") {
		t.Errorf("a second hub ends with %v", err)
	}
}

func TestReservationsWhoseTimeIsOverAreReleased(t *testing.T) {
	c := onPostgres(t)
	now := time.Now().UTC()
	c.Clock = now.Format(time.RFC3339Nano) + "@" + now.Format(time.RFC3339Nano) + "*600" // ten minutes a second
	db, err := postgres.Open(t.Context(), string(c.Database.URL), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	books := store.Ledger{DB: db}
	received := ledger.Movement{
		ID: uuid.Must(uuid.NewV7()).String(), Key: "r", Kind: ledger.Receive, Source: "test", Actor: "lin", EffectiveAt: now, RecordedAt: now,
		Lines: []ledger.Line{{Item: "SKU-1", From: ledger.Supplier, FromState: ledger.Available, To: "A", ToState: ledger.Available, Quantity: 10}},
	}
	if err := books.Post(t.Context(), received); err != nil {
		t.Fatal(err)
	}
	keep := map[string]time.Time{"soon": now.Add(5 * time.Minute), "later": now.Add(1000 * time.Hour), "never": {}}
	made := map[string]string{}
	for key, expires := range keep {
		r := &ledger.Reserve{ID: uuid.Must(uuid.NewV7()).String(), Key: key, Item: "SKU-1", Places: []string{"A"}, Quantity: 2, For: "x", Actor: "lin", At: now, Expires: expires}
		if err := books.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		made[key] = r.Made.ID
	}
	run(t, c)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, err := books.Reservation(t.Context(), made["soon"])
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("it is still %s, %v", r.State, err)
		}
		if r.State == ledger.Released {
			break
		}
	}
	for _, key := range []string{"later", "never"} {
		if r, err := books.Reservation(t.Context(), made[key]); err != nil || r.State != ledger.Held {
			t.Errorf("%s is %s, %v", key, r.State, err)
		}
	}
}
