package epcis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

// Interpret says what an event means for the stock. It gives at least one Intent. Errors: fault.Invalid where the event
// would change the stock and does not tell by how much.
func Interpret(e Event, w World) ([]Intent, error) {
	r := interpreter{event: e, world: w, base: Intent{EventID: e.Identity(), EffectiveAt: e.Time, Documents: e.Transactions}}
	if e.Error != nil {
		return []Intent{r.reversal()}, nil
	}
	intents := r.intents()
	for _, i := range intents {
		if err := i.check(); err != nil {
			return nil, fmt.Errorf("%w: event %s: %w", fault.Invalid, i.EventID, err)
		}
	}
	return intents, nil
}

// check reports an amount that cannot be booked, or, of a count, that is none.
func (i Intent) check() error {
	if i.From == "" && i.To == "" {
		return nil
	}
	for _, item := range i.Items {
		if c, ok := item.Quantity.Compare("0"); !ok || c < 0 || c == 0 && i.Kind != Count {
			return fmt.Errorf("the quantity of %s is %q, which cannot be booked: send an event with the amount", item.Class, item.Quantity)
		}
	}
	return nil
}

type interpreter struct {
	event Event
	world World
	base  Intent // what all intents of the event share
}

func (r *interpreter) reversal() Intent {
	i := r.base
	i.Kind, i.EffectiveAt, i.Documents = Reverse, r.event.Error.Time, nil
	i.Corrections, i.Reason = r.event.Error.Corrective, r.event.Error.Reason
	return i
}

func (r *interpreter) intents() []Intent {
	e := r.event
	items := r.items(e.EPCs, e.Quantities)
	switch e.Type {
	case ObjectEvent:
		return []Intent{r.flow(r.withContents(items))}
	case AggregationEvent:
		return r.aggregation(items)
	case AssociationEvent:
		if e.Action == Observe {
			return []Intent{r.flow(r.withParent(items))}
		}
		return []Intent{r.bond(map[Action]Kind{Add: Attach, Delete: Detach}[e.Action], items)}
	case TransformationEvent:
		return r.transformation()
	case TransactionEvent:
		i := r.base
		i.Kind, i.Items = Link, r.withParent(items)
		return []Intent{i}
	default:
		return []Intent{r.none("the standard does not define events of type " + e.Type)}
	}
}

func (r *interpreter) none(why string) Intent {
	i := r.base
	i.Kind, i.Why = None, why
	return i
}

// items gives things and amounts, with the lot that the event's own master data tells.
func (r *interpreter) items(epcs []string, quantities []Quantity) []Item {
	var all []Item
	for _, uri := range epcs {
		item := Item{EPC: Canonical(uri), Quantity: "1"}
		if item.GTIN = gtinOf(item.EPC); item.GTIN != "" {
			item.Class = linkStart + "01/" + item.GTIN
		}
		all = append(all, item)
	}
	for _, q := range quantities {
		item := Item{Class: Canonical(q.Class), Quantity: q.Count, UOM: q.UOM}
		item.GTIN = gtinOf(item.Class)
		if id, err := epc.ParseLink(item.Class); err == nil && len(id) > 1 && id[1].AI == "10" {
			item.Lot = id[1].Value
		}
		all = append(all, item)
	}
	return all
}

// lotNames are the names of the lot in master data of instances and lots, written out.
var lotNames = []string{
	"urn:epcglobal:cbv:mda:lotNumber", "urn:epcglobal:cbv:mda#lotNumber",
	webVoc + "hasBatchLotNumber", oldVoc + "hasBatchLotNumber",
}

// withLot sets the lot that ilmd tells of items that come without one.
func (r *interpreter) withLot(items []Item) []Item {
	i := slices.IndexFunc(r.event.ILMD, func(m Member) bool { return slices.Contains(lotNames, m.Full) })
	if i < 0 {
		return items
	}
	lot := r.event.ILMD[i].Text()
	items = slices.Clone(items)
	for i := range items {
		if items[i].Lot == "" && items[i].GTIN != "" {
			items[i].Lot = lot
		}
	}
	return items
}

// withContents adds what is in the containers among items, at any depth; each thing is there once.
func (r *interpreter) withContents(items []Item) []Item {
	if r.world.Contents == nil {
		return items
	}
	all, seen := slices.Clone(items), map[string]bool{}
	for _, item := range items {
		seen[item.EPC] = true
	}
	for i := 0; i < len(all); i++ {
		if all[i].EPC == "" {
			continue
		}
		for _, inner := range r.world.Contents(all[i].EPC) {
			if inner.EPC == "" || !seen[inner.EPC] {
				seen[inner.EPC] = true
				all = append(all, inner)
			}
		}
	}
	return all
}

