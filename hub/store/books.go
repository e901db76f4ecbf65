package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/ledger"
)

// books is the ledger's side of a transaction: what was read of tags and changed since, and what was posted and is yet to
// be written. Writing is put off to the end and done in bulk, because a batch of an edge moves hundreds of tags between
// few places.
//
// A line of a movement keeps three threads: the movements before it that touched its tag, the balance that it takes
// from and the one that it gives to. A thread is followed from its newest movement, which the tag's position or the
// balance names, so that the history of anything is found without an index of it, whose random pages are what makes a
// ledger slower the longer it is.
type books struct {
	places   map[devices.Tag]*place
	changed  []*place
	posted   []posting
	balances map[balanceKey]balanceDelta
	rows     map[balanceKey]*balanceRow // as read, with others of the same item and place
	read     map[stockKey]bool          // what rows has
	flows    map[flowKey]int64
	keys     map[string]string               // of movements and reservations: what they made, as far as was asked
	made     [][]any                         // keys to write
	expiry   map[string]map[string]time.Time // by item and lot

	reservations map[string]*ledger.Reservation // as read, and as changed
	reserved     []string                       // ids of those to write

	periodRead bool
	closed     time.Time // until when the books are closed
	earliest   time.Time // when the first of what was posted happened

	touched map[stockKey]struct{} // rows of stock to tell of
}

// place is where a tag is.
type place struct {
	ledger.Position
	stored  bool   // there is a row of it
	was     string // item of that row
	changed bool   // since it was read or written
}

// posting is a movement that is yet to be written, with the movement before it of each line's tag.
type posting struct {
	ledger.Movement
	edge   string // whose chain it goes to; "" = a person's or a program's
	before []uid
}

// balanceKey names a balance.
type balanceKey struct {
	item, location, lot string
	state               ledger.State
}

func (k balanceKey) compare(o balanceKey) int {
	return cmp.Or(cmp.Compare(k.item, o.item), cmp.Compare(k.location, o.location), cmp.Compare(k.lot, o.lot), cmp.Compare(k.state, o.state))
}

// balanceDelta is what a transaction adds to a balance.
type balanceDelta struct{ quantity, reserved, seenAt int64 }

// balanceRow is a balance as it is kept.
type balanceRow struct {
	quantity, reserved, seenAt int64
	last                       uid // the newest movement that touched it
	stored                     bool
}

// stockKey names a row of stock.
type stockKey struct{ item, location string }

func (k stockKey) compare(o stockKey) int {
	return cmp.Or(cmp.Compare(k.item, o.item), cmp.Compare(k.location, o.location))
}

// flowKey names what came in or went out within an hour.
type flowKey struct {
	item, location string
	kind           ledger.Kind
	hour           int64
}

func (k flowKey) compare(o flowKey) int {
	return cmp.Or(cmp.Compare(k.item, o.item), cmp.Compare(k.location, o.location), cmp.Compare(k.kind, o.kind), cmp.Compare(k.hour, o.hour))
}

// afterUndo gives the books after what was posted last was undone: what they read is read again.
func (b books) afterUndo() books {
	return books{touched: b.touched, closed: b.closed, earliest: b.earliest}
}

// put notes a place as it is now.
func (b *books) put(p *place) {
	if b.places == nil {
		b.places = map[devices.Tag]*place{}
	}
	b.places[p.Tag] = p
	if !p.changed {
		p.changed = true
		b.changed = append(b.changed, p)
	}
}

// add adds to a balance, and notes that it was touched at a time.
func (b *books) add(k balanceKey, quantity int64, seen time.Time) {
	if b.balances == nil {
		b.balances = map[balanceKey]balanceDelta{}
	}
	d := b.balances[k]
	b.balances[k] = balanceDelta{d.quantity + quantity, d.reserved, max(d.seenAt, stamp(seen))}
	b.touch(k.item, k.location)
}

// reserve adds to what is reserved of a balance.
func (b *books) reserve(k balanceKey, quantity int64) {
	if b.balances == nil {
		b.balances = map[balanceKey]balanceDelta{}
	}
	d := b.balances[k]
	d.reserved += quantity
	b.balances[k] = d
	b.touch(k.item, k.location)
}

// touch notes that a row of stock changed, so that the transaction tells of it.
func (b *books) touch(item, location string) {
	if ledger.IsVirtual(location) {
		return
	}
	if b.touched == nil {
		b.touched = map[stockKey]struct{}{}
	}
	b.touched[stockKey{item, location}] = struct{}{}
}

