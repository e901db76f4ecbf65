package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
)

// Documents keeps things of one kind that people edit one by one.
type Documents[T any] struct {
	*DB
	form *form[T]
}

// form is how a thing lies in its table.
type form[T any] struct {
	what, table string   // "item", and where it is
	key, others []string // columns
	scan        func(scan func(...any) error) (T, error)
	values      func(T) []any // of key and others
	uses        []use
}

// use is a reason not to drop a thing: a query that finds a row by the key's values, and what that means.
type use struct{ by, query string }

// Items, Packs, Locations, Suppliers, Lots and Policies are the things that people edit.
func Items(db *DB) Documents[catalog.Item] { return Documents[catalog.Item]{db, itemForm} }
func Packs(db *DB) Documents[catalog.Pack] { return Documents[catalog.Pack]{db, packForm} }
func Locations(db *DB) Documents[catalog.Location] {
	return Documents[catalog.Location]{db, locationForm}
}

func Suppliers(db *DB) Documents[catalog.Supplier] {
	return Documents[catalog.Supplier]{db, supplierForm}
}
func Lots(db *DB) Documents[catalog.Lot]       { return Documents[catalog.Lot]{db, lotForm} }
func Policies(db *DB) Documents[intake.Policy] { return Documents[intake.Policy]{db, policyForm} }

var itemForm = &form[catalog.Item]{
	what: "item", table: "item", key: []string{"id"}, others: []string{"gtin", "name_en", "name_zh", "unit", "category", "cost"},
	scan: func(scan func(...any) error) (v catalog.Item, err error) {
		return v, scan(&v.ID, &v.GTIN, &v.Name.EN, &v.Name.ZH, &v.Unit, &v.Category, &v.Cost)
	},
	values: func(v catalog.Item) []any {
		return []any{v.ID, v.GTIN, v.Name.EN, v.Name.ZH, v.Unit, v.Category, v.Cost}
	},
	uses: []use{
		{"the ledger", `SELECT 1 FROM balance WHERE item = ? LIMIT 1`},
		{"a reservation", `SELECT 1 FROM reservation WHERE item = ? LIMIT 1`},
		{"an order", `SELECT 1 FROM purchase_order WHERE item = ? LIMIT 1`},
		{"a pack", `SELECT 1 FROM pack WHERE item = ? LIMIT 1`},
		{"a lot", `SELECT 1 FROM lot WHERE item = ? LIMIT 1`},
		{"a source", `SELECT 1 FROM source WHERE item = ? LIMIT 1`},
		{"a level", `SELECT 1 FROM level WHERE item = ? LIMIT 1`},
		{"a tag", `SELECT 1 FROM tag WHERE item = ? LIMIT 1`},
		{"demand", `SELECT 1 FROM demand_history WHERE item = ? LIMIT 1`},
	},
}

var packForm = &form[catalog.Pack]{
	what: "pack", table: "pack", key: []string{"item", "code"}, others: []string{"units", "gtin", "name_en", "name_zh"},
	scan: func(scan func(...any) error) (v catalog.Pack, err error) {
		return v, scan(&v.Item, &v.Code, &v.Units, &v.GTIN, &v.Name.EN, &v.Name.ZH)
	},
	values: func(v catalog.Pack) []any { return []any{v.Item, v.Code, v.Units, v.GTIN, v.Name.EN, v.Name.ZH} },
}

var locationForm = &form[catalog.Location]{
	what: "location", table: "location", key: []string{"code"},
	others: []string{"site", "parent", "kind", "name_en", "name_zh", "x", "y", "w", "h"},
	scan: func(scan func(...any) error) (v catalog.Location, err error) {
		return v, scan(&v.Code, &v.Site, &v.Parent, &v.Kind, &v.Name.EN, &v.Name.ZH, &v.X, &v.Y, &v.W, &v.H)
	},
	values: func(v catalog.Location) []any {
		return []any{v.Code, v.Site, v.Parent, string(v.Kind), v.Name.EN, v.Name.ZH, v.X, v.Y, v.W, v.H}
	},
	uses: []use{
		{"the ledger", `SELECT 1 FROM balance WHERE location = ? LIMIT 1`},
		{"a location in it", `SELECT 1 FROM location WHERE parent = ? LIMIT 1`},
		{"a location of its site", `SELECT 1 FROM location WHERE site = ? AND code <> site LIMIT 1`},
		{"a level", `SELECT 1 FROM level WHERE location = ? LIMIT 1`},
		{"demand", `SELECT 1 FROM demand_history WHERE site = ? LIMIT 1`},
	},
}

