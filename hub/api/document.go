package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/sheet"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Documents keeps things of one kind that people edit one by one; a store.Documents is one.
type Documents[T any] interface {
	// Find reads one. Errors: fault.NotFound.
	Find(ctx context.Context, key ...string) (T, error)
	// Page lists things by their key.
	Page(ctx context.Context, p catalog.PageFilter) (page []T, next string, err error)
	// Put stores v over what is there under its key, after allow was shown that (nil = nothing) and did not fail, and
	// reports whether it is new.
	Put(ctx context.Context, v T, allow func(now *T) error) (fresh bool, err error)
	// Drop forgets one after allow was shown it. Errors: fault.NotFound; fault.Conflict where something needs it.
	Drop(ctx context.Context, allow func(now *T) error, key ...string) error
}

// References tells which entries the catalogue has; a store.Catalog does.
type References interface {
	KnownOf(ctx context.Context, r catalog.References) (catalog.Known, error)
}

// documentRoutes are for single entries of the catalogue. Each has an ETag; who changes one says which state it was.
func (s *server) documentRoutes() []route {
	items, packs, locations := s.itemForm(), s.packForm(), s.locationForm()
	suppliers, lots := s.supplierForm(), s.lotForm()
	return []route{
		{"GET", "/catalog/packs", at(tenant.CatalogRead), "packs", "Packs of items", answer(s, packs.ofItem), 0},
		{"GET", "/catalog/lots", at(tenant.CatalogRead), "lots", "Lots of items", answer(s, lots.ofItem), 0},

		{"GET", "/items/{id}", at(tenant.CatalogRead), "item", "An item", items.read1, 0},
		{"PUT", "/items/{id}", all(tenant.CatalogWrite), "putItem", "Add or change an item", items.put1, 0},
		{"DELETE", "/items/{id}", all(tenant.CatalogWrite), "dropItem", "Delete an item that nothing knows", items.drop1, 0},

		{"GET", "/items/{id}/packs/{part}", at(tenant.CatalogRead), "pack", "A pack", packs.read2, 0},
		{"PUT", "/items/{id}/packs/{part}", all(tenant.CatalogWrite), "putPack", "Add or change a pack", packs.put2, 0},
		{"DELETE", "/items/{id}/packs/{part}", all(tenant.CatalogWrite), "dropPack", "Delete a pack", packs.drop2, 0},

		{"GET", "/items/{id}/lots/{part}", at(tenant.CatalogRead), "lot", "A lot", lots.read2, 0},
		{"PUT", "/items/{id}/lots/{part}", all(tenant.CatalogWrite), "putLot", "Add or change a lot", lots.put2, 0},
		{"DELETE", "/items/{id}/lots/{part}", all(tenant.CatalogWrite), "dropLot", "Delete a lot that nothing knows", lots.drop2, 0},

		{"GET", "/locations/{id}", at(tenant.CatalogRead), "location", "A location", locations.read1, 0},
		{"PUT", "/locations/{id}", all(tenant.CatalogWrite), "putLocation", "Add or change a location", locations.put1, 0},
		{"DELETE", "/locations/{id}", all(tenant.CatalogWrite), "dropLocation", "Delete a location that nothing knows", locations.drop1, 0},

		{"GET", "/suppliers/{id}", at(tenant.CatalogRead), "supplier", "A supplier", suppliers.read1, 0},
		{"PUT", "/suppliers/{id}", all(tenant.CatalogWrite), "putSupplier", "Add or change a supplier", suppliers.put1, 0},
		{"DELETE", "/suppliers/{id}", all(tenant.CatalogWrite), "dropSupplier", "Delete a supplier that nothing knows", suppliers.drop1, 0},
	}
}

// form is how one kind of document is read, checked and changed.
type form[T any] struct {
	*server
	docs  Documents[T]
	key   []string                                  // names of the values of the key
	keyOf func(T) []string                          // their values
	check func(ctx context.Context, v T) (T, error) // as it is to be stored
}

