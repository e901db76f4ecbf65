package api

import (
	"context"

	"github.com/tallydock/tallydock/hub/catalog"
)

// SiteName is a site with how much it has.
type SiteName struct {
	ID     string       `json:"id"`
	Name   catalog.Text `json:"name"`
	Places int          `json:"places"`
	Edges  int          `json:"edges"`
	Online int          `json:"online" doc:"of edges"`
}

func (s *server) sites(ctx context.Context, _ *empty) (list[SiteName], error) {
	all, err := s.View.Sites(ctx)
	out := make([]SiteName, 0, len(all))
	for _, v := range all {
		out = append(out, SiteName{v.ID, v.Name, v.Places, v.Edges, v.Online})
	}
	return listOf(out, ""), err
}

// SiteInput narrows a list to a site. (It is exported because huma fills no others when they are embedded.)
type SiteInput struct {
	Site string `query:"site" maxLength:"200" doc:"only what is of this site; empty = of all that one may see"`
}
