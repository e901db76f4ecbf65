package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
)

// Enrol keeps the tokens and certificates of edges; it is an enrol.Store.
type Enrol struct{ *DB }

var _ enrol.Store = Enrol{}

const (
	enrolTokens       = `SELECT hash, edge, site, replaces, made_by, made, expires, used, serial FROM enrol_token `
	enrolCertificates = `SELECT serial, edge, site, key, generation, der, not_before, not_after, issued, revoked, reason
		FROM enrol_certificate `
	newestEnrolled = `ORDER BY issued DESC, serial DESC`
)

func scanEnrolToken(scan func(...any) error) (t enrol.Token, err error) {
	var hash []byte
	var made, expires, used int64
	err = scan(&hash, &t.Edge, &t.Site, &t.Replace, &t.By, &made, &expires, &used, &t.Serial)
	copy(t.Hash[:], hash)
	t.Made, t.Expires, t.Used = timeOf(made), timeOf(expires), timeOf(used)
	return t, err
}

func scanEnrolled(scan func(...any) error) (c enrol.Certificate, err error) {
	var key []byte
	var begin, end, issued, revoked int64
	err = scan(&c.Serial, &c.Edge, &c.Site, &key, &c.Generation, &c.DER, &begin, &end, &issued, &revoked, &c.Reason)
	copy(c.Key[:], key)
	c.NotBefore, c.NotAfter, c.Issued, c.Revoked = timeOf(begin), timeOf(end), timeOf(issued), timeOf(revoked)
	return c, err
}

// AddToken keeps a new token. Error: fault.Conflict where its hash is known.
func (s Enrol) AddToken(ctx context.Context, t enrol.Token) error {
	return s.Write(ctx, func(tx *Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO enrol_token (hash, edge, site, replaces, made_by, made, expires, used, serial)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
			t.Hash[:], t.Edge, t.Site, t.Replace, t.By, stamp(t.Made), stamp(t.Expires), stamp(t.Used), t.Serial)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("token %s is there already: %w", t.ID(), fault.Conflict)
		}
		return tx.changed(ctx, "enrol-token", t.ID(), nil, facts{
			"edge": t.Edge, "site": t.Site, "replace": t.Replace, "by": t.By, "expires": t.Expires.UTC(),
		})
	})
}

// Tokens lists them all, the newest first.
func (s Enrol) Tokens(ctx context.Context) ([]enrol.Token, error) {
	return list(ctx, s.read, enrolTokens+`ORDER BY made DESC, hash DESC`, scanEnrolToken)
}

// Redeem decides on a token together with the certificates of its edge, one decision on an edge after the other.
func (s Enrol) Redeem(ctx context.Context, hash [32]byte, decide func(enrol.Token, []enrol.Certificate) (enrol.Change, error)) error {
	return s.Write(ctx, func(tx *Tx) error {
		found, err := list(ctx, tx, tx.lock(enrolTokens+`WHERE hash = ?`), scanEnrolToken, hash[:])
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("token: %w", fault.NotFound)
		}
		if err != nil {
			return err
		}
		held, err := tx.held(found[0].Edge)
		if err != nil {
			return err
		}
		c, err := decide(found[0], held)
		if err != nil {
			return err
		}
		if c.Token != nil {
			err = tx.exec(`UPDATE enrol_token SET used = ?, serial = ? WHERE hash = ?`, stamp(c.Token.Used), c.Token.Serial, hash[:])
		}
		if err != nil {
			return err
		}
		return tx.change(c)
	})
}

// ForgetTokens removes those that expired before.
func (s Enrol) ForgetTokens(ctx context.Context, before time.Time) error {
	return s.Write(ctx, func(tx *Tx) error { return tx.exec(`DELETE FROM enrol_token WHERE expires < ?`, stamp(before)) })
}

// Certificates lists those of an edge, or with "" all, the newest first.
func (s Enrol) Certificates(ctx context.Context, edge string) ([]enrol.Certificate, error) {
	if edge == "" {
		return list(ctx, s.read, enrolCertificates+newestEnrolled, scanEnrolled)
	}
	return list(ctx, s.read, enrolCertificates+`WHERE edge = ? `+newestEnrolled, scanEnrolled, edge)
}

// Revoked lists those that are revoked, the newest first.
func (s Enrol) Revoked(ctx context.Context) ([]enrol.Certificate, error) {
	return list(ctx, s.read, enrolCertificates+`WHERE revoked > 0 `+newestEnrolled, scanEnrolled)
}

// Update is Redeem without a token.
func (s Enrol) Update(ctx context.Context, edge string, decide func([]enrol.Certificate) (enrol.Change, error)) error {
	return s.Write(ctx, func(tx *Tx) error {
		held, err := tx.held(edge)
		if err != nil {
			return err
		}
		c, err := decide(held)
		if err != nil {
			return err
		}
		return tx.change(c)
	})
}

// ForgetCertificates removes those that expired before and are not revoked.
func (s Enrol) ForgetCertificates(ctx context.Context, before time.Time) error {
	return s.Write(ctx, func(tx *Tx) error {
		return tx.exec(`DELETE FROM enrol_certificate WHERE not_after < ? AND revoked = 0`, stamp(before))
	})
}

// held gives an edge's certificates and keeps others from changing them until the transaction is over: whoever decides on an
// edge locks its row in enrol_edge, because it may have no certificate yet.
func (tx *Tx) held(edge string) ([]enrol.Certificate, error) {
	if err := tx.exec(`INSERT INTO enrol_edge (edge) VALUES (?) ON CONFLICT (edge) DO NOTHING`, edge); err != nil {
		return nil, err
	}
	var same string
	if _, err := tx.row(tx.lock(`SELECT edge FROM enrol_edge WHERE edge = ?`), []any{edge}, &same); err != nil {
		return nil, err
	}
	return list(tx.ctx, tx, enrolCertificates+`WHERE edge = ? `+newestEnrolled, scanEnrolled, edge)
}

// change keeps certificates and revocations.
func (tx *Tx) change(c enrol.Change) error {
	for _, r := range c.Revoke {
		n, err := tx.count(`UPDATE enrol_certificate SET revoked = ?, reason = ? WHERE serial = ? AND revoked = 0`, stamp(r.Revoked), r.Reason, r.Serial)
		if err == nil && n > 0 {
			err = tx.changed(tx.ctx, "edge-certificate", r.Serial, facts{"edge": r.Edge, "site": r.Site, "revoked": nil},
				facts{"edge": r.Edge, "site": r.Site, "revoked": r.Revoked.UTC(), "reason": r.Reason})
		}
		if err != nil {
			return err
		}
	}
	a := c.Add
	if a == nil {
		return nil
	}
	return tx.exec(`INSERT INTO enrol_certificate (serial, edge, site, key, generation, der, not_before, not_after, issued, revoked, reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, a.Serial, a.Edge, a.Site, a.Key[:], a.Generation, a.DER, stamp(a.NotBefore), stamp(a.NotAfter),
		stamp(a.Issued), stamp(a.Revoked), a.Reason)
}
