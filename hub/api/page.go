package api

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/tallydock/tallydock/hub/fault"
)

// list is a page of things. Next is the cursor of the page after, "" at the end.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"cursor of the page after; empty at the end"`

	by string // the query's name of the cursor
}

// listOf makes a page of a list whose cursor is before=.
func listOf[T any](items []T, next string) list[T] {
	if items == nil {
		items = []T{}
	}
	return list[T]{items, next, "before"}
}

// pageOf makes a page of a list whose cursor is cursor=.
func pageOf[T any](items []T, next string) list[T] {
	l := listOf(items, next)
	l.by = "cursor"
	return l
}

// linked is what leads to a page after it.
type linked interface {
	// after names the cursor in the query, and gives it.
	after() (name, cursor string)
}

func (l list[T]) after() (name, cursor string) { return l.by, l.Next }

type pageBody[T any] struct {
	Link string `header:"Link" doc:"rel=next where there is a page after"`
	Body T
}

// addressKey is the context's key of the request's address.
type addressKey struct{}

// nextLink is the Link header of a page (RFC 8288).
func nextLink(ctx context.Context, l linked) string {
	at, _ := ctx.Value(addressKey{}).(*url.URL)
	name, cursor := l.after()
	if at == nil || cursor == "" {
		return ""
	}
	q := at.Query()
	q.Set(name, cursor)
	next := url.URL{Path: at.Path, RawPath: at.RawPath, RawQuery: q.Encode()}
	return fmt.Sprintf(`<%s>; rel="next"`, next.String())
}

// PageInput chooses a page. (It is exported because huma fills no others when they are embedded.)
type PageInput struct {
	Cursor string `query:"cursor" maxLength:"2000" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

// LongPageInput chooses a page of a list that is mostly read whole.
type LongPageInput struct {
	Cursor string `query:"cursor" maxLength:"200" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"5000" default:"5000"`
}

// cut gives a page of a list that is there whole; the cursor is the id of the last thing of the page before.
func cut[T any](all []T, id func(T) string, p LongPageInput) (list[T], error) {
	if p.Cursor != "" {
		last := slices.IndexFunc(all, func(v T) bool { return id(v) == p.Cursor })
		if last < 0 {
			return list[T]{}, fmt.Errorf("%w: %q is not the cursor of a page, or its last row is gone: begin anew", fault.Invalid, p.Cursor)
		}
		all = all[last+1:]
	}
	if len(all) <= p.Limit {
		return pageOf(all, ""), nil
	}
	return pageOf(all[:p.Limit], id(all[p.Limit-1])), nil
}
