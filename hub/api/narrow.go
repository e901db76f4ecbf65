package api

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/planner"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/view"
)

// bounds narrows the rooms to the sites at which who asks has the permission of the route: handlers read and change through
// rooms that know of nothing else. What is elsewhere is not found, as if it were not there; what belongs to no known site
// is for those who have the permission at all sites.
type bounds struct {
	ground view.Store
}

// narrow puts bounds around rooms.
func (b bounds) narrow(r Rooms) Rooms {
	movements := r.Movements
	r.View = boundView{r.View, b}
	r.Movements = boundMovements{r.Movements, b}
	r.Alarms = boundAlarms{r.Alarms, r.Fleet, b}
	r.Fleet = boundFleet{r.Fleet, b}
	r.Series = boundSeries{r.Series, b}
	r.Catalog = boundCatalog{r.Catalog, b}
	r.References = boundReferences{r.References, b}
	r.LocationDocs = boundLocations{r.LocationDocs, b}
	r.Exporter = boundExporter{r.Exporter, b}
	r.Books = boundBooks{r.Books, movements, b}
	r.Reservations = boundReservations{r.Reservations, b}
	r.Units = boundUnits{r.Units, b}
	r.Counts = boundCounts{r.Counts, b}
	r.Planner = boundPlanner{r.Planner, b}
	r.Settler = boundSettler{r.Settler, r.Parked, b}
	r.Parked = boundParked{r.Parked, b}
	r.Valuation = boundValuation{r.Valuation, b}
	return r
}

// reach is what a request may see.
type reach struct {
	all      bool
	sites    []string
	location map[string]string // location -> site, of those sites
	edge     map[string]string // edge -> site
}

// of gives the reach of a request. Who is not known reaches nothing.
func (b bounds) of(ctx context.Context) (reach, error) {
	sites, all := sessionFrom(ctx).Principal.Sites(needFrom(ctx))
	if all || len(sites) == 0 {
		return reach{all: all}, nil
	}
	return b.at(ctx, sites)
}

// at gives what is at sites; nil = at all.
func (b bounds) at(ctx context.Context, sites []string) (reach, error) {
	g, err := b.ground.Ground(ctx, sites)
	return reach{sites: sites, location: g.Locations, edge: g.Edges}, err
}

// only narrows a list to a site: to the one that was asked for, or to the only one within reach.
func (b bounds) only(ctx context.Context, site string) (string, error) {
	r, err := b.of(ctx)
	if err == nil && site == "" && len(r.sites) == 1 {
		site = r.sites[0]
	}
	return site, err
}

func (r reach) site(site string) bool { return r.all || site != "" && slices.Contains(r.sites, site) }

func (r reach) place(location string) bool { return r.all || r.site(r.location[location]) }

// from reports whether something that an edge said of a location is within reach: by the edge's site, and by the location's
// where the edge is not known.
func (r reach) from(edge, location string) bool {
	if site, known := r.edge[edge]; known {
		return r.site(site)
	}
	return r.place(location)
}

// keep gives those of a list that are within reach, and any error instead.
func keep[T any](ctx context.Context, b bounds, all []T, err error, in func(reach, T) bool) ([]T, error) {
	if err != nil {
		return nil, err
	}
	r, err := b.of(ctx)
	if err != nil || r.all {
		return all, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return !in(r, v) }), nil
}

// found gives one thing, or says that there is none where it is out of reach.
func found[T any](ctx context.Context, b bounds, v T, err error, in func(reach, T) bool, what, id string) (T, error) {
	var none T
	if err != nil {
		return none, err
	}
	r, err := b.of(ctx)
	if err != nil {
		return none, err
	}
	if !r.all && !in(r, v) {
		return none, fmt.Errorf("%s %s: %w", what, id, fault.NotFound)
	}
	return v, nil
}

// mostPages is how many pages of a list are looked through for one that has something within reach.
const mostPages = 50

// page gives the first page from a cursor that has something within reach. It may be shorter than was asked for.
func page[T any](ctx context.Context, b bounds, before string, read func(before string) ([]T, string, error), in func(reach, T) bool) (got []T, next string, err error) {
	r, err := b.of(ctx)
	if err != nil {
		return nil, "", err
	}
	for range mostPages {
		got, next, err = read(before)
		if err != nil || r.all {
			return got, next, err
		}
		got = slices.DeleteFunc(slices.Clone(got), func(v T) bool { return !in(r, v) })
		if len(got) > 0 || next == "" {
			break
		}
		before = next
	}
	return got, next, nil
}