func (r *interpreter) withParent(items []Item) []Item {
	if r.event.Parent == "" {
		return items
	}
	return append(r.items([]string{r.event.Parent}, nil), items...)
}

// bond makes an intent about what is in, or fixed to, a parent.
func (r *interpreter) bond(kind Kind, items []Item) Intent {
	if r.event.Parent == "" {
		return r.none("no parentID says what the children are in")
	}
	i := r.base
	i.Kind, i.Items, i.Parent = kind, items, Canonical(r.event.Parent)
	return i
}

// aggregation packs or unpacks, and takes both to where they now are.
func (r *interpreter) aggregation(items []Item) []Intent {
	var all []Intent
	switch r.event.Action {
	case Add:
		all = append(all, r.bond(Pack, items))
	case Delete:
		all = append(all, r.bond(Unpack, items))
	}
	objects := r.withParent(r.withContents(items))
	if len(items) == 0 { // else the event tells what is in it
		objects = r.withContents(objects)
	}
	flow := r.flow(objects)
	if len(all) == 0 || flow.Kind != None {
		all = append(all, flow)
	}
	return all
}

func (r *interpreter) transformation() []Intent {
	place, why := r.arrival()
	if why != "" {
		return []Intent{r.none(why)}
	}
	e := r.event
	var all []Intent
	if in := r.items(e.Inputs, e.InputQuantities); len(in) > 0 {
		i := r.base
		i.Kind, i.Items, i.From, i.To = Consume, in, place, ledger.Production
		all = append(all, i)
	}
	if out := r.withLot(r.items(e.Outputs, e.OutputQuantities)); len(out) > 0 {
		i := r.base
		i.Kind, i.Items, i.From, i.To, i.State = Produce, out, ledger.Production, place, r.state()
		all = append(all, i)
	}
	return all
}

// flow says where the objects of an event go.
func (r *interpreter) flow(items []Item) Intent {
	kind := r.kind()
	if kind == Move {
		items = slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return i.Quantity == "" })
	}
	switch {
	case kind == None:
		return r.none(fmt.Sprintf("the business step %s changes no stock", r.event.BizStep))
	case len(items) == 0:
		return r.none("it names no objects, or not how many")
	}
	i := r.base
	i.Kind, i.Items, i.State = kind, items, r.state()
	why := r.route(&i)
	if kind == Move && i.State != "" && r.event.BizLocation.ID == "" && r.event.ReadPoint.ID == "" {
		why = "" // a new state, wherever they are
	}
	if why != "" {
		return r.none(why)
	}
	return i
}

// route sets from where to where an intent goes, or says why that cannot be told.
func (r *interpreter) route(i *Intent) (why string) {
	switch i.Kind {
	case Ship:
		i.From, why = r.departure()
		if i.To = r.beyond(r.event.Destinations, ledger.Customer); i.To == ledger.InTransit {
			i.State = InTransit
		}
	case Lose:
		i.From, why = r.departure()
		i.To = ledger.Loss
	case Consume:
		i.From, why = r.departure()
		i.To = ledger.Production
	case Produce:
		i.From, i.Items = ledger.Production, r.withLot(i.Items)
		i.To, why = r.arrival()
	case Unship:
		i.From = r.beyond(r.event.Destinations, ledger.Customer)
		i.To, why = r.arrival()
	case Receive:
		i.From = r.origin()
		i.To, why = r.arrival()
	default:
		i.To, why = r.arrival()
		if s := slices.IndexFunc(r.event.Sources, func(p Party) bool { return p.Type == "location" }); s >= 0 && i.Kind == Move {
			if from, _ := r.locate(r.event.Sources[s].ID); from != i.To {
				i.From = from
			}
		}
	}
	return why
}

// kinds are what the business steps mean. (CBV 2.0 §7.1: shipping stands for departing and the like, receiving for
// accepting, and they are not used together; so none is counted twice.)
var kinds = map[string]Kind{
	"commissioning": Produce, "creating_class_instance": Produce, "decommissioning": Consume,
	"receiving": Receive, "accepting": Receive,
	"shipping": Ship, "departing": Ship, "consigning": Ship, "retail_selling": Ship, "dispensing": Ship, "void_shipping": Unship,
	"destroying": Lose, "cycle_counting": Count, "stock_taking": Count,
	// About tags and numbers, or told again by a later step.
	"encoding": None, "killing": None, "reserving": None, "arriving": None,
}

