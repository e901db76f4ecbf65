package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
)

func scanPolicy(scan func(...any) error) (p intake.Policy, err error) {
	var at int64
	err = scan(&p.ReadPoint, &p.Threshold, &p.Actor, &at)
	p.At = timeOf(at)
	return p, err
}

const policyColumns = `SELECT read_point, threshold, actor, at FROM confidence_policy ORDER BY read_point`

// Policies gives the confidence that read points need, by read point.
func (s Intake) Policies(ctx context.Context) ([]intake.Policy, error) {
	return list(ctx, s.read, policyColumns, scanPolicy)
}

// PutPolicy says from which confidence on a read point's movements post by themselves. A read point that ends in * stands
// for all that begin so. Errors: fault.Invalid.
func (s Intake) PutPolicy(ctx context.Context, p intake.Policy) error {
	if err := p.Check(); err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		var before any
		was := intake.Policy{ReadPoint: p.ReadPoint}
		found, err := tx.row(tx.lock(`SELECT threshold FROM confidence_policy WHERE read_point = ?`), []any{p.ReadPoint}, &was.Threshold)
		if err != nil {
			return err
		}
		if found {
			before = policyFacts(was)
		}
		err = tx.exec(`INSERT INTO confidence_policy (read_point, threshold, actor, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (read_point) DO UPDATE SET threshold = excluded.threshold, actor = excluded.actor, at = excluded.at`,
			p.ReadPoint, int64(p.Threshold), p.Actor, stamp(tx.now))
		if err != nil {
			return err
		}
		return tx.changed(ctx, "policy", p.ReadPoint, before, policyFacts(p))
	})
}

// DropPolicy forgets a policy. Errors: fault.NotFound.
func (s Intake) DropPolicy(ctx context.Context, readPoint string) error {
	return s.Write(ctx, func(tx *Tx) error {
		was := intake.Policy{ReadPoint: readPoint}
		found, err := tx.row(`DELETE FROM confidence_policy WHERE read_point = ? RETURNING threshold`, []any{readPoint}, &was.Threshold)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("policy of read point %q: %w", readPoint, fault.NotFound)
		}
		return tx.changed(ctx, "policy", readPoint, policyFacts(was), nil)
	})
}

// Threshold gives the confidence that a read point needs, by the policy that names the most of it; false where none does.
func (t *intakeTx) Threshold(readPoint string) (permille uint16, set bool, err error) {
	if t.policies == nil {
		if t.policies, err = list(t.ctx, t, policyColumns, scanPolicy); err != nil {
			return 0, false, fmt.Errorf("cannot read the confidence policies: %w", err)
		}
	}
	best := -1
	for _, p := range t.policies {
		begin, many := strings.CutSuffix(p.ReadPoint, "*")
		fits := p.ReadPoint == readPoint || many && strings.HasPrefix(readPoint, begin)
		n := len(begin) // a read point's own name is longer than any beginning of it that ends in *
		if fits && n > best {
			best, permille = n, p.Threshold
		}
	}
	return permille, best >= 0, nil
}
