package api

import (
	"context"

	"github.com/tallydock/tallydock/hub/catalog"
)

func (s *server) items(ctx context.Context, in *LongPageInput) (list[catalog.Item], error) {
	all, err := s.Catalog.Items(ctx)
	if err != nil {
		return list[catalog.Item]{}, err
	}
	return cut(all, func(v catalog.Item) string { return v.ID }, *in)
}

func (s *server) locations(ctx context.Context, in *LongPageInput) (list[catalog.Location], error) {
	all, err := s.Catalog.Locations(ctx)
	if err != nil {
		return list[catalog.Location]{}, err
	}
	return cut(all, func(v catalog.Location) string { return v.Code }, *in)
}

func (s *server) suppliers(ctx context.Context, in *LongPageInput) (list[catalog.Supplier], error) {
	all, err := s.Catalog.Suppliers(ctx)
	if err != nil {
		return list[catalog.Supplier]{}, err
	}
	return cut(all, func(v catalog.Supplier) string { return v.ID }, *in)
}
