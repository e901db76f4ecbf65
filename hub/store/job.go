package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/job"
)

// Jobs keeps work that is put off; it is a job.Store. All times are of the database's clock.
type Jobs struct{ *DB }

var _ job.Store = Jobs{}

// Add puts work off, in a transaction of its own. See Tx.Add.
func (s Jobs) Add(ctx context.Context, j job.Job, wait time.Duration) (made bool, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		made, err = tx.Add(j, wait)
		return err
	})
	return made, err
}

// Add puts work off for so long: it is there when this transaction commits. It does nothing where a job of the same kind
// and key is open, and reports whether it did.
func (tx *Tx) Add(j job.Job, wait time.Duration) (made bool, err error) {
	r, err := tx.ExecContext(tx.ctx, `INSERT INTO job (id, kind, key, payload, state, made_at, run_at, attempts, error)
		VALUES (?, ?, ?, ?, 'waiting', `+tx.db.dialect.Clock+`, `+tx.db.after()+`, 0, '') ON CONFLICT DO NOTHING`,
		uid(j.ID), j.Kind, j.Key, string(j.Payload), wait.Microseconds())
	if err != nil {
		return false, fmt.Errorf("cannot put off a job of kind %s: %w", j.Kind, err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

const putOffColumns = `id, kind, key, payload, state, made_at, run_at, attempts, error`

func scanPutOff(scan func(...any) error) (j job.Job, err error) {
	var id uid
	var payload string
	var made, run int64
	err = scan(&id, &j.Kind, &j.Key, &payload, &j.State, &made, &run, &j.Attempts, &j.Error)
	j.ID, j.Payload, j.MadeAt, j.RunAt = string(id), json.RawMessage(payload), timeOf(made), timeOf(run)
	return j, err
}

// Claim gives jobs that are due to one caller alone.
func (s Jobs) Claim(ctx context.Context, kinds []string, limit int, hold time.Duration) (claimed []job.Job, err error) {
	if limit <= 0 || len(kinds) == 0 {
		return nil, nil
	}
	err = s.Write(ctx, func(tx *Tx) error {
		claimed = nil
		due, err := list(ctx, tx, tx.skip(`SELECT id FROM job WHERE state IN ('waiting', 'running') AND run_at <= `+s.dialect.Clock+`
			AND kind IN (`+marks(len(kinds), "?")+`) ORDER BY run_at, id LIMIT ?`), scanUID, append(anys(kinds), limit)...)
		if err != nil {
			return err
		}
		for _, id := range due {
			one, err := list(ctx, tx, `UPDATE job SET state = 'running', attempts = attempts + 1, run_at = `+s.after()+`
				WHERE id = ? RETURNING `+putOffColumns, scanPutOff, hold.Microseconds(), id)
			if err != nil {
				return err
			}
			claimed = append(claimed, one...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot claim jobs: %w", err)
	}
	return claimed, nil
}

// Hold keeps a claimed job for as long again. Errors: fault.Conflict where it is another's by now.
func (s Jobs) Hold(ctx context.Context, j job.Job, hold time.Duration) error {
	return s.settle(ctx, j, `run_at = `+s.after(), hold.Microseconds())
}

// End says what became of a claimed job. Errors: fault.Conflict where it is another's by now.
func (s Jobs) End(ctx context.Context, j job.Job, failure error, again time.Duration) error {
	switch {
	case failure == nil:
		return s.settle(ctx, j, `state = 'done', error = ''`)
	case again < 0:
		return s.settle(ctx, j, `state = 'dead', error = ?`, failure.Error())
	default:
		return s.settle(ctx, j, `state = 'waiting', error = ?, run_at = `+s.after(), failure.Error(), again.Microseconds())
	}
}

// settle changes a job that is still as it was claimed: the attempts are what a term is to a lease.
func (s Jobs) settle(ctx context.Context, j job.Job, set string, args ...any) error {
	return s.Write(ctx, func(tx *Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE job SET `+set+` WHERE id = ? AND state = 'running' AND attempts = ?`, append(args, uid(j.ID), j.Attempts)...)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: job %s is another's by now", fault.Conflict, j.ID)
		}
		return err
	})
}

// Get reads a job. Errors: fault.NotFound.
func (s Jobs) Get(ctx context.Context, id string) (job.Job, error) {
	found, err := list(ctx, s.read, `SELECT `+putOffColumns+` FROM job WHERE id = ?`, scanPutOff, uid(id))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("job %s: %w", id, fault.NotFound)
	}
	if err != nil {
		return job.Job{}, err
	}
	return found[0], nil
}

// Trim forgets jobs that ended, and that were due longer ago than keep.
func (s Jobs) Trim(ctx context.Context, keep time.Duration) error {
	return s.Write(ctx, func(tx *Tx) error {
		return tx.exec(`DELETE FROM job WHERE state IN ('done', 'dead') AND run_at <= `+s.after(), -keep.Microseconds())
	})
}
