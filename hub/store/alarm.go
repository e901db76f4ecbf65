package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
)

// putAlarm stores one transition of an alarm, and ends the commands that it answers or makes moot.
func (tx *Tx) putAlarm(edge string, epoch, seq uint64, a wire.Alarm) error {
	err := tx.exec(`INSERT INTO alarm (id, edge, rule, source, location, class, priority, state, raised_at, quantity, value,
			limit_value, reason, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, priority = excluded.priority, updated_at = excluded.updated_at`,
		a.ID, edge, a.Rule, a.Source, a.Location, a.Class, uint8(a.Priority), uint8(a.To), stamp(a.At), uint8(a.Quantity),
		maybe(a.HasValue, a.Value), maybe(a.HasLimit, a.Limit), a.Reason, stamp(a.At))
	if err != nil {
		return err
	}
	if err := tx.alarmAction(a); err != nil {
		return err
	}
	err = tx.exec(`INSERT INTO alarm_event (edge, epoch, seq, alarm, at, action, from_state, to_state, actor, comment, value)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		edge, epoch, seq, a.ID, stamp(a.At), string(a.Action), uint8(a.From), uint8(a.To), a.Actor, a.Comment,
		maybe(a.HasValue, a.Value))
	if err != nil {
		return err
	}
	return tx.endCommands(edge, a)
}

// alarmAction stores what an action says beyond the state that it leads to.
func (tx *Tx) alarmAction(a wire.Alarm) error {
	at := stamp(a.At)
	switch a.Action {
	case alarm.Raise:
		return tx.exec(`UPDATE alarm SET returned_at = 0 WHERE id = ?`, a.ID)
	case alarm.Return:
		return tx.exec(`UPDATE alarm SET returned_at = ? WHERE id = ?`, at, a.ID)
	case alarm.Acknowledge:
		return tx.exec(`UPDATE alarm SET acked_at = ?, acked_by = ?, comment = ? WHERE id = ?`, at, a.Actor, a.Comment, a.ID)
	case alarm.Shelve:
		return tx.exec(`UPDATE alarm SET shelved_until = ?, shelved_by = ?, shelve_reason = ? WHERE id = ?`,
			stamp(a.ShelvedUntil), a.Actor, a.Comment, a.ID)
	case alarm.Unshelve:
		return tx.exec(`UPDATE alarm SET shelved_until = 0, shelved_by = '', shelve_reason = '' WHERE id = ?`, a.ID)
	}
	return nil
}

const alarmColumns = `SELECT a.id, a.edge, a.rule, a.source, a.location, a.class, a.priority, a.state, a.raised_at, a.returned_at,
	a.acked_at, a.acked_by, a.comment, a.quantity, a.value, a.limit_value, a.reason, a.shelved_until, a.shelved_by,
	a.shelve_reason, a.updated_at,
	coalesce((SELECT c.action FROM command c WHERE c.alarm = a.id AND c.state = 'pending' ORDER BY c.id DESC LIMIT 1), ''),
	(SELECT s.last_value FROM sensor s WHERE s.edge = a.edge AND s.quantity = a.quantity
		AND (s.device = a.source OR s.device || '/' || s.channel = a.source) ORDER BY s.last_at DESC LIMIT 1)
	FROM alarm a `

func scanAlarm(scan func(...any) error) (a fleet.Alarm, err error) {
	var raised, returned, acked, shelved, updated int64
	var value, limit, now sql.NullInt64
	var quantity unit.Quantity
	var state alarm.State
	err = scan(&a.ID, &a.Edge, &a.Rule, &a.Source, &a.Location, &a.Class, &a.Priority, &state, &raised, &returned,
		&acked, &a.AckedBy, &a.Comment, &quantity, &value, &limit, &a.Reason, &shelved, &a.ShelvedBy, &a.ShelveReason,
		&updated, &a.Pending, &now)
	a.State = state.String()
	a.RaisedAt, a.ReturnedAt, a.AckedAt, a.UpdatedAt = timeOf(raised), timePtr(returned), timePtr(acked), timeOf(updated)
	a.ShelvedUntil = timePtr(shelved)
	if quantity != 0 {
		a.Quantity, a.Unit = quantity.String(), quantity.Symbol()
	}
	a.Value, a.Limit, a.Now = milli(value), milli(limit), milli(now)
	return a, err
}

func (tx *Tx) tellAlarm(id string) error {
	found, err := list(tx.ctx, tx, alarmColumns+`WHERE a.id = ?`, scanAlarm, id)
	if err != nil || len(found) == 0 {
		return err
	}
	return tx.Emit(event.Alarm, found[0])
}

// Alarm reads one alarm with its transitions, oldest first. Errors: fault.NotFound.
func (f Fleet) Alarm(ctx context.Context, id string) (fleet.Alarm, []fleet.AlarmEvent, error) {
	found, err := list(ctx, f.read, alarmColumns+`WHERE a.id = ?`, scanAlarm, id)
	if err != nil {
		return fleet.Alarm{}, nil, fmt.Errorf("cannot read alarm %s: %w", id, err)
	}
	if len(found) == 0 {
		return fleet.Alarm{}, nil, fmt.Errorf("alarm %s: %w", id, fault.NotFound)
	}
	events, err := list(ctx, f.read, `SELECT at, action, from_state, to_state, actor, comment, value FROM alarm_event
		WHERE alarm = ? ORDER BY epoch, seq`, func(scan func(...any) error) (e fleet.AlarmEvent, err error) {
		var at int64
		var from, to alarm.State
		var value sql.NullInt64
		err = scan(&at, &e.Action, &from, &to, &e.Actor, &e.Comment, &value)
		e.At, e.From, e.To, e.Value = timeOf(at), from.String(), to.String(), milli(value)
		return e, err
	}, id)
	return found[0], events, err
}

// alarmChoice is what an AlarmFilter's word stands for: states, and the ranks that they have.
type alarmChoice struct {
	states      []alarm.State
	first, last int
}

// alarmChoices are those behind an AlarmFilter's words.
var alarmChoices = map[string]alarmChoice{
	"active":  {[]alarm.State{alarm.Unacked, alarm.Acked, alarm.RTNUnacked, alarm.Latched}, 0, 3},
	"shelved": {[]alarm.State{alarm.Shelved}, 3, 3},
	"rtn":     {[]alarm.State{alarm.RTNUnacked}, 1, 1},
	"all": {[]alarm.State{
		alarm.Normal, alarm.Unacked, alarm.Acked, alarm.RTNUnacked, alarm.Shelved, alarm.SuppressedByDesign,
		alarm.OutOfService, alarm.Latched,
	}, 0, 4},
}

// alarmRank orders alarms by who must answer: unacknowledged, returned before anybody did, acknowledged, latched or hidden,
// over. The indexes of alarms begin with it.
const alarmRank = `CASE a.state WHEN 2 THEN 0 WHEN 4 THEN 1 WHEN 3 THEN 2 WHEN 1 THEN 4 ELSE 3 END`

// Alarms gives alarms: unacknowledged first, then by priority, newest first. Errors: fault.Invalid.
func (f Fleet) Alarms(ctx context.Context, q fleet.AlarmFilter) (page []fleet.Alarm, next string, err error) {
	choice, ok := alarmChoices[cmp.Or(q.State, "active")]
	if !ok {
		return nil, "", fmt.Errorf("%w: alarm state %q; use active, shelved, rtn or all", fault.Invalid, q.State)
	}
	if q.Limit <= 0 || q.Limit > maxPage {
		q.Limit = defaultPage
	}
	after, err := parseCursor(q.Before)
	if err != nil {
		return nil, "", err
	}
	err = f.reading(ctx, func(tx reader) error {
		edges := []string{""}
		if q.Site != "" {
			if edges, err = list(ctx, tx, `SELECT id FROM edge WHERE site = ? ORDER BY id`, scanText, q.Site); err != nil {
				return err
			}
		}
		for _, edge := range edges {
			some, err := alarmsAfter(ctx, tx, choice, edge, after, q.Limit+1)
			if err != nil {
				return err
			}
			page = append(page, some...)
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the alarms: %w", err)
	}
	slices.SortFunc(page, func(a, b fleet.Alarm) int { return cursorOf(a).compare(cursorOf(b)) })
	if len(page) > q.Limit {
		page = page[:q.Limit]
		next = cursorOf(page[q.Limit-1]).String()
	}
	return page, next, nil
}

// alarmsAfter gives the alarms of an edge ("" = of all) after a cursor, in order. It asks for those of its rank, priority and
// time, for those of its rank and priority, and so on: each is a stretch of an index.
func alarmsAfter(ctx context.Context, q querier, choice alarmChoice, edge string, after cursor, limit int) (page []fleet.Alarm, err error) {
	of, same := `WHERE a.state IN (`+marks(len(choice.states), "?")+`)`, make([]any, 0, len(choice.states)+1)
	for _, s := range choice.states {
		same = append(same, uint8(s))
	}
	if edge != "" {
		of, same = of+` AND a.edge = ?`, append(same, edge)
	}
	type stretch struct {
		where string
		args  []any
	}
	rest := stretch{alarmRank + ` >= ? AND ` + alarmRank + ` <= ?`, []any{max(after.rank+1, choice.first), choice.last}}
	all := []stretch{rest}
	if after.rank >= choice.first {
		all = []stretch{
			{alarmRank + ` = ? AND a.priority = ? AND a.raised_at = ? AND a.id > ?`, []any{after.rank, after.priority, after.raised, after.id}},
			{alarmRank + ` = ? AND a.priority = ? AND a.raised_at < ?`, []any{after.rank, after.priority, after.raised}},
			{alarmRank + ` = ? AND a.priority > ?`, []any{after.rank, after.priority}},
			rest,
		}
	}
	for _, part := range all {
		some, err := list(ctx, q, alarmColumns+of+` AND `+part.where+` ORDER BY `+alarmRank+`, a.priority, a.raised_at DESC, a.id LIMIT ?`,
			scanAlarm, slices.Concat(same, part.args, []any{limit - len(page)})...)
		if err != nil {
			return nil, err
		}
		if page = append(page, some...); len(page) == limit {
			break
		}
	}
	return page, nil
}

// cursor is a place in the order of Alarms.
type cursor struct {
	rank, priority int
	raised         int64
	id             string
}

func (c cursor) compare(o cursor) int {
	return cmp.Or(cmp.Compare(c.rank, o.rank), cmp.Compare(c.priority, o.priority), cmp.Compare(o.raised, c.raised), cmp.Compare(c.id, o.id))
}

func cursorOf(a fleet.Alarm) cursor {
	rank := map[string]int{"unacked": 0, "rtn_unacked": 1, "acked": 2, "normal": 4}
	r, ok := rank[a.State]
	if !ok {
		r = 3
	}
	return cursor{r, int(a.Priority), a.RaisedAt.UnixMicro(), a.ID}
}

// String gives the cursor as the API hands it out.
func (c cursor) String() string {
	return fmt.Sprintf("%d.%d.%d.%s", c.rank, c.priority, c.raised, c.id)
}

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{rank: -1}, nil
	}
	part := strings.SplitN(s, ".", 4)
	if len(part) != 4 {
		return cursor{}, fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, s)
	}
	rank, err1 := strconv.Atoi(part[0])
	priority, err2 := strconv.Atoi(part[1])
	raised, err3 := strconv.ParseInt(part[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return cursor{}, fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, s)
	}
	return cursor{rank, priority, raised, part[3]}, nil
}

// PutCommand stores a pending command of an alarm and tells that the alarm changed.
func (f Fleet) PutCommand(ctx context.Context, edge, alarmID string, c wire.Command) error {
	body, err := wire.EncodeCommand(c)
	if err != nil {
		return fmt.Errorf("cannot encode command %s: %w", c.ID, err)
	}
	return f.Write(ctx, func(tx *Tx) error {
		before, err := list(ctx, tx, alarmColumns+`WHERE a.id = ?`, scanAlarm, alarmID)
		if err != nil {
			return err
		}
		err = tx.exec(`INSERT INTO command (id, edge, alarm, action, actor, at, body, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending')`,
			c.ID, edge, alarmID, string(fleet.ActionOf(c)), c.Actor, stamp(c.At), body)
		if err != nil {
			return fmt.Errorf("cannot store command %s: %w", c.ID, err)
		}
		if err := tx.noteCommand(edge, before, c); err != nil {
			return err
		}
		return tx.tellAlarm(alarmID)
	})
}

