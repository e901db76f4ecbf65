package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/planner"
	"github.com/tallydock/tallydock/hub/replenish"
)

// Planning keeps what the planner needs and makes.
type Planning struct{ *DB }

// itemSite names an item at a site.
type itemSite struct{ item, site string }

const dayMicros = int64(24 * time.Hour / time.Microsecond)

// Inputs gathers demand, stock and terms of every item at every site that has either.
func (p Planning) Inputs(ctx context.Context, first, today time.Time) ([]planner.Input, error) {
	sources, err := p.cheapestSources(ctx)
	if err != nil {
		return nil, err
	}
	demand, err := p.demand(ctx, first, today)
	if err != nil {
		return nil, err
	}
	onHand, err := p.onHand(ctx)
	if err != nil {
		return nil, err
	}
	orders, err := p.ordersByPlace(ctx)
	if err != nil {
		return nil, err
	}
	for at := range onHand {
		if _, ok := demand[at]; !ok {
			demand[at] = nil
		}
	}
	inputs := []planner.Input{}
	for at, days := range demand {
		source, ok := sources[at.item]
		if !ok {
			continue
		}
		inputs = append(inputs, planner.Input{
			Item: at.item, Site: at.site, Source: source, Demand: days, LastDay: today.AddDate(0, 0, -1),
			Position: replenish.Position{OnHand: onHand[at], OnOrder: planner.Outstanding(orders[at])},
		})
	}
	return inputs, nil
}

// cheapestSources picks whom an item is bought from: the shortest lead time, then the lowest price.
func (p Planning) cheapestSources(ctx context.Context) (map[string]catalog.Source, error) {
	all, err := Catalog(p).Sources(ctx)
	if err != nil {
		return nil, err
	}
	best := map[string]catalog.Source{}
	for _, s := range all {
		b, ok := best[s.Item]
		if !ok || s.LeadTime < b.LeadTime || s.LeadTime == b.LeadTime && s.Price < b.Price {
			best[s.Item] = s
		}
	}
	return best, nil
}

// dayDemand is what left of an item at a site on a day.
type dayDemand struct {
	at       itemSite
	day      int64 // since 1970-01-01
	quantity float64
}

// demand gives, per item and site, what left to customers each day from the first demand on. Days that an import tells of
// count where they lie before the ledger's first movement.
func (p Planning) demand(ctx context.Context, first, today time.Time) (map[itemSite][]float64, error) {
	shipped, err := list(ctx, p.read, `
		SELECT f.item, l.site, f.hour / ?, CAST(SUM(f.quantity) AS BIGINT)
		FROM flow_hour f JOIN location l ON l.code = f.location
		WHERE f.kind = 'ship' AND f.hour >= ? AND f.hour < ? GROUP BY f.item, l.site, f.hour / ?`,
		func(scan func(...any) error) (d dayDemand, err error) {
			return d, scan(&d.at.item, &d.at.site, &d.day, &d.quantity)
		}, dayMicros, stamp(first), stamp(today), dayMicros)
	if err != nil {
		return nil, fmt.Errorf("demand of the ledger: %w", err)
	}
	imported, err := p.importedDemand(ctx, first, today)
	if err != nil {
		return nil, err
	}
	return spread(append(imported, shipped...), today), nil
}

func (p Planning) importedDemand(ctx context.Context, first, today time.Time) ([]dayDemand, error) {
	// What is recorded first need not have happened first: goods that came or went before it count too.
	begin, err := list(ctx, p.read, `SELECT effective_at FROM (SELECT effective_at FROM movement ORDER BY id LIMIT 1) AS first
		UNION ALL SELECT min(hour) FROM flow_hour HAVING min(hour) IS NOT NULL`,
		func(scan func(...any) error) (us int64, err error) { return us, scan(&us) })
	if err != nil {
		return nil, fmt.Errorf("first movement: %w", err)
	}
	until := today
	for _, us := range begin {
		if timeOf(us).Before(until) {
			until = timeOf(us)
		}
	}
	rows, err := list(ctx, p.read, `SELECT item, site, day, quantity FROM demand_history WHERE day >= ? AND day < ?`,
		func(scan func(...any) error) (d dayDemand, err error) {
			var text string
			if err := scan(&d.at.item, &d.at.site, &text, &d.quantity); err != nil {
				return d, err
			}
			day, err := time.Parse(time.DateOnly, text)
			d.day = day.Unix() / 86400
			return d, err
		}, first.Format(time.DateOnly), until.Format(time.DateOnly))
	if err != nil {
		return nil, fmt.Errorf("imported demand: %w", err)
	}
	return rows, nil
}

