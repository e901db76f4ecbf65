package api

import (
	"bytes"
	"context"

	"github.com/tallydock/tallydock/hub/catalog"
)

func (s *server) items(ctx context.Context, _ *empty) (list[catalog.Item], error) {
	all, err := s.Catalog.Items(ctx)
	return listOf(all, ""), err
}

func (s *server) locations(ctx context.Context, _ *empty) (list[catalog.Location], error) {
	all, err := s.Catalog.Locations(ctx)
	return listOf(all, ""), err
}

func (s *server) suppliers(ctx context.Context, _ *empty) (list[catalog.Supplier], error) {
	all, err := s.Catalog.Suppliers(ctx)
	return listOf(all, ""), err
}

type importInput struct {
	Kind    string `path:"kind" enum:"items,locations,suppliers,sources,levels,tags,demand"`
	RawBody []byte `contentType:"text/csv"`
}

func (s *server) importFile(ctx context.Context, in *importInput) (catalog.Imported, error) {
	done, err := s.Importer.Import(ctx, in.Kind, bytes.NewReader(in.RawBody))
	if err == nil {
		s.Log.InfoContext(ctx, "imported", "kind", in.Kind, "rows", done.Rows, "user", sessionFrom(ctx).User)
	}
	return done, err
}
