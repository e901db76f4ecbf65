package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/secret"
	"github.com/tallydock/tallydock/hub/store"
)

// Resealed counts what Reseal sealed anew.
type Resealed struct {
	Database int // values that were sealed by an older key
	CA       int // files, written in any case
}

// Reseal seals everything that a hub keeps sealed by its first secret key: authenticators, webhooks' secrets and whatever else
// is in the database, and the keys of its CA. It may be run again after it was interrupted.
func Reseal(ctx context.Context, c config.Config, db *store.DB) (done Resealed, err error) {
	keys, err := config.EnsureSecretKey(c)
	if err != nil {
		return done, err
	}
	if done.Database, err = (secret.Vault{Keys: keys, Store: store.Secrets{DB: db}}).Reseal(ctx); err != nil {
		return done, err
	}
	dir := filepath.Join(c.Data, CAFolder)
	switch _, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return done, nil
	case err != nil:
		return done, fmt.Errorf("cannot look for the CA: %w", err)
	}
	ca, err := enrol.OpenCA(dir, keys, time.Now())
	if err == nil {
		done.CA, err = ca.Reseal()
	}
	return done, err
}
