package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

// DatabaseFile is the database's name in the data folder, where it is SQLite.
const DatabaseFile = "hub.db"

// OpenDatabase opens the database that a configuration names, and makes it where it is a file. See store.New.
func OpenDatabase(ctx context.Context, c config.Config, now func() time.Time, committed func([]event.Event)) (*store.DB, error) {
	db, err := ConnectDatabase(ctx, c, now, committed)
	if err != nil {
		return nil, err
	}
	return db, db.Start(ctx)
}

// ConnectDatabase is OpenDatabase that leaves the schema as it is.
func ConnectDatabase(ctx context.Context, c config.Config, now func() time.Time, committed func([]event.Event)) (*store.DB, error) {
	url := string(c.Database.URL)
	if c.Database.URLFile != "" {
		text, err := os.ReadFile(c.Database.URLFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the database's URL (database.url_file): %w", err)
		}
		url, _, _ = strings.Cut(strings.TrimSpace(string(text)), "\n")
		if url == "" {
			return nil, fmt.Errorf("%w: %s (database.url_file) has no URL in its first line", fault.Invalid, c.Database.URLFile)
		}
	}
	if url != "" {
		return postgres.Connect(ctx, url, now, committed)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	return sqlite.Connect(filepath.Join(c.Data, DatabaseFile), now, committed)
}
