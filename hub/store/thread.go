package store

import (
	"container/heap"
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/view"
)

func scanUID(scan func(...any) error) (u uid, err error) { return u, scan(&u) }

// lastUID is above every UUID of a movement.
const lastUID uid = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// movementIDs finds movements, newest first: ids are UUIDv7, so they rise with the time of recording.
func movementIDs(ctx context.Context, q reader, f view.MovementFilter) ([]uid, error) {
	before := lastUID
	if f.Before != "" {
		if uuid.Validate(f.Before) != nil {
			return nil, fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, f.Before)
		}
		before = uid(f.Before)
	}
	switch {
	case f.Tag != "":
		return tagHistory(ctx, q, f, before)
	case f.Item != "" || f.Location != "":
		return balanceHistory(ctx, q, f, before)
	}
	return list(ctx, q, `SELECT id FROM movement WHERE id < ? ORDER BY id DESC LIMIT ?`, scanUID, before, f.Limit)
}

// tagHistory follows the thread of a tag.
func tagHistory(ctx context.Context, q reader, f view.MovementFilter, before uid) (ids []uid, err error) {
	t, err := devices.ParseTag(f.Tag)
	if err != nil {
		return nil, nil // so it was never anywhere
	}
	var at uid
	if _, err := one(ctx, q, `SELECT movement FROM tag_position WHERE tag = ?`, []any{t}, &at); err != nil {
		return nil, err
	}
	for at != "" && len(ids) < f.Limit {
		fits, next := false, uid("")
		err := each(ctx, q, `SELECT item, from_location, to_location, before_tag FROM movement_line WHERE movement = ? AND tag = ?`,
			func(scan func(...any) error) error {
				var item, from, to string
				err := scan(&item, &from, &to, &next)
				fits = fits || (f.Item == "" || f.Item == item) && (f.Location == "" || f.Location == from || f.Location == to)
				return err
			}, at, t)
		if err != nil {
			return nil, err
		}
		if fits && at < before {
			ids = append(ids, at)
		}
		at = next
	}
	return ids, nil
}

// thread is a balance's thread at one of its movements.
type thread struct {
	balanceKey
	at uid
}

// threads are those of several balances, the newest movement first.
type threads []thread

func (t threads) Len() int           { return len(t) }
func (t threads) Less(i, j int) bool { return t[i].at > t[j].at }
func (t threads) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *threads) Push(x any)        { *t = append(*t, x.(thread)) }
func (t *threads) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// maxThreads is how many balances are followed side by side. A place with more of them has so much of everything that is
// recorded that a search finds it soon.
const maxThreads = 2000

// balanceHistory merges the threads of an item's balances, a location's, or those of both.
func balanceHistory(ctx context.Context, q reader, f view.MovementFilter, before uid) ([]uid, error) {
	var where []string
	var args []any
	for _, c := range []struct{ column, value string }{{"item", f.Item}, {"location", f.Location}} {
		if c.value != "" {
			where, args = append(where, c.column+" = ?"), append(args, c.value)
		}
	}
	follow, err := list(ctx, q, `SELECT item, location, lot, state, last FROM balance WHERE `+strings.Join(where, " AND ")+
		` AND last IS NOT NULL LIMIT ?`, func(scan func(...any) error) (t thread, err error) {
		return t, scan(&t.item, &t.location, &t.lot, state{&t.state}, &t.at)
	}, append(args, maxThreads+1)...)
	if err != nil {
		return nil, err
	}
	if len(follow) > maxThreads {
		return searchLines(ctx, q, f, before)
	}
	all := threads(follow)
	heap.Init(&all)
	var ids []uid
	for len(all) > 0 && len(ids) < f.Limit {
		t := &all[0]
		if t.at < before {
			ids = append(ids, t.at)
			before = t.at // the same movement may be on other threads too
		}
		if t.at, err = t.previous(ctx, q); err != nil {
			return nil, err
		}
		if t.at == "" {
			heap.Pop(&all)
		} else {
			heap.Fix(&all, 0)
		}
	}
	return ids, nil
}

// previous gives the movement before the one at which a thread is; "" at its beginning.
func (t *thread) previous(ctx context.Context, q reader) (before uid, err error) {
	n, err := number(t.state)
	if err != nil {
		return "", err
	}
	_, err = one(ctx, q, `SELECT CASE WHEN from_location = ? AND from_state = ? THEN before_from ELSE before_to END FROM movement_line
		WHERE movement = ? AND item = ? AND lot = ? AND (from_location = ? AND from_state = ? OR to_location = ? AND to_state = ?)
		ORDER BY line LIMIT 1`, []any{t.location, n, t.at, t.item, t.lot, t.location, n, t.location, n}, &before)
	return before, err
}

// searchLines looks through the lines, newest first, for those of a place that many of them touch.
func searchLines(ctx context.Context, q reader, f view.MovementFilter, before uid) ([]uid, error) {
	return list(ctx, q, `SELECT DISTINCT movement FROM movement_line WHERE movement < ? AND (? = '' OR item = ?)
		AND (? = '' OR from_location = ? OR to_location = ?) ORDER BY movement DESC LIMIT ?`, scanUID,
		before, f.Item, f.Item, f.Location, f.Location, f.Location, f.Limit)
}
