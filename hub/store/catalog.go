package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
)

// Catalog keeps items, locations, suppliers, tags and levels.
type Catalog struct{ *DB }

// resolveTags finds what tags are on, for those that known does not tell of: the registry's word first, else the item of
// the GTIN that an SGTIN has.
func (tx *Tx) resolveTags(tags []devices.Tag, known map[devices.Tag]intake.Tagged) error {
	var ask []devices.Tag
	for _, t := range tags {
		if _, ok := known[t]; !ok {
			known[t] = intake.Tagged{Unknown: intake.UnknownTag, Detail: t.String() + ": " + unknownTag + ": import it as a tag"}
			ask = append(ask, t)
		}
	}
	for _, part := range lists(ask) {
		err := each(tx.ctx, tx, `SELECT tag, item, lot, units FROM tag WHERE tag IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			var t tag
			var on intake.Tagged
			err := scan(&t, &on.Item, &on.Lot, &on.Quantity)
			known[t.Tag] = on
			return err
		}, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot find what tags are on: %w", err)
		}
	}
	return tx.resolveGTINs(ask, known)
}

const unknownTag = "tag names no item of the catalogue"

func (tx *Tx) resolveGTINs(tags []devices.Tag, known map[devices.Tag]intake.Tagged) error {
	gtins := map[string][]devices.Tag{}
	for _, t := range tags {
		if known[t].Unknown == "" {
			continue
		}
		if gtin, ok := epc.GTIN14(t); ok {
			gtins[gtin] = append(gtins[gtin], t)
			known[t] = intake.Tagged{
				Unknown: intake.UnknownItem, Detail: t.String() + ": GTIN " + gtin + ": " + unknownTag + ": import the item",
			}
		}
	}
	for _, part := range lists(slices.Sorted(maps.Keys(gtins))) {
		in := marks(len(part), "?")
		// A GTIN of an item itself comes last, and so counts where somebody gave a pack the same.
		err := each(tx.ctx, tx, `SELECT gtin, item, units, 0 AS rank FROM pack WHERE gtin IN (`+in+`)
			UNION ALL SELECT gtin, id, 1, 1 FROM item WHERE gtin IN (`+in+`) ORDER BY rank`, func(scan func(...any) error) error {
			var gtin string
			var on intake.Tagged
			var rank int
			err := scan(&gtin, &on.Item, &on.Quantity, &rank)
			for _, t := range gtins[gtin] {
				known[t] = on
			}
			return err
		}, append(anys(part), anys(part)...)...)
		if err != nil {
			return fmt.Errorf("cannot find the items of GTINs: %w", err)
		}
	}
	return nil
}

// Known lists what an import may refer to.
func (c Catalog) Known(ctx context.Context) (catalog.Known, error) {
	var k catalog.Known
	for query, set := range map[string]*map[string]bool{
		`SELECT id FROM item`:                           &k.Items,
		`SELECT code FROM location`:                     &k.Locations,
		`SELECT code FROM location WHERE kind = 'site'`: &k.Sites,
		`SELECT id FROM supplier`:                       &k.Suppliers,
	} {
		keys, err := list(ctx, c.read, query, func(scan func(...any) error) (key string, err error) { return key, scan(&key) })
		if err != nil {
			return k, err
		}
		*set = make(map[string]bool, len(keys))
		for _, key := range keys {
			(*set)[key] = true
		}
	}
	return k, nil
}

// Put stores the rows of one file, all or none.
func (c Catalog) Put(ctx context.Context, rows catalog.Rows) (catalog.Imported, error) {
	done := catalog.Imported{Kind: rows.Kind}
	err := c.Write(ctx, func(tx *Tx) error {
		put := upsert{tx: tx, done: &done}
		for _, v := range rows.Items {
			put.row("item", "id", "gtin, name_en, name_zh, unit, category, cost", v.ID, v.GTIN, v.Name.EN, v.Name.ZH, v.Unit, v.Category, v.Cost)
		}
		for _, v := range rows.Locations {
			put.row("location", "code", "site, parent, kind, name_en, name_zh, x, y, w, h",
				v.Code, v.Site, v.Parent, string(v.Kind), v.Name.EN, v.Name.ZH, v.X, v.Y, v.W, v.H)
		}
		for _, v := range rows.GLNs {
			put.row("location_gln", "gln", "location", capture.PlaceName(v.GLN), v.Location)
		}
		for _, v := range rows.Suppliers {
			put.row("supplier", "id", "name_en, name_zh", v.ID, v.Name.EN, v.Name.ZH)
		}
		for _, v := range rows.Sources {
			put.row("source", "item, supplier", "lead_time, lead_time_sd, moq, pack_multiple, price",
				v.Item, v.Supplier, v.LeadTime, v.LeadTimeSD, v.MOQ, v.PackMultiple, v.Price)
		}
		for _, v := range rows.Levels {
			put.row("level", "item, location", "min, max", v.Item, v.Location, v.Min, v.Max)
		}
		for _, v := range rows.Tags {
			t, err := devices.ParseTag(v.Tag)
			if err != nil {
				return fmt.Errorf("%w: %w", fault.Invalid, err)
			}
			put.row("tag", "tag", "item, lot, units", t, v.Item, v.Lot, v.Units)
		}
		for _, v := range rows.Packs {
			put.row("pack", "item, code", "units, gtin, name_en, name_zh", v.Item, v.Code, v.Units, v.GTIN, v.Name.EN, v.Name.ZH)
		}
		for _, v := range rows.Lots {
			put.row("lot", "item, lot", "made, expires, supplier", v.Item, v.Lot, v.Made, v.Expires, v.Supplier)
		}
		for _, v := range rows.Demand {
			put.row("demand_history", "item, site, day", "quantity", v.Item, v.Site, v.Day, v.Quantity)
		}
		return put.err
	})
	if err != nil {
		return catalog.Imported{}, fmt.Errorf("cannot store %s: %w", rows.Kind, err)
	}
	return done, nil
}

// Items lists the items by id.
func (c Catalog) Items(ctx context.Context) ([]catalog.Item, error) {
	return list(ctx, c.read, `SELECT id, gtin, name_en, name_zh, unit, category, cost FROM item ORDER BY id`,
		func(scan func(...any) error) (v catalog.Item, err error) {
			return v, scan(&v.ID, &v.GTIN, &v.Name.EN, &v.Name.ZH, &v.Unit, &v.Category, &v.Cost)
		})
}

// EdgeItems lists the items that have a GTIN, by it, as edges name them.
func (c Catalog) EdgeItems(ctx context.Context) ([]wire.CatalogItem, error) {
	return list(ctx, c.read, `SELECT gtin, id, name_en, name_zh FROM item WHERE gtin <> '' ORDER BY gtin, id`,
		func(scan func(...any) error) (v wire.CatalogItem, err error) {
			return v, scan(&v.GTIN, &v.Code, &v.NameEN, &v.NameZH)
		})
}

// Locations lists the locations by code.
func (c Catalog) Locations(ctx context.Context) ([]catalog.Location, error) {
	return list(ctx, c.read, `SELECT code, site, parent, kind, name_en, name_zh, x, y, w, h FROM location ORDER BY code`,
		func(scan func(...any) error) (v catalog.Location, err error) {
			return v, scan(&v.Code, &v.Site, &v.Parent, &v.Kind, &v.Name.EN, &v.Name.ZH, &v.X, &v.Y, &v.W, &v.H)
		})
}

// Suppliers lists the suppliers by id.
func (c Catalog) Suppliers(ctx context.Context) ([]catalog.Supplier, error) {
	return list(ctx, c.read, `SELECT id, name_en, name_zh FROM supplier ORDER BY id`,
		func(scan func(...any) error) (v catalog.Supplier, err error) {
			return v, scan(&v.ID, &v.Name.EN, &v.Name.ZH)
		})
}

// Sources lists who delivers what on which terms, by item and supplier.
func (c Catalog) Sources(ctx context.Context) ([]catalog.Source, error) {
	return list(ctx, c.read, `SELECT item, supplier, lead_time, lead_time_sd, moq, pack_multiple, price FROM source ORDER BY item, supplier`,
		func(scan func(...any) error) (v catalog.Source, err error) {
			return v, scan(&v.Item, &v.Supplier, &v.LeadTime, &v.LeadTimeSD, &v.MOQ, &v.PackMultiple, &v.Price)
		})
}

// Levels lists how much each location should hold, by item and location.
func (c Catalog) Levels(ctx context.Context) ([]catalog.Level, error) {
	return list(ctx, c.read, `SELECT item, location, min, max FROM level ORDER BY item, location`,
		func(scan func(...any) error) (v catalog.Level, err error) {
			return v, scan(&v.Item, &v.Location, &v.Min, &v.Max)
		})
}