// noteCommand notes a command about an alarm, a door, or else its edge.
func (tx *Tx) noteCommand(edge string, alarms []fleet.Alarm, c wire.Command) error {
	after := commandFacts(c)
	switch {
	case len(alarms) > 0:
		after["pending"] = fleet.ActionOf(c)
		return tx.changed(tx.ctx, "alarm", alarms[0].ID, alarmFacts(alarms[0]), after)
	case c.Expect != nil:
		return tx.changed(tx.ctx, "door", c.Expect.Door, nil, after)
	}
	return tx.changed(tx.ctx, "edge", edge, nil, after)
}

// endCommands ends the command that a transition names, and those that the alarm's new state makes impossible.
func (tx *Tx) endCommands(edge string, a wire.Alarm) error {
	now := stamp(tx.now)
	if a.Command != "" {
		err := tx.exec(`UPDATE command SET state = 'done', done_at = ? WHERE id = ? AND edge = ? AND state = 'pending'`, now, a.Command, edge)
		if err != nil {
			return err
		}
	}
	for _, action := range fleet.Actions {
		if fleet.Possible(a.To, action) {
			continue
		}
		err := tx.exec(`UPDATE command SET state = 'moot', done_at = ? WHERE alarm = ? AND action = ? AND state = 'pending'`,
			now, a.ID, string(action))
		if err != nil {
			return err
		}
	}
	return nil
}

// pending gives the commands that an edge has not answered, oldest first; those older than a day are given up.
func (tx *Tx) pending(edge string) ([]wire.Command, error) {
	old := stamp(tx.now.Add(-24 * time.Hour))
	err := tx.exec(`UPDATE command SET state = 'expired', done_at = ? WHERE edge = ? AND state = 'pending' AND at < ?`, stamp(tx.now), edge, old)
	if err != nil {
		return nil, err
	}
	return list(tx.ctx, tx, `SELECT body FROM command WHERE edge = ? AND state = 'pending' ORDER BY at, id`,
		func(scan func(...any) error) (c wire.Command, err error) {
			var body []byte
			if err := scan(&body); err != nil {
				return c, err
			}
			return wire.DecodeCommand(body)
		}, edge)
}
