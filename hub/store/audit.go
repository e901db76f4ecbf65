package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/hub/audit"
)

// Audit keeps the log of changes; it is an audit.Store.
type Audit struct{ *DB }

var _ audit.Store = Audit{}

// Audit adds an entry about what the transaction changes: it is in the log if the change is. What e does not say, the
// context's audit.Trail does.
func (tx *Tx) Audit(e audit.Entry) error { return tx.audit(tx.ctx, e) }

// noted is an entry with the trail that it is of.
type noted struct {
	audit.Entry
	trail *audit.Trail
}

// audit is Audit for a transaction that does what several asked for: who asked for this is in ctx.
func (tx *Tx) audit(ctx context.Context, e audit.Entry) error {
	e = audit.Fill(ctx, e, tx.now)
	for _, state := range []*json.RawMessage{&e.Before, &e.After} {
		if len(*state) == 0 {
			*state = json.RawMessage("null")
		}
	}
	tx.audits = append(tx.audits, noted{e, audit.From(ctx)})
	return nil
}

// writeAudits numbers the entries and adds them to the chain. Whoever has its end keeps it until the commit.
func (tx *Tx) writeAudits() error {
	if len(tx.audits) == 0 {
		return nil
	}
	end, err := tx.auditEnd()
	if err != nil {
		return fmt.Errorf("cannot read the end of the log of changes: %w", err)
	}
	rows := make([][]any, len(tx.audits))
	for i, n := range tx.audits {
		e := n.Entry
		e.Seq = end.Seq + 1
		e.Hash = e.Seal(end.Hash)
		end = e
		rows[i] = []any{
			e.Seq, e.At.UnixMicro(), e.User, e.Token, e.Address, e.Request, e.Permission, e.Action, e.Resource, e.ID,
			string(e.Before), string(e.After), string(e.Outcome), e.Hash[:],
		}
	}
	if err := tx.insert(&auditRows, rows); err != nil {
		return err
	}
	for _, n := range tx.audits {
		if n.trail != nil {
			n.trail.Wrote()
		}
	}
	return tx.exec(`UPDATE audit_head SET seq = ?, hash = ? WHERE one = 1`, end.Seq, end.Hash[:])
}

// auditEnd locks the end of the chain, and makes it where there is none.
func (tx *Tx) auditEnd() (e audit.Entry, err error) {
	if err := tx.exec(`INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, ?) ON CONFLICT (one) DO NOTHING`, make([]byte, len(e.Hash))); err != nil {
		return e, err
	}
	var hash []byte
	_, err = tx.row(tx.lock(`SELECT seq, hash FROM audit_head WHERE one = 1`), nil, &e.Seq, &hash)
	copy(e.Hash[:], hash)
	return e, err
}

var auditRows = table{name: "audit", columns: []column{
	{"seq", integer},
	{"at", integer},
	{"app_user", text},
	{"token", text},
	{"address", text},
	{"request", text},
	{"permission", text},
	{"action", text},
	{"resource", text},
	{"id", text},
	{"state_before", text},
	{"state_after", text},
	{"outcome", text},
	{"hash", binary},
}}

const auditColumns = `SELECT seq, at, app_user, token, address, request, permission, action, resource, id, state_before, state_after,
	outcome, hash FROM audit `

func scanAudit(scan func(...any) error) (e audit.Entry, err error) {
	var at int64
	var before, after string
	var hash []byte
	err = scan(&e.Seq, &at, &e.User, &e.Token, &e.Address, &e.Request, &e.Permission, &e.Action, &e.Resource, &e.ID, &before, &after,
		&e.Outcome, &hash)
	e.At, e.Before, e.After = timeOf(at), json.RawMessage(before), json.RawMessage(after)
	copy(e.Hash[:], hash)
	return e, err
}

// Add adds an entry in a transaction of its own.
func (a Audit) Add(ctx context.Context, e audit.Entry) error {
	return a.Write(ctx, func(tx *Tx) error { return tx.Audit(e) })
}

// Entries gives entries, the newest first.
func (a Audit) Entries(ctx context.Context, f audit.Filter) (page []audit.Entry, next int64, err error) {
	limit := f.Limit
	if limit <= 0 || limit > audit.MaxPage {
		limit = defaultPage
	}
	var where []string
	var args []any
	and := func(set bool, condition string, value any) {
		if set {
			where, args = append(where, condition), append(args, value)
		}
	}
	and(!f.From.IsZero(), `at >= ?`, f.From.UnixMicro())
	and(!f.To.IsZero(), `at < ?`, f.To.UnixMicro())
	and(f.User != "", `app_user = ?`, f.User)
	and(f.Resource != "", `resource = ?`, f.Resource)
	and(f.ID != "", `id = ?`, f.ID)
	and(f.Before > 0, `seq < ?`, f.Before)
	query := auditColumns
	if len(where) > 0 {
		query += `WHERE ` + strings.Join(where, " AND ")
	}
	page, err = list(ctx, a.read, query+` ORDER BY seq DESC LIMIT ?`, scanAudit, append(args, limit+1)...)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the log of changes: %w", err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].Seq
	}
	return page, next, nil
}

// Verify follows the chain on one state of the database.
func (a Audit) Verify(ctx context.Context) (v audit.Verification, err error) {
	err = a.reading(ctx, func(q reader) error {
		check := &audit.Verifier{}
		for last := int64(0); ; {
			page, err := list(ctx, q, auditColumns+`WHERE seq > ? ORDER BY seq LIMIT ?`, scanAudit, last, verifyAtOnce)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				check.Add(e)
			}
			last = page[len(page)-1].Seq
		}
		var end audit.Entry
		var hash []byte
		if _, err := one(ctx, q, `SELECT seq, hash FROM audit_head WHERE one = 1`, nil, &end.Seq, &hash); err != nil {
			return err
		}
		copy(end.Hash[:], hash)
		v = check.End(end.Seq, end.Hash)
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("cannot verify the log of changes: %w", err)
	}
	return v, nil
}
