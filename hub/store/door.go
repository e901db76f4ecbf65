package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
)

// doorName is a door as the catalogue knows it.
type doorName struct {
	id, parent string
	name       catalog.Text
}

// passedDoors looks each door up in the index of passes, of which there are many.
const passedDoors = `WITH RECURSIVE passed (id) AS (
		SELECT min(door) FROM pass
		UNION ALL SELECT (SELECT min(p.door) FROM pass p WHERE p.door > passed.id) FROM passed WHERE passed.id IS NOT NULL
	) SELECT id FROM passed WHERE id IS NOT NULL`

// doorsOf gives the doors of a site ("" = of all), by id: those that edges name, and those that only had passes. A door is of
// the site of the edge that names it, else of that of its last pass, else of that of its location. One without a location in
// the catalogue goes by its id.
func doorsOf(ctx context.Context, tx reader, site string) ([]doorName, error) {
	sites, stands := map[string]string{}, map[string]string{}
	err := each(ctx, tx, `SELECT o.id, o.location, e.site FROM door o JOIN edge e ON e.id = o.edge ORDER BY o.id, o.edge`, func(scan func(...any) error) error {
		var id, location, site string
		err := scan(&id, &location, &site)
		sites[id], stands[id] = cmp.Or(sites[id], site), cmp.Or(stands[id], location)
		return err
	})
	if err != nil {
		return nil, err
	}
	passed, err := list(ctx, tx, passedDoors, scanText)
	if err != nil {
		return nil, err
	}
	for _, id := range passed {
		if _, named := sites[id]; named {
			continue
		}
		var of string
		if _, err := one(ctx, tx, `SELECT e.site FROM pass p JOIN edge e ON e.id = p.edge WHERE p.door = ? ORDER BY p.opened_at DESC, p.id DESC LIMIT 1`,
			[]any{id}, &of); err != nil {
			return nil, err
		}
		sites[id] = of
	}
	maps.DeleteFunc(sites, func(_, of string) bool { return site != "" && of != "" && of != site })
	return nameDoors(ctx, tx, site, sites, stands)
}

// nameDoors names doors whose sites are known or are those of their locations, and leaves out those of other sites.
func nameDoors(ctx context.Context, tx reader, site string, sites, stands map[string]string) ([]doorName, error) {
	type place struct {
		site, parent string
		name         catalog.Text
	}
	places, codes := map[string]place{}, slices.Collect(maps.Keys(sites))
	for id := range sites {
		codes = append(codes, stands[id])
	}
	for _, part := range lists(distinct(codes)) {
		err := each(ctx, tx, `SELECT code, site, parent, name_en, name_zh FROM location WHERE code IN (`+marks(len(part), "?")+`)`,
			func(scan func(...any) error) error {
				var code string
				var p place
				err := scan(&code, &p.site, &p.parent, &p.name.EN, &p.name.ZH)
				places[code] = p
				return err
			}, anys(part)...)
		if err != nil {
			return nil, err
		}
	}
	doors := []doorName{}
	for _, id := range slices.Sorted(maps.Keys(sites)) {
		at, known := places[id]
		if !known {
			at.name = catalog.Text{EN: id, ZH: id}
		}
		if site == "" || site == cmp.Or(sites[id], places[stands[id]].site, at.site) {
			doors = append(doors, doorName{id, at.parent, at.name})
		}
	}
	return doors, nil
}

// Doors gives every door of a site ("" = of all) that an edge names or that had a pass, by id.
func (f Fleet) Doors(ctx context.Context, site string, dayStart time.Time) (doors []fleet.Door, err error) {
	err = f.reading(ctx, func(tx reader) error {
		names, err := doorsOf(ctx, tx, site)
		if err != nil {
			return fmt.Errorf("cannot read the doors: %w", err)
		}
		doors = make([]fleet.Door, len(names))
		for i, n := range names {
			doors[i] = fleet.Door{ID: n.id, Name: n.name, Location: n.parent, State: fleet.DoorIdle}
			if err := fillDoor(ctx, tx, &doors[i], dayStart); err != nil {
				return fmt.Errorf("cannot read door %s: %w", n.id, err)
			}
		}
		return nil
	})
	return doors, err
}

// fillDoor adds what happened at a door, and what it is doing.
func fillDoor(ctx context.Context, q querier, d *fleet.Door, dayStart time.Time) error {
	open, err := list(ctx, q, passColumns+`WHERE door = ? AND closed_at = 0 ORDER BY opened_at DESC LIMIT 1`, scanPass, d.ID)
	if err != nil {
		return err
	}
	last, err := list(ctx, q, passColumns+`WHERE door = ? AND closed_at > 0 ORDER BY opened_at DESC, id DESC LIMIT 1`, scanPass, d.ID)
	if err != nil {
		return err
	}
	d.OpenPass, d.LastPass = first(open), first(last)
	err = each(ctx, q, `SELECT direction, count(*), CAST(sum(moved) AS BIGINT) FROM pass WHERE door = ? AND opened_at >= ? AND closed_at > 0
		GROUP BY direction`, func(scan func(...any) error) error {
		var way wire.Direction
		var passes, tags int
		err := scan(&way, &passes, &tags)
		count(&d.Today, way, passes, tags)
		return err
	}, d.ID, stamp(dayStart))
	if err != nil {
		return err
	}
	down, err := standAt(ctx, q, d)
	switch {
	case down:
		d.State = fleet.DoorDown
	case d.OpenPass != nil:
		d.State = fleet.DoorPassing
	}
	return err
}