// flow counts what m brought from suppliers or took to customers, by the hour in which it did; with sign -1 what is taken
// back of that.
func (b *books) flow(m ledger.Movement, sign int64) {
	hour := stamp(m.EffectiveAt.Truncate(time.Hour))
	for _, l := range m.Lines {
		at := l.From
		if m.Kind == ledger.Receive {
			at = l.To
		}
		if m.Kind != ledger.Receive && m.Kind != ledger.Ship || ledger.IsVirtual(at) {
			continue
		}
		if b.flows == nil {
			b.flows = map[flowKey]int64{}
		}
		b.flows[flowKey{l.Item, at, m.Kind, hour}] += sign * l.Quantity
	}
}

// write writes what was posted since the last time.
func (b *books) write(tx *Tx) error {
	if len(b.balances) == 0 && len(b.changed) == 0 && len(b.reserved) == 0 && len(b.made) == 0 {
		return nil
	}
	at := make([]stockKey, 0, len(b.balances))
	for k := range b.balances {
		at = append(at, stockKey{k.item, k.location})
	}
	if err := b.lockBalances(tx, at); err != nil {
		return err
	}
	for _, step := range []func(*Tx) error{b.writeKeys, b.writeMovements, b.writeBalances, b.writePlaces, b.writeReservations, b.writeFlows} {
		if err := step(tx); err != nil {
			return err
		}
	}
	b.posted, b.balances, b.flows, b.made, b.changed, b.reserved = nil, nil, nil, nil, nil, nil
	return nil
}

// lockBalances reads the balances of items at places, in the order of their keys, and keeps others from changing them.
func (b *books) lockBalances(tx *Tx, places []stockKey) error {
	if b.read == nil {
		b.read, b.rows = map[stockKey]bool{}, map[balanceKey]*balanceRow{}
	}
	places = slices.DeleteFunc(places, func(k stockKey) bool { return b.read[k] })
	slices.SortFunc(places, stockKey.compare)
	places = slices.Compact(places)
	for _, k := range places {
		b.read[k] = true
	}
	for _, part := range lists(places) {
		err := each(tx.ctx, tx, tx.lock(`SELECT item, location, lot, state, quantity, reserved, seen_at, last FROM balance
			WHERE (item, location) IN (VALUES `+marks(len(part), "(?, ?)")+`) ORDER BY item, location, lot, state`),
			func(scan func(...any) error) error {
				var k balanceKey
				r := balanceRow{stored: true}
				err := scan(&k.item, &k.location, &k.lot, state{&k.state}, &r.quantity, &r.reserved, &r.seenAt, &r.last)
				b.rows[k] = &r
				return err
			}, pairs(part)...)
		if err != nil {
			return fmt.Errorf("cannot read the balances: %w", err)
		}
	}
	return nil
}

// row is a balance as it is kept; a new one where there is none.
func (b *books) row(k balanceKey) *balanceRow {
	r := b.rows[k]
	if r == nil {
		r = &balanceRow{}
		b.rows[k] = r
	}
	return r
}

func pairs(keys []stockKey) []any {
	args := make([]any, 0, 2*len(keys))
	for _, k := range keys {
		args = append(args, k.item, k.location)
	}
	return args
}

var (
	movementRows = table{name: "movement", columns: []column{
		{"id", id},
		{"kind", text},
		{"source", text},
		{"effective_at", integer},
		{"recorded_at", integer},
		{"actor", text},
		{"key", text},
		{"reverses", id},
		{"pass", text},
		{"read_point", text},
		{"biz_step", text},
		{"first_read", integer},
		{"last_read", integer},
		{"reads", integer},
		{"peak_rssi", integer},
		{"confidence", integer},
		{"chain", integer},
		{"link", integer},
		{"hash", binary},
	}}
	lineRows = table{name: "movement_line", columns: []column{
		{"movement", id},
		{"line", integer},
		{"item", text},
		{"lot", text},
		{"tag", binary},
		{"from_location", text},
		{"from_state", integer},
		{"to_location", text},
		{"to_state", integer},
		{"quantity", integer},
		{"value", integer},
		{"before_tag", id},
		{"before_from", id},
		{"before_to", id},
	}}
	keyRows = table{name: "movement_key", columns: []column{{"key", text}, {"movement", id}}}
)

