package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/event"
)

// Events reads the events that were kept; it is an event.Store.
type Events struct{ *DB }

var _ event.Store = Events{}

// Since gives events with a Seq above seq, rising, at most limit.
func (s Events) Since(ctx context.Context, seq int64, limit int) ([]event.Event, error) {
	return since(ctx, s.read, seq, limit)
}

func since(ctx context.Context, q querier, seq int64, limit int) ([]event.Event, error) {
	return list(ctx, q, `SELECT seq, at, type, data FROM event WHERE seq > ? ORDER BY seq LIMIT ?`,
		func(scan func(...any) error) (e event.Event, err error) {
			var at int64
			var data string
			err = scan(&e.Seq, &at, &e.Type, &data)
			e.At, e.Data = timeOf(at), json.RawMessage(data)
			return e, err
		}, seq, limit)
}

// Bounds gives the lowest and highest Seq kept; 0, 0 where none is.
func (s Events) Bounds(ctx context.Context) (first, last int64, err error) {
	_, err = one(ctx, s.read, `SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM event`, nil, &first, &last)
	if err != nil {
		return 0, 0, fmt.Errorf("cannot read the bounds of the events: %w", err)
	}
	return first, last, nil
}

// Trim forgets events older than before, and all but the newest keep; the newest one stays always.
func (s Events) Trim(ctx context.Context, keep int, before time.Time) error {
	return s.Write(ctx, func(tx *Tx) error {
		var last int64
		if _, err := tx.row(`SELECT coalesce(max(seq), 0) FROM event`, nil, &last); err != nil {
			return err
		}
		return tx.exec(`DELETE FROM event WHERE seq <= ? OR (at < ? AND seq < ?)`,
			last-int64(max(keep, 1)), before.UnixMicro(), last)
	})
}
