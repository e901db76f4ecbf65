package store

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/event"
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
	if err := tx.putSite(s); err != nil {
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
	edges, err := list(tx.ctx, tx, edgeColumns+`WHERE e.id = ?`, scanEdge, id)
	if err != nil || len(edges) == 0 {
		return err
	}
	return tx.Emit(event.Edge, edges[0])
}

func (tx *Tx) putDevices(edge string, devices []wire.Device) error {
	had, err := list(tx.ctx, tx, deviceColumns+`WHERE edge = ?`, scanDevice, edge)
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

// Edges gives every edge of a site ("" = of all) with its devices, by id.
func (f Fleet) Edges(ctx context.Context, site string) ([]fleet.Edge, error) {
	ofEdges, ofDevices, args := ``, ``, []any(nil)
	if site != "" {
		ofEdges, ofDevices, args = `WHERE e.site = ? `, `WHERE edge IN (SELECT id FROM edge WHERE site = ?) `, []any{site}
	}
	edges, err := list(ctx, f.read, edgeColumns+ofEdges+`ORDER BY e.id`, scanEdge, slices.Clone(args)...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the edges: %w", err)
	}
	at := make(map[string]*fleet.Edge, len(edges))
	for i := range edges {
		edges[i].Devices = []fleet.Device{}
		at[edges[i].ID] = &edges[i]
	}
	devices, err := list(ctx, f.read, deviceColumns+ofDevices+`ORDER BY edge, id`, scanDevice, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the devices: %w", err)
	}
	for _, d := range devices {
		if e := at[d.Edge]; e != nil {
			e.Devices = append(e.Devices, d)
		}
	}
	return edges, nil
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
