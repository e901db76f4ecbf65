package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Tenant keeps users with their grants, sessions, authenticators and tokens, and failed sign-ins; it is a tenant.Store.
type Tenant struct{ *DB }

var _ tenant.Store = Tenant{}

// userColumns are those of a user but the grants. (The column role is of the schema before grants, and always 0 now.)
const userColumns = `u.name, u.kind, u.subject, u.password, u.made, u.language, u.disabled, u.changed,
	EXISTS (SELECT 1 FROM factor f WHERE f.app_user = u.name AND f.confirmed)`

// userDest are where userColumns go; changed is not a time yet.
func userDest(u *tenant.User, changed *int64) []any {
	return []any{&u.Name, &u.Kind, &u.Subject, &u.Password, &u.Made, &u.Language, &u.Disabled, changed, &u.Factor}
}

// user reads one user by a condition; fault.NotFound where there is none.
func user(ctx context.Context, q querier, where string, args ...any) (tenant.User, error) {
	found, err := users(ctx, q, where, args...)
	switch {
	case err != nil:
		return tenant.User{}, err
	case len(found) == 0:
		return tenant.User{}, fault.NotFound
	}
	return found[0], nil
}

func users(ctx context.Context, q querier, where string, args ...any) ([]tenant.User, error) {
	all, err := list(ctx, q, `SELECT `+userColumns+` FROM app_user u `+where+` ORDER BY u.name`, func(scan func(...any) error) (u tenant.User, err error) {
		var changed int64
		err = scan(userDest(&u, &changed)...)
		u.Changed = timeOf(changed)
		return u, err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read users: %w", err)
	}
	for i := range all {
		if all[i].Grants, err = grantsOf(ctx, q, all[i].Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func grantsOf(ctx context.Context, q querier, name string) (tenant.Grants, error) {
	g, err := list(ctx, q, `SELECT role, site FROM app_grant WHERE app_user = ? ORDER BY role, site`,
		func(scan func(...any) error) (g tenant.Grant, err error) { return g, scan(&g.Role, &g.Site) }, name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the grants of %s: %w", name, err)
	}
	return g, nil
}

// User reads a user; fault.NotFound where there is none of this name.
func (t Tenant) User(ctx context.Context, name string) (tenant.User, error) {
	return user(ctx, t.read, `WHERE u.name = ?`, name)
}

// BySubject reads the user whom the OIDC provider knows by a subject.
func (t Tenant) BySubject(ctx context.Context, subject string) (tenant.User, error) {
	return user(ctx, t.read, `WHERE u.subject = ? AND u.subject <> ''`, subject)
}

// Users reads them all, by name.
func (t Tenant) Users(ctx context.Context) ([]tenant.User, error) { return users(ctx, t.read, "") }

// PutUser inserts or replaces u.
func (t Tenant) PutUser(ctx context.Context, u tenant.User, end, keep bool) error {
	return t.Write(ctx, func(tx *Tx) error {
		before, err := users(ctx, tx, tx.lockUser(), u.Name)
		if err != nil {
			return err
		}
		if len(before) > 0 && (before[0].Kind != u.Kind || before[0].Subject != u.Subject) {
			return fmt.Errorf("%w: there is a user %s already, who signs in otherwise", fault.Conflict, u.Name)
		}
		if err := tx.putUser(u); err != nil {
			return err
		}
		if end {
			if err := tx.exec(`DELETE FROM session WHERE app_user = ?`, u.Name); err != nil {
				return err
			}
		}
		if keep {
			if err := tx.someAdmin(); err != nil {
				return err
			}
		}
		return tx.Audit(audit.Entry{Resource: "user", ID: u.Name, Before: stateOf(before), After: audit.State(u)})
	})
}

// PutFirst inserts u where there is no user yet, and reports whether it did.
func (t Tenant) PutFirst(ctx context.Context, u tenant.User) (made bool, err error) {
	err = t.Write(ctx, func(tx *Tx) error {
		made = false
		var n int
		if _, err := tx.row(`SELECT count(*) FROM app_user`, nil, &n); err != nil || n > 0 {
			return err
		}
		// Of two hubs that come here at once one waits for the other, and finds the name taken.
		r, err := tx.ExecContext(ctx, `INSERT INTO app_user (name, role, kind, subject, password, made, language, disabled, changed)
			VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,
			u.Name, string(u.Kind), u.Subject, u.Password, u.Made, u.Language, u.Disabled, stamp(u.Changed))
		if err != nil {
			return err
		}
		if rows, err := r.RowsAffected(); err != nil || rows == 0 {
			return err
		}
		made = true
		if err := tx.putUser(u); err != nil { // with its grants
			return err
		}
		return tx.Audit(audit.Entry{Resource: "user", ID: u.Name, After: audit.State(u)})
	})
	return made, err
}

// stateOf gives the only one of a list as the log of changes has it; nothing for none.
func stateOf[T any](of []T) json.RawMessage {
	if len(of) == 0 {
		return nil
	}
	return audit.State(of[0])
}

// lockUser is a condition that finds a user by name, whose row is for this transaction then.
func (tx *Tx) lockUser() string {
	if tx.db.dialect.Alone {
		return `WHERE u.name = ?`
	}
	return `JOIN (SELECT name FROM app_user WHERE name = ? FOR UPDATE) l ON l.name = u.name`
}

func (tx *Tx) putUser(u tenant.User) error {
	err := tx.exec(`INSERT INTO app_user (name, role, kind, subject, password, made, language, disabled, changed)
		VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET role = 0, password = excluded.password,
		made = excluded.made, language = excluded.language, disabled = excluded.disabled, changed = excluded.changed`,
		u.Name, string(u.Kind), u.Subject, u.Password, u.Made, u.Language, u.Disabled, stamp(u.Changed))
	if err == nil {
		err = tx.exec(`DELETE FROM app_grant WHERE app_user = ?`, u.Name)
	}
	for _, g := range u.Grants {
		if err == nil {
			err = tx.exec(`INSERT INTO app_grant (app_user, role, site) VALUES (?, ?, ?)`, u.Name, string(g.Role), g.Site)
		}
	}
	return err
}

// someAdmin fails where nobody is left who could mend it. All administrators' rows are locked, so that two who take each
// other out at once do not both succeed.
func (tx *Tx) someAdmin() error {
	admins, err := list(tx.ctx, tx, tx.lock(`SELECT name FROM app_user WHERE NOT disabled AND name IN
		(SELECT app_user FROM app_grant WHERE role = ? AND site = '') ORDER BY name`), scanText, string(tenant.Admin))
	if err == nil && len(admins) == 0 {
		return fmt.Errorf("%w: nobody would be left who is %s of all sites", fault.Conflict, tenant.Admin)
	}
	return err
}

// CountUsers tells how many users there are.
func (t Tenant) CountUsers(ctx context.Context) (n int, err error) {
	_, err = one(ctx, t.read, `SELECT count(*) FROM app_user`, nil, &n)
	return n, err
}

const sessionColumns = `SELECT token_hash, app_user, opened, seen, address, agent FROM session `

func scanSession(scan func(...any) error) (s tenant.StoredSession, err error) {
	var hash string
	var opened, seen int64
	if err := scan(&hash, &s.User, &opened, &seen, &s.Address, &s.Agent); err != nil {
		return s, err
	}
	s.Opened, s.Seen = timeOf(opened), timeOf(seen)
	if n, err := hex.Decode(s.TokenHash[:], []byte(hash)); err != nil || n != len(s.TokenHash) {
		return s, fmt.Errorf("hash of a session cannot be read: %w", err)
	}
	return s, nil
}

// Session reads a session with its user; tenant.ErrNoSession where it is not open.
func (t Tenant) Session(ctx context.Context, hash [32]byte) (tenant.StoredSession, tenant.User, error) {
	found, err := list(ctx, t.read, sessionColumns+`WHERE token_hash = ?`, scanSession, hex.EncodeToString(hash[:]))
	if err == nil && len(found) == 0 {
		err = tenant.ErrNoSession
	}
	if err != nil {
		return tenant.StoredSession{}, tenant.User{}, err
	}
	u, err := t.User(ctx, found[0].User)
	return found[0], u, err
}

// SessionsOf reads a user's sessions, the newest first.
func (t Tenant) SessionsOf(ctx context.Context, user string) ([]tenant.StoredSession, error) {
	return list(ctx, t.read, sessionColumns+`WHERE app_user = ? ORDER BY opened DESC, token_hash`, scanSession, user)
}

// OpenSession inserts s and removes those opened before dead.
func (t Tenant) OpenSession(ctx context.Context, s tenant.StoredSession, dead time.Time) error {
	return t.Write(ctx, func(tx *Tx) error {
		if err := tx.exec(`DELETE FROM session WHERE opened < ?`, dead.UnixMicro()); err != nil {
			return err
		}
		err := tx.exec(`INSERT INTO session (token_hash, app_user, opened, seen, address, agent) VALUES (?, ?, ?, ?, ?, ?)`,
			hex.EncodeToString(s.TokenHash[:]), s.User, s.Opened.UnixMicro(), s.Seen.UnixMicro(), s.Address, s.Agent)
		if err != nil {
			return err
		}
		return tx.Audit(audit.Entry{User: s.User, Resource: "session", ID: sessionID(s.TokenHash), After: audit.State(map[string]any{
			"user": s.User, "address": s.Address, "agent": s.Agent,
		})})
	})
}

// sessionID is by what a session is named where its hash would be too much.
func sessionID(hash [32]byte) string { return hex.EncodeToString(hash[:8]) }

// TouchSession says when a session was last used.
func (t Tenant) TouchSession(ctx context.Context, hash [32]byte, seen time.Time) error {
	return t.Write(ctx, func(tx *Tx) error {
		return tx.exec(`UPDATE session SET seen = ? WHERE token_hash = ?`, seen.UnixMicro(), hex.EncodeToString(hash[:]))
	})
}

// DeleteSession ends a session.
func (t Tenant) DeleteSession(ctx context.Context, hash [32]byte) error {
	return t.Write(ctx, func(tx *Tx) error {
		var user string
		found, err := tx.row(`DELETE FROM session WHERE token_hash = ? RETURNING app_user`, []any{hex.EncodeToString(hash[:])}, &user)
		if err != nil || !found {
			return err
		}
		return tx.Audit(audit.Entry{Resource: "session", ID: sessionID(hash), Before: audit.State(map[string]any{"user": user})})
	})
}

// Attempt counts a sign-in as failed until ForgetAttempts, unless there is to wait.
func (t Tenant) Attempt(ctx context.Context, user, address string, at time.Time, l tenant.Limits) (wait time.Duration, err error) {
	since := at.Add(-l.Window).UnixMicro()
	err = t.Write(ctx, func(tx *Tx) error {
		if err := tx.exec(`DELETE FROM login_attempt WHERE at < ?`, since); err != nil {
			return err
		}
		var tally tenant.Tally
		for _, c := range []struct {
			to    *tenant.Failures
			where string
			args  []any
		}{
			{&tally.Pair, `address = ? AND app_user = ?`, []any{address, user}},
			{&tally.Address, `address = ?`, []any{address}},
			{&tally.User, `app_user = ?`, []any{user}},
		} {
			var last int64
			if _, err := tx.row(`SELECT count(*), coalesce(max(at), 0) FROM login_attempt WHERE `+c.where, c.args, &c.to.Count, &last); err != nil {
				return err
			}
			c.to.Last = timeOf(last)
		}
		_, err := tx.row(`SELECT count(*) > 0 FROM session WHERE app_user = ? AND address = ?`, []any{user, address}, &tally.Known)
		if err != nil {
			return err
		}
		if wait = l.Wait(tally, at); wait > 0 {
			return nil
		}
		return tx.exec(`INSERT INTO login_attempt (id, app_user, address, at) VALUES (?, ?, ?, ?)`,
			uid(uuid.Must(uuid.NewV7()).String()), user, address, at.UnixMicro())
	})
	return wait, err
}

// ForgetAttempts clears the count of a user at an address.
func (t Tenant) ForgetAttempts(ctx context.Context, user, address string) error {
	return t.Write(ctx, func(tx *Tx) error {
		return tx.exec(`DELETE FROM login_attempt WHERE app_user = ? AND address = ?`, user, address)
	})
}

// Factor reads a user's authenticator; fault.NotFound where there is none.
func (t Tenant) Factor(ctx context.Context, user string) (tenant.Factor, error) {
	f := tenant.Factor{User: user}
	found, err := one(ctx, t.read, `SELECT secret, confirmed, step FROM factor WHERE app_user = ?`, []any{user}, &f.Secret, &f.Confirmed, &f.Step)
	if err == nil && !found {
		err = fault.NotFound
	}
	return f, err
}

// PutFactor replaces an authenticator, and the recovery codes where there are some.
func (t Tenant) PutFactor(ctx context.Context, f tenant.Factor, codes [][32]byte) error {
	return t.Write(ctx, func(tx *Tx) error {
		err := tx.exec(`INSERT INTO factor (app_user, secret, confirmed, step) VALUES (?, ?, ?, ?) ON CONFLICT (app_user) DO UPDATE SET
			secret = excluded.secret, confirmed = excluded.confirmed, step = excluded.step`, f.User, f.Secret, f.Confirmed, f.Step)
		if err == nil && codes != nil {
			err = tx.exec(`DELETE FROM recovery_code WHERE app_user = ?`, f.User)
		}
		for _, c := range codes {
			if err == nil {
				err = tx.exec(`INSERT INTO recovery_code (app_user, hash) VALUES (?, ?)`, f.User, c[:])
			}
		}
		if err != nil {
			return err
		}
		return tx.Audit(audit.Entry{Resource: "authenticator", ID: f.User, After: audit.State(map[string]any{"confirmed": f.Confirmed})})
	})
}

// DropFactor removes an authenticator with its recovery codes.
func (t Tenant) DropFactor(ctx context.Context, user string) error {
	return t.Write(ctx, func(tx *Tx) error {
		var confirmed bool
		found, err := tx.row(`DELETE FROM factor WHERE app_user = ? RETURNING confirmed`, []any{user}, &confirmed)
		if err != nil {
			return err
		}
		if !found {
			return fault.NotFound
		}
		if err := tx.exec(`DELETE FROM recovery_code WHERE app_user = ?`, user); err != nil {
			return err
		}
		return tx.Audit(audit.Entry{Resource: "authenticator", ID: user, Before: audit.State(map[string]any{"confirmed": confirmed})})
	})
}

// UseStep takes a step of an authenticator, above those taken before.
func (t Tenant) UseStep(ctx context.Context, user string, step int64) (used bool, err error) {
	err = t.Write(ctx, func(tx *Tx) error {
		var now int64
		used, err = tx.row(`UPDATE factor SET step = ? WHERE app_user = ? AND confirmed AND step < ? RETURNING step`, []any{step, user, step}, &now)
		return err
	})
	return used, err
}

// UseCode takes a recovery code.
func (t Tenant) UseCode(ctx context.Context, user string, hash [32]byte) (used bool, err error) {
	err = t.Write(ctx, func(tx *Tx) error {
		var of string
		used, err = tx.row(`DELETE FROM recovery_code WHERE app_user = ? AND hash = ? RETURNING app_user`, []any{user, hash[:]}, &of)
		if err != nil || !used {
			return err
		}
		return tx.Audit(audit.Entry{User: user, Resource: "authenticator", ID: user, After: audit.State(map[string]any{"used": "a code for the day it is lost"})})
	})
	return used, err
}

// AddToken keeps a new API token.
func (t Tenant) AddToken(ctx context.Context, k tenant.Token) error {
	return t.Write(ctx, func(tx *Tx) error {
		err := tx.exec(`INSERT INTO api_token (id, hash, app_user, name, scopes, sites, made, expires, used, revoked)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0)`,
			k.ID, k.Hash[:], k.User, k.Name, words(k.Scopes), words(k.Sites), stamp(k.Made), stamp(k.Expires))
		if err != nil {
			return err
		}
		return tx.Audit(audit.Entry{Resource: "api-token", ID: k.ID, After: audit.State(k)})
	})
}

func words[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = string(w)
	}
	return strings.Join(texts, " ")
}

func fromWords[T ~string](text string) []T {
	out := []T{}
	for w := range strings.FieldsSeq(text) {
		out = append(out, T(w))
	}
	return out
}

const tokenColumns = `SELECT id, hash, app_user, name, scopes, sites, made, expires, used, revoked FROM api_token `

func scanToken(scan func(...any) error) (k tenant.Token, err error) {
	var hash []byte
	var scopes, sites string
	var made, expires, used, revoked int64
	err = scan(&k.ID, &hash, &k.User, &k.Name, &scopes, &sites, &made, &expires, &used, &revoked)
	copy(k.Hash[:], hash)
	k.Scopes, k.Sites = fromWords[tenant.Permission](scopes), fromWords[string](sites)
	k.Made, k.Expires, k.Used, k.Revoked = timeOf(made), timeOf(expires), timeOf(used), timeOf(revoked)
	return k, err
}

// Tokens reads the tokens of a user, or ("") all, the newest first.
func (t Tenant) Tokens(ctx context.Context, user string) ([]tenant.Token, error) {
	return list(ctx, t.read, tokenColumns+`WHERE ? = '' OR app_user = ? ORDER BY made DESC, id`, scanToken, user, user)
}

// TokenByHash reads a token with its user.
func (t Tenant) TokenByHash(ctx context.Context, hash [32]byte) (tenant.Token, tenant.User, error) {
	found, err := list(ctx, t.read, tokenColumns+`WHERE hash = ?`, scanToken, slices.Clone(hash[:]))
	if err == nil && len(found) == 0 {
		err = tenant.ErrNoToken
	}
	if err != nil {
		return tenant.Token{}, tenant.User{}, err
	}
	u, err := t.User(ctx, found[0].User)
	return found[0], u, err
}

// TouchToken says when a token was last used.
func (t Tenant) TouchToken(ctx context.Context, id string, at time.Time) error {
	return t.Write(ctx, func(tx *Tx) error {
		return tx.exec(`UPDATE api_token SET used = ? WHERE id = ? AND used < ?`, stamp(at), id, stamp(at))
	})
}

// RevokeToken ends a token; one that has ended stays as it is.
func (t Tenant) RevokeToken(ctx context.Context, id string, at time.Time) error {
	return t.Write(ctx, func(tx *Tx) error {
		before, err := list(ctx, tx, tokenColumns+`WHERE id = ? AND revoked = 0`, scanToken, id)
		if err != nil || len(before) == 0 {
			return err
		}
		after := before[0]
		after.Revoked = at
		if err := tx.exec(`UPDATE api_token SET revoked = ? WHERE id = ? AND revoked = 0`, stamp(at), id); err != nil {
			return err
		}
		return tx.Audit(audit.Entry{Resource: "api-token", ID: id, Before: stateOf(before), After: audit.State(after)})
	})
}

// AddLogin notes a sign-in that is on its way to the OIDC provider. Those that are older than an hour are forgotten.
func (t Tenant) AddLogin(ctx context.Context, hash [32]byte, next string, at time.Time) error {
	return t.Write(ctx, func(tx *Tx) error {
		if err := tx.exec(`DELETE FROM login_journey WHERE at < ?`, stamp(at.Add(-time.Hour))); err != nil {
			return err
		}
		return tx.exec(`INSERT INTO login_journey (hash, next, at) VALUES (?, ?, ?)`, hash[:], next, stamp(at))
	})
}

// TakeLogin takes one that comes back.
func (t Tenant) TakeLogin(ctx context.Context, hash [32]byte, since time.Time) (next string, err error) {
	err = t.Write(ctx, func(tx *Tx) error {
		var at int64
		found, err := tx.row(`DELETE FROM login_journey WHERE hash = ? RETURNING next, at`, []any{hash[:]}, &next, &at)
		if err == nil && (!found || at < stamp(since)) {
			err = errNoJourney
		}
		return err
	})
	return next, err
}

// errNoJourney also undoes the removal of one that is too old, which the next one that begins removes.
var errNoJourney = fmt.Errorf("sign-in: %w", fault.NotFound)
