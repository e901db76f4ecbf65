package sqlite

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
)

// Fleet keeps edges, devices, passes, alarms and commands; it is a fleet.Store and a fleet.Commands.
type Fleet struct{ *DB }

var (
	_ fleet.Store    = Fleet{}
	_ fleet.Commands = Fleet{}
)

// putStatus stores what an edge says of itself, and tells of it and of each device that changed. A status older than the
// last one (a retained message, or the will of a connection before) changes nothing.
func (tx *Tx) putStatus(s wire.Status) error {
	seen := s.At
	if s.ClockUnsynced || seen.After(tx.now) { // the edge's clock says nothing
		seen = tx.now
	}
	r, err := tx.ExecContext(tx.ctx, `INSERT INTO edge (id, site, online, seen_at, software, epoch, epoch_start, head,
			samples_head, samples_thinned, free_bytes, clock_unsynced) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET site = excluded.site, online = excluded.online, seen_at = excluded.seen_at,
			software = excluded.software, epoch = excluded.epoch, epoch_start = excluded.epoch_start, head = excluded.head,
			samples_head = excluded.samples_head, samples_thinned = excluded.samples_thinned,
			free_bytes = excluded.free_bytes, clock_unsynced = excluded.clock_unsynced
		WHERE excluded.seen_at >= edge.seen_at`,
		s.Edge, s.Site, s.Online, stamp(seen), s.Software, s.Epoch, s.EpochStart, s.Head, s.SamplesHead, s.SamplesThinned,
		s.FreeBytes, s.ClockUnsynced)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if err := tx.tellEdge(s.Edge); err != nil {
		return err
	}
	return tx.putDevices(s.Edge, s.Devices)
}

// putWill notes that an edge's connection broke. The will was written when that connection began: it only says that the
// edge is gone.
func (tx *Tx) putWill(s wire.Status) error {
	r, err := tx.ExecContext(tx.ctx, `UPDATE edge SET online = false WHERE id = ? AND online AND seen_at >= ?`, s.Edge, stamp(s.At))
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return tx.tellEdge(s.Edge)
}

const edgeColumns = `SELECT e.id, e.site, e.online, e.seen_at, e.software, e.epoch, e.head, e.samples_thinned, e.free_bytes,
	e.clock_unsynced, coalesce(s.epoch, 0), coalesce(s.upto, 0) FROM edge e LEFT JOIN edge_stream s ON s.edge = e.id `

func scanEdge(scan func(...any) error) (e fleet.Edge, err error) {
	var seen int64
	var epoch uint64
	err = scan(&e.ID, &e.Site, &e.Online, &seen, &e.Software, &e.Epoch, &e.Head, &e.SamplesThinned, &e.FreeBytes,
		&e.ClockUnsynced, &epoch, &e.Acked)
	e.SeenAt = timeOf(seen)
	e.Head = max(e.Head, e.Acked) // the hub may have taken what came after the status
	e.Lag = e.Head - e.Acked
	return e, err
}

func (tx *Tx) tellEdge(id string) error {
	edges, err := list(tx.ctx, tx.Tx, edgeColumns+`WHERE e.id = ?`, scanEdge, id)
	if err != nil || len(edges) == 0 {
		return err
	}
	return tx.Emit(event.Edge, edges[0])
}

