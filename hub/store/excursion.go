package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
)

// PutExcursion stores an excursion as it begins and again as it ends, each time with the goods that were there; what ended
// does not begin again.
func (t *intakeTx) PutExcursion(edge string, x wire.Excursion) error {
	r, err := t.ExecContext(t.ctx, `INSERT INTO excursion (id, edge, alarm, rule, source, location, quantity, kind, limit_value, began_at,
			ended_at, worst, worst_at, outside, cumulative, mkt, gap, gaps, correction, more, incomplete)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, worst = excluded.worst, worst_at = excluded.worst_at,
			outside = excluded.outside, cumulative = excluded.cumulative, mkt = excluded.mkt, gap = excluded.gap,
			gaps = excluded.gaps, correction = excluded.correction, more = excluded.more, incomplete = excluded.incomplete
		WHERE excursion.ended_at = 0`,
		x.ID, edge, x.Alarm, x.Rule, x.Source, x.Location, uint8(x.Quantity), x.Kind, int64(x.Limit), stamp(x.Began),
		stamp(x.Ended), int64(x.Worst), stamp(x.WorstAt), x.Outside.Microseconds(), x.Cumulative.Microseconds(),
		maybe(x.HasMKT, x.MKT), x.Gap.Microseconds(), x.Gaps, x.Correction, x.More, x.Incomplete)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if err := t.exec(`DELETE FROM excursion_goods WHERE excursion = ?`, x.ID); err != nil {
		return err
	}
	tags := make([]devices.Tag, len(x.Goods))
	for i, g := range x.Goods {
		tags[i] = g.Tag
	}
	if err := t.resolveTags(tags, t.tagged); err != nil {
		return err
	}
	for _, g := range x.Goods {
		if err := t.putGoods(x.ID, g); err != nil {
			return err
		}
	}
	return nil
}

// putGoods stores a tag with its item and lot, where the catalogue knows them.
func (t *intakeTx) putGoods(excursion string, g wire.Goods) error {
	on, err := t.Tagged(g.Tag)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO excursion_goods (excursion, tag, item, lot, exposed, still) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (excursion, tag) DO NOTHING`, excursion, g.Tag, on.Item, on.Lot, g.Exposed.Microseconds(), g.Still)
}

// PutEscalation stores that an alarm reached a level.
func (t *intakeTx) PutEscalation(edge string, epoch, seq uint64, e wire.Escalation) error {
	return t.exec(`INSERT INTO escalation (edge, epoch, seq, alarm, level, repeated, notify, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, edge, epoch, seq, e.Alarm, e.Level, e.Repeat, e.Notify, stamp(e.At))
}

// PutSumReset stores that a person began a new recording period.
func (t *intakeTx) PutSumReset(edge string, epoch, seq uint64, r wire.SumReset) error {
	return t.exec(`INSERT INTO sum_reset (edge, epoch, seq, rule, source, location, actor, reason, outside, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		edge, epoch, seq, r.Rule, r.Source, r.Location, r.Actor, r.Reason, r.Outside.Microseconds(), stamp(r.At))
}

// PutVerdict stores the verdict on a pass.
func (t *intakeTx) PutVerdict(edge string, v wire.Verdict) error {
	named, err := json.Marshal(fleet.Named{
		MissingTags: tagNames(v.MissingTags), UnexpectedTags: tagNames(v.UnexpectedTags),
		MissingItems: itemCounts(v.MissingItems), UnexpectedItems: itemCounts(v.UnexpectedItems),
	})
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO verdict (pass, list, edge, door, direction, signal, at, matched, missing, unexpected, named)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pass, list) DO NOTHING`,
		v.Pass, v.List, edge, v.Door, string(v.Direction), v.Signal, stamp(v.At), v.Matched, v.Missing, v.Unexpected, string(named))
}

func tagNames(tags []devices.Tag) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = t.String()
	}
	return out
}