// entryForm is a form of entries of the catalogue, which are checked as an import checks them.
func entryForm[T any](s *server, docs Documents[T], kind string, key []string, keyOf func(T) []string,
	row func(T) (catalog.Rows, catalog.References), of func(catalog.Rows) []T,
) form[T] {
	return form[T]{s, docs, key, keyOf, func(ctx context.Context, v T) (T, error) {
		rows, refers := row(v)
		rows.Kind = kind
		known, err := s.References.KnownOf(ctx, refers)
		if err != nil {
			return v, err
		}
		if rows, err = catalog.Checked(rows, known); err != nil {
			return v, cellProblems(err)
		}
		return of(rows)[0], nil
	}}
}

// cellProblems says of each bad cell where it stands in the body.
func cellProblems(err error) error {
	var no *sheet.Refused
	if !errors.As(err, &no) {
		return err
	}
	var parts []ProblemPart
	for _, p := range no.Report.Problems {
		at := "#"
		if p.Column != "" {
			at = "#/" + strings.Replace(p.Column, "name_", "name/", 1)
		}
		parts = append(parts, ProblemPart{Pointer: at, Code: string(p.Code), Message: p.Text("en")})
	}
	return wrong(parts...)
}

func (s *server) itemForm() form[catalog.Item] {
	return entryForm(s, s.ItemDocs, "items", []string{"id"}, func(v catalog.Item) []string { return []string{v.ID} },
		func(v catalog.Item) (catalog.Rows, catalog.References) {
			return catalog.Rows{Items: []catalog.Item{v}}, catalog.References{}
		}, func(r catalog.Rows) []catalog.Item { return r.Items })
}

func (s *server) packForm() form[catalog.Pack] {
	return entryForm(s, s.PackDocs, "packs", []string{"item", "code"}, func(v catalog.Pack) []string { return []string{v.Item, v.Code} },
		func(v catalog.Pack) (catalog.Rows, catalog.References) {
			return catalog.Rows{Packs: []catalog.Pack{v}}, catalog.References{Items: []string{v.Item}}
		}, func(r catalog.Rows) []catalog.Pack { return r.Packs })
}

func (s *server) locationForm() form[catalog.Location] {
	return entryForm(s, s.LocationDocs, "locations", []string{"code"}, func(v catalog.Location) []string { return []string{v.Code} },
		func(v catalog.Location) (catalog.Rows, catalog.References) {
			return catalog.Rows{Locations: []catalog.Location{v}}, catalog.References{Locations: []string{v.Site, v.Parent}}
		}, func(r catalog.Rows) []catalog.Location { return r.Locations })
}

func (s *server) supplierForm() form[catalog.Supplier] {
	return entryForm(s, s.SupplierDocs, "suppliers", []string{"id"}, func(v catalog.Supplier) []string { return []string{v.ID} },
		func(v catalog.Supplier) (catalog.Rows, catalog.References) {
			return catalog.Rows{Suppliers: []catalog.Supplier{v}}, catalog.References{}
		}, func(r catalog.Rows) []catalog.Supplier { return r.Suppliers })
}

func (s *server) lotForm() form[catalog.Lot] {
	return entryForm(s, s.LotDocs, "lots", []string{"item", "lot"}, func(v catalog.Lot) []string { return []string{v.Item, v.Lot} },
		func(v catalog.Lot) (catalog.Rows, catalog.References) {
			return catalog.Rows{Lots: []catalog.Lot{v}}, catalog.References{Items: []string{v.Item}, Suppliers: []string{v.Supplier}}
		}, func(r catalog.Rows) []catalog.Lot { return r.Lots })
}

type partsInput struct {
	PageInput
	Item string `query:"item" maxLength:"200" doc:"empty = of all items"`
}

func (f form[T]) ofItem(ctx context.Context, in *partsInput) (list[T], error) {
	page, next, err := f.docs.Page(ctx, catalog.PageFilter{Item: in.Item, After: in.Cursor, Limit: in.Limit})
	return pageOf(page, next), err
}

func (f form[T]) page(ctx context.Context, in *PageInput) (list[T], error) {
	page, next, err := f.docs.Page(ctx, catalog.PageFilter{After: in.Cursor, Limit: in.Limit})
	return pageOf(page, next), err
}

// ByPart is the input of a route about a part of a thing.
type ByPart struct {
	ID   string `path:"id" maxLength:"200"`
	Part string `path:"part" maxLength:"200"`
}

