package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/view"
)

// View reads what the console shows across rooms; it is a view.Store.
type View struct{ *DB }

var _ view.Store = View{}

// StockPage reads a page of a site's stock with the number of the last event that is in it.
func (v View) StockPage(ctx context.Context, f view.PageFilter) (p view.StockPage, err error) {
	after, err := parsePlaced(f.After)
	if err != nil {
		return p, err
	}
	if f.Limit <= 0 || f.Limit > view.MaxRows {
		f.Limit = view.MaxRows
	}
	err = v.reading(ctx, func(tx reader) error {
		if _, err := one(ctx, tx, `SELECT seq FROM event_head WHERE one = 1`, nil, &p.Seq); err != nil {
			return fmt.Errorf("cannot read the newest event's number: %w", err)
		}
		p.Site = f.Site
		if p.Site == "" {
			if p.Site, err = firstSite(ctx, tx, ""); err != nil {
				return err
			}
		}
		walk := stockWalk{tx: tx, site: p.Site, item: f.Item, limit: f.Limit}
		next, err := walk.read(ctx, after)
		if err != nil {
			return fmt.Errorf("cannot read the stock of site %s: %w", p.Site, err)
		}
		p.Rows, p.Next = walk.rows, next.String()
		if p.Items, err = itemsOf(ctx, tx, p.Rows); err != nil || f.After != "" || f.Item != "" {
			return err
		}
		if p.Places, err = places(ctx, tx, p.Site); err != nil {
			return err
		}
		of := p.Site
		if other, err := firstSite(ctx, tx, p.Site); err != nil {
			return err
		} else if f.Site == "" && other == "" { // there is one site, so doors of which nobody says the site are here
			of = ""
		}
		doors, err := doorsOf(ctx, tx, of)
		for _, d := range doors {
			p.Doors = append(p.Doors, view.Door{ID: d.id, Name: d.name})
		}
		return err
	})
	return p, err
}

// firstSite gives the first site after one; "" where there is none.
func firstSite(ctx context.Context, tx reader, after string) (site string, err error) {
	_, err = one(ctx, tx, `SELECT site FROM location WHERE site > ? ORDER BY site LIMIT 1`, []any{after}, &site)
	if err != nil {
		return "", fmt.Errorf("cannot find a site: %w", err)
	}
	return site, nil
}

// itemsOf reads the items that rows name.
func itemsOf(ctx context.Context, tx reader, rows []view.StockRow) ([]catalog.Item, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.Item
	}
	all := []catalog.Item{}
	for _, part := range lists(distinct(ids)) {
		some, err := list(ctx, tx, `SELECT id, gtin, name_en, name_zh, unit, category, cost FROM item
			WHERE id IN (`+marks(len(part), "?")+`) ORDER BY id`, func(scan func(...any) error) (i catalog.Item, err error) {
			return i, scan(&i.ID, &i.GTIN, &i.Name.EN, &i.Name.ZH, &i.Unit, &i.Category, &i.Cost)
		}, anys(part)...)
		if err != nil {
			return nil, fmt.Errorf("cannot read the items: %w", err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// places reads the locations of a site, each with the limits that edges hold the temperature to there.
func places(ctx context.Context, tx reader, site string) ([]view.Place, error) {
	all, err := list(ctx, tx, `SELECT code, site, parent, kind, name_en, name_zh, x, y, w, h FROM location WHERE site = ? ORDER BY code`,
		func(scan func(...any) error) (p view.Place, err error) {
			return p, scan(&p.Code, &p.Site, &p.Parent, &p.Kind, &p.Name.EN, &p.Name.ZH, &p.X, &p.Y, &p.W, &p.H)
		}, site)
	if err != nil {
		return nil, fmt.Errorf("cannot read the places of site %s: %w", site, err)
	}
	type span struct{ low, high sql.NullInt64 }
	held := map[string]span{}
	err = each(ctx, tx, `SELECT location, max(low), min(high) FROM site_limit WHERE quantity = ? GROUP BY location`, func(scan func(...any) error) error {
		var at string
		var s span
		err := scan(&at, &s.low, &s.high)
		held[at] = s
		return err
	}, uint8(unit.Temperature))
	if err != nil {
		return nil, fmt.Errorf("cannot read the limits of temperature: %w", err)
	}
	for i := range all {
		s := held[all[i].Code]
		all[i].TempLow, all[i].TempHigh = milli(s.low), milli(s.high)
	}
	return all, nil
}

// sites reads the sites one by one in the index of locations, of which there are many.
const sites = `WITH RECURSIVE found (id) AS (
		SELECT min(site) FROM location
		UNION ALL SELECT (SELECT min(l.site) FROM location l WHERE l.site > found.id) FROM found WHERE found.id IS NOT NULL
	)
	SELECT f.id, coalesce((SELECT l.name_en FROM location l WHERE l.code = f.id), ''),
		coalesce((SELECT l.name_zh FROM location l WHERE l.code = f.id), ''), (SELECT count(*) FROM location p WHERE p.site = f.id)
	FROM found f WHERE f.id IS NOT NULL ORDER BY f.id`

// Sites gives the sites, by id.
func (v View) Sites(ctx context.Context) (all []view.Site, err error) {
	err = v.reading(ctx, func(tx reader) error {
		all, err = list(ctx, tx, sites, func(scan func(...any) error) (s view.Site, err error) {
			return s, scan(&s.ID, &s.Name.EN, &s.Name.ZH, &s.Places)
		})
		if err != nil {
			return err
		}
		return each(ctx, tx, `SELECT site, count(*), sum(CASE WHEN online THEN 1 ELSE 0 END) FROM edge GROUP BY site`, func(scan func(...any) error) error {
			var s view.Site
			err := scan(&s.ID, &s.Edges, &s.Online)
			if i := slices.IndexFunc(all, func(o view.Site) bool { return o.ID == s.ID }); i >= 0 {
				all[i].Edges, all[i].Online = s.Edges, s.Online
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the sites: %w", err)
	}
	return all, nil
}

// Ground gives the locations of sites, and every edge.
func (v View) Ground(ctx context.Context, of []string) (g view.Ground, err error) {
	g = view.Ground{Locations: map[string]string{}, Edges: map[string]string{}}
	read := func(into map[string]string, query string, args ...any) error {
		return each(ctx, v.read, query, func(scan func(...any) error) error {
			var id, site string
			err := scan(&id, &site)
			into[id] = site
			return err
		}, args...)
	}
	locations, args := `SELECT code, site FROM location`, []any(nil)
	if of != nil {
		locations, args = locations+` WHERE site IN (`+marks(len(of), "?")+`)`, anys(of)
	}
	if of == nil || len(of) > 0 {
		err = read(g.Locations, locations, args...)
	}
	if err == nil {
		err = read(g.Edges, `SELECT id, site FROM edge`)
	}
	if err != nil {
		return view.Ground{}, fmt.Errorf("cannot read what is of which site: %w", err)
	}
	return g, nil
}