// spread makes series of daily demand, from each place's first demand to the day before today.
func spread(rows []dayDemand, today time.Time) map[itemSite][]float64 {
	begin := map[itemSite]int64{}
	for _, r := range rows {
		if b, ok := begin[r.at]; !ok || r.day < b {
			begin[r.at] = r.day
		}
	}
	end := today.Unix() / 86400
	out := map[itemSite][]float64{}
	for _, r := range rows {
		if out[r.at] == nil {
			out[r.at] = make([]float64, end-begin[r.at])
		}
		out[r.at][r.day-begin[r.at]] += r.quantity
	}
	return out
}

func (p Planning) onHand(ctx context.Context) (map[itemSite]int64, error) {
	type row struct {
		at       itemSite
		quantity int64
	}
	rows, err := list(ctx, p.read, `
		SELECT b.item, l.site, CAST(SUM(b.quantity) AS BIGINT) FROM balance b JOIN location l ON l.code = b.location GROUP BY b.item, l.site`,
		func(scan func(...any) error) (r row, err error) { return r, scan(&r.at.item, &r.at.site, &r.quantity) })
	if err != nil {
		return nil, fmt.Errorf("stock: %w", err)
	}
	out := map[itemSite]int64{}
	for _, r := range rows {
		out[r.at] = r.quantity
	}
	return out, nil
}

// LastRun is when the newest run was; zero where there was none.
func (p Planning) LastRun(ctx context.Context) (time.Time, error) {
	var at sql.NullInt64
	if _, err := one(ctx, p.read, `SELECT MAX(at) FROM plan_run`, nil, &at); err != nil {
		return time.Time{}, fmt.Errorf("newest planning run: %w", err)
	}
	return timeOf(at.Int64), nil
}

// SaveRun stores a run; open proposals of before become superseded.
func (p Planning) SaveRun(ctx context.Context, run planner.Run, proposals []planner.Proposal) error {
	return p.Write(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE proposal SET state = 'superseded', decided_at = ? WHERE state = 'proposed'`,
			stamp(run.At)); err != nil {
			return fmt.Errorf("cannot supersede the proposals of before: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO plan_run (id, at, considered, proposed) VALUES (?, ?, ?, ?)`,
			run.ID, stamp(run.At), run.Considered, run.Proposed); err != nil {
			return fmt.Errorf("cannot store the run: %w", err)
		}
		for _, v := range proposals {
			if err := tx.putProposal(run.ID, v); err != nil {
				return err
			}
		}
		if err := tx.changed(ctx, "plan", run.ID, nil, facts{"considered": run.Considered, "proposed": run.Proposed}); err != nil {
			return err
		}
		return tx.Emit(event.Proposal, map[string]any{"run": run.ID, "proposals": len(proposals)})
	})
}

