package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/fault"
)

// Sealer closes secrets, each under a label, so that the database does not show them; a secret.Keyring is one.
type Sealer interface {
	Seal(label string, text []byte) []byte
	Open(label string, sealed []byte) ([]byte, error)
}

// Webhooks keeps endpoints, and what is sent to them; it is a webhook.Store. The messages themselves are made by every
// transaction with events: see fan.
type Webhooks struct {
	*DB
	Sealer Sealer
}

var _ webhook.Store = Webhooks{}

const endpointColumns = `SELECT id, url, description, events, sites, secret, previous, previous_until, state, turned_by, turned_why, turned_at,
	failing, failed, paused, created, created_by, updated, revision FROM webhook_endpoint `

func (s Webhooks) scanEndpoint(scan func(...any) error) (e webhook.Endpoint, err error) {
	var id uid
	var events, sites string
	var current, previous []byte
	var until, turned, failing, failed, paused, created, updated int64
	err = scan(&id, &e.URL, &e.Description, &events, &sites, &current, &previous, &until, &e.State, &e.Turned.By, &e.Turned.Why, &turned,
		&failing, &failed, &paused, &created, &e.CreatedBy, &updated, &e.Revision)
	if err != nil {
		return e, err
	}
	e.ID, e.Secrets.Until, e.Turned.At = string(id), timeOf(until), timeOf(turned)
	e.Health = webhook.Health{Failing: timeOf(failing), Failed: timeOf(failed), Paused: timeOf(paused)}
	e.Created, e.Updated = timeOf(created), timeOf(updated)
	if err := json.Unmarshal([]byte(events), &e.Events); err != nil {
		return e, err
	}
	if err := json.Unmarshal([]byte(sites), &e.Sites); err != nil {
		return e, err
	}
	if e.Secrets.Current, err = s.open(e.ID, current); err != nil {
		return e, err
	}
	e.Secrets.Previous, err = s.open(e.ID, previous)
	return e, err
}

func secretLabel(endpoint string) string { return "webhook/" + endpoint }

func (s Webhooks) open(endpoint string, sealed []byte) (webhook.Secret, error) {
	if len(sealed) == 0 {
		return webhook.Secret{}, nil
	}
	text, err := s.Sealer.Open(secretLabel(endpoint), sealed)
	if err != nil {
		return webhook.Secret{}, fmt.Errorf("cannot open the secret of webhook endpoint %s: %w", endpoint, err)
	}
	return webhook.ParseSecret(string(text))
}

func (s Webhooks) seal(endpoint string, secret webhook.Secret) []byte {
	if secret.IsZero() {
		return []byte{}
	}
	return s.Sealer.Seal(secretLabel(endpoint), []byte(secret.Reveal()))
}

// Endpoints gives all, by ID.
func (s Webhooks) Endpoints(ctx context.Context) ([]webhook.Endpoint, error) {
	return list(ctx, s.read, endpointColumns+`ORDER BY id`, s.scanEndpoint)
}

var endpointRows = table{name: "webhook_endpoint", columns: []column{
	{"id", id},
	{"url", text},
	{"description", text},
	{"events", text},
	{"sites", text},
	{"secret", binary},
	{"previous", binary},
	{"previous_until", integer},
	{"state", text},
	{"turned_by", text},
	{"turned_why", text},
	{"turned_at", integer},
	{"failing", integer},
	{"failed", integer},
	{"paused", integer},
	{"created", integer},
	{"created_by", text},
	{"updated", integer},
	{"revision", integer},
}, then: `ON CONFLICT (id) DO UPDATE SET url = excluded.url, description = excluded.description, events = excluded.events, sites = excluded.sites,
	secret = excluded.secret, previous = excluded.previous, previous_until = excluded.previous_until, state = excluded.state,
	turned_by = excluded.turned_by, turned_why = excluded.turned_why, turned_at = excluded.turned_at, failing = excluded.failing,
	failed = excluded.failed, paused = excluded.paused, updated = excluded.updated, revision = excluded.revision`}

// putEndpoint writes an endpoint. Where it is known, told says whether others must hear of the change: those who make messages.
func (s Webhooks) putEndpoint(tx *Tx, e webhook.Endpoint, told bool) error {
	events, err := json.Marshal(e.Events)
	if err != nil {
		return err
	}
	sites, err := json.Marshal(e.Sites)
	if err != nil {
		return err
	}
	tx.endpointsChanged = tx.endpointsChanged || told
	return tx.insert(&endpointRows, [][]any{{
		uid(e.ID), e.URL, e.Description, string(events), string(sites), s.seal(e.ID, e.Secrets.Current), s.seal(e.ID, e.Secrets.Previous),
		stamp(e.Secrets.Until), string(e.State), e.Turned.By, e.Turned.Why, stamp(e.Turned.At), stamp(e.Health.Failing), stamp(e.Health.Failed),
		stamp(e.Health.Paused), stamp(e.Created), e.CreatedBy, stamp(e.Updated), e.Revision,
	}})
}

