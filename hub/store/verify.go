package store

import (
	"context"
	"fmt"

	"github.com/tallydock/tallydock/hub/ledger"
)

// Verify follows every chain from its first movement to its end, and gives what does not fit: movements that were changed,
// are missing or are too many, and ends that are not the kept ones. told, where it is not nil, is called now and then with
// how many movements were seen.
func (l Ledger) Verify(ctx context.Context, told func(int64)) (v ledger.Verification, err error) {
	err = l.reading(ctx, func(q reader) error {
		check := ledger.NewVerifier()
		for after := uid(""); ; {
			page, err := verifyPage(ctx, q, after)
			if err != nil {
				return fmt.Errorf("cannot read the movements: %w", err)
			}
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				check.Add(m)
			}
			after = uid(page[len(page)-1].ID)
			if told != nil {
				told(check.Movements())
			}
		}
		ends, err := list(ctx, q, chainEnds, scanEnd)
		v = check.End(ends)
		return err
	})
	return v, err
}

const chainEnds = `SELECT number, link, hash FROM chain ORDER BY number`

// Ends gives the ends of the chains as they are kept, by number. That the movements come to them, only Verify shows.
func (l Ledger) Ends(ctx context.Context) ([]ledger.Chain, error) {
	return list(ctx, l.read, chainEnds, scanEnd)
}

func scanEnd(scan func(...any) error) (c ledger.Chain, err error) {
	var hash []byte
	err = scan(&c.Number, &c.Link, &hash)
	copy(c.Hash[:], hash)
	return c, err
}

// verifyAtOnce is how many movements Verify holds at a time.
const verifyAtOnce = 2000

func verifyPage(ctx context.Context, q reader, after uid) ([]ledger.Movement, error) {
	query, args := movementColumns, []any{}
	if after != "" {
		query, args = query+`WHERE id > ? `, []any{after}
	}
	page, err := list(ctx, q, query+`ORDER BY id LIMIT ?`, scanMovement, append(args, verifyAtOnce)...)
	if err != nil || len(page) == 0 {
		return nil, err
	}
	k := 0
	err = each(ctx, q, lineColumns+`WHERE movement >= ? AND movement <= ? ORDER BY movement, line`, func(scan func(...any) error) error {
		id, l, err := scanLine(scan)
		for k < len(page) && page[k].ID < string(id) {
			k++
		}
		if k < len(page) && page[k].ID == string(id) {
			page[k].Lines = append(page[k].Lines, l)
		}
		return err
	}, uid(page[0].ID), uid(page[len(page)-1].ID))
	return page, err
}