func itemCounts(items []wire.ItemCount) []fleet.ItemCount {
	out := make([]fleet.ItemCount, len(items))
	for i, it := range items {
		out[i] = fleet.ItemCount(it)
	}
	return out
}

// PutAnswer ends the command that an edge answers without a transition of an alarm.
func (t *intakeTx) PutAnswer(edge string, a wire.Answer) error {
	state := "done"
	if a.Error != "" {
		state = "refused"
	}
	var id string
	found, err := t.row(`UPDATE command SET state = ?, answer = ?, done_at = ? WHERE id = ? AND edge = ? AND state = 'pending'
		RETURNING alarm`, []any{state, a.Error, stamp(t.now), a.Command, edge}, &id)
	if found && id != "" {
		t.alarms = append(t.alarms, id) // it is no longer pending there
	}
	return err
}

const excursionColumns = `SELECT x.id, x.edge, x.alarm, x.rule, x.source, x.location, x.quantity, x.kind, x.limit_value, x.began_at,
	x.ended_at, x.worst, x.worst_at, x.outside, x.cumulative, x.mkt, x.gap, x.gaps, x.correction, x.incomplete,
	x.more + (SELECT count(*) FROM excursion_goods g WHERE g.excursion = x.id) FROM excursion x `

func scanExcursion(scan func(...any) error) (x fleet.Excursion, err error) {
	var quantity unit.Quantity
	var limit, worst unit.Milli
	var began, ended, worstAt, outside, cumulative, gap int64
	var mkt sql.NullInt64
	err = scan(&x.ID, &x.Edge, &x.Alarm, &x.Rule, &x.Source, &x.Location, &quantity, &x.Kind, &limit, &began, &ended, &worst,
		&worstAt, &outside, &cumulative, &mkt, &gap, &x.Gaps, &x.Correction, &x.Incomplete, &x.Goods)
	x.Quantity, x.Unit, x.Limit, x.Worst, x.MKT = quantity.String(), quantity.Symbol(), limit.Float(), worst.Float(), milli(mkt)
	x.BeganAt, x.EndedAt, x.WorstAt = timeOf(began), timePtr(ended), timeOf(worstAt)
	x.Outside, x.Cumulative, x.Gap = seconds(outside), seconds(cumulative), seconds(gap)
	return x, err
}

// seconds of so many microseconds.
func seconds(us int64) float64 { return (time.Duration(us) * time.Microsecond).Seconds() }

// Excursions gives excursions, newest first.
func (f Fleet) Excursions(ctx context.Context, q fleet.ExcursionFilter) (page []fleet.Excursion, next string, err error) {
	if q.Limit <= 0 || q.Limit > maxPage {
		q.Limit = defaultPage
	}
	top := int64(1) << 62
	if q.Before != "" {
		x, err := f.excursion(ctx, q.Before)
		if err != nil {
			return nil, "", err
		}
		top = stamp(x.BeganAt)
	}
	page, err = list(ctx, f.read, excursionColumns+`WHERE (? = '' OR x.location = ?)
		AND (? = '' OR EXISTS (SELECT 1 FROM excursion_goods g WHERE g.excursion = x.id AND g.item = ? AND (? = '' OR g.lot = ?)))
		AND (x.began_at < ? OR x.began_at = ? AND x.id < ?) ORDER BY x.began_at DESC, x.id DESC LIMIT ?`, scanExcursion,
		q.Location, q.Location, q.Item, q.Item, q.Lot, q.Lot, top, top, q.Before, q.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the excursions: %w", err)
	}
	if len(page) > q.Limit {
		page = page[:q.Limit]
		next = page[q.Limit-1].ID
	}
	return page, next, nil
}

func (f Fleet) excursion(ctx context.Context, id string) (fleet.Excursion, error) {
	found, err := list(ctx, f.read, excursionColumns+`WHERE x.id = ?`, scanExcursion, id)
	if err != nil {
		return fleet.Excursion{}, fmt.Errorf("cannot read excursion %s: %w", id, err)
	}
	if len(found) == 0 {
		return fleet.Excursion{}, fmt.Errorf("excursion %s: %w", id, fault.NotFound)
	}
	return found[0], nil
}

