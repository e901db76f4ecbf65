package api

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/tenant"
)

// seen are the permissions that it takes to hear of things; of others only those hear who see stock at all sites.
var seen = map[event.Type]tenant.Permission{
	event.Stock: tenant.StockRead, event.Pass: tenant.StockRead, event.Alarm: tenant.AlarmRead, event.Edge: tenant.EdgeRead,
	event.Device: tenant.EdgeRead, event.Sample: tenant.SeriesRead, event.Proposal: tenant.PlanRead,
	event.Quarantine: tenant.DiscrepancyRead,
}

// freshReach is how long a stream of somebody who does not see all sites goes by the same locations and edges.
const freshReach = 30 * time.Second

// listener is who listens to a stream, and what of it is for that ear.
type listener struct {
	bounds bounds
	who    tenant.Principal
	places reach // of all sites that the listener has something to do with
	loaded time.Time
}

// refresh takes what the listener may do now, and where that is.
func (l *listener) refresh(ctx context.Context, who tenant.Principal, now time.Time) error {
	l.who = who
	if now.Sub(l.loaded) < freshReach {
		return nil
	}
	var sites []string
	for _, p := range seen {
		if some, all := who.Sites(p); !all {
			sites = append(sites, some...)
		}
	}
	if len(sites) > 0 {
		var err error
		if l.places, err = l.bounds.at(ctx, sites); err != nil {
			return err
		}
	}
	l.loaded = now
	return nil
}

// hears gives what of an event is for the listener; false = nothing.
func (l *listener) hears(e event.Event) (event.Event, bool) {
	need, known := seen[e.Type]
	if !known {
		need = tenant.StockRead
	}
	sites, all := l.who.Sites(need)
	if all {
		return e, true
	}
	if !known || len(sites) == 0 {
		return e, false
	}
	r := l.places
	r.sites = sites
	switch e.Type {
	case event.Stock:
		return rows(e, func(row []any) bool { return r.place(textAt(row, 1)) })
	case event.Sample:
		return rows(e, func(row []any) bool {
			edge, _, _ := strings.Cut(textAt(row, 0), "/")
			return r.site(r.edge[edge])
		})
	}
	return e, r.tells(e)
}

// tells reports whether an event about one thing is within reach. Counts over all sites are not.
func (r reach) tells(e event.Event) bool {
	var about struct{ Edge, ID, Location, Door, Site string }
	if json.Unmarshal(e.Data, &about) != nil {
		return false
	}
	switch e.Type {
	case event.Edge, event.Proposal:
		return r.site(about.Site)
	case event.Alarm, event.Device:
		return r.from(about.Edge, about.Location)
	case event.Pass:
		return r.from(about.Edge, about.Door)
	}
	return false
}

// rows keeps those of an event that is a list of lists.
func rows(e event.Event, in func([]any) bool) (event.Event, bool) {
	var all [][]any
	if json.Unmarshal(e.Data, &all) != nil {
		return e, false
	}
	var mine [][]any
	for _, row := range all {
		if in(row) {
			mine = append(mine, row)
		}
	}
	if len(mine) == 0 {
		return e, false
	}
	data, err := json.Marshal(mine)
	e.Data = data
	return e, err == nil
}

func textAt(row []any, i int) string {
	if i >= len(row) {
		return ""
	}
	s, _ := row[i].(string)
	return s
}
