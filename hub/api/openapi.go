package api

import (
	"context"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/sheet"
)

func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("Tallydock hub", version)
	c.Info.Description = "Stock, movements, doors, alarms and proposals of a warehouse. Times are RFC 3339 in UTC; a name that " +
		"ends in _ms is a time in milliseconds since 1970. Changes need the header X-CSRF-Token and should " +
		"have an Idempotency-Key."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // no pages with assets of other hosts; the route is ours
	c.CreateHooks = nil                                   // no $schema in answers
	c.Transformers = []huma.Transformer{ownProblems}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName},
	}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[series.Point](), reflect.TypeFor[point]())
	return c
}

// schemaName names a type in the description; those of files say so, because the API has problems of its own.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.PkgPath() == reflect.TypeFor[sheet.Report]().PkgPath() {
		return "File" + name
	}
	return name
}

// point describes how a series.Point is written.
type point struct{}

// Schema is [unix milliseconds, value or null].
func (point) Schema(huma.Registry) *huma.Schema {
	two := 2
	return &huma.Schema{
		Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeNumber, Nullable: true}, MinItems: &two, MaxItems: &two,
		Description: "[unix milliseconds, value]; without a value it is a gap",
	}
}

// openapi answers the description itself.
func (s *server) openapi(a huma.API, op huma.Operation) {
	huma.Register(a, op, func(context.Context, *empty) (*struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}, error,
	) {
		text, err := s.huma.OpenAPI().MarshalJSON()
		if err != nil {
			return nil, err
		}
		return &struct {
			ContentType string `header:"Content-Type"`
			Body        []byte
		}{"application/json", text}, nil
	})
}

// finishSchemas makes the schemas say what answers really look like: lists are never null, and a pointer to an object
// may be.
func finishSchemas(o *huma.OpenAPI) {
	for name, schema := range o.Components.Schemas.Map() {
		neverNullLists(schema)
		t := o.Components.Schemas.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		for i := range t.NumField() {
			f := t.Field(i)
			field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			p := schema.Properties[field]
			if f.Type.Kind() == reflect.Pointer && p != nil && p.Ref != "" {
				schema.Properties[field] = &huma.Schema{OneOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}}
			}
		}
	}
}

func neverNullLists(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	neverNullLists(s.Items)
	for _, p := range s.Properties {
		neverNullLists(p)
	}
}
