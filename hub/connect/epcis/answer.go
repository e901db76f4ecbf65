package epcis

import (
	"context"
	"fmt"
	"slices"
)

// Page is part of the answer to a query.
type Page struct {
	Events []Event
	Next   string // nextPageToken for what follows, "" at the end
}

// Bounds of the work for one page.
const (
	batch       = 500    // events read from the store at once
	mostScanned = 20_000 // events looked at for one page; then it is given as it is, with the token for what follows
	mostSorted  = 10_000 // events that are ordered by a field of somebody's own
)

// Answer gives the page of the query's answer that comes after its cursor. A page may be short, or empty, though more
// follows: Next tells. Errors: ErrTooLarge where there are more events than maxEventCount, or too many to be ordered by a
// field that the store has no order of; and what the store gives.
func (q Query) Answer(ctx context.Context, s Store) (Page, error) {
	if q.field != nil {
		return q.answerSorted(ctx, s)
	}
	if q.MaxCount > 0 && q.After == (Cursor{}) {
		if err := q.checkCount(ctx, s); err != nil {
			return Page{}, err
		}
	}
	want := q.pageSize()
	if want == 0 {
		return Page{}, nil
	}
	found, at, more, err := q.scan(ctx, s, q.After, want, mostScanned)
	if err != nil || !more {
		return Page{Events: found}, err
	}
	at.Given = q.After.Given + len(found)
	if q.CountLimit > 0 && at.Given >= q.CountLimit {
		return Page{Events: found}, nil
	}
	return Page{found, at.Token()}, nil
}

// pageSize is how many events the page may have.
func (q Query) pageSize() int {
	n := q.PerPage
	if n <= 0 {
		n = PerPage
	}
	if q.CountLimit > 0 {
		n = max(0, min(n, q.CountLimit-q.After.Given))
	}
	return n
}

// scan gives up to want events that match after a cursor, the place to go on from, and whether something may follow.
func (q Query) scan(ctx context.Context, s Store, after Cursor, want, most int) (found []Event, at Cursor, more bool, err error) {
	bounds, order := q.Index(), q.Order()
	for seen := 0; seen < most; {
		events, err := s.Find(ctx, bounds, order, after, batch)
		if err != nil {
			return nil, after, false, fmt.Errorf("cannot find events: %w", err)
		}
		for _, e := range events {
			if q.Match(e) {
				if len(found) == want {
					return found, after, true, nil
				}
				found = append(found, e)
			}
			after = order.Cursor(e)
		}
		if seen += len(events); len(events) < batch {
			return found, after, false, nil
		}
	}
	return found, after, true, nil
}

// Cursor gives the place right after an event.
func (o Order) Cursor(e Event) Cursor {
	at := e.RecordTime
	if o.ByEventTime {
		at = e.Time
	}
	return Cursor{At: kept(at), Key: e.Key()}
}

// checkCount refuses a query that more events answer than it allows.
func (q Query) checkCount(ctx context.Context, s Store) error {
	found, at, more := 0, Cursor{}, true
	for more && found <= q.MaxCount {
		events, next, rest, err := q.scan(ctx, s, at, q.MaxCount+1-found, mostScanned)
		if err != nil {
			return err
		}
		found, at, more = found+len(events), next, rest
	}
	if found > q.MaxCount {
		return fmt.Errorf("%w: more than maxEventCount = %d events: narrow the query", ErrTooLarge, q.MaxCount)
	}
	return nil
}

// answerSorted answers a query that is ordered by a field of somebody's own: all its events are ordered for each page.
func (q Query) answerSorted(ctx context.Context, s Store) (Page, error) {
	all, _, more, err := q.scan(ctx, s, Cursor{}, mostSorted, 10*mostSorted)
	if err != nil {
		return Page{}, err
	}
	if more {
		return Page{}, fmt.Errorf("%w: too many events to order by %s: narrow the query", ErrTooLarge, q.orderBy)
	}
	if q.MaxCount > 0 && len(all) > q.MaxCount {
		return Page{}, fmt.Errorf("%w: %d events, more than maxEventCount = %d: narrow the query", ErrTooLarge, len(all), q.MaxCount)
	}
	slices.SortStableFunc(all, q.compareField)
	from := min(q.After.Given, len(all))
	to := min(from+q.pageSize(), len(all))
	page := Page{Events: all[from:to]}
	if to < len(all) && (q.CountLimit == 0 || to < q.CountLimit) {
		page.Next = Cursor{Given: to}.Token()
	}
	return page, nil
}
