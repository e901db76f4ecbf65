package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Captures keeps what EPCIS events say, and books it; it is a capture.Store.
type Captures struct{ *DB }

var _ capture.Store = Captures{}

// Capture runs f in one transaction.
func (s Captures) Capture(ctx context.Context, f func(capture.Tx) error) error {
	return s.Write(ctx, func(tx *Tx) error {
		t := &captureTx{intakeTx: newIntakeTx(tx)}
		if err := f(t); err != nil {
			return err
		}
		if t.kept > 0 { // without a job: one event by itself
			if err := t.changed(ctx, "epcis-capture", t.event, nil, facts{"captured": t.kept}); err != nil {
				return err
			}
		}
		return t.tell()
	})
}

// captureTx is a capture.Tx.
type captureTx struct {
	*intakeTx
	kept  int    // events, of which no job tells
	event string // key of the first of them
}

var _ capture.Tx = (*captureTx)(nil)

// PutEvents keeps events of which none is known.
func (t *captureTx) PutEvents(events []epcis.Event) error {
	if t.kept == 0 && len(events) > 0 {
		t.event = events[0].Key()
	}
	t.kept += len(events)
	return t.Tx.PutEvents(events)
}

// Post records a movement.
func (t *captureTx) Post(m ledger.Movement) error { return t.Tx.Post(m) }

// PutAggregation records what was put into a parent, or taken out.
func (t *captureTx) PutAggregation(a ledger.Aggregation) error {
	t.parents[a.Parent] = true
	return t.Tx.PutAggregation(a)
}

// Position gives where a tag is.
func (t *captureTx) Position(tag devices.Tag) (*ledger.Position, error) { return t.Tx.Position(tag) }

// Class gives the item of a GTIN, with the units that one of it is, and the unit that the item is kept in.
func (t *captureTx) Class(gtin string) (on intake.Tagged, unit string, err error) {
	on = intake.Tagged{Unknown: intake.UnknownItem, Detail: "GTIN " + gtin + " is of no item of the catalogue: import the item"}
	if gtin == "" {
		on.Detail = "it has no GTIN, so it is no item of the catalogue"
		return on, "", nil
	}
	found, err := t.row(`SELECT item, units, unit FROM (SELECT p.item, p.units, i.unit, 0 AS rank FROM pack p JOIN item i ON i.id = p.item WHERE p.gtin = ?
		UNION ALL SELECT id, 1, unit, 1 FROM item WHERE gtin = ?) AS named ORDER BY rank DESC, item LIMIT 1`, []any{gtin, gtin}, &on.Item, &on.Quantity, &unit)
	if err != nil {
		return on, "", fmt.Errorf("cannot find the item of GTIN %s: %w", gtin, err)
	}
	if found {
		on.Unknown, on.Detail = "", ""
	}
	return on, unit, nil
}

// Tags gives the tags that the ledger has under names.
func (t *captureTx) Tags(names []string) (map[string]devices.Tag, error) { return t.namedTags(names) }

