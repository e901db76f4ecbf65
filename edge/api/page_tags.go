package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// tagsView is a search for tags.
type tagsView struct {
	Query, Error string
	Count        string // of the tags that were found, or "more than" so many
	Found        []foundLine
	More         string // address of the page after
}

type foundLine struct {
	found
	When *time.Time
}

// pageFound is how many tags a page shows.
const pageFound = 50

func (s *Server) tagsPage(r *http.Request, v *view) (any, error) {
	b := tagsView{Query: r.URL.Query().Get("q")}
	if b.Query == "" {
		return b, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), patientFor)
	defer cancel()
	l, err := s.search(ctx, b.Query, r.URL.Query().Get("after"), pageFound)
	var p *problem
	switch {
	case errors.As(err, &p):
		b.Error = p.detail
	case err != nil:
		b.Error = err.Error()
	}
	for _, f := range l.Items {
		b.Found = append(b.Found, foundLine{f, &f.LastSeen})
	}
	b.Count = v.Fill("n", "n", len(l.Items))
	if l.Next != "" {
		b.Count = v.Fill("first.n", "n", len(l.Items))
		b.More = "/tags?" + url.Values{"q": {b.Query}, "after": {l.Next}}.Encode()
	}
	return b, nil
}
