package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
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

// tally keeps the counts for the page for a moment: counting stops the machine, and many pages may be open.
type tally struct {
	mu    sync.Mutex
	at    time.Time // machine time
	state state
}

const tallyFor = 4 * time.Second

// countsLately gives counts that may be a little old.
func (s *Server) countsLately(ctx context.Context) (state, error) {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	if !s.tally.at.IsZero() && time.Since(s.tally.at) < tallyFor {
		return s.tally.state, nil
	}
	st, err := s.counts(ctx)
	if err == nil {
		s.tally.at, s.tally.state = time.Now(), st
	}
	return st, err
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

// pageAsked reads the parameters of a list in pages, and refuses those that it does not have.
func pageAsked(r *http.Request, more ...string) (after string, limit int, err error) {
	if err := known(r, append(more, "after", "limit")...); err != nil {
		return "", 0, err
	}
	limit, err = limitOf(r.URL.Query().Get("limit"))
	return r.URL.Query().Get("after"), limit, err
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
	found := firstOf[tag]{most: limit + 1, key: func(t tag) string { return t.Tag }}
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

// firstOf keeps the first of many things, by their keys, in little more memory than those need.
type firstOf[T any] struct {
	most  int
	key   func(T) string
	items []T
}

func (f *firstOf[T]) add(it T) {
	f.items = append(f.items, it)
	if len(f.items) >= 2*f.most {
		f.items = f.sorted()
	}
}

func (f *firstOf[T]) sorted() []T {
	sortedBy(f.items, f.key)
	return f.items[:min(len(f.items), f.most)]
}
