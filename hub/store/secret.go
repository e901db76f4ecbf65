package store

import (
	"context"
	"fmt"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/secret"
)

// Secrets keeps sealed secrets; it is a secret.Store. Authenticators, which have a table of their own, are among All as
// totp/USER.
type Secrets struct{ *DB }

var _ secret.Store = Secrets{}

const everySealed = `SELECT label, value FROM sealed UNION ALL SELECT 'totp/' || app_user, secret FROM factor`

// Put keeps a sealed secret.
func (s Secrets) Put(ctx context.Context, v secret.Sealed) error {
	return s.Write(ctx, func(tx *Tx) error {
		err := tx.exec(`INSERT INTO sealed (label, value) VALUES (?, ?) ON CONFLICT (label) DO UPDATE SET value = excluded.value`, v.Label, v.Value)
		if err != nil {
			return err
		}
		return tx.Audit(audit.Entry{Resource: "secret", ID: v.Label, After: audit.State(map[string]any{"set": true})})
	})
}

// Get gives a sealed secret; fault.NotFound where there is none.
func (s Secrets) Get(ctx context.Context, label string) (value []byte, err error) {
	found, err := one(ctx, s.read, `SELECT value FROM sealed WHERE label = ?`, []any{label}, &value)
	if err == nil && !found {
		err = fmt.Errorf("secret %s: %w", label, fault.NotFound)
	}
	return value, err
}

// All gives every sealed secret of the database.
func (s Secrets) All(ctx context.Context) ([]secret.Sealed, error) {
	return list(ctx, s.read, everySealed+` ORDER BY 1`, func(scan func(...any) error) (v secret.Sealed, err error) {
		return v, scan(&v.Label, &v.Value)
	})
}

// Replace puts a value in another's place where that is still there.
func (s Secrets) Replace(ctx context.Context, label string, old, fresh []byte) (done bool, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		done = false
		for _, text := range []string{
			`UPDATE sealed SET value = ? WHERE label = ? AND value = ? RETURNING 1`,
			`UPDATE factor SET secret = ? WHERE 'totp/' || app_user = ? AND secret = ? RETURNING 1`,
		} {
			var n int
			found, err := tx.row(text, []any{fresh, label, old}, &n)
			if err != nil {
				return err
			}
			done = done || found
		}
		return nil
	})
	return done, err
}