func (tx *Tx) putProposal(run string, v planner.Proposal) error {
	explain, err := json.Marshal(v.Explain)
	if err != nil {
		return fmt.Errorf("cannot encode the explanation of %s at %s: %w", v.Item, v.Site, err)
	}
	_, err = tx.ExecContext(tx.ctx, `INSERT INTO proposal
		(id, run, state, created_at, item, site, supplier, quantity, unit_cost, due_at, explain)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, v.ID, run, string(v.State), stamp(v.CreatedAt), v.Item, v.Site,
		v.Supplier, v.Quantity, v.UnitCost, stamp(v.DueAt), string(explain))
	if err != nil {
		return fmt.Errorf("cannot store the proposal of %s at %s: %w", v.Item, v.Site, err)
	}
	return nil
}

const selectProposal = `
	SELECT p.id, p.state, p.created_at, p.item, COALESCE(i.name_en, ''), COALESCE(i.name_zh, ''), p.site, p.supplier,
	  COALESCE(s.name_en, ''), COALESCE(s.name_zh, ''), p.quantity, p.unit_cost, p.due_at, p.decided_at, p.decided_by, p.reason, p.explain
	FROM proposal p LEFT JOIN item i ON i.id = p.item LEFT JOIN supplier s ON s.id = p.supplier`

func scanProposal(scan func(...any) error) (v planner.Proposal, err error) {
	var created, due, decided int64
	var explain string
	err = scan(&v.ID, &v.State, &created, &v.Item, &v.ItemName.EN, &v.ItemName.ZH, &v.Site, &v.Supplier, &v.SupplierName.EN,
		&v.SupplierName.ZH, &v.Quantity, &v.UnitCost, &due, &decided, &v.DecidedBy, &v.Reason, &explain)
	if err != nil {
		return v, err
	}
	v.CreatedAt, v.DueAt, v.DecidedAt = timeOf(created), timeOf(due), timeOf(decided)
	return v, json.Unmarshal([]byte(explain), &v.Explain)
}

// Proposals lists proposals, newest first, those of a run by item and site.
func (p Planning) Proposals(ctx context.Context, f planner.Filter) (page []planner.Proposal, next string, err error) {
	if f.Limit <= 0 || f.Limit > planner.MaxPage {
		f.Limit = planner.MaxPage
	}
	var where []string
	var of []any
	for _, c := range []struct{ column, value string }{{"p.state", string(f.State)}, {"p.site", f.Site}} {
		if c.value != "" {
			where, of = append(where, c.column+" = ?"), append(of, c.value)
		}
	}
	// Those of the run that the page before ended in, and then those of older ones: each is a stretch of an index.
	stretches, args := []string{`p.created_at < ?`}, [][]any{{int64(1) << 62}}
	if f.Before != "" {
		at, err := oneProposal(ctx, p.read, f.Before)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, f.Before)
		}
		created := stamp(at.CreatedAt)
		stretches = []string{`p.created_at = ? AND (p.item, p.site) > (?, ?)`, `p.created_at < ?`}
		args = [][]any{{created, at.Item, at.Site}, {created}}
	}
	page = []planner.Proposal{}
	for i, stretch := range stretches {
		some, err := list(ctx, p.read, selectProposal+` WHERE `+strings.Join(append(slices.Clone(where), stretch), " AND ")+
			` ORDER BY p.created_at DESC, p.item, p.site LIMIT ?`, scanProposal, slices.Concat(of, args[i], []any{f.Limit + 1 - len(page)})...)
		if err != nil {
			return nil, "", fmt.Errorf("cannot read the proposals: %w", err)
		}
		if page = append(page, some...); len(page) > f.Limit {
			page = page[:f.Limit]
			return page, page[f.Limit-1].ID, nil
		}
	}
	return page, "", nil
}

// Proposal reads one.
func (p Planning) Proposal(ctx context.Context, id string) (planner.Proposal, error) {
	return oneProposal(ctx, p.read, id)
}

func oneProposal(ctx context.Context, q querier, id string) (planner.Proposal, error) {
	all, err := list(ctx, q, selectProposal+` WHERE p.id = ?`, scanProposal, id)
	if err != nil {
		return planner.Proposal{}, err
	}
	if len(all) == 0 {
		return planner.Proposal{}, fmt.Errorf("proposal %q: %w", id, fault.NotFound)
	}
	return all[0], nil
}

// Decide answers an open proposal.
func (p Planning) Decide(ctx context.Context, id string, v planner.Verdict) (planner.Proposal, error) {
	var done planner.Proposal
	err := p.Write(ctx, func(tx *Tx) error {
		now, err := oneProposal(ctx, tx, id)
		if err != nil {
			return err
		}
		if now.State != planner.Proposed {
			return fmt.Errorf("%w: proposal %s is %s already", fault.Conflict, id, now.State)
		}
		quantity := now.Quantity
		if v.State == planner.Approved {
			quantity = v.Quantity
			if err := tx.putOrder(v.Order); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE proposal SET state = ?, quantity = ?, decided_at = ?, decided_by = ?, reason = ? WHERE id = ?`,
			string(v.State), quantity, stamp(v.At), v.Actor, v.Reason, id); err != nil {
			return fmt.Errorf("cannot answer proposal %s: %w", id, err)
		}
		if done, err = oneProposal(ctx, tx, id); err != nil {
			return err
		}
		if err := tx.changed(ctx, "proposal", id, proposalFacts(now), proposalFacts(done)); err != nil {
			return err
		}
		short := done
		short.Explain = planner.Explain{}
		return tx.Emit(event.Proposal, short)
	})
	return done, err
}

