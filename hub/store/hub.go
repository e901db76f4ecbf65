package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/fault"
)

// HubID gives the id of this database, and makes one where it has none. A copy of the database has the same.
func (db *DB) HubID(ctx context.Context) (id string, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		err := tx.exec(`INSERT INTO meta (key, value) VALUES ('hub', ?) ON CONFLICT (key) DO NOTHING`, uuid.Must(uuid.NewV7()).String())
		if err != nil {
			return err
		}
		_, err = tx.row(`SELECT value FROM meta WHERE key = 'hub'`, nil, &id)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("cannot read the hub's id: %w", err)
	}
	return id, nil
}

// Backup writes a copy of the database, as it is at this moment, to a file that must not be there yet. The hub goes on
// working meanwhile. Errors: fault.Invalid where the database has tools of its own for that.
func (db *DB) Backup(ctx context.Context, file string) error {
	if db.dialect.Backup == nil {
		return fmt.Errorf("%w: a %s database is backed up by its own tools", fault.Invalid, db.dialect.Name)
	}
	if err := db.dialect.Backup(ctx, db.pool, file); err != nil {
		return fmt.Errorf("cannot back up to %s: %w", file, err)
	}
	return nil
}