// standing is an edge that names a door.
type standing struct {
	edge, location string
	down           bool // it is offline, or one of the door's devices is down
}

// standAt adds where a door is and which edge it belongs to, and reports whether that edge or a reader of it is down. A
// door that no edge names any longer belongs to the edge of its last pass.
func standAt(ctx context.Context, q querier, d *fleet.Door) (down bool, err error) {
	edges, err := list(ctx, q, `SELECT o.edge, o.location, NOT e.online OR EXISTS (SELECT 1 FROM door_device x
			JOIN device v ON v.edge = x.edge AND v.id = x.device WHERE x.edge = o.edge AND x.door = o.id AND v.state = 'down')
		FROM door o JOIN edge e ON e.id = o.edge WHERE o.id = ? ORDER BY o.edge`,
		func(scan func(...any) error) (s standing, err error) { return s, scan(&s.edge, &s.location, &s.down) }, d.ID)
	if err != nil {
		return false, err
	}
	for _, s := range edges {
		down = down || s.down
	}
	if len(edges) > 0 {
		d.Edge, d.Location = edges[0].edge, edges[0].location
		return down, nil
	}
	if p := d.OpenPass; p != nil {
		d.Edge = p.Edge
	} else if p := d.LastPass; p != nil {
		d.Edge = p.Edge
	}
	offline, err := list(ctx, q, `SELECT NOT online FROM edge WHERE id = ?`,
		func(scan func(...any) error) (b bool, err error) { return b, scan(&b) }, d.Edge)
	return len(offline) > 0 && offline[0], err
}

func count(t *fleet.DoorToday, way wire.Direction, passes, tags int) {
	switch way {
	case wire.In:
		t.InPasses, t.InTags = passes, tags
	case wire.Out:
		t.OutPasses, t.OutTags = passes, tags
	case wire.Undecided:
		t.Undecided = passes
	}
}

func first[T any](s []T) *T {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

// putPass stores a pass as it opens and again as it closes; what closed does not open again.
func (tx *Tx) putPass(edge string, p wire.Pass) error {
	return tx.exec(`INSERT INTO pass (id, edge, door, direction, opened_at, closed_at, tags, moved, confidence)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET direction = excluded.direction,
		closed_at = excluded.closed_at, tags = excluded.tags, moved = excluded.moved, confidence = excluded.confidence
		WHERE pass.closed_at = 0`,
		p.ID, edge, p.Door, string(p.Direction), stamp(p.Opened), stamp(p.Closed), p.Tags, p.Moved, p.Confidence)
}

const passColumns = `SELECT id, edge, door, direction, opened_at, closed_at, tags, moved, confidence FROM pass `

func scanPass(scan func(...any) error) (p fleet.Pass, err error) {
	var opened, closed int64
	err = scan(&p.ID, &p.Edge, &p.Door, &p.Direction, &opened, &closed, &p.Tags, &p.Moved, &p.Confidence)
	p.OpenedAt, p.ClosedAt = timeOf(opened), timePtr(closed)
	return p, err
}

// Pass reads one pass. Errors: fault.NotFound.
func (f Fleet) Pass(ctx context.Context, id string) (fleet.Pass, error) {
	found, err := list(ctx, f.read, passColumns+`WHERE id = ?`, scanPass, id)
	if err != nil {
		return fleet.Pass{}, fmt.Errorf("cannot read pass %s: %w", id, err)
	}
	if len(found) == 0 {
		return fleet.Pass{}, fmt.Errorf("pass %s: %w", id, fault.NotFound)
	}
	return found[0], nil
}

// Passes gives a door's passes, newest first, from the one after before ("" = the newest).
func (f Fleet) Passes(ctx context.Context, door, before string, limit int) (page []fleet.Pass, next string, err error) {
	if limit <= 0 || limit > maxPage {
		limit = defaultPage
	}
	top := int64(1) << 62
	if before != "" {
		p, err := f.Pass(ctx, before)
		if err != nil {
			return nil, "", err
		}
		top = stamp(p.OpenedAt)
	}
	page, err = list(ctx, f.read, passColumns+`WHERE door = ? AND (opened_at, id) < (?, ?) ORDER BY opened_at DESC, id DESC LIMIT ?`,
		scanPass, door, top, before, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the passes of door %s: %w", door, err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, nil
}
