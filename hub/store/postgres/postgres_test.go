package postgres_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
	"github.com/tallydock/tallydock/hub/store/storetest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func open(t testing.TB, now func() time.Time, told func([]event.Event)) *store.DB {
	t.Helper()
	return openURL(t, postgrestest.URL(t), now, told)
}

func openURL(t testing.TB, url string, now func() time.Time, told func([]event.Event)) *store.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, now, told)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- db.Follow(ctx, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		stop()
		<-done
		db.Close()
	})
	return db
}

func TestSuite(t *testing.T) { storetest.Run(t, open) }

func TestSeries(t *testing.T) { storetest.RunSeries(t, open) }