func (tx *Tx) putOrder(o planner.Order) error {
	_, err := tx.ExecContext(tx.ctx, `INSERT INTO purchase_order (id, proposal, supplier, item, site, quantity, ordered_at, due_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, o.ID, o.Proposal, o.Supplier, o.Item, o.Site, o.Quantity, stamp(o.OrderedAt), stamp(o.DueAt))
	if err != nil {
		return fmt.Errorf("cannot place the order: %w", err)
	}
	return nil
}

// Orders lists the purchase orders, newest first, with what was received of each.
func (p Planning) Orders(ctx context.Context) ([]planner.Order, error) {
	byPlace, err := p.ordersByPlace(ctx)
	if err != nil {
		return nil, err
	}
	received := map[string]int64{}
	for _, orders := range byPlace {
		for _, o := range orders {
			received[o.ID] = o.Received
		}
	}
	all, err := p.orders(ctx)
	for i := range all {
		all[i].Received = received[all[i].ID]
	}
	return all, err
}

func (p Planning) orders(ctx context.Context) ([]planner.Order, error) {
	return list(ctx, p.read, `SELECT id, proposal, supplier, item, site, quantity, ordered_at, due_at, cancelled
		FROM purchase_order ORDER BY ordered_at DESC, id DESC`,
		func(scan func(...any) error) (o planner.Order, err error) {
			var ordered, due int64
			err = scan(&o.ID, &o.Proposal, &o.Supplier, &o.Item, &o.Site, &o.Quantity, &ordered, &due, &o.Cancelled)
			o.OrderedAt, o.DueAt = timeOf(ordered), timeOf(due)
			return o, err
		})
}

// ordersByPlace lists all orders with what was received of each, by item and site.
func (p Planning) ordersByPlace(ctx context.Context) (map[itemSite][]planner.Order, error) {
	all, err := p.orders(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	byPlace := map[itemSite][]planner.Order{}
	for _, o := range all {
		at := itemSite{o.Item, o.Site}
		byPlace[at] = append(byPlace[at], o)
	}
	for at, orders := range byPlace {
		receipts, err := p.receipts(ctx, at, orders[len(orders)-1].OrderedAt)
		if err != nil {
			return nil, err
		}
		planner.Receive(orders, receipts)
	}
	return byPlace, nil
}

func (p Planning) receipts(ctx context.Context, at itemSite, since time.Time) ([]planner.Receipt, error) {
	return list(ctx, p.read, `
		SELECT f.hour, CAST(SUM(f.quantity) AS BIGINT) FROM flow_hour f JOIN location l ON l.code = f.location
		WHERE f.kind = 'receive' AND f.item = ? AND l.site = ? AND f.hour >= ? GROUP BY f.hour ORDER BY f.hour`,
		func(scan func(...any) error) (r planner.Receipt, err error) {
			var us int64
			err = scan(&us, &r.Quantity)
			r.At = timeOf(us)
			return r, err
		}, at.item, at.site, stamp(since.Truncate(time.Hour)))
}

var (
	_ planner.Store       = Planning{}
	_ catalog.ImportStore = Catalog{}
)