var supplierForm = &form[catalog.Supplier]{
	what: "supplier", table: "supplier", key: []string{"id"}, others: []string{"name_en", "name_zh"},
	scan: func(scan func(...any) error) (v catalog.Supplier, err error) {
		return v, scan(&v.ID, &v.Name.EN, &v.Name.ZH)
	},
	values: func(v catalog.Supplier) []any { return []any{v.ID, v.Name.EN, v.Name.ZH} },
	uses: []use{
		{"a source", `SELECT 1 FROM source WHERE supplier = ? LIMIT 1`},
		{"a lot", `SELECT 1 FROM lot WHERE supplier = ? LIMIT 1`},
		{"an order", `SELECT 1 FROM purchase_order WHERE supplier = ? LIMIT 1`},
	},
}

var lotForm = &form[catalog.Lot]{
	what: "lot", table: "lot", key: []string{"item", "lot"}, others: []string{"made", "expires", "supplier"},
	scan: func(scan func(...any) error) (v catalog.Lot, err error) {
		return v, scan(&v.Item, &v.Lot, &v.Made, &v.Expires, &v.Supplier)
	},
	values: func(v catalog.Lot) []any { return []any{v.Item, v.Lot, v.Made, v.Expires, v.Supplier} },
	uses: []use{
		{"the ledger", `SELECT 1 FROM balance WHERE item = ? AND lot = ? LIMIT 1`},
		{"a tag", `SELECT 1 FROM tag WHERE item = ? AND lot = ? LIMIT 1`},
	},
}

var policyForm = &form[intake.Policy]{
	what: "policy", table: "confidence_policy", key: []string{"read_point"}, others: []string{"threshold", "actor", "at"}, scan: scanPolicy,
	values: func(p intake.Policy) []any { return []any{p.ReadPoint, int64(p.Threshold), p.Actor, stamp(p.At)} },
}

func (f *form[T]) selects() string {
	return `SELECT ` + strings.Join(slices.Concat(f.key, f.others), `, `) + ` FROM ` + f.table + ` `
}

func (f *form[T]) byKey() string { return strings.Join(f.key, ` = ? AND `) + ` = ?` }

func (f *form[T]) keyValues(v T) []any { return f.values(v)[:len(f.key)] }

// idOf is a key as the log of changes has it.
func idOf(key []any) string {
	parts := make([]string, len(key))
	for i, v := range key {
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, "/")
}

// find gives a thing; nil where there is none.
func (f *form[T]) find(ctx context.Context, q querier, lock func(string) string, key []any) (*T, error) {
	found, err := list(ctx, q, lock(f.selects()+`WHERE `+f.byKey()), f.scan, slices.Clone(key)...)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s %v: %w", f.what, key, err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

// all lists the things by their key.
func (f *form[T]) all(ctx context.Context, q querier) ([]T, error) {
	return list(ctx, q, f.selects()+`ORDER BY `+strings.Join(f.key, `, `), f.scan)
}

func (f *form[T]) none(key []any) error {
	return fmt.Errorf("%s %s: %w", f.what, strings.Trim(fmt.Sprint(key), "[]"), fault.NotFound)
}

// Find reads one. Errors: fault.NotFound.
func (d Documents[T]) Find(ctx context.Context, key ...string) (v T, err error) {
	found, err := d.form.find(ctx, d.read, unlocked, anys(key))
	switch {
	case err != nil:
		return v, err
	case found == nil:
		return v, d.form.none(anys(key))
	}
	return *found, nil
}

// Page lists things by their key, from the one after p.After.
func (d Documents[T]) Page(ctx context.Context, p catalog.PageFilter) (page []T, next string, err error) {
	f := d.form
	if p.Limit <= 0 || p.Limit > maxPage {
		p.Limit = defaultPage
	}
	var where []string
	var args []any
	if p.Item != "" {
		where, args = append(where, f.key[0]+` = ?`), append(args, p.Item)
	}
	if p.After != "" {
		after, err := keyAfter(p.After, len(f.key))
		if err != nil {
			return nil, "", err
		}
		where = append(where, `(`+strings.Join(f.key, `, `)+`) > (`+marks(len(f.key), "?")+`)`)
		args = append(args, anys(after)...)
	}
	query := f.selects()
	if len(where) > 0 {
		query += `WHERE ` + strings.Join(where, ` AND `)
	}
	page, err = list(ctx, d.read, query+` ORDER BY `+strings.Join(f.key, `, `)+` LIMIT ?`, f.scan, append(args, p.Limit+1)...)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read a page of %s: %w", f.table, err)
	}
	if len(page) > p.Limit {
		page = page[:p.Limit]
		var last []string
		for _, k := range f.keyValues(page[p.Limit-1]) {
			last = append(last, k.(string))
		}
		next = pageAfter(last...)
	}
	return page, next, nil
}

