package store

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Tenant keeps users, their sessions and failed sign-ins; it is a tenant.Store.
type Tenant struct{ *DB }

var _ tenant.Store = Tenant{}

// User reads a user; fault.NotFound where there is none of this name.
func (t Tenant) User(ctx context.Context, name string) (tenant.User, error) {
	var u tenant.User
	var changed int64
	found, err := one(ctx, t.read, `SELECT name, role, password, language, changed FROM app_user WHERE name = ?`, []any{name},
		&u.Name, &u.Role, &u.Password, &u.Language, &changed)
	if err == nil && !found {
		return tenant.User{}, fault.NotFound
	}
	u.Changed = time.UnixMicro(changed).UTC()
	return u, err
}

// PutUser inserts or replaces u and ends the user's sessions.
func (t Tenant) PutUser(ctx context.Context, u tenant.User) error {
	return t.Write(ctx, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO app_user (name, role, password, language, changed) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET role = excluded.role, password = excluded.password,
			language = excluded.language, changed = excluded.changed`,
			u.Name, u.Role, u.Password, u.Language, u.Changed.UnixMicro())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM session WHERE app_user = ?`, u.Name)
		return err
	})
}

// CountUsers tells how many users there are.
func (t Tenant) CountUsers(ctx context.Context) (n int, err error) {
	_, err = one(ctx, t.read, `SELECT count(*) FROM app_user`, nil, &n)
	return n, err
}

// Session reads a session with its user; tenant.ErrNoSession where it is not open.
func (t Tenant) Session(ctx context.Context, hash [32]byte) (tenant.StoredSession, tenant.User, error) {
	s := tenant.StoredSession{TokenHash: hash}
	var u tenant.User
	var opened, seen int64
	found, err := one(ctx, t.read, `SELECT s.opened, s.seen, u.name, u.role, u.language
		FROM session s JOIN app_user u ON u.name = s.app_user WHERE s.token_hash = ?`, []any{hex.EncodeToString(hash[:])},
		&opened, &seen, &u.Name, &u.Role, &u.Language)
	if err == nil && !found {
		return tenant.StoredSession{}, tenant.User{}, tenant.ErrNoSession
	}
	s.User, s.Opened, s.Seen = u.Name, time.UnixMicro(opened).UTC(), time.UnixMicro(seen).UTC()
	return s, u, err
}

// OpenSession inserts s and removes those opened before dead.
func (t Tenant) OpenSession(ctx context.Context, s tenant.StoredSession, dead time.Time) error {
	return t.Write(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM session WHERE opened < ?`, dead.UnixMicro()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO session (token_hash, app_user, opened, seen) VALUES (?, ?, ?, ?)`,
			hex.EncodeToString(s.TokenHash[:]), s.User, s.Opened.UnixMicro(), s.Seen.UnixMicro())
		return err
	})
}

// TouchSession says when a session was last used.
func (t Tenant) TouchSession(ctx context.Context, hash [32]byte, seen time.Time) error {
	return t.Write(ctx, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE session SET seen = ? WHERE token_hash = ?`, seen.UnixMicro(),
			hex.EncodeToString(hash[:]))
		return err
	})
}

// DeleteSession ends a session.
func (t Tenant) DeleteSession(ctx context.Context, hash [32]byte) error {
	return t.Write(ctx, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE token_hash = ?`, hex.EncodeToString(hash[:]))
		return err
	})
}

// Attempt counts a sign-in as failed until ForgetAttempts; false where a limit is reached.
func (t Tenant) Attempt(ctx context.Context, user, address string, since, at time.Time, perUser, perAddress int) (added bool, err error) {
	err = t.Write(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM login_attempt WHERE at < ?`, since.UnixMicro()); err != nil {
			return err
		}
		var ofUser, ofAddress int
		_, err := tx.row(`SELECT count(CASE WHEN app_user = ? THEN 1 END), count(*) FROM login_attempt
			WHERE address = ?`, []any{user, address}, &ofUser, &ofAddress)
		if err != nil {
			return err
		}
		if ofUser >= perUser || ofAddress >= perAddress {
			return nil
		}
		added = true
		_, err = tx.ExecContext(ctx, `INSERT INTO login_attempt (id, app_user, address, at) VALUES (?, ?, ?, ?)`,
			uid(uuid.Must(uuid.NewV7()).String()), user, address, at.UnixMicro())
		return err
	})
	return added, err
}

// ForgetAttempts clears the count of a user at an address.
func (t Tenant) ForgetAttempts(ctx context.Context, user, address string) error {
	return t.Write(ctx, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM login_attempt WHERE app_user = ? AND address = ?`, user, address)
		return err
	})
}