type document[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

type written[T any] struct {
	Status int
	ETag   string `header:"ETag"`
	Body   T
}

func (f form[T]) read1(a huma.API, op huma.Operation) {
	op.Responses = map[string]*huma.Response{}
	huma.Register(a, op, func(ctx context.Context, in *struct {
		ByID
		IfNoneMatch
	},
	) (*document[T], error) {
		return f.read(ctx, op, in.IfNoneMatch, in.ID)
	})
	op.Responses["304"] = &huma.Response{Description: "It is as If-None-Match says"}
}

func (f form[T]) read2(a huma.API, op huma.Operation) {
	op.Responses = map[string]*huma.Response{}
	huma.Register(a, op, func(ctx context.Context, in *struct {
		ByPart
		IfNoneMatch
	},
	) (*document[T], error) {
		return f.read(ctx, op, in.IfNoneMatch, in.ID, in.Part)
	})
	op.Responses["304"] = &huma.Response{Description: "It is as If-None-Match says"}
}

func (f form[T]) put1(a huma.API, op huma.Operation) {
	op.Responses = map[string]*huma.Response{}
	huma.Register(a, op, func(ctx context.Context, in *struct {
		ByID
		IfMatch
		Body T
	},
	) (*written[T], error) {
		return f.put(ctx, op, in.IfMatch, in.Body, in.ID)
	})
	op.Responses["201"] = op.Responses["200"]
}

func (f form[T]) put2(a huma.API, op huma.Operation) {
	op.Responses = map[string]*huma.Response{}
	huma.Register(a, op, func(ctx context.Context, in *struct {
		ByPart
		IfMatch
		Body T
	},
	) (*written[T], error) {
		return f.put(ctx, op, in.IfMatch, in.Body, in.ID, in.Part)
	})
	op.Responses["201"] = op.Responses["200"]
}

func (f form[T]) drop1(a huma.API, op huma.Operation) {
	huma.Register(a, op, func(ctx context.Context, in *struct {
		ByID
		IfMatch
	},
	) (*struct{}, error) {
		return nil, f.drop(ctx, op, in.IfMatch, in.ID)
	})
}

func (f form[T]) drop2(a huma.API, op huma.Operation) {
	huma.Register(a, op, func(ctx context.Context, in *struct {
		ByPart
		IfMatch
	},
	) (*struct{}, error) {
		return nil, f.drop(ctx, op, in.IfMatch, in.ID, in.Part)
	})
}

func (f form[T]) read(ctx context.Context, op huma.Operation, c IfNoneMatch, key ...string) (*document[T], error) {
	v, err := f.docs.Find(ctx, key...)
	if err != nil {
		return nil, f.problem(ctx, op, err)
	}
	tag := etag(v)
	if err := notModified(c, tag); err != nil {
		return nil, err
	}
	return &document[T]{tag, v}, nil
}

func (f form[T]) put(ctx context.Context, op huma.Operation, c IfMatch, v T, key ...string) (*written[T], error) {
	v, fresh, err := f.store(ctx, c, v, key)
	if err != nil {
		return nil, f.problem(ctx, op, err)
	}
	out := &written[T]{http.StatusOK, etag(v), v}
	if fresh {
		out.Status = http.StatusCreated
	}
	return out, nil
}

func (f form[T]) store(ctx context.Context, c IfMatch, v T, key []string) (_ T, fresh bool, err error) {
	if c == (IfMatch{}) {
		return v, false, errNoCondition
	}
	for i, said := range f.keyOf(v) {
		if said != key[i] {
			return v, false, wrong(ProblemPart{
				Pointer: "#/" + f.key[i], Code: "other_key", Message: fmt.Sprintf("is %q, and the path says %q: a key never changes", said, key[i]),
			})
		}
	}
	if v, err = f.check(ctx, v); err != nil {
		return v, false, err
	}
	fresh, err = f.docs.Put(ctx, v, func(now *T) error { return allow(c, now) })
	return v, fresh, err
}

func (f form[T]) drop(ctx context.Context, op huma.Operation, c IfMatch, key ...string) error {
	err := f.docs.Drop(ctx, func(now *T) error { return allow(c, now) }, key...)
	if err != nil {
		return f.problem(ctx, op, err)
	}
	return nil
}