func (b *books) writeKeys(tx *Tx) error {
	slices.SortFunc(b.made, func(a, b []any) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	return insertNew(tx, &keyRows, b.made)
}

// fetchKeys finds out which keys are known.
func (b *books) fetchKeys(tx *Tx, keys []string) error {
	if b.keys == nil {
		b.keys = map[string]string{}
	}
	var ask []string
	for _, k := range keys {
		if _, asked := b.keys[k]; !asked {
			b.keys[k] = ""
			ask = append(ask, k)
		}
	}
	for _, part := range lists(ask) {
		err := each(tx.ctx, tx, `SELECT key, movement FROM movement_key WHERE key IN (`+marks(len(part), "?")+`)`, func(scan func(...any) error) error {
			var key string
			var made uid
			err := scan(&key, &made)
			b.keys[key] = string(made)
			return err
		}, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot look for keys: %w", err)
		}
	}
	return nil
}

// Made gives the id of what was recorded under a key; "" where nothing was.
func (tx *Tx) Made(key string) (string, error) {
	if err := tx.books.fetchKeys(tx, []string{key}); err != nil {
		return "", err
	}
	return tx.books.keys[key], nil
}

// key notes what is recorded under a key. Errors: ledger.ErrDuplicate.
func (tx *Tx) key(what, key, id string) error {
	made, err := tx.Made(key)
	if err != nil {
		return err
	}
	if made != "" {
		return fmt.Errorf("%s %s: %w", what, key, ledger.ErrDuplicate)
	}
	tx.books.keys[key] = id
	tx.books.made = append(tx.books.made, []any{key, uid(id)})
	return nil
}

// writeMovements writes the movements with their lines, each as the next link of its chain.
func (b *books) writeMovements(tx *Tx) error {
	if len(b.posted) == 0 {
		return nil
	}
	heads, err := tx.lockChains(b.posted)
	if err != nil {
		return err
	}
	movements, lines := make([][]any, 0, len(b.posted)), make([][]any, 0, len(b.posted))
	for i := range b.posted {
		p := &b.posted[i]
		heads[ledger.ChainOf(p.edge, p.Actor)].append(&p.Movement)
		movements = append(movements, movementValues(&p.Movement))
		if lines, err = b.appendLines(lines, p); err != nil {
			return err
		}
	}
	if err := tx.insert(&movementRows, movements); err != nil {
		return err
	}
	if err := tx.insert(&lineRows, lines); err != nil {
		return err
	}
	if err := tx.noteCosts(b.posted); err != nil {
		return err
	}
	return tx.writeChains(heads)
}

func movementValues(m *ledger.Movement) []any {
	e := &m.Evidence
	var rssi any
	if e.PeakRSSI != nil {
		rssi = centi(*e.PeakRSSI)
	}
	return []any{
		uid(m.ID), string(m.Kind), m.Source, stamp(m.EffectiveAt), stamp(m.RecordedAt), m.Actor, m.Key, uid(m.Reverses), e.Pass,
		e.ReadPoint, e.BizStep, stamp(e.FirstRead), stamp(e.LastRead), int64(e.Reads), rssi, int64(e.Confidence),
		int64(m.Chain.Number), m.Chain.Link, m.Chain.Hash[:],
	}
}

// appendLines adds a movement's lines, and makes it the newest of the balances that it touches.
func (b *books) appendLines(lines [][]any, p *posting) ([][]any, error) {
	for i, l := range p.Lines {
		from, to := sides(l)
		fromState, err := number(l.FromState)
		if err != nil {
			return nil, err
		}
		toState, err := number(l.ToState)
		if err != nil {
			return nil, err
		}
		lines = append(lines, []any{
			uid(p.ID), int64(i), l.Item, l.Lot, l.Tag, l.From, fromState, l.To, toState, l.Quantity, l.Value, p.before[i],
			b.row(from).last, b.row(to).last,
		})
	}
	for _, l := range p.Lines {
		from, to := sides(l)
		b.row(from).last, b.row(to).last = uid(p.ID), uid(p.ID)
	}
	return lines, nil
}

// sides are the balances that a line takes from and gives to.
func sides(l ledger.Line) (from, to balanceKey) {
	return balanceKey{l.Item, l.From, l.Lot, l.FromState}, balanceKey{l.Item, l.To, l.Lot, l.ToState}
}

var (
	balanceColumns = []column{
		{"item", text},
		{"location", text},
		{"lot", text},
		{"state", integer},
		{"quantity", integer},
		{"reserved", integer},
		{"seen_at", integer},
		{"last", id},
	}
	newBalances = table{name: "balance", columns: balanceColumns}
	balanceRows = table{name: "balance", columns: balanceColumns, key: 4, set: []int{4, 5, 6, 7}}
)

// writeBalances writes the balances, which this transaction has locked, as they are now.
func (b *books) writeBalances(tx *Tx) error {
	var old, fresh [][]any
	for _, k := range slices.SortedFunc(maps.Keys(b.balances), balanceKey.compare) {
		n, err := number(k.state)
		if err != nil {
			return err
		}
		r, d := b.row(k), b.balances[k]
		r.quantity, r.reserved, r.seenAt = r.quantity+d.quantity, r.reserved+d.reserved, max(r.seenAt, d.seenAt)
		values := []any{k.item, k.location, k.lot, n, r.quantity, r.reserved, r.seenAt, r.last}
		if r.stored {
			old = append(old, values)
		} else {
			fresh = append(fresh, values)
		}
		r.stored = true
	}
	if err := insertNew(tx, &newBalances, fresh); err != nil {
		return err
	}
	return tx.insert(&balanceRows, old)
}

// insertNew writes rows that were not there when this transaction looked. Where another one has made them since, its work
// is seen by the next attempt.
func insertNew(tx *Tx, t *table, rows [][]any) error {
	err := tx.insert(t, rows)
	if err != nil && !tx.db.dialect.Alone && tx.db.dialect.Judge(err) == Refused {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}

var (
	placeColumns = []column{
		{"tag", binary},
		{"item", text},
		{"lot", text},
		{"quantity", integer},
		{"location", text},
		{"state", integer},
		{"movement", id},
		{"source", text},
		{"since", integer},
		{"seen_at", integer},
	}
	newPlaces     = table{name: "tag_position", columns: placeColumns}
	movedPlaces   = table{name: "tag_position", columns: placeColumns, key: 1, set: []int{2, 3, 4, 5, 6, 7, 8, 9}} // and no index
	renamedPlaces = table{name: "tag_position", columns: placeColumns, key: 1, set: []int{1, 2, 3, 4, 5, 6, 7, 8, 9}}
)

func (b *books) writePlaces(tx *Tx) error {
	slices.SortFunc(b.changed, func(a, b *place) int { return a.Tag.Compare(b.Tag) })
	var fresh, moved, renamed [][]any
	for _, p := range b.changed {
		n, err := number(p.State)
		if err != nil {
			return err
		}
		values := []any{p.Tag, p.Item, p.Lot, p.Quantity, p.Location, n, uid(p.Movement), p.Source, stamp(p.Since), stamp(p.SeenAt)}
		switch {
		case !p.stored:
			fresh = append(fresh, values)
		case p.was == p.Item:
			moved = append(moved, values)
		default:
			renamed = append(renamed, values)
		}
		p.stored, p.was, p.changed = true, p.Item, false
	}
	if err := insertNew(tx, &newPlaces, fresh); err != nil {
		return err
	}
	if err := tx.insert(&movedPlaces, moved); err != nil {
		return err
	}
	return tx.insert(&renamedPlaces, renamed)
}

var flowRows = table{
	name:    "flow_hour",
	columns: []column{{"item", text}, {"location", text}, {"kind", text}, {"hour", integer}, {"quantity", integer}},
	then:    `ON CONFLICT (item, location, kind, hour) DO UPDATE SET quantity = flow_hour.quantity + excluded.quantity`,
}

func (b *books) writeFlows(tx *Tx) error {
	var rows [][]any
	for _, k := range slices.SortedFunc(maps.Keys(b.flows), flowKey.compare) {
		rows = append(rows, []any{k.item, k.location, string(k.kind), k.hour, b.flows[k]})
	}
	return tx.insert(&flowRows, rows)
}

// fetch reads where tags are, in the order of the tags, and keeps others from moving them until this transaction ends.
func (b *books) fetch(tx *Tx, tags []devices.Tag) error {
	var ask []devices.Tag
	for _, t := range tags {
		if _, known := b.places[t]; !known {
			ask = append(ask, t)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	if b.places == nil {
		b.places = make(map[devices.Tag]*place, len(ask))
	}
	for _, t := range ask {
		b.places[t] = nil
	}
	slices.SortFunc(ask, devices.Tag.Compare)
	for _, part := range lists(slices.Compact(ask)) {
		err := each(tx.ctx, tx, tx.lock(`SELECT tag, item, lot, quantity, location, state, movement, source, since, seen_at FROM tag_position
			WHERE tag IN (`+marks(len(part), "?")+`) ORDER BY tag`), func(scan func(...any) error) error {
			p, err := scanPlace(scan)
			b.places[p.Tag] = &place{Position: p, stored: true, was: p.Item}
			return err
		}, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot read where tags are: %w", err)
		}
	}
	return nil
}

func scanPlace(scan func(...any) error) (p ledger.Position, err error) {
	var t tag
	var movement uid
	var since, seen int64
	err = scan(&t, &p.Item, &p.Lot, &p.Quantity, &p.Location, state{&p.State}, &movement, &p.Source, &since, &seen)
	p.Tag, p.Movement, p.Since, p.SeenAt = t.Tag, string(movement), timeOf(since), timeOf(seen)
	return p, err
}

func anys[T any](all []T) []any {
	out := make([]any, len(all))
	for i, v := range all {
		out[i] = v
	}
	return out
}

// each reads every row of a query.
func each(ctx context.Context, q querier, query string, row func(scan func(...any) error) error, args ...any) error {
	_, err := list(ctx, q, query, func(scan func(...any) error) (struct{}, error) { return struct{}{}, row(scan) }, args...)
	return err
}