// endpoint reads one, and keeps others from changing it.
func (s Webhooks) endpoint(tx *Tx, of string) (webhook.Endpoint, error) {
	if uuid.Validate(of) != nil {
		return webhook.Endpoint{}, webhook.NoEndpoint(of)
	}
	found, err := list(tx.ctx, tx, tx.lock(endpointColumns+`WHERE id = ?`), s.scanEndpoint, uid(of))
	if err == nil && len(found) == 0 {
		err = webhook.NoEndpoint(of)
	}
	if err != nil {
		return webhook.Endpoint{}, err
	}
	return found[0], nil
}

// AddEndpoint adds one. Errors: fault.Conflict where its ID is there.
func (s Webhooks) AddEndpoint(ctx context.Context, e webhook.Endpoint) error {
	return s.Write(ctx, func(tx *Tx) error {
		var there int
		found, err := tx.row(`SELECT 1 FROM webhook_endpoint WHERE id = ?`, []any{uid(e.ID)}, &there)
		if err == nil && found {
			err = fmt.Errorf("%w: webhook endpoint %s is there already", fault.Conflict, e.ID)
		}
		if err != nil {
			return err
		}
		if err := s.putEndpoint(tx, e, true); err != nil {
			return err
		}
		return tx.changed(ctx, "webhook", e.ID, nil, endpointFacts(e))
	})
}

// ChangeEndpoint replaces an endpoint by what f makes of it. Errors: fault.NotFound; those of f.
func (s Webhooks) ChangeEndpoint(ctx context.Context, id string, f func(webhook.Endpoint) (webhook.Endpoint, error)) (e webhook.Endpoint, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		was, err := s.endpoint(tx, id)
		if err != nil {
			return err
		}
		if e, err = f(was); err != nil {
			return err
		}
		if err := s.putEndpoint(tx, e, true); err != nil {
			return err
		}
		after := endpointFacts(e)
		if e.Secrets.Current != was.Secrets.Current {
			after["rotated"] = true
		}
		return tx.changed(ctx, "webhook", id, endpointFacts(was), after)
	})
	return e, err
}

// RemoveEndpoint removes an endpoint with its deliveries, their attempts, and messages that were for it alone. Errors:
// fault.NotFound.
func (s Webhooks) RemoveEndpoint(ctx context.Context, id string) error {
	return s.Write(ctx, func(tx *Tx) error {
		was, err := s.endpoint(tx, id)
		if err != nil {
			return err
		}
		tx.endpointsChanged = true
		for _, text := range []string{
			`DELETE FROM webhook_attempt WHERE delivery IN (SELECT id FROM webhook_delivery WHERE endpoint = ?)`,
			`DELETE FROM webhook_message WHERE id IN (SELECT d.message FROM webhook_delivery d WHERE d.endpoint = ?
				AND NOT EXISTS (SELECT 1 FROM webhook_delivery o WHERE o.message = d.message AND o.endpoint <> d.endpoint))`,
			`DELETE FROM webhook_delivery WHERE endpoint = ?`,
			`DELETE FROM webhook_endpoint WHERE id = ?`,
		} {
			if err := tx.exec(text, uid(id)); err != nil {
				return fmt.Errorf("cannot remove webhook endpoint %s: %w", id, err)
			}
		}
		return tx.changed(ctx, "webhook", id, endpointFacts(was), nil)
	})
}

const deliveryColumns = `SELECT id, endpoint, message, type, at, state, tries, due, ended, note, worker, term, lease_until FROM webhook_delivery `

func scanDelivery(scan func(...any) error) (d webhook.Delivery, err error) {
	var id, endpoint uid
	var at, due, ended, until int64
	err = scan(&id, &endpoint, &d.Message, &d.Type, &at, &d.State, &d.Tries, &due, &ended, &d.Note, &d.Lease.Worker, &d.Lease.Term, &until)
	d.ID, d.Endpoint, d.At, d.Due, d.Ended, d.Lease.Until = string(id), string(endpoint), timeOf(at), timeOf(due), timeOf(ended), timeOf(until)
	return d, err
}

func (tx *Tx) updateDelivery(d webhook.Delivery) error {
	return tx.exec(`UPDATE webhook_delivery SET state = ?, tries = ?, due = ?, ended = ?, note = ?, worker = ?, term = ?, lease_until = ? WHERE id = ?`,
		string(d.State), d.Tries, stamp(d.Due), stamp(d.Ended), d.Note, d.Lease.Worker, d.Lease.Term, stamp(d.Lease.Until), uid(d.ID))
}

