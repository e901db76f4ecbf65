package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/valuation"
)

// placeAreas remembers in which areas locations are. An area is the site that its location had when goods were there first,
// whatever the catalogue says later, so that what came in at a place goes out of the same area.
type placeAreas struct {
	mu  sync.RWMutex
	all map[ledger.Location]string
}

func (a *placeAreas) of(l ledger.Location) (area string, known bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	area, known = a.all[l]
	return area, known
}

// learn remembers areas of a transaction that was committed.
func (a *placeAreas) learn(areas map[ledger.Location]string) {
	if len(areas) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = make(map[ledger.Location]string, len(areas))
	}
	maps.Copy(a.all, areas)
}

// forget forgets them all, because their table is made anew.
func (a *placeAreas) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = nil
}

var areaRows = table{name: "cost_area", columns: []column{{"location", text}, {"area", text}}}

// findAreas finds out in which areas the places of movements are, and decides it for those that are new.
func (tx *Tx) findAreas(moved func(yield func(*ledger.Movement) bool)) (valuation.Areas, error) {
	if tx.areas == nil {
		tx.areas = map[ledger.Location]string{}
	}
	fresh := map[ledger.Location]bool{}
	for m := range moved {
		for i := range m.Lines {
			tx.recall(m.Lines[i].From, fresh)
			tx.recall(m.Lines[i].To, fresh)
		}
	}
	if len(fresh) > 0 {
		if err := tx.readAreas(slices.Sorted(maps.Keys(fresh))); err != nil {
			return nil, fmt.Errorf("cannot find the areas of places: %w", err)
		}
	}
	return valuation.BySite(func(l ledger.Location) string { return tx.areas[l] }), nil
}

func (tx *Tx) recall(l ledger.Location, fresh map[ledger.Location]bool) {
	if _, known := tx.areas[l]; known || ledger.IsVirtual(l) {
		return
	}
	if area, known := tx.db.areas.of(l); known {
		tx.areas[l] = area
		return
	}
	fresh[l] = true
}

func (tx *Tx) readAreas(places []ledger.Location) error {
	for _, part := range lists(places) {
		in := `IN (` + marks(len(part), "?") + `)`
		decided, err := areasOf(tx.ctx, tx, `SELECT location, area FROM cost_area WHERE location `+in, anys(part)...)
		if err != nil {
			return err
		}
		sites, err := areasOf(tx.ctx, tx, `SELECT code, site FROM location WHERE code `+in, anys(part)...)
		if err != nil {
			return err
		}
		var rows [][]any
		for _, l := range slices.Compact(part) {
			area, known := decided[l]
			if !known {
				area = sites[l]
				rows = append(rows, []any{l, area})
			}
			tx.areas[l] = area
		}
		if err := insertNew(tx, &areaRows, rows); err != nil {
			return err
		}
	}
	return nil
}

func areasOf(ctx context.Context, q querier, query string, args ...any) (map[ledger.Location]string, error) {
	areas := map[ledger.Location]string{}
	return areas, each(ctx, q, query, func(scan func(...any) error) error {
		var l, area string
		err := scan(&l, &area)
		areas[l] = area
		return err
	}, args...)
}

// decidedAreas reads all that was decided.
func decidedAreas(ctx context.Context, q querier) (valuation.Areas, error) {
	areas, err := areasOf(ctx, q, `SELECT location, area FROM cost_area`)
	return valuation.BySite(func(l ledger.Location) string { return areas[l] }), err
}

// noteCosts queues the lines of postings that cross the border of an area, to be valued later.
func (tx *Tx) noteCosts(posted []posting) error {
	areas, err := tx.findAreas(func(yield func(*ledger.Movement) bool) {
		for i := range posted {
			if !yield(&posted[i].Movement) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	var events []valuation.Event
	for i := range posted {
		m := &posted[i].Movement
		var reversed int64
		if m.Reverses != "" {
			if _, err := tx.row(`SELECT effective_at FROM movement WHERE id = ?`, []any{uid(m.Reverses)}, &reversed); err != nil {
				return fmt.Errorf("cannot read when what is taken back was: %w", err)
			}
		}
		events = valuation.Append(events, m, areas, timeOf(max(reversed, 1)))
	}
	return tx.queueCosts(events)
}

// queueCosts queues events, to be valued later.
func (tx *Tx) queueCosts(events []valuation.Event) error {
	if len(events) == 0 {
		return nil
	}
	slices.SortFunc(events, func(a, b valuation.Event) int {
		return cmp.Or(cmp.Compare(a.Movement, b.Movement), cmp.Compare(a.Line, b.Line))
	})
	rows := make([][]any, len(events))
	for i := range events {
		rows[i] = eventValues(&events[i])
	}
	return tx.insert(&dueRows, rows)
}
