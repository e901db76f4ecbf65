package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/doctor"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Doctor examines the database and changes nothing; it is a doctor.Database. The DB need not have been started.
type Doctor struct{ *DB }

var _ doctor.Database = Doctor{}

// Schema gives the version that the database has, 0 where it has none, and the newest that this program knows.
func (d Doctor) Schema(ctx context.Context) (has, newest int, err error) {
	names, err := steps()
	if err != nil {
		return 0, 0, err
	}
	// A database without the table is new, which no driver tells in the same way: any error counts as that, and one that
	// is about something else comes again with the next question.
	_, _ = one(ctx, d.read, `SELECT version FROM schema_version WHERE one = 1`, nil, &has)
	return has, len(names), nil
}

// Remarks are what is not as it should be with the server, its settings and its files.
func (d Doctor) Remarks(ctx context.Context) (string, []doctor.Remark, error) {
	return d.dialect.Examine(ctx, d.pool)
}

// ClockAhead is by how much the database's clock is ahead of this machine's.
func (d Doctor) ClockAhead(ctx context.Context) (time.Duration, error) { return d.clockAhead(ctx) }

// tailLength is how many movements Tail looks at.
const tailLength = 1000

// Tail compares the newest movements with the chains of hashes that they are in.
func (d Doctor) Tail(ctx context.Context) (n int, wrong []string, err error) {
	if has, _, err := d.Schema(ctx); err != nil || has == 0 {
		return 0, nil, err
	}
	err = d.reading(ctx, func(q reader) error {
		page, err := tail(ctx, q)
		if err != nil {
			return fmt.Errorf("cannot read the newest movements: %w", err)
		}
		ends, err := list(ctx, q, `SELECT number, link, hash FROM chain ORDER BY number`, scanEnd)
		n, wrong = len(page), misfits(page, ends)
		return err
	})
	return n, wrong, err
}

func tail(ctx context.Context, q reader) ([]ledger.Movement, error) {
	var before uid
	found, err := one(ctx, q, `SELECT id FROM movement ORDER BY id DESC LIMIT 1 OFFSET ?`, []any{tailLength}, &before)
	if err != nil {
		return nil, err
	}
	if !found {
		before = ""
	}
	return verifyPage(ctx, q, before)
}

// misfits follows the links of which the one before is there too, and compares the ends of the chains.
func misfits(page []ledger.Movement, ends []ledger.Chain) (wrong []string) {
	type link struct {
		number int16
		link   int64
	}
	known := map[link][32]byte{}
	for _, m := range page {
		known[link{m.Chain.Number, m.Chain.Link}] = m.Chain.Hash
	}
	for _, m := range page {
		before, there := known[link{m.Chain.Number, m.Chain.Link - 1}]
		if (there || m.Chain.Link == 1) && m.Seal(before) != m.Chain.Hash {
			wrong = append(wrong, fmt.Sprintf("movement %s, link %d of chain %d: it, or what was before it, was changed", m.ID, m.Chain.Link, m.Chain.Number))
		}
	}
	for _, e := range ends {
		if hash, there := known[link{e.Number, e.Link}]; there && hash != e.Hash {
			wrong = append(wrong, fmt.Sprintf("chain %d ends in another hash than its last movement", e.Number))
		}
		if _, more := known[link{e.Number, e.Link + 1}]; more {
			wrong = append(wrong, fmt.Sprintf("chain %d goes on after its end", e.Number))
		}
	}
	return wrong
}