// delivery reads one, and keeps others from changing it. Errors: fault.NotFound.
func (tx *Tx) delivery(of string) (webhook.Delivery, error) {
	if uuid.Validate(of) != nil {
		return webhook.Delivery{}, webhook.NoDelivery(of)
	}
	found, err := list(tx.ctx, tx, tx.lock(deliveryColumns+`WHERE id = ?`), scanDelivery, uid(of))
	if err == nil && len(found) == 0 {
		err = webhook.NoDelivery(of)
	}
	if err != nil {
		return webhook.Delivery{}, err
	}
	return found[0], nil
}

// Claim leases deliveries. It looks first whether anything is due, so that it does not write where nothing is.
func (s Webhooks) Claim(ctx context.Context, c webhook.Claim) (claimed []webhook.Claimed, err error) {
	if due, err := s.dueEndpoints(ctx, s.read, c.Now); err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		claimed = nil
		due, err := s.dueEndpoints(ctx, tx, c.Now)
		if err != nil {
			return err
		}
		var candidates []webhook.Candidate
		found := map[string]webhook.Delivery{}
		for _, e := range due {
			all, err := list(ctx, tx, tx.claimable(), scanDelivery, uid(e.ID), stamp(c.Now), stamp(c.Now), max(c.PerEndpoint, 1))
			if err != nil {
				return fmt.Errorf("cannot find webhook deliveries that are due: %w", err)
			}
			for _, d := range all {
				found[d.ID] = d
				candidates = append(candidates, webhook.Candidate{ID: d.ID, Endpoint: d.Endpoint, Due: d.Due, Failing: !e.Health.Failing.IsZero()})
			}
		}
		for _, p := range c.Pick(candidates) {
			d := found[p.ID].Leased(c.Worker, c.Now.Add(c.Lease))
			if err := tx.updateDelivery(d); err != nil {
				return err
			}
			m, err := message(ctx, tx, d.Message)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(due, func(e webhook.Endpoint) bool { return e.ID == d.Endpoint })
			claimed = append(claimed, webhook.Claimed{Delivery: d, Message: m, Endpoint: due[i]})
		}
		return nil
	})
	return claimed, err
}

// claimable finds what may be claimed of one endpoint. What another hub is claiming at this moment is passed over.
func (tx *Tx) claimable() string {
	text := deliveryColumns + `WHERE endpoint = ? AND state = 'pending' AND due <= ? AND lease_until <= ? ORDER BY due, id LIMIT ?`
	if tx.db.dialect.Alone {
		return text
	}
	return text + ` FOR UPDATE SKIP LOCKED`
}

// dueEndpoints gives those to which something may be sent now.
func (s Webhooks) dueEndpoints(ctx context.Context, q querier, now time.Time) ([]webhook.Endpoint, error) {
	at := stamp(now)
	all, err := list(ctx, q, endpointColumns+`WHERE state = 'enabled' AND paused <= ? AND EXISTS (SELECT 1 FROM webhook_delivery d
		WHERE d.endpoint = webhook_endpoint.id AND d.state = 'pending' AND d.due <= ? AND d.lease_until <= ?) ORDER BY id`, s.scanEndpoint, at, at, at)
	if err != nil {
		return nil, fmt.Errorf("cannot find webhook endpoints for which something is due: %w", err)
	}
	return all, nil
}

func message(ctx context.Context, q querier, of string) (m webhook.Message, err error) {
	var at int64
	var body string
	found, err := one(ctx, q, `SELECT id, type, at, body FROM webhook_message WHERE id = ?`, []any{of}, &m.ID, &m.Type, &at, &body)
	if err == nil && !found {
		err = fmt.Errorf("webhook message %s is gone", of)
	}
	m.At, m.Body = timeOf(at), []byte(body)
	return m, err
}

// Settle writes down what became of a claimed delivery. Errors: fault.Conflict where its lease is not held any more.
func (s Webhooks) Settle(ctx context.Context, v webhook.Settlement) (after webhook.Endpoint, err error) {
	stale := fmt.Errorf("%w: delivery %s is not leased under term %d", fault.Conflict, v.Delivery.ID, v.Delivery.Lease.Term)
	err = s.Write(ctx, func(tx *Tx) error {
		var endpoint uid
		var term, until int64
		found, err := tx.row(tx.lock(`SELECT endpoint, term, lease_until FROM webhook_delivery WHERE id = ?`), []any{uid(v.Delivery.ID)}, &endpoint, &term, &until)
		if err != nil {
			return err
		}
		if !found || until == 0 || term != v.Delivery.Lease.Term {
			return stale
		}
		if err := tx.updateDelivery(v.Delivery); err != nil {
			return err
		}
		if err := tx.putAttempt(v.Delivery.ID, v.Attempt); err != nil {
			return err
		}
		before, err := s.endpoint(tx, string(endpoint))
		if err != nil {
			return err
		}
		var changed bool
		if after, changed = before.After(v.Change); changed {
			return s.putEndpoint(tx, after, after.State != before.State)
		}
		return nil
	})
	return after, err
}