func (tx *Tx) putDevices(edge string, devices []wire.Device) error {
	had, err := list(tx.ctx, tx.Tx, deviceColumns+`WHERE edge = ?`, scanDevice, edge)
	if err != nil {
		return err
	}
	before := map[string]fleet.Device{}
	for _, d := range had {
		before[d.ID] = d
	}
	for _, d := range devices {
		n := fleet.Device{
			Edge: edge, ID: d.ID, Driver: d.Driver, Location: d.Location, State: d.State.String(), Reason: d.Reason,
			Since: timeOf(stamp(d.Since)), Reads: d.Reads, Lost: d.Lost,
		}
		if err := tx.putDevice(n); err != nil {
			return err
		}
		if o, ok := before[n.ID]; !ok || o.State != n.State || o.Reason != n.Reason || o.Location != n.Location {
			if err := tx.Emit(event.Device, n); err != nil {
				return err
			}
		}
		delete(before, n.ID)
	}
	for id := range before { // the edge no longer has it
		if err := tx.exec(`DELETE FROM device WHERE edge = ? AND id = ?`, edge, id); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) putDevice(d fleet.Device) error {
	return tx.exec(`INSERT INTO device (edge, id, driver, location, state, reason, since, reads, lost)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (edge, id) DO UPDATE SET driver = excluded.driver,
		location = excluded.location, state = excluded.state, reason = excluded.reason, since = excluded.since,
		reads = excluded.reads, lost = excluded.lost`,
		d.Edge, d.ID, d.Driver, d.Location, d.State, d.Reason, stamp(d.Since), d.Reads, d.Lost)
}

const deviceColumns = `SELECT edge, id, driver, location, state, reason, since, reads, lost FROM device `

func scanDevice(scan func(...any) error) (d fleet.Device, err error) {
	var since int64
	err = scan(&d.Edge, &d.ID, &d.Driver, &d.Location, &d.State, &d.Reason, &since, &d.Reads, &d.Lost)
	d.Since = timeOf(since)
	return d, err
}

// Edges gives every edge with its devices, by id.
func (f Fleet) Edges(ctx context.Context) ([]fleet.Edge, error) {
	edges, err := list(ctx, f.read, edgeColumns+`ORDER BY e.id`, scanEdge)
	if err != nil {
		return nil, fmt.Errorf("cannot read the edges: %w", err)
	}
	devices, err := list(ctx, f.read, deviceColumns+`ORDER BY edge, id`, scanDevice)
	if err != nil {
		return nil, fmt.Errorf("cannot read the devices: %w", err)
	}
	for i := range edges {
		edges[i].Devices = []fleet.Device{}
		for _, d := range devices {
			if d.Edge == edges[i].ID {
				edges[i].Devices = append(edges[i].Devices, d)
			}
		}
	}
	return edges, nil
}

// Doors gives every door that had a pass, or for which a device says it stands there, by id.
func (f Fleet) Doors(ctx context.Context, dayStart time.Time) ([]fleet.Door, error) {
	doors, err := list(ctx, f.read, `SELECT DISTINCT p.door, p.edge, coalesce(l.name_en, p.door), coalesce(l.name_zh, p.door),
			coalesce(l.parent, '')
		FROM (SELECT door, max(edge) AS edge FROM pass GROUP BY door) p LEFT JOIN location l ON l.code = p.door ORDER BY p.door`,
		func(scan func(...any) error) (d fleet.Door, err error) {
			return d, scan(&d.ID, &d.Edge, &d.Name.EN, &d.Name.ZH, &d.Location)
		})
	if err != nil {
		return nil, fmt.Errorf("cannot read the doors: %w", err)
	}
	for i := range doors {
		if err := f.fillDoor(ctx, &doors[i], dayStart); err != nil {
			return nil, fmt.Errorf("cannot read door %s: %w", doors[i].ID, err)
		}
	}
	return doors, nil
}

func (f Fleet) fillDoor(ctx context.Context, d *fleet.Door, dayStart time.Time) error {
	open, err := list(ctx, f.read, passColumns+`WHERE door = ? AND closed_at = 0 ORDER BY opened_at DESC LIMIT 1`, scanPass, d.ID)
	if err != nil {
		return err
	}
	last, err := list(ctx, f.read, passColumns+`WHERE door = ? AND closed_at > 0 ORDER BY opened_at DESC LIMIT 1`, scanPass, d.ID)
	if err != nil {
		return err
	}
	d.OpenPass, d.LastPass = first(open), first(last)
	today, err := list(ctx, f.read, passColumns+`WHERE door = ? AND opened_at >= ? AND closed_at > 0`, scanPass, d.ID, stamp(dayStart))
	if err != nil {
		return err
	}
	for _, p := range today {
		count(&d.Today, p)
	}
	var down int
	err = f.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM device WHERE edge = ? AND location = ? AND state = 'down')
		+ (SELECT count(*) FROM edge WHERE id = ? AND NOT online)`, d.Edge, d.ID, d.Edge).Scan(&down)
	d.State = fleet.DoorIdle
	switch {
	case down > 0:
		d.State = fleet.DoorDown
	case d.OpenPass != nil:
		d.State = fleet.DoorPassing
	}
	return err
}

func count(t *fleet.DoorToday, p fleet.Pass) {
	switch wire.Direction(p.Direction) {
	case wire.In:
		t.InPasses++
		t.InTags += int(p.Moved)
	case wire.Out:
		t.OutPasses++
		t.OutTags += int(p.Moved)
	case wire.Undecided:
		t.Undecided++
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
	page, err = list(ctx, f.read, passColumns+`WHERE door = ? AND (opened_at < ? OR opened_at = ? AND id < ?)
		ORDER BY opened_at DESC, id DESC LIMIT ?`, scanPass, door, top, top, before, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the passes of door %s: %w", door, err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, nil
}

// Bounds of a page.
const (
	defaultPage = 100
	maxPage     = 500
)

// distinct gives the keys once each, in order.
func distinct(keys []string) []string {
	sort.Strings(keys)
	return slices.Compact(keys)
}