// Excursion reads one excursion with the goods that were there. Errors: fault.NotFound.
func (f Fleet) Excursion(ctx context.Context, id string) (d fleet.ExcursionDetail, err error) {
	if d.Excursion, err = f.excursion(ctx, id); err != nil {
		return d, err
	}
	err = f.reading(ctx, func(tx reader) (err error) {
		if d.Tags, err = exposed(ctx, tx, id); err != nil {
			return err
		}
		d.Escalations, err = list(ctx, tx, `SELECT at, level, repeated, notify FROM escalation WHERE alarm = ? ORDER BY at, seq`,
			func(scan func(...any) error) (e fleet.Escalation, err error) {
				var at int64
				err = scan(&at, &e.Level, &e.Repeat, &e.Notify)
				e.At = timeOf(at)
				return e, err
			}, d.Alarm)
		return err
	})
	if err != nil {
		return d, fmt.Errorf("cannot read excursion %s: %w", id, err)
	}
	d.Lots = lotsOf(d.Tags)
	return d, nil
}

// exposed reads the goods of an excursion. A tag that was registered only later is named too.
func exposed(ctx context.Context, q querier, id string) ([]fleet.Exposed, error) {
	return list(ctx, q, `SELECT g.tag, CASE WHEN g.item <> '' THEN g.item ELSE coalesce(t.item, '') END,
			CASE WHEN g.item <> '' THEN g.lot ELSE coalesce(t.lot, '') END, g.exposed, g.still
		FROM excursion_goods g LEFT JOIN tag t ON t.tag = g.tag WHERE g.excursion = ? ORDER BY g.exposed DESC, g.tag`,
		func(scan func(...any) error) (e fleet.Exposed, err error) {
			var us int64
			var t tag
			err = scan(&t, &e.Item, &e.Lot, &us, &e.Still)
			e.Tag, e.Exposed = t.String(), seconds(us)
			return e, err
		}, id)
}

// lotsOf counts tags by lot, in the order in which lots come.
func lotsOf(tags []fleet.Exposed) []fleet.ExposedLot {
	lots, at := []fleet.ExposedLot{}, map[[2]string]int{}
	for _, t := range tags {
		k := [2]string{t.Item, t.Lot}
		i, known := at[k]
		if !known {
			i = len(lots)
			at[k] = i
			lots = append(lots, fleet.ExposedLot{Item: t.Item, Lot: t.Lot})
		}
		lots[i].Tags++
		lots[i].Exposed = max(lots[i].Exposed, t.Exposed)
	}
	return lots
}

// Verdicts gives the verdicts on a door's passes, newest first, from the one after the pass before ("" = the newest).
func (f Fleet) Verdicts(ctx context.Context, door, before string, limit int) (page []fleet.Verdict, next string, err error) {
	if limit <= 0 || limit > maxPage {
		limit = defaultPage
	}
	page, err = list(ctx, f.read, `SELECT v.pass, v.list, v.edge, v.door, v.direction, v.signal, v.at, v.matched, v.missing, v.unexpected, v.named
		FROM verdict v WHERE v.door = ? AND (? = '' OR (v.at, v.pass) < (SELECT b.at, b.pass FROM verdict b WHERE b.pass = ? LIMIT 1))
		ORDER BY v.at DESC, v.pass DESC LIMIT ?`, scanVerdict, door, before, before, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the verdicts of door %s: %w", door, err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].Pass
	}
	return page, next, nil
}

func scanVerdict(scan func(...any) error) (v fleet.Verdict, err error) {
	var at int64
	var named string
	err = scan(&v.Pass, &v.List, &v.Edge, &v.Door, &v.Direction, &v.Signal, &at, &v.Matched, &v.Missing, &v.Unexpected, &named)
	if err != nil {
		return v, err
	}
	v.At = timeOf(at)
	return v, json.Unmarshal([]byte(named), &v.Named)
}