func (tx *Tx) putAttempt(delivery string, a *webhook.Attempt) error {
	if a == nil {
		return nil
	}
	return tx.exec(`INSERT INTO webhook_attempt (delivery, number, at, took, status, error, excerpt, worker)
		SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?, ? FROM webhook_attempt WHERE delivery = ?`,
		uid(delivery), stamp(a.At), a.Took.Microseconds(), a.Status, a.Error, a.Excerpt, a.Worker, uid(delivery))
}

// attemptsOf gives the newest attempts of a delivery, oldest first.
func attemptsOf(ctx context.Context, q querier, delivery string) ([]webhook.Attempt, error) {
	all, err := list(ctx, q, `SELECT at, took, status, error, excerpt, worker FROM webhook_attempt WHERE delivery = ? ORDER BY number DESC LIMIT ?`,
		func(scan func(...any) error) (a webhook.Attempt, err error) {
			var at, took int64
			err = scan(&at, &took, &a.Status, &a.Error, &a.Excerpt, &a.Worker)
			a.At, a.Took = timeOf(at), time.Duration(took)*time.Microsecond
			return a, err
		}, uid(delivery), webhook.MaxAttempts)
	slices.Reverse(all)
	return all, err
}

// Log gives a page of an endpoint's deliveries, newest first, with their attempts.
func (s Webhooks) Log(ctx context.Context, q webhook.LogQuery) (page []webhook.Entry, err error) {
	before := lastUID
	if q.Before != "" {
		before = uid(q.Before)
	}
	if uuid.Validate(q.Endpoint) != nil || uuid.Validate(string(before)) != nil {
		return nil, nil
	}
	err = s.reading(ctx, func(r reader) error {
		query, args := deliveryColumns+`WHERE endpoint = ? AND id < ? `, []any{uid(q.Endpoint), before}
		if q.State != "" {
			query, args = query+`AND state = ? `, append(args, string(q.State))
		}
		all, err := list(ctx, r, query+`ORDER BY id DESC LIMIT ?`, scanDelivery, append(args, q.Limit)...)
		if err != nil {
			return err
		}
		for _, d := range all {
			tried, err := attemptsOf(ctx, r, d.ID)
			if err != nil {
				return err
			}
			page = append(page, webhook.Entry{Delivery: d, Attempts: tried})
		}
		return nil
	})
	return page, err
}

// Delivery gives one, with its message. Errors: fault.NotFound.
func (s Webhooks) Delivery(ctx context.Context, id string) (e webhook.Entry, m webhook.Message, err error) {
	if uuid.Validate(id) != nil {
		return e, m, webhook.NoDelivery(id)
	}
	err = s.reading(ctx, func(r reader) error {
		found, err := list(ctx, r, deliveryColumns+`WHERE id = ?`, scanDelivery, uid(id))
		if err == nil && len(found) == 0 {
			err = webhook.NoDelivery(id)
		}
		if err != nil {
			return err
		}
		e.Delivery = found[0]
		if e.Attempts, err = attemptsOf(ctx, r, id); err != nil {
			return err
		}
		m, err = message(ctx, r, e.Message)
		return err
	})
	return e, m, err
}

// ChangeDelivery replaces a delivery by what f makes of it. Errors: fault.NotFound; those of f.
func (s Webhooks) ChangeDelivery(ctx context.Context, id string, f func(webhook.Delivery) (webhook.Delivery, error)) (d webhook.Delivery, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		was, err := tx.delivery(id)
		if err != nil {
			return err
		}
		if d, err = f(was); err != nil {
			return err
		}
		if err := tx.updateDelivery(d); err != nil {
			return err
		}
		return tx.changed(ctx, "webhook-delivery", id, deliveryFacts(was), deliveryFacts(d))
	})
	return d, err
}

// RedeliverSince makes what failed due again, and says how much that is.
func (s Webhooks) RedeliverSince(ctx context.Context, endpoint string, since, now time.Time) (n int, err error) {
	if uuid.Validate(endpoint) != nil {
		return 0, webhook.NoEndpoint(endpoint)
	}
	err = s.Write(ctx, func(tx *Tx) error {
		many, err := tx.count(`UPDATE webhook_delivery SET state = 'pending', tries = 0, due = ?, ended = 0, note = '', worker = '', lease_until = 0
			WHERE endpoint = ? AND state = 'failed' AND at >= ?`, stamp(now), uid(endpoint), stamp(since))
		if n = int(many); err != nil {
			return err
		}
		return tx.changed(ctx, "webhook", endpoint, nil, facts{"redelivered": n, "since": since.UTC()})
	})
	return n, err
}
