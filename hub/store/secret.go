package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/secret"
)

// Secrets keeps sealed secrets; it is a secret.Store. What has a table of its own is among All too: authenticators as
// totp/USER, secrets of webhook endpoints as webhook/ID, once for each that an endpoint has.
type Secrets struct{ *DB }

var _ secret.Store = Secrets{}

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
	all, err := list(ctx, s.read, `SELECT label, value FROM sealed UNION ALL SELECT 'totp/' || app_user, secret FROM factor ORDER BY 1`,
		func(scan func(...any) error) (v secret.Sealed, err error) { return v, scan(&v.Label, &v.Value) })
	if err != nil {
		return nil, fmt.Errorf("cannot read the sealed secrets: %w", err)
	}
	hooks, err := list(ctx, s.read, `SELECT id, secret FROM webhook_endpoint UNION ALL SELECT id, previous FROM webhook_endpoint ORDER BY 1`,
		func(scan func(...any) error) (v secret.Sealed, err error) {
			var id uid
			err = scan(&id, &v.Value)
			v.Label = secretLabel(string(id))
			return v, err
		})
	if err != nil {
		return nil, fmt.Errorf("cannot read the secrets of webhook endpoints: %w", err)
	}
	for _, v := range hooks {
		if len(v.Value) > 0 { // most have no previous one
			all = append(all, v)
		}
	}
	return all, nil
}

// Replace puts a value in another's place where that is still there.
func (s Secrets) Replace(ctx context.Context, label string, old, fresh []byte) (done bool, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		done = false
		update := func(text string, key any) error {
			var n int
			found, err := tx.row(text, []any{fresh, key, old}, &n)
			done = done || found
			return err
		}
		err := errors.Join(
			update(`UPDATE sealed SET value = ? WHERE label = ? AND value = ? RETURNING 1`, label),
			update(`UPDATE factor SET secret = ? WHERE 'totp/' || app_user = ? AND secret = ? RETURNING 1`, label),
		)
		id, ok := strings.CutPrefix(label, secretLabel(""))
		if err != nil || !ok || uuid.Validate(id) != nil {
			return err
		}
		tx.endpointsChanged = true
		return errors.Join(
			update(`UPDATE webhook_endpoint SET secret = ? WHERE id = ? AND secret = ? RETURNING 1`, uid(id)),
			update(`UPDATE webhook_endpoint SET previous = ? WHERE id = ? AND previous = ? RETURNING 1`, uid(id)),
		)
	})
	return done, err
}