func (tx *Tx) namedTags(names []string) (map[string]devices.Tag, error) {
	found := map[string]devices.Tag{}
	for _, part := range lists(names) {
		err := each(tx.ctx, tx, `SELECT epc, tag FROM epc_name WHERE epc IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			var name string
			var on tag
			err := scan(&name, &on)
			found[name] = on.Tag
			return err
		}, anys(part)...)
		if err != nil {
			return nil, fmt.Errorf("cannot find the tags of things: %w", err)
		}
	}
	return found, nil
}

// Known gives those of the tags of which anything is known.
func (t *captureTx) Known(tags []devices.Tag) (map[devices.Tag]bool, error) {
	known := map[devices.Tag]bool{}
	for _, part := range lists(tags) {
		in := ` IN (` + marks(len(part), "?") + `)`
		args := slices.Concat(anys(part), anys(part), anys(part), anys(part))
		err := each(t.ctx, t, `SELECT tag FROM tag_position WHERE tag`+in+` UNION SELECT tag FROM tag WHERE tag`+in+
			` UNION SELECT child FROM contained WHERE child`+in+` UNION SELECT parent FROM contained WHERE parent`+in, func(scan func(...any) error) error {
			found, err := scanTag(scan)
			known[found] = true
			return err
		}, args...)
		if err != nil {
			return nil, fmt.Errorf("cannot find out which tags are known: %w", err)
		}
	}
	return known, nil
}

var nameRows = table{name: "epc_name", columns: []column{{"epc", text}, {"tag", binary}}, then: `ON CONFLICT (epc) DO NOTHING`}

// PutNames keeps by which tags the ledger has things.
func (t *captureTx) PutNames(names map[string]devices.Tag) error {
	rows := make([][]any, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		rows = append(rows, []any{name, names[name]})
	}
	return t.insert(&nameRows, rows)
}

// Place gives our location that has one of these names.
func (t *captureTx) Place(names []string) (ledger.Location, error) {
	for _, name := range names {
		var at ledger.Location
		if _, err := t.row(`SELECT location FROM location_gln WHERE gln = ?`, []any{name}, &at); err != nil || at != "" {
			return at, err
		}
	}
	for _, name := range names {
		if ledger.IsVirtual(name) {
			continue
		}
		if known, err := t.KnownLocation(name); err != nil || known {
			return name, err
		}
	}
	return "", nil
}

// OpenEntry gives the id of the open discrepancy of a key.
func (t *captureTx) OpenEntry(key string) (id string, err error) {
	_, err = t.row(`SELECT id FROM quarantine WHERE key = ? AND state = 'open'`, []any{key}, &id)
	return id, err
}

// Reverse takes a movement back by a new one.
func (t *captureTx) Reverse(id, actor, source string) error {
	_, err := t.reverse(id, actor, source)
	return err
}

// Aggregation reads what was packed, or taken out.
func (t *captureTx) Aggregation(of string) (a ledger.Aggregation, err error) {
	var parent tag
	var action string
	var at, recorded int64
	found, err := t.row(`SELECT key, parent, action, at, recorded_at, actor, source FROM aggregation WHERE id = ?`, []any{uid(of)},
		&a.Key, &parent, &action, &at, &recorded, &a.Actor, &a.Source)
	if err == nil && !found {
		err = fmt.Errorf("%w: aggregation %s", fault.NotFound, of)
	}
	if err != nil {
		return a, err
	}
	a.ID, a.Parent, a.Add, a.At, a.RecordedAt = of, parent.Tag, action == "ADD", timeOf(at), timeOf(recorded)
	a.Children, err = list(t.ctx, t, `SELECT child FROM aggregation_child WHERE aggregation = ? ORDER BY child`, scanTag, uid(of))
	return a, err
}

// PutJob keeps what became of a capture.
func (t *captureTx) PutJob(j capture.Job) error {
	if j.Errors == nil {
		j.Errors = []capture.Problem{}
	}
	errs, err := json.Marshal(j.Errors)
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO epcis_capture (id, at, finished, actor, behaviour, success, captured, known, parked, errors)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, uid(j.ID), stamp(j.At), stamp(j.Finished), j.Actor, string(j.Behaviour), j.Success, j.Captured, j.Known,
		j.Parked, string(errs))
	if err != nil {
		return err
	}
	t.kept = 0
	return t.changed(t.ctx, "epcis-capture", j.ID, nil, jobFacts(j))
}

const jobColumns = `SELECT id, at, finished, actor, behaviour, success, captured, known, parked, errors FROM epcis_capture `

func scanJob(scan func(...any) error) (j capture.Job, err error) {
	var id uid
	var at, finished int64
	var errs string
	if err = scan(&id, &at, &finished, &j.Actor, &j.Behaviour, &j.Success, &j.Captured, &j.Known, &j.Parked, &errs); err != nil {
		return j, err
	}
	j.ID, j.At, j.Finished = string(id), timeOf(at), timeOf(finished)
	return j, json.Unmarshal([]byte(errs), &j.Errors)
}

// Job reads what became of a capture. Errors: fault.NotFound.
func (s Captures) Job(ctx context.Context, id string) (capture.Job, error) {
	none := fmt.Errorf("%w: capture %.64q", fault.NotFound, id)
	if uuid.Validate(id) != nil {
		return capture.Job{}, none
	}
	all, err := list(ctx, s.read, jobColumns+`WHERE id = ?`, scanJob, uid(id))
	if err != nil || len(all) == 0 {
		if err == nil {
			err = none
		}
		return capture.Job{}, err
	}
	return all[0], nil
}

// Jobs lists captures, newest first.
func (s Captures) Jobs(ctx context.Context, before string, limit int) ([]capture.Job, error) {
	from := lastUID
	if before != "" {
		if uuid.Validate(before) != nil {
			return nil, fmt.Errorf("%w: %.64q is not the token of a page", fault.Invalid, before)
		}
		from = uid(before)
	}
	return list(ctx, s.read, jobColumns+`WHERE id < ? ORDER BY id DESC LIMIT ?`, scanJob, from, limit)
}
