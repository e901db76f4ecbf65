package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	var done catalog.Imported
	err := c.Write(ctx, func(tx *Tx) error {
		done = catalog.Imported{Kind: rows.Kind}
		put := upsert{tx: tx, done: &done}
		putAll(&put, itemForm, rows.Items)
		putAll(&put, locationForm, rows.Locations)
		for _, v := range rows.GLNs {
			put.row("location_gln", "gln", "location", capture.PlaceName(v.GLN), v.Location)
		}
		putAll(&put, supplierForm, rows.Suppliers)
		putAll(&put, packForm, rows.Packs)
		putAll(&put, lotForm, rows.Lots)
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
		for _, v := range rows.Demand {
			put.row("demand_history", "item, site, day", "quantity", v.Item, v.Site, v.Day, v.Quantity)
		}
		if put.err != nil {
			return put.err
		}
		return put.noteAll()
	})
	if err != nil {
		return catalog.Imported{}, fmt.Errorf("cannot store %s: %w", rows.Kind, err)
	}
	return done, nil
}

func putAll[T any](u *upsert, f *form[T], all []T) {
	for _, v := range all {
		u.row(f.table, strings.Join(f.key, ", "), strings.Join(f.others, ", "), f.values(v)...)
	}
}

// Items lists the items by id.
func (c Catalog) Items(ctx context.Context) ([]catalog.Item, error) { return itemForm.all(ctx, c.read) }

// EdgeItems lists the items that have a GTIN, by it, as edges name them.
func (c Catalog) EdgeItems(ctx context.Context) ([]wire.CatalogItem, error) {
	return list(ctx, c.read, `SELECT gtin, id, name_en, name_zh FROM item WHERE gtin <> '' ORDER BY gtin, id`,
		func(scan func(...any) error) (v wire.CatalogItem, err error) {
			return v, scan(&v.GTIN, &v.Code, &v.NameEN, &v.NameZH)
		})
}

// Locations lists the locations by code.
func (c Catalog) Locations(ctx context.Context) ([]catalog.Location, error) {
	return locationForm.all(ctx, c.read)
}

// Suppliers lists the suppliers by id.
func (c Catalog) Suppliers(ctx context.Context) ([]catalog.Supplier, error) {
	return supplierForm.all(ctx, c.read)
}

// Packs lists the packs by item and code.
func (c Catalog) Packs(ctx context.Context) ([]catalog.Pack, error) { return packForm.all(ctx, c.read) }

// GLNs lists the names that the world outside has for locations.
func (c Catalog) GLNs(ctx context.Context) ([]catalog.GLN, error) {
	return list(ctx, c.read, `SELECT gln, location FROM location_gln ORDER BY gln`,
		func(scan func(...any) error) (v catalog.GLN, err error) { return v, scan(&v.GLN, &v.Location) })
}

// Lots lists the lots by item.
func (c Catalog) Lots(ctx context.Context) ([]catalog.Lot, error) { return lotForm.all(ctx, c.read) }

// Tags lists what the registry says of tags, by tag.
func (c Catalog) Tags(ctx context.Context) ([]catalog.TagItem, error) {
	return list(ctx, c.read, `SELECT tag, item, lot, units FROM tag ORDER BY tag`,
		func(scan func(...any) error) (v catalog.TagItem, err error) {
			var t tag
			err = scan(&t, &v.Item, &v.Lot, &v.Units)
			v.Tag = t.String()
			return v, err
		})
}

// Demand lists what customers took before the ledger began, by item, site and day.
func (c Catalog) Demand(ctx context.Context) ([]catalog.Demand, error) {
	return list(ctx, c.read, `SELECT item, site, day, quantity FROM demand_history ORDER BY item, site, day`,
		func(scan func(...any) error) (v catalog.Demand, err error) {
			return v, scan(&v.Item, &v.Site, &v.Day, &v.Quantity)
		})
}

// All gives all entries of a kind (see catalog.Kinds). Errors: fault.NotFound.
func (c Catalog) All(ctx context.Context, kind string) (r catalog.Rows, err error) {
	r.Kind = kind
	switch kind {
	case "items":
		r.Items, err = c.Items(ctx)
	case "packs":
		r.Packs, err = c.Packs(ctx)
	case "locations":
		r.Locations, err = c.Locations(ctx)
	case "glns":
		r.GLNs, err = c.GLNs(ctx)
	case "suppliers":
		r.Suppliers, err = c.Suppliers(ctx)
	case "lots":
		r.Lots, err = c.Lots(ctx)
	case "sources":
		r.Sources, err = c.Sources(ctx)
	case "levels":
		r.Levels, err = c.Levels(ctx)
	case "tags":
		r.Tags, err = c.Tags(ctx)
	case "demand":
		r.Demand, err = c.Demand(ctx)
	default:
		err = fmt.Errorf("kind %q of the catalogue: %w", kind, fault.NotFound)
	}
	return r, err
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