type boundView struct {
	view.Store
	bounds bounds
}

// StockPage is of a site within reach.
func (v boundView) StockPage(ctx context.Context, f view.PageFilter) (view.StockPage, error) {
	r, err := v.bounds.of(ctx)
	if err != nil {
		return view.StockPage{}, err
	}
	if !r.all && f.Site == "" {
		there := slices.Sorted(maps.Values(r.location))
		if there = append(there, r.sites...); len(there) > 0 {
			f.Site = there[0]
		}
	}
	if !r.all && !r.site(f.Site) {
		return view.StockPage{}, fmt.Errorf("site %s: %w", f.Site, fault.NotFound)
	}
	return v.Store.StockPage(ctx, f)
}

// Sites are those within reach.
func (v boundView) Sites(ctx context.Context) ([]view.Site, error) {
	all, err := v.Store.Sites(ctx)
	return keep(ctx, v.bounds, all, err, func(r reach, s view.Site) bool { return r.site(s.ID) })
}

func (r reach) door(d fleet.Door) bool {
	if d.Edge != "" {
		return r.from(d.Edge, d.Location)
	}
	return r.place(d.Location) || r.place(d.ID)
}

// Stock is of a row within reach.
func (v boundView) Stock(ctx context.Context, item, location string) (view.StockDetail, error) {
	r, err := v.bounds.of(ctx)
	if err != nil {
		return view.StockDetail{}, err
	}
	if !r.place(location) {
		return view.StockDetail{}, fmt.Errorf("stock of %s at %s: %w", item, location, fault.NotFound)
	}
	d, err := v.Store.Stock(ctx, item, location)
	for i := range d.Movements {
		d.Movements[i] = r.blur(d.Movements[i])
	}
	return d, err
}

// elsewhere stands for a place of a site that who asks does not see.
const elsewhere = "ELSEWHERE"

// touches reports whether a movement took from or gave to a place within reach.
func (r reach) touches(m ledger.Movement) bool {
	return r.all || slices.ContainsFunc(m.Lines, func(l ledger.Line) bool { return r.place(l.From) || r.place(l.To) })
}

// blur hides the far ends of a movement, and what was seen there.
func (r reach) blur(m ledger.Movement) ledger.Movement {
	if r.all {
		return m
	}
	m.Lines = slices.Clone(m.Lines)
	m.Lines = slices.DeleteFunc(m.Lines, func(l ledger.Line) bool { return !r.place(l.From) && !r.place(l.To) })
	for i := range m.Lines {
		for _, end := range []*string{&m.Lines[i].From, &m.Lines[i].To} {
			if !r.place(*end) && !ledger.IsVirtual(*end) {
				*end = elsewhere
			}
		}
	}
	if edge, ok := strings.CutPrefix(m.Source, "edge:"); ok && !r.from(edge, m.Evidence.ReadPoint) {
		m.Evidence, m.Source = ledger.Evidence{}, "edge:"+elsewhere
	}
	return m
}

// Movements are those that touched a place within reach.
func (v boundView) Movements(ctx context.Context, f view.MovementFilter) ([]ledger.Movement, string, error) {
	got, next, err := page(ctx, v.bounds, f.Before, func(before string) ([]ledger.Movement, string, error) {
		f.Before = before
		return v.Store.Movements(ctx, f)
	}, reach.touches)
	return v.bounds.blurred(ctx, got, next, err)
}

func (b bounds) blurred(ctx context.Context, got []ledger.Movement, next string, err error) ([]ledger.Movement, string, error) {
	if err != nil {
		return nil, "", err
	}
	r, err := b.of(ctx)
	for i := range got {
		got[i] = r.blur(got[i])
	}
	return got, next, err
}

// PassMovements are those of them that a pass made.
func (v boundView) PassMovements(ctx context.Context, pass string) ([]ledger.Movement, error) {
	all, err := v.Store.PassMovements(ctx, pass)
	all, err = keep(ctx, v.bounds, all, err, reach.touches)
	all, _, err = v.bounds.blurred(ctx, all, "", err)
	return all, err
}

