package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
)

// audience is who hears of events, as of a revision of the endpoints. The row that numbers the events has the revision, and
// every transaction with events reads that row anyway: where it is the one that is known here, nothing else is asked, and
// where there are no endpoints nothing is done.
type audience struct {
	mu        sync.Mutex
	revision  int64
	source    webhook.Source
	endpoints []webhook.Endpoint // that are enabled; without their secrets
}

// hear gives those who hear, as of a revision.
func (tx *Tx) hear(revision int64) (webhook.Source, []webhook.Endpoint, error) {
	a := &tx.db.audience
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.revision == revision && !tx.endpointsChanged {
		return a.source, a.endpoints, nil
	}
	var source webhook.Source
	if _, err := tx.row(`SELECT value FROM meta WHERE key = 'hub'`, nil, &source.Hub); err != nil {
		return source, nil, err
	}
	endpoints, err := list(tx.ctx, tx, `SELECT id, events, sites FROM webhook_endpoint WHERE state = 'enabled' ORDER BY id`,
		func(scan func(...any) error) (e webhook.Endpoint, err error) {
			var id uid
			var events, sites string
			if err = scan(&id, &events, &sites); err != nil {
				return e, err
			}
			e.ID, e.State = string(id), webhook.Enabled
			if err = json.Unmarshal([]byte(events), &e.Events); err == nil {
				err = json.Unmarshal([]byte(sites), &e.Sites)
			}
			return e, err
		})
	if err != nil {
		return source, nil, fmt.Errorf("cannot read the webhook endpoints: %w", err)
	}
	if !tx.endpointsChanged { // else this may be undone
		a.revision, a.source, a.endpoints = revision, source, endpoints
	}
	return source, endpoints, nil
}

// fan makes the messages that go out for this transaction's events.
func (tx *Tx) fan(revision int64) error {
	if revision == 0 || len(tx.events) == 0 {
		return nil
	}
	source, endpoints, err := tx.hear(revision)
	if err != nil || len(endpoints) == 0 {
		return err
	}
	limited := slices.ContainsFunc(endpoints, func(e webhook.Endpoint) bool { return len(e.Sites) > 0 })
	now := time.Now() // the dispatcher's clock, which is the machine's
	var all []webhook.Outgoing
	for _, e := range tx.events {
		if !slices.ContainsFunc(endpoints, func(to webhook.Endpoint) bool { return slices.Contains(to.Events, e.Type) }) {
			continue
		}
		o := webhook.Occurrence{Event: e, Link: "/api/v1/events/" + strconv.FormatInt(e.Seq, 10)}
		if limited {
			if o.Sites, err = tx.sitesOf(e); err != nil {
				return err
			}
		}
		all = append(all, source.Fan(endpoints, o, now, func() string { return uuid.Must(uuid.NewV7()).String() })...)
	}
	return tx.enqueue(all)
}

var (
	messageRows = table{
		name: "webhook_message", columns: []column{{"id", text}, {"type", text}, {"at", integer}, {"body", text}}, then: `ON CONFLICT (id) DO NOTHING`,
	}
	deliveryRows = table{name: "webhook_delivery", columns: []column{
		{"id", id},
		{"endpoint", id},
		{"message", text},
		{"type", text},
		{"at", integer},
		{"state", text},
		{"tries", integer},
		{"due", integer},
		{"ended", integer},
		{"note", text},
		{"worker", text},
		{"term", integer},
		{"lease_until", integer},
	}, then: `ON CONFLICT (message, endpoint) DO NOTHING`}
)

// enqueue inserts messages with their deliveries.
func (tx *Tx) enqueue(all []webhook.Outgoing) error {
	var messages, deliveries [][]any
	for _, m := range all {
		messages = append(messages, []any{m.ID, m.Type, stamp(m.At), string(m.Body)})
		for _, d := range m.Deliveries {
			deliveries = append(deliveries, []any{
				uid(d.ID), uid(d.Endpoint), d.Message, d.Type, stamp(d.At), string(d.State), int64(d.Tries), stamp(d.Due), stamp(d.Ended), d.Note,
				d.Lease.Worker, d.Lease.Term, stamp(d.Lease.Until),
			})
		}
	}
	if err := tx.insert(&messageRows, messages); err != nil {
		return err
	}
	return tx.insert(&deliveryRows, deliveries)
}

// Enqueue inserts messages with their deliveries, as a transaction does for its events. It is there for tests of the rest.
func (tx *Tx) Enqueue(all []webhook.Outgoing) error { return tx.enqueue(all) }

// sitesOf gives the sites that an event's data are of; none where they are of the company, or nobody can tell.
func (tx *Tx) sitesOf(e event.Event) ([]string, error) {
	var edges, locations, sites []string
	if e.Type == event.Stock {
		var rows [][5]any
		if err := json.Unmarshal(e.Data, &rows); err != nil {
			return nil, err
		}
		for _, r := range rows {
			if at, ok := r[1].(string); ok {
				locations = append(locations, at)
			}
		}
	} else {
		var about struct{ Site, Edge, Location string }
		if json.Unmarshal(e.Data, &about) != nil {
			return nil, nil // a list, as of samples: of several sites
		}
		for list, v := range map[*[]string]string{&sites: about.Site, &edges: about.Edge, &locations: about.Location} {
			if v != "" {
				*list = append(*list, v)
			}
		}
	}
	for _, ask := range []struct {
		query string
		of    []string
	}{{`SELECT DISTINCT site FROM location WHERE code IN (`, locations}, {`SELECT DISTINCT site FROM edge WHERE id IN (`, edges}} {
		for _, part := range lists(distinct(ask.of)) {
			found, err := list(tx.ctx, tx, ask.query+marks(len(part), "?")+`)`, scanText, anys(part)...)
			if err != nil {
				return nil, fmt.Errorf("cannot find the sites of an event: %w", err)
			}
			sites = append(sites, found...)
		}
	}
	return distinct(sites), nil
}
