package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/site"
)

// count is how many tags are at a location.
type count struct {
	Location string `json:"location"`
	Present  int    `json:"present"`
	Unseen   int    `json:"unseen"` // not read there for too long
}

// state is where tags are, all in all.
type state struct {
	At        time.Time `json:"at"`
	Tags      int       `json:"tags"`      // known to the gateway
	Undecided int       `json:"undecided"` // read, but not placed yet
	Left      int       `json:"left"`      // went out through a door
	Strange   uint64    `json:"strange"`   // reads by antennas that stand nowhere in the configuration
	Locations []count   `json:"locations"`
}

// place is one location with its tags.
type place struct {
	At time.Time `json:"at"`
	count
	list[tag]
}

type tag struct {
	Tag      string    `json:"tag"`
	Since    time.Time `json:"since"` // when it came there
	LastSeen time.Time `json:"last_seen"`
	Present  bool      `json:"present"`
}

// Bounds of a page of tags.
const (
	pageTags = 500
	mostTags = 5000
)

// state answers with the counts of all locations; with parameter location, with that location's tags, in the order of
// their ids: limit of them, after the tag that after names.
func (s *Server) state(r *http.Request) (any, error) {
	if err := known(r, "location", "after", "limit"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patientFor)
	defer cancel()
	q := r.URL.Query()
	if !q.Has("location") {
		return s.counts(ctx)
	}
	limit, err := limitOf(q.Get("limit"))
	if err != nil {
		return nil, err
	}
	return s.place(ctx, q.Get("location"), q.Get("after"), limit)
}

func limitOf(text string) (int, error) {
	if text == "" {
		return pageTags, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostTags {
		return 0, &problem{http.StatusBadRequest, "bad_limit", fmt.Sprintf("limit %q is not 1 to %d", text, mostTags)}
	}
	return n, nil
}

// counts counts the tags of each place of the plan, in its order.
func (s *Server) counts(ctx context.Context) (state, error) {
	st := state{At: s.Now().UTC(), Locations: make([]count, len(s.Plan.Places))}
	for i, p := range s.Plan.Places {
		st.Locations[i].Location = p.Location
	}
	err := s.Road.Ask(ctx, func(m *reconcile.Machine) {
		st.Tags, st.Strange = m.Tags(), m.Strange()
		m.Each(func(w reconcile.Whereabouts) bool {
			i, ok := s.Plan.PlaceOf(w.Location)
			switch {
			case w.Location == "":
				st.Undecided++
			case w.Location == site.Customer:
				st.Left++
			case !ok:
			case w.Unseen:
				st.Locations[i].Unseen++
			default:
				st.Locations[i].Present++
			}
			return true
		})
	})
	return st, err
}

func (s *Server) place(ctx context.Context, location, after string, limit int) (place, error) {
	if _, ok := s.Plan.PlaceOf(location); !ok {
		return place{}, &problem{http.StatusNotFound, "not_found", fmt.Sprintf("location %q is none of this gateway's", location)}
	}
	p := place{At: s.Now().UTC(), count: count{Location: location}}
	var found firstTags
	found.most = limit + 1
	err := s.Road.Ask(ctx, func(m *reconcile.Machine) {
		m.Each(func(w reconcile.Whereabouts) bool {
			if w.Location != location {
				return true
			}
			if w.Unseen {
				p.Unseen++
			} else {
				p.Present++
			}
			if id := w.Tag.String(); id > after {
				found.add(tag{id, w.Since.UTC(), w.LastRead.UTC(), !w.Unseen})
			}
			return true
		})
	})
	if err != nil {
		return place{}, err
	}
	tags, next := found.sorted(), ""
	if len(tags) > limit {
		tags = tags[:limit]
		next = tags[limit-1].Tag
	}
	p.list = listOf(tags, next)
	return p, nil
}

// firstTags keeps the first tags of many, by their ids, in little more memory than those need.
type firstTags struct {
	most int
	tags []tag
}

func (f *firstTags) add(t tag) {
	f.tags = append(f.tags, t)
	if len(f.tags) >= 2*f.most {
		f.tags = f.sorted()
	}
}

func (f *firstTags) sorted() []tag {
	slices.SortFunc(f.tags, func(a, b tag) int { return cmp.Compare(a.Tag, b.Tag) })
	return f.tags[:min(len(f.tags), f.most)]
}