type boundMovements struct {
	Movements
	bounds bounds
}

// Movement is one that touched a place within reach.
func (m boundMovements) Movement(ctx context.Context, id string) (ledger.Movement, error) {
	one, err := m.Movements.Movement(ctx, id)
	if one, err = found(ctx, m.bounds, one, err, reach.touches, "movement", id); err != nil {
		return ledger.Movement{}, err
	}
	r, err := m.bounds.of(ctx)
	return r.blur(one), err
}

type boundFleet struct {
	fleet.Store
	bounds bounds
}

// Edges are those within reach.
func (f boundFleet) Edges(ctx context.Context, site string) ([]fleet.Edge, error) {
	site, err := f.bounds.only(ctx, site)
	if err != nil {
		return nil, err
	}
	all, err := f.Store.Edges(ctx, site)
	return keep(ctx, f.bounds, all, err, func(r reach, e fleet.Edge) bool { return r.site(e.Site) })
}

// Doors are those within reach.
func (f boundFleet) Doors(ctx context.Context, site string, dayStart time.Time) ([]fleet.Door, error) {
	site, err := f.bounds.only(ctx, site)
	if err != nil {
		return nil, err
	}
	all, err := f.Store.Doors(ctx, site, dayStart)
	return keep(ctx, f.bounds, all, err, reach.door)
}

func (r reach) pass(p fleet.Pass) bool { return r.from(p.Edge, p.Door) }

// Passes are those of a door that edges within reach saw.
func (f boundFleet) Passes(ctx context.Context, door, before string, limit int) ([]fleet.Pass, string, error) {
	return page(ctx, f.bounds, before, func(before string) ([]fleet.Pass, string, error) {
		return f.Store.Passes(ctx, door, before, limit)
	}, reach.pass)
}

// Pass is one that an edge within reach saw.
func (f boundFleet) Pass(ctx context.Context, id string) (fleet.Pass, error) {
	p, err := f.Store.Pass(ctx, id)
	return found(ctx, f.bounds, p, err, reach.pass, "pass", id)
}

func (r reach) alarm(a fleet.Alarm) bool { return r.from(a.Edge, a.Location) }

// Alarms are those within reach.
func (f boundFleet) Alarms(ctx context.Context, filter fleet.AlarmFilter) ([]fleet.Alarm, string, error) {
	site, err := f.bounds.only(ctx, filter.Site)
	if err != nil {
		return nil, "", err
	}
	filter.Site = site
	return page(ctx, f.bounds, filter.Before, func(before string) ([]fleet.Alarm, string, error) {
		filter.Before = before
		return f.Store.Alarms(ctx, filter)
	}, reach.alarm)
}

// Alarm is one within reach.
func (f boundFleet) Alarm(ctx context.Context, id string) (fleet.Alarm, []fleet.AlarmEvent, error) {
	a, events, err := f.Store.Alarm(ctx, id)
	if a, err = found(ctx, f.bounds, a, err, reach.alarm, "alarm", id); err != nil {
		return fleet.Alarm{}, nil, err
	}
	return a, events, nil
}

func (r reach) excursion(e fleet.Excursion) bool { return r.from(e.Edge, e.Location) }

// Excursions are those within reach.
func (f boundFleet) Excursions(ctx context.Context, filter fleet.ExcursionFilter) ([]fleet.Excursion, string, error) {
	return page(ctx, f.bounds, filter.Before, func(before string) ([]fleet.Excursion, string, error) {
		filter.Before = before
		return f.Store.Excursions(ctx, filter)
	}, reach.excursion)
}

// Excursion is one within reach.
func (f boundFleet) Excursion(ctx context.Context, id string) (fleet.ExcursionDetail, error) {
	e, err := f.Store.Excursion(ctx, id)
	return found(ctx, f.bounds, e, err, func(r reach, e fleet.ExcursionDetail) bool { return r.excursion(e.Excursion) }, "excursion", id)
}

