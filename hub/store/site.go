package store

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// putSite replaces an edge's doors and limits by those of its status, where they changed.
func (tx *Tx) putSite(s wire.Status) error {
	if err := tx.putDoors(s.Edge, tidyDoors(s.Doors)); err != nil {
		return fmt.Errorf("cannot store the doors of edge %s: %w", s.Edge, err)
	}
	if err := tx.putLimits(s.Edge, tidyLimits(s.Limits)); err != nil {
		return fmt.Errorf("cannot store the limits of edge %s: %w", s.Edge, err)
	}
	return nil
}

// tidyDoors gives the doors by id, each once with its devices in order: a door that is named again adds its devices.
func tidyDoors(doors []wire.Door) []wire.Door {
	tidy := map[string]wire.Door{}
	for _, d := range doors {
		d.Location = cmp.Or(tidy[d.ID].Location, d.Location)
		d.Devices = distinct(slices.Concat(tidy[d.ID].Devices, d.Devices))
		tidy[d.ID] = d
	}
	return inOrder(tidy, func(a, b wire.Door) int { return cmp.Compare(a.ID, b.ID) })
}

// limitRow is a limit as it is stored.
type limitRow struct {
	location  string
	quantity  unit.Quantity
	low, high sql.NullInt64
}

// tidyLimits gives the limits by place and quantity, each once: the tightest where it is named again.
func tidyLimits(limits []wire.Limit) []limitRow {
	type key struct {
		location string
		quantity unit.Quantity
	}
	tidy := map[key]limitRow{}
	for _, l := range limits {
		k := key{l.Location, l.Quantity}
		r, again := tidy[k]
		if !again {
			r = limitRow{location: l.Location, quantity: l.Quantity}
		}
		if low := maybe(l.HasLow, l.Low); low.Valid && (!r.low.Valid || low.Int64 > r.low.Int64) {
			r.low = low
		}
		if high := maybe(l.HasHigh, l.High); high.Valid && (!r.high.Valid || high.Int64 < r.high.Int64) {
			r.high = high
		}
		tidy[k] = r
	}
	return inOrder(tidy, func(a, b limitRow) int {
		return cmp.Or(cmp.Compare(a.location, b.location), cmp.Compare(a.quantity, b.quantity))
	})
}

func inOrder[K comparable, V any](m map[K]V, compare func(a, b V) int) []V {
	all := make([]V, 0, len(m))
	for _, v := range m {
		all = append(all, v)
	}
	slices.SortFunc(all, compare)
	return all
}

func (tx *Tx) putDoors(edge string, doors []wire.Door) error {
	had, err := tx.doorsOf(edge)
	if err != nil || slices.EqualFunc(had, doors, sameDoor) {
		return err
	}
	for _, clear := range []string{`DELETE FROM door_device WHERE edge = ?`, `DELETE FROM door WHERE edge = ?`} {
		if err := tx.exec(clear, edge); err != nil {
			return err
		}
	}
	for _, d := range doors {
		if err := tx.exec(`INSERT INTO door (edge, id, location) VALUES (?, ?, ?)`, edge, d.ID, d.Location); err != nil {
			return err
		}
		for _, device := range d.Devices {
			if err := tx.exec(`INSERT INTO door_device (edge, door, device) VALUES (?, ?, ?)`, edge, d.ID, device); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameDoor(a, b wire.Door) bool {
	return a.ID == b.ID && a.Location == b.Location && slices.Equal(a.Devices, b.Devices)
}

// doorsOf reads an edge's doors as tidyDoors gives them.
func (tx *Tx) doorsOf(edge string) ([]wire.Door, error) {
	doors, err := list(tx.ctx, tx, `SELECT id, location FROM door WHERE edge = ? ORDER BY id`,
		func(scan func(...any) error) (d wire.Door, err error) { return d, scan(&d.ID, &d.Location) }, edge)
	if err != nil {
		return nil, err
	}
	for i := range doors {
		doors[i].Devices, err = list(tx.ctx, tx, `SELECT device FROM door_device WHERE edge = ? AND door = ? ORDER BY device`,
			scanText, edge, doors[i].ID)
		if err != nil {
			return nil, err
		}
	}
	return doors, nil
}

func (tx *Tx) putLimits(edge string, limits []limitRow) error {
	had, err := list(tx.ctx, tx, `SELECT location, quantity, low, high FROM site_limit WHERE edge = ? ORDER BY location, quantity`,
		func(scan func(...any) error) (l limitRow, err error) {
			return l, scan(&l.location, &l.quantity, &l.low, &l.high)
		}, edge)
	if err != nil || slices.Equal(had, limits) {
		return err
	}
	if err := tx.exec(`DELETE FROM site_limit WHERE edge = ?`, edge); err != nil {
		return err
	}
	for _, l := range limits {
		err := tx.exec(`INSERT INTO site_limit (edge, location, quantity, low, high) VALUES (?, ?, ?, ?, ?)`,
			edge, l.location, uint8(l.quantity), l.low, l.high)
		if err != nil {
			return err
		}
	}
	return nil
}