// gone are the dispositions of what is not there any more.
var gone = map[string]Kind{
	"destroyed": Lose, "disposed": Lose, "stolen": Lose, "dispensed": Ship, "retail_sold": Ship,
}

// kind says what the event is by its business step, else by its disposition and action.
func (r *interpreter) kind() Kind {
	e := r.event
	if kind, ok := kinds[e.BizStep]; ok {
		return kind
	}
	if kind, ok := gone[e.Disposition]; ok {
		return kind
	}
	switch {
	case e.Type == ObjectEvent && e.Action == Add:
		return Produce
	case e.Type == ObjectEvent && e.Action == Delete:
		return Lose
	default:
		return Move
	}
}

// states are what the dispositions say of goods; the others say nothing of their state.
var states = map[string]ledger.State{
	"active": ledger.Available, "available": ledger.Available, "conformant": ledger.Available,
	"sellable_accessible": ledger.Available, "sellable_not_accessible": ledger.Available,
	"damaged": ledger.Quarantined, "expired": ledger.Quarantined, "mismatch_class": ledger.Quarantined,
	"mismatch_instance": ledger.Quarantined, "mismatch_quantity": ledger.Quarantined, "needs_replacement": ledger.Quarantined,
	"no_pedigree_match": ledger.Quarantined, "non_conformant": ledger.Quarantined, "non_sellable_other": ledger.Quarantined,
	"partially_dispensed": ledger.Quarantined, "recalled": ledger.Quarantined, "returned": ledger.Quarantined,
	"unavailable": ledger.Quarantined,
	"in_transit":  InTransit,
}

// state gives the state that the event puts its objects in: quarantine where one of its dispositions says so, else what
// the disposition says, else available where what held them in quarantine ends.
func (r *interpreter) state() ledger.State {
	e := r.event
	quarantines := func(d string) bool { return states[d] == ledger.Quarantined }
	switch state := states[e.Disposition]; {
	case quarantines(e.Disposition) || slices.ContainsFunc(e.Persistent.Set, quarantines):
		return ledger.Quarantined
	case state == "" && slices.ContainsFunc(e.Persistent.Unset, quarantines):
		return ledger.Available
	default:
		return state
	}
}

// locate gives our location for a place or party.
func (r *interpreter) locate(id string) (ledger.Location, bool) {
	if id == "" || r.world.Location == nil {
		return "", false
	}
	id = Canonical(id)
	if l, ok := r.world.Location(id); ok {
		return l, true
	}
	if base, _, ok := strings.Cut(id, "/254/"); ok && strings.HasPrefix(id, linkStart+"414/") {
		return r.world.Location(base)
	}
	return "", false
}

// arrival gives where objects are after the event: its business location, else where it was read.
func (r *interpreter) arrival() (ledger.Location, string) {
	return r.place(r.event.BizLocation.ID, r.event.ReadPoint.ID)
}

// departure gives where objects were before the event: where it was read, else its business location.
func (r *interpreter) departure() (ledger.Location, string) {
	if l, ok := r.locate(r.event.ReadPoint.ID); ok {
		return l, ""
	}
	return r.place(r.event.BizLocation.ID, r.event.ReadPoint.ID)
}

// place gives our location for the first of two places that is told, and why there is none.
func (r *interpreter) place(first, second string) (ledger.Location, string) {
	id := first
	if id == "" {
		id = second
	}
	if id == "" {
		return "", "it says neither where it happened nor where the objects are"
	}
	if l, ok := r.locate(id); ok {
		return l, ""
	}
	return "", id + " is none of our places"
}

// beyond gives the other side of a transfer: IN_TRANSIT where one of its places or parties is ours, else the world.
func (r *interpreter) beyond(parties []Party, world ledger.Location) ledger.Location {
	for _, p := range parties {
		if _, ours := r.locate(p.ID); ours {
			return ledger.InTransit
		}
	}
	return world
}

// origin gives where received goods come from.
func (r *interpreter) origin() ledger.Location {
	if r.event.Disposition == "returned" {
		return r.beyond(r.event.Sources, ledger.Customer)
	}
	return r.beyond(r.event.Sources, ledger.Supplier)
}