// Verdicts are those of edges within reach.
func (f boundFleet) Verdicts(ctx context.Context, door, before string, limit int) ([]fleet.Verdict, string, error) {
	return page(ctx, f.bounds, before, func(before string) ([]fleet.Verdict, string, error) {
		return f.Store.Verdicts(ctx, door, before, limit)
	}, func(r reach, v fleet.Verdict) bool { return r.from(v.Edge, v.Door) })
}

// boundAlarms lets people answer the alarms within reach only.
type boundAlarms struct {
	desk   AlarmDesk
	fleet  fleet.Store
	bounds bounds
}

// within answers an alarm that is within reach.
func (a boundAlarms) within(ctx context.Context, id string, do func() (fleet.Alarm, error)) (fleet.Alarm, error) {
	if _, _, err := (boundFleet{a.fleet, a.bounds}).Alarm(ctx, id); err != nil {
		return fleet.Alarm{}, err
	}
	return do()
}

// Acknowledge takes note of one.
func (a boundAlarms) Acknowledge(ctx context.Context, alarm, actor, comment string) (fleet.Alarm, error) {
	return a.within(ctx, alarm, func() (fleet.Alarm, error) { return a.desk.Acknowledge(ctx, alarm, actor, comment) })
}

// Shelve hides one.
func (a boundAlarms) Shelve(ctx context.Context, alarm, actor string, d time.Duration, reason string) (fleet.Alarm, error) {
	return a.within(ctx, alarm, func() (fleet.Alarm, error) { return a.desk.Shelve(ctx, alarm, actor, d, reason) })
}

// Unshelve shows one again.
func (a boundAlarms) Unshelve(ctx context.Context, alarm, actor string) (fleet.Alarm, error) {
	return a.within(ctx, alarm, func() (fleet.Alarm, error) { return a.desk.Unshelve(ctx, alarm, actor) })
}

// RemoveFromService takes one out for maintenance.
func (a boundAlarms) RemoveFromService(ctx context.Context, alarm, actor, reason string) (fleet.Alarm, error) {
	return a.within(ctx, alarm, func() (fleet.Alarm, error) { return a.desk.RemoveFromService(ctx, alarm, actor, reason) })
}

// ReturnToService brings one back from it.
func (a boundAlarms) ReturnToService(ctx context.Context, alarm, actor, comment string) (fleet.Alarm, error) {
	return a.within(ctx, alarm, func() (fleet.Alarm, error) { return a.desk.ReturnToService(ctx, alarm, actor, comment) })
}

// Reset ends a latched one.
func (a boundAlarms) Reset(ctx context.Context, alarm, actor, comment string) (fleet.Alarm, error) {
	return a.within(ctx, alarm, func() (fleet.Alarm, error) { return a.desk.Reset(ctx, alarm, actor, comment) })
}

// Expect puts a list at a door of an edge within reach.
func (a boundAlarms) Expect(ctx context.Context, edge, actor string, list wire.Expect) error {
	r, err := a.bounds.of(ctx)
	if err != nil {
		return err
	}
	if !r.all && !r.site(r.edge[edge]) {
		return fmt.Errorf("edge %s: %w", edge, fault.NotFound)
	}
	return a.desk.Expect(ctx, edge, actor, list)
}

type boundSeries struct {
	series.Store
	bounds bounds
}

// Query gives the sensors within reach.
func (s boundSeries) Query(ctx context.Context, q series.Query) (all []series.Series, err error) {
	r, err := s.bounds.of(ctx)
	if err != nil {
		return nil, err
	}
	sites := []string{q.Sensors.Site}
	if q.Sensors.Site == "" && !r.all {
		sites = r.sites
	}
	for _, q.Sensors.Site = range sites {
		some, err := s.Store.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b series.Series) int { return strings.Compare(a.ID, b.ID) })
	if most := q.Sensors.Limit; most > 0 && len(all) > most {
		all = all[:most]
	}
	return keep(ctx, s.bounds, all, err, func(r reach, one series.Series) bool { return r.from(one.Edge, one.Location) })
}

type boundCatalog struct {
	Catalog
	bounds bounds
}

// Locations are those within reach; items and suppliers are of no site.
func (c boundCatalog) Locations(ctx context.Context) ([]catalog.Location, error) {
	all, err := c.Catalog.Locations(ctx)
	return keep(ctx, c.bounds, all, err, func(r reach, l catalog.Location) bool { return r.site(l.Site) })
}

