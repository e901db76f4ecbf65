package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
)

// EPCIS keeps the events that were captured; it is an epcis.Store.
type EPCIS struct{ *DB }

var _ epcis.Store = EPCIS{}

// maxName is the longest name of an event, an object or a place in bytes: what an index of PostgreSQL takes in two columns.
const maxName = 1000

// Put keeps events, all or none, and gives those that it did not have. Errors: epcis.ErrContradiction; fault.Invalid where
// a name in them is too long.
func (s EPCIS) Put(ctx context.Context, events []epcis.Event) (fresh []epcis.Event, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		known, err := tx.KnownEvents(events)
		if err != nil {
			return err
		}
		fresh = nil
		for i, e := range events {
			if known[i] == nil {
				fresh = append(fresh, e)
			} else if *known[i] != epcis.EventHash(e) {
				return fmt.Errorf("event %s: %w", e.Key(), epcis.ErrContradiction)
			}
		}
		return tx.PutEvents(fresh)
	})
	if err != nil {
		return nil, err
	}
	return fresh, nil
}

// KnownEvents gives, for each of the events, the hash of the one of its key that there is, here or before it in the list;
// nil where there is none.
func (tx *Tx) KnownEvents(events []epcis.Event) ([]*string, error) {
	hashes := map[string]string{}
	keys := make([]string, len(events))
	for i, e := range events {
		keys[i] = e.Key()
	}
	for _, part := range lists(distinct(slices.Clone(keys))) {
		err := each(tx.ctx, tx, `SELECT key, hash FROM epcis_key WHERE key IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			var key, hash string
			err := scan(&key, &hash)
			hashes[key] = hash
			return err
		}, anys(part)...)
		if err != nil {
			return nil, fmt.Errorf("cannot look for events: %w", err)
		}
	}
	known := make([]*string, len(events))
	for i, key := range keys {
		if hash, ok := hashes[key]; ok {
			known[i] = &hash
		} else {
			hashes[key] = epcis.EventHash(events[i])
		}
	}
	return known, nil
}

var (
	epcisKeyRows   = table{name: "epcis_key", columns: []column{{"key", text}, {"hash", text}, {"event", id}}}
	epcisEventRows = table{name: "epcis_event", columns: []column{
		{"id", id},
		{"key", text},
		{"identity", text},
		{"type", text},
		{"action", text},
		{"at", integer},
		{"recorded_at", integer},
		{"biz_step", text},
		{"disposition", text},
		{"read_point", text},
		{"biz_location", text},
		{"body", text},
		{"context", text},
	}}
	epcisEPCRows = table{name: "epcis_epc", columns: []column{{"epc", text}, {"role", text}, {"event", id}}}
)

// PutEvents keeps events of which none is known. Errors: fault.Invalid where a name in them is too long.
func (tx *Tx) PutEvents(events []epcis.Event) error {
	var keys, rows, epcs [][]any
	for _, e := range events {
		k := e.Keys()
		if err := CheckNames(k); err != nil {
			return err
		}
		body, err := e.MarshalJSON()
		if err != nil {
			return err
		}
		around := []byte{}
		if c := e.Context(); len(c) > 0 {
			if around, err = json.Marshal(c); err != nil {
				return fmt.Errorf("cannot keep the context of event %s: %w", k.Key, err)
			}
		}
		event := uid(uuid.Must(uuid.NewV7()).String())
		keys = append(keys, []any{k.Key, k.Hash, event})
		rows = append(rows, []any{
			event, k.Key, k.Identity, k.Type, string(k.Action), k.Time.UnixMicro(), k.RecordTime.UnixMicro(), k.BizStep, k.Disposition,
			k.ReadPoint, k.BizLocation, string(body), string(around),
		})
		for _, o := range k.EPCs {
			epcs = append(epcs, []any{o.EPC, string(o.Role), event})
		}
	}
	slices.SortFunc(keys, func(a, b []any) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	if err := insertNew(tx, &epcisKeyRows, keys); err != nil {
		return err
	}
	if err := tx.insert(&epcisEventRows, rows); err != nil {
		return err
	}
	return tx.insert(&epcisEPCRows, epcs)
}

// CheckNames reports a name in an event's keys that no database keeps. Errors: fault.Invalid.
func CheckNames(k epcis.Keys) error {
	names := []string{k.Key, k.Identity, k.Type, k.BizStep, k.Disposition, k.ReadPoint, k.BizLocation}
	for _, o := range k.EPCs {
		names = append(names, o.EPC)
	}
	for _, n := range names {
		if len(n) > maxName || strings.IndexByte(n, 0) >= 0 {
			return fmt.Errorf("%w: the name %.40q… has %d bytes, or a zero byte in it; names of up to %d bytes are kept", fault.Invalid, n, len(n), maxName)
		}
	}
	return nil
}

const eventBody = `SELECT body, context FROM epcis_event `

func scanEPCIS(scan func(...any) error) (epcis.Event, error) {
	var body, context string
	if err := scan(&body, &context); err != nil {
		return epcis.Event{}, err
	}
	e, err := epcis.Restore([]byte(body), []byte(context))
	if err != nil {
		return e, fmt.Errorf("an event that was kept cannot be read: %w", err)
	}
	return e, nil
}

// ByID gives the event of an id, and the declarations that it was wrong.
func (s EPCIS) ByID(ctx context.Context, id string) ([]epcis.Event, error) {
	return eventsByID(ctx, s.read, id)
}

// EventsByID is EPCIS.ByID within the transaction.
func (tx *Tx) EventsByID(id string) ([]epcis.Event, error) { return eventsByID(tx.ctx, tx, id) }

func eventsByID(ctx context.Context, q querier, id string) ([]epcis.Event, error) {
	if len(id) > maxName || strings.IndexByte(id, 0) >= 0 {
		return nil, nil
	}
	return list(ctx, q, eventBody+`WHERE identity = ? ORDER BY recorded_at, id`, scanEPCIS, id)
}

// Find gives events within bounds, in order, after a cursor.
func (s EPCIS) Find(ctx context.Context, b epcis.Bounds, o epcis.Order, after epcis.Cursor, limit int) ([]epcis.Event, error) {
	c := &clauses{}
	c.in("type", b.Types)
	c.in("action", plain(b.Actions))
	c.in("identity", b.Identities)
	c.in("biz_step", b.BizSteps)
	c.in("disposition", b.Dispositions)
	c.in("read_point", b.ReadPoints)
	c.in("biz_location", b.BizLocations)
	c.span("at", b.Time)
	c.span("recorded_at", b.RecordTime)
	for _, e := range b.EPCs {
		c.epcs(e)
	}
	by, way, beyond := "recorded_at", "", ">"
	if o.ByEventTime {
		by = "at"
	}
	if o.Falling {
		way, beyond = " DESC", "<"
	}
	if after.Key != "" {
		c.add(`(`+by+`, key) `+beyond+` (?, ?)`, after.At.UnixMicro(), after.Key)
	}
	return list(ctx, s.read, eventBody+c.where()+` ORDER BY `+by+way+`, key`+way+` LIMIT ?`, scanEPCIS, append(c.args, limit)...)
}

// clauses are the conditions of a query, all of which hold, with their values.
type clauses struct {
	all  []string
	args []any
}

func (c *clauses) add(condition string, args ...any) {
	c.all, c.args = append(c.all, condition), append(c.args, args...)
}

func (c *clauses) where() string {
	if len(c.all) == 0 {
		return ""
	}
	return `WHERE ` + strings.Join(c.all, " AND ")
}

// mostNarrowing is how many names a list may have to narrow a query.
const mostNarrowing = 1024

// filled makes a list as long as one of few lengths, by its last value, so that few statements serve all. It reports
// false for one that is too long to narrow by.
func filled(all []string) ([]any, bool) {
	if len(all) > mostNarrowing {
		return nil, false
	}
	n := 1
	for n < len(all) {
		n *= 4
	}
	out := make([]any, 0, n)
	for i := range n {
		out = append(out, all[min(i, len(all)-1)])
	}
	return out, true
}

func (c *clauses) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	if v, ok := filled(values); ok {
		c.add(column+` IN (`+marks(len(v), "?")+`)`, v...)
	}
}

func (c *clauses) span(column string, s epcis.Span) {
	if !s.From.IsZero() {
		c.add(column+` >= ?`, s.From.UnixMicro())
	}
	if !s.Before.IsZero() {
		c.add(column+` < ?`, s.Before.UnixMicro())
	}
}

// epcs narrows to the events with an object that is within a bound. Each way to find it is a search of its own, because
// databases search an index for one way and read all for two.
func (c *clauses) epcs(b epcis.EPCBound) {
	exact, ok := []any{}, true
	if len(b.Exact) > 0 {
		exact, ok = filled(b.Exact)
	}
	if !ok || len(b.Prefixes) > mostNarrowing/16 || len(b.Roles) == 0 {
		return
	}
	var ways []string
	var args []any
	roles, _ := filled(plain(b.Roles))
	role := ` AND role IN (` + marks(len(roles), "?") + `)`
	if len(exact) > 0 {
		ways = append(ways, `SELECT event FROM epcis_epc WHERE epc IN (`+marks(len(exact), "?")+`)`+role)
		args = append(append(args, exact...), roles...)
	}
	for _, p := range b.Prefixes {
		way, bounds := `SELECT event FROM epcis_epc WHERE epc >= ?`, []any{p}
		if end := after(p); end != "" {
			way, bounds = way+` AND epc < ?`, append(bounds, end)
		}
		ways = append(ways, way+role)
		args = append(append(args, bounds...), roles...)
	}
	if len(ways) == 0 {
		c.add(`1 = 0`)
		return
	}
	c.add(`id IN (`+strings.Join(ways, ` UNION ALL `)+`)`, args...)
}

// after gives the least text that is above all that begin with a prefix; "" where there is none.
func after(prefix string) string {
	runes := []rune(prefix)
	for len(runes) > 0 {
		last := runes[len(runes)-1] + 1
		if last == 0xD800 { // UTF-8 has nothing from here
			last = 0xE000
		}
		if last <= 0x10FFFF {
			return string(append(runes[:len(runes)-1], last))
		}
		runes = runes[:len(runes)-1]
	}
	return ""
}

func plain[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = string(v)
	}
	return out
}

// EPCIS names of what events are about, as Names lists them.
var epcisNames = map[string]string{
	"epcs":         `SELECT min(epc) FROM epcis_epc WHERE epc > ? AND role IN ('epc', 'parent', 'input', 'output')`,
	"bizSteps":     `SELECT min(biz_step) FROM epcis_event WHERE biz_step > ?`,
	"dispositions": `SELECT min(disposition) FROM epcis_event WHERE disposition > ?`,
	"readPoints":   `SELECT min(read_point) FROM epcis_event WHERE read_point > ?`,
	"bizLocations": `SELECT min(biz_location) FROM epcis_event WHERE biz_location > ?`,
	"eventTypes":   `SELECT min(type) FROM epcis_event WHERE type > ?`,
}

// Names lists what events name as epcs, bizSteps, dispositions, readPoints, bizLocations or eventTypes, in the order of
// their bytes, from the first one above after. Errors: fault.NotFound for anything else.
func (s EPCIS) Names(ctx context.Context, of, after string, limit int) ([]string, error) {
	query, ok := epcisNames[of]
	if !ok {
		return nil, fmt.Errorf("%w: events have no %s", fault.NotFound, of)
	}
	all := []string{}
	err := s.reading(ctx, func(q reader) error {
		for len(all) < limit { // each by a search, because the names are few and the events are many
			var next *string
			if _, err := one(ctx, q, query, []any{after}, &next); err != nil || next == nil {
				return err
			}
			all, after = append(all, *next), *next
		}
		return nil
	})
	return all, err
}

// AddQuery keeps a query. Errors: fault.Conflict where there is one of its name.
func (s EPCIS) AddQuery(ctx context.Context, q epcis.NamedQuery, actor string) error {
	return s.Write(ctx, func(tx *Tx) error {
		n, err := tx.count(`INSERT INTO epcis_query (name, query, actor, at) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,
			q.Name, string(q.Query), actor, stamp(tx.now))
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: there is a query named %q", fault.Conflict, q.Name)
		}
		if err != nil {
			return err
		}
		return tx.changed(ctx, "epcis-query", q.Name, nil, facts{"query": q.Query})
	})
}

// RemoveQuery forgets a query. Errors: fault.NotFound.
func (s EPCIS) RemoveQuery(ctx context.Context, name string) error {
	return s.Write(ctx, func(tx *Tx) error {
		var was string
		found, err := tx.row(`DELETE FROM epcis_query WHERE name = ? RETURNING query`, []any{name}, &was)
		if err == nil && !found {
			err = fmt.Errorf("%w: query %q", fault.NotFound, name)
		}
		if err != nil {
			return err
		}
		return tx.changed(ctx, "epcis-query", name, facts{"query": json.RawMessage(was)}, nil)
	})
}

// Queries lists the queries that are kept, by name.
func (s EPCIS) Queries(ctx context.Context) ([]epcis.NamedQuery, error) {
	return list(ctx, s.read, `SELECT name, query FROM epcis_query ORDER BY name`, func(scan func(...any) error) (q epcis.NamedQuery, err error) {
		var text string
		err = scan(&q.Name, &text)
		q.Query = json.RawMessage(text)
		return q, err
	})
}

// count runs a statement and says how many rows it was about.
func (tx *Tx) count(text string, args ...any) (int64, error) {
	r, err := tx.ExecContext(tx.ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