// Put stores v over what is there under its key, after allow was shown that, nil for nothing, and reports whether it is new.
// Nobody else changes the thing in between. Errors: those of allow.
func (d Documents[T]) Put(ctx context.Context, v T, allow func(now *T) error) (fresh bool, err error) {
	f := d.form
	err = d.Write(ctx, func(tx *Tx) error {
		now, err := f.find(ctx, tx, tx.lock, f.keyValues(v))
		if err != nil {
			return err
		}
		if err := allow(now); err != nil {
			return err
		}
		if fresh = now == nil; fresh {
			err = f.insert(tx, v)
		} else {
			err = tx.exec(`UPDATE `+f.table+` SET `+strings.Join(f.others, ` = ?, `)+` = ? WHERE `+f.byKey(),
				append(f.values(v)[len(f.key):], f.keyValues(v)...)...)
		}
		if err != nil {
			return err
		}
		return tx.changed(ctx, f.what, idOf(f.keyValues(v)), now, v)
	})
	return fresh, err
}

// insert adds what was not there; it begins anew where somebody else has added it meanwhile.
func (f *form[T]) insert(tx *Tx, v T) error {
	values := f.values(v)
	done, err := tx.ExecContext(tx.ctx, `INSERT INTO `+f.table+` (`+strings.Join(slices.Concat(f.key, f.others), `, `)+`) VALUES (`+
		marks(len(values), "?")+`) ON CONFLICT DO NOTHING`, values...)
	if err != nil {
		return fmt.Errorf("cannot store a %s: %w", f.what, err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("%w: %s was added meanwhile", errAgain, f.what)
}

// Drop forgets a thing after allow was shown it. Errors: those of allow; fault.NotFound; fault.Conflict where something
// else needs it.
func (d Documents[T]) Drop(ctx context.Context, allow func(now *T) error, key ...string) error {
	f := d.form
	return d.Write(ctx, func(tx *Tx) error {
		now, err := f.find(ctx, tx, tx.lock, anys(key))
		if err != nil {
			return err
		}
		if now == nil {
			return f.none(anys(key))
		}
		if err := allow(now); err != nil {
			return err
		}
		for _, u := range f.uses {
			var one int
			used, err := tx.row(u.query, anys(key), &one)
			if err != nil {
				return fmt.Errorf("cannot find out what needs %s %v: %w", f.what, key, err)
			}
			if used {
				return fmt.Errorf("%w: %s %s is needed by %s", fault.Conflict, f.what, strings.Join(key, " "), u.by)
			}
		}
		if err := tx.exec(`DELETE FROM `+f.table+` WHERE `+f.byKey(), anys(key)...); err != nil {
			return err
		}
		return tx.changed(ctx, f.what, idOf(anys(key)), now, nil)
	})
}

// KnownOf tells which of these entries the catalogue has.
func (c Catalog) KnownOf(ctx context.Context, r catalog.References) (k catalog.Known, err error) {
	for query, set := range map[string]struct {
		ask   []string
		known *map[string]bool
	}{
		`SELECT id FROM item WHERE id IN `:         {r.Items, &k.Items},
		`SELECT code FROM location WHERE code IN `: {r.Locations, &k.Locations},
		`SELECT id FROM supplier WHERE id IN `:     {r.Suppliers, &k.Suppliers},
	} {
		*set.known = map[string]bool{}
		for _, part := range lists(distinct(slices.Clone(set.ask))) {
			err := each(ctx, c.read, query+`(`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
				id, err := scanText(scan)
				(*set.known)[id] = true
				return err
			}, anys(part)...)
			if err != nil {
				return k, fmt.Errorf("cannot look into the catalogue: %w", err)
			}
		}
	}
	return k, nil
}