type boundPlanner struct {
	Planner
	bounds bounds
}

func (r reach) proposal(p planner.Proposal) bool { return r.site(p.Site) }

// Proposals are those for sites within reach.
func (p boundPlanner) Proposals(ctx context.Context, f planner.Filter) ([]planner.Proposal, string, error) {
	site, err := p.bounds.only(ctx, f.Site)
	if err != nil {
		return nil, "", err
	}
	f.Site = site
	return page(ctx, p.bounds, f.Before, func(before string) ([]planner.Proposal, string, error) {
		f.Before = before
		return p.Planner.Proposals(ctx, f)
	}, reach.proposal)
}

// Proposal is one of them.
func (p boundPlanner) Proposal(ctx context.Context, id string) (planner.Proposal, error) {
	one, err := p.Planner.Proposal(ctx, id)
	return found(ctx, p.bounds, one, err, reach.proposal, "proposal", id)
}

// Approve orders what one of them proposes.
func (p boundPlanner) Approve(ctx context.Context, id string, quantity *int64, actor, comment string) (planner.Proposal, error) {
	if _, err := p.Proposal(ctx, id); err != nil {
		return planner.Proposal{}, err
	}
	return p.Planner.Approve(ctx, id, quantity, actor, comment)
}

// Reject says no to one of them.
func (p boundPlanner) Reject(ctx context.Context, id, actor, reason string) (planner.Proposal, error) {
	if _, err := p.Proposal(ctx, id); err != nil {
		return planner.Proposal{}, err
	}
	return p.Planner.Reject(ctx, id, actor, reason)
}

// Orders are those for sites within reach.
func (p boundPlanner) Orders(ctx context.Context) ([]planner.Order, error) {
	all, err := p.Planner.Orders(ctx)
	return keep(ctx, p.bounds, all, err, func(r reach, o planner.Order) bool { return r.site(o.Site) })
}

type boundParked struct {
	Parked
	bounds bounds
}

func (r reach) entry(e intake.Entry) bool { return r.all || r.site(r.edge[e.Edge]) }

// Quarantine is what edges within reach sent.
func (p boundParked) Quarantine(ctx context.Context, state intake.EntryState) ([]intake.Entry, error) {
	all, err := p.Parked.Quarantine(ctx, state)
	return keep(ctx, p.bounds, all, err, reach.entry)
}

type boundSettler struct {
	settler Settler
	parked  Parked
	bounds  bounds
}

// within finds an open entry that is within reach. For those who reach everything it leaves the finding to the settler.
func (s boundSettler) within(ctx context.Context, id string) error {
	r, err := s.bounds.of(ctx)
	if err != nil || r.all {
		return err
	}
	for _, state := range []intake.EntryState{intake.Open, intake.Resolved, intake.Discarded} {
		all, err := s.parked.Quarantine(ctx, state)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(e intake.Entry) bool { return e.ID == id && r.entry(e) }) {
			return nil
		}
	}
	return fmt.Errorf("quarantine entry %s: %w", id, fault.NotFound)
}

// Retry applies an entry within reach.
func (s boundSettler) Retry(ctx context.Context, id, actor string) (intake.Entry, error) {
	if err := s.within(ctx, id); err != nil {
		return intake.Entry{}, err
	}
	return s.settler.Retry(ctx, id, actor)
}

// Discard gives an entry within reach up.
func (s boundSettler) Discard(ctx context.Context, id, actor, reason string) (intake.Entry, error) {
	if err := s.within(ctx, id); err != nil {
		return intake.Entry{}, err
	}
	return s.settler.Discard(ctx, id, actor, reason)
}

// Correct applies an entry within reach, to a place within reach.
func (s boundSettler) Correct(ctx context.Context, id, actor string, c intake.Correction) (intake.Entry, error) {
	if err := s.within(ctx, id); err != nil {
		return intake.Entry{}, err
	}
	r, err := s.bounds.of(ctx)
	if err != nil {
		return intake.Entry{}, err
	}
	if c.To != "" && !r.open(c.To) {
		return intake.Entry{}, fmt.Errorf("location %s: %w", c.To, fault.NotFound)
	}
	return s.settler.Correct(ctx, id, actor, c)
}
