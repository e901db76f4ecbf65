package capture

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
)

// The reasons for which an event is not booked, besides those of intake and ledger.
const (
	NotThere     intake.Reason = "not_in_stock"  // a thing leaves a place where the books never had it
	Short        intake.Reason = "short"         // there is not as much as leaves
	PlaceUnknown intake.Reason = "place_unknown" // nobody says where an amount was taken from
	WrongUnit    intake.Reason = "unit"          // the amount is not in the item's unit, or no whole number of it
	CountDiffers intake.Reason = "count_differs" // a count and the books do not agree
	PeriodClosed intake.Reason = "period_closed" // it happened before the time until which the books are closed
	MovedSince   intake.Reason = "moved_since"   // what would be taken back has moved on
	Ahead        intake.Reason = "ahead"         // it says that it happens later than now
	Unbookable   intake.Reason = "inconsistent"  // it cannot be booked as it is
)

// mostAhead is how far an event's clock may be ahead of the hub's.
const mostAhead = 10 * time.Minute

// refusal says why an event is not booked.
type refusal struct {
	why    intake.Reason
	detail string
}

func refuse(why intake.Reason, format string, args ...any) *refusal {
	return &refusal{why, fmt.Sprintf(format, args...)}
}

// booker books events within one transaction.
type booker struct {
	*Service
	tx     Tx
	actor  string
	waived bool // a person has looked at it
	tags   map[string]devices.Tag
	fresh  map[string]bool // names that are not kept yet
	places map[string]ledger.Location
	goods  map[string]class // by GTIN
	err    error            // of the database, met while an event was interpreted
}

// class is the item of a GTIN, and the unit that it is kept in.
type class struct {
	intake.Tagged
	unit string
}

func (s *Service) booker(tx Tx, actor string) *booker {
	return &booker{
		Service: s, tx: tx, actor: actor, tags: map[string]devices.Tag{}, fresh: map[string]bool{}, places: map[string]ledger.Location{},
		goods: map[string]class{},
	}
}

// expect reads what events will ask for.
func (b *booker) expect(events []epcis.Event) error {
	written := map[string]string{} // canonical name -> one way to write it, which may tell the company prefix
	for _, e := range events {
		for _, uri := range slices.Concat(e.EPCs, e.Inputs, e.Outputs, []string{e.Parent}) {
			if name := epcis.Canonical(uri); uri != "" && (written[name] == "" || written[name] == name) {
				written[name] = uri
			}
		}
	}
	return b.find(written)
}

// find finds the tags of names.
func (b *booker) find(written map[string]string) error {
	var ask []string
	for name := range written {
		if _, asked := b.tags[name]; !asked {
			ask = append(ask, name)
		}
	}
	slices.Sort(ask)
	kept, err := b.tx.Tags(ask)
	if err != nil {
		return err
	}
	candidates := map[string][]devices.Tag{}
	var all []devices.Tag
	for _, name := range ask {
		if t, ok := kept[name]; ok {
			b.tags[name] = t
			continue
		}
		candidates[name] = Tags(written[name])
		all = append(all, candidates[name]...)
	}
	known, err := b.tx.Known(all)
	if err != nil {
		return err
	}
	for name, c := range candidates {
		b.tags[name], b.fresh[name] = devices.Tag{}, true
		if i := slices.IndexFunc(c, func(t devices.Tag) bool { return known[t] }); i >= 0 {
			b.tags[name] = c[i]
		} else if len(c) > 0 {
			b.tags[name] = c[0]
		}
	}
	var tags []devices.Tag
	for _, name := range ask {
		if t := b.tags[name]; !t.IsZero() {
			tags = append(tags, t)
		}
	}
	return b.tx.Expect(tags, nil)
}

// tag gives the tag of a canonical name; zero for what no tag carries.
func (b *booker) tag(name string) (devices.Tag, error) {
	if t, ok := b.tags[name]; ok {
		return t, nil
	}
	err := b.find(map[string]string{name: name})
	return b.tags[name], err
}

// class gives the item of a GTIN.
func (b *booker) class(gtin string) (class, error) {
	if c, asked := b.goods[gtin]; asked {
		return c, nil
	}
	on, unit, err := b.tx.Class(gtin)
	b.goods[gtin] = class{on, unit}
	return b.goods[gtin], err
}

// world is what the interpretation of an event asks.
func (b *booker) world() epcis.World { return epcis.World{Location: b.location, Contents: b.contents} }

func (b *booker) location(name string) (ledger.Location, bool) {
	at, asked := b.places[name]
	if !asked && b.err == nil {
		at, b.err = b.tx.Place(Places(name))
		b.places[name] = at
	}
	return at, at != ""
}

func (b *booker) contents(container string) (all []epcis.Item) {
	if b.err != nil {
		return nil
	}
	var t devices.Tag
	if t, b.err = b.tag(container); b.err != nil || t.IsZero() {
		return nil
	}
	var in []devices.Tag
	in, b.err = b.tx.Packed(t)
	for _, t := range in {
		name := Name(t)
		if name == "" {
			name = t.String() // a card, say: it has no name outside
		}
		b.tags[name] = t
		all = append(all, epcis.Item{EPC: name, Quantity: "1"})
	}
	return all
}

// book books what an event means, or says why not; then the books are as before.
func (b *booker) book(e epcis.Event) (*refusal, error) {
	intents, err := epcis.Interpret(e, b.world())
	switch {
	case b.err != nil:
		return nil, b.err
	case errors.Is(err, fault.Invalid):
		return refuse(WrongUnit, "%v", err), nil
	case err != nil:
		return nil, err
	case happened(e).After(b.Now().Add(mostAhead)) && !b.waived:
		return refuse(Ahead, "it says %s, and it is %s", happened(e).UTC().Format(time.RFC3339), b.Now().UTC().Format(time.RFC3339)), nil
	}
	if intents[0].Kind == epcis.Reverse {
		return b.reverse(intents[0], e)
	}
	p := &plan{booker: b, event: e, at: map[devices.Tag]ledger.Position{}, taken: map[balanceKey]int64{}, named: map[string]devices.Tag{}}
	for _, i := range intents {
		if why, err := p.intent(i); why != nil || err != nil {
			return why, err
		}
	}
	return p.post()
}

// plan is what an event will do to the books, as it is put together.
type plan struct {
	*booker
	event epcis.Event
	at    map[devices.Tag]ledger.Position // of tags, as the event leaves them
	taken map[balanceKey]int64            // from balances, so far
	named map[string]devices.Tag          // names to keep
	moves []ledger.Movement               // one of each kind, in turn
	packs []*ledger.Pack
}

type balanceKey struct {
	item, lot string
	at        ledger.Location
	state     ledger.State
}

// intent adds one thing that the event means.
func (p *plan) intent(i epcis.Intent) (*refusal, error) {
	switch i.Kind {
	case epcis.Pack, epcis.Unpack:
		return p.pack(i)
	case epcis.Attach, epcis.Detach, epcis.Link, epcis.None:
		return nil, nil // the event tells it; the books have no place for it
	}
	told := false // something that the books know is among the items
	var blank *refusal
	for _, item := range i.Items {
		why, known, err := p.item(i, item)
		if err != nil {
			return nil, err
		}
		if why != nil && (known || item.GTIN != "") {
			return why, nil
		}
		if why != nil {
			blank = why // a pallet, say, whose goods are named besides
			continue
		}
		told = true
	}
	if !told {
		return blank, nil
	}
	return nil, nil
}

// item adds what an intent means for one item. known tells that the books or the catalogue have it.
func (p *plan) item(i epcis.Intent, item epcis.Item) (why *refusal, known bool, err error) {
	if why := checkLot(item.Lot); why != nil {
		return why, true, nil
	}
	if item.EPC == "" {
		why, err := p.amount(i, item)
		return why, true, err
	}
	tag, err := p.tag(item.EPC)
	if err != nil {
		return nil, false, err
	}
	if tag.IsZero() {
		return refuse(intake.UnknownTag, "%s: no tag carries it, so the ledger cannot tell it from others", item.EPC), false, nil
	}
	return p.thing(i, item, tag)
}

const maxLot = 200

func checkLot(lot string) *refusal {
	if len(lot) > maxLot || strings.ContainsFunc(lot, unicode.IsControl) {
		return refuse(Unbookable, "lot %.40q is longer than %d bytes, or has a control character", lot, maxLot)
	}
	return nil
}

// position is where a tag is, as this event leaves it so far.
func (p *plan) position(tag devices.Tag) (*ledger.Position, error) {
	if at, ok := p.at[tag]; ok {
		return &at, nil
	}
	return p.tx.Position(tag)
}

// thing adds a line for a tag.
func (p *plan) thing(i epcis.Intent, item epcis.Item, tag devices.Tag) (why *refusal, known bool, err error) {
	at, err := p.position(tag)
	if err != nil {
		return nil, false, err
	}
	line := ledger.Line{Tag: tag, To: i.To}
	if at == nil {
		why, err = p.newThing(i, item, &line)
	} else {
		why = p.oldThing(i, at, &line)
	}
	if why != nil || err != nil {
		return why, at != nil, err
	}
	if line.To == "" {
		line.To = line.From
	}
	line.ToState = stateAfter(i, line, at)
	p.named[item.EPC] = tag
	if line.From == line.To && line.FromState == line.ToState {
		return nil, true, nil
	}
	p.at[tag] = ledger.Position{
		Tag: tag, Item: line.Item, Lot: line.Lot, Quantity: line.Quantity, Location: line.To, State: line.ToState, Source: p.source(), Since: i.EffectiveAt,
	}
	p.add(i, line)
	return nil, true, nil
}

// newThing fills in the line of a tag that the ledger never had.
func (p *plan) newThing(i epcis.Intent, item epcis.Item, line *ledger.Line) (*refusal, error) {
	on, err := p.tx.Tagged(line.Tag)
	if err != nil {
		return nil, err
	}
	if on.Unknown != "" {
		return refuse(on.Unknown, "%s: %s", item.EPC, on.Detail), nil
	}
	line.Item, line.Lot, line.Quantity, line.From = on.Item, on.Lot, max(on.Quantity, 1), i.From
	if item.Lot != "" {
		line.Lot = item.Lot
	}
	if i.To == "" && i.From == "" || i.From != "" && !ledger.IsVirtual(i.From) {
		if !p.waived {
			return refuse(NotThere, "%s leaves or changes, and the ledger never had it anywhere", item.EPC), nil
		}
		line.From = ledger.Loss
	}
	if line.From == "" {
		line.From = ledger.Loss // it was found, as when a reader sees it
	}
	line.FromState = virtualState(line.From)
	if line.To == "" {
		return refuse(NotThere, "%s is nowhere, and the event does not say where it is", item.EPC), nil
	}
	return nil, nil
}

// oldThing fills in the line of a tag that the ledger has.
func (p *plan) oldThing(i epcis.Intent, at *ledger.Position, line *ledger.Line) *refusal {
	if !p.waived && at.Source != p.source() && i.EffectiveAt.Before(at.Since.Add(-ledger.LateAfter)) {
		return refuse(intake.Reason(ledger.Late), "%s has %s at %s since %s", at.Source, at.Tag, at.Location, at.Since.UTC().Format(time.RFC3339))
	}
	line.Item, line.Lot, line.Quantity, line.From, line.FromState = at.Item, at.Lot, at.Quantity, at.Location, at.State
	return nil
}

func virtualState(l ledger.Location) ledger.State {
	if l == ledger.InTransit {
		return ledger.StateInTransit
	}
	return ledger.Available
}

// stateAfter is the state in which a line leaves a tag.
func stateAfter(i epcis.Intent, line ledger.Line, at *ledger.Position) ledger.State {
	switch {
	case ledger.IsVirtual(line.To):
		return virtualState(line.To)
	case i.State != "" && i.State != ledger.StateInTransit:
		return i.State
	case at != nil && at.State == ledger.Quarantined:
		return ledger.Quarantined
	default:
		return ledger.Available
	}
}

// add adds a line to the movement of its kind.
func (p *plan) add(i epcis.Intent, line ledger.Line) {
	kind := kindOf(i.Kind, line)
	n := slices.IndexFunc(p.moves, func(m ledger.Movement) bool { return m.Kind == kind })
	if n < 0 {
		n = len(p.moves)
		p.moves = append(p.moves, ledger.Movement{
			ID: p.NewID(), Kind: kind, Source: p.source(), EffectiveAt: i.EffectiveAt.UTC(), RecordedAt: p.Now().UTC(), Actor: p.actor,
			Key: movementKey(p.event.Key(), n), Evidence: ledger.Evidence{ReadPoint: p.event.ReadPoint.ID, BizStep: p.event.BizStep},
		})
	}
	p.moves[n].Lines = append(p.moves[n].Lines, line)
}

func (p *plan) source() string { return "epcis:" + p.event.Identity() }

// keyOf is an event's name in the books and among the discrepancies.
func keyOf(event string) string { return "epcis/" + event }

// movementKey is the key of an event's movement; most have one.
func movementKey(event string, n int) string {
	if n == 0 {
		return keyOf(event)
	}
	return keyOf(event) + "#" + strconv.Itoa(n+1)
}

// kindOf names the movement of a line.
func kindOf(k epcis.Kind, l ledger.Line) ledger.Kind {
	switch {
	case k == epcis.Produce || k == epcis.Consume:
		return ledger.Make
	case k == epcis.Count:
		return ledger.Adjust
	case l.From == l.To && l.FromState == ledger.StateUnseen:
		return ledger.Unseen
	case l.From == l.To:
		return ledger.Regrade
	case l.To == ledger.Customer:
		return ledger.Ship
	case l.To == ledger.Loss:
		return ledger.Lost
	case l.From == ledger.Supplier:
		return ledger.Receive
	case l.From == ledger.Customer:
		return ledger.Return
	case l.From == ledger.Loss:
		return ledger.Found
	default:
		return ledger.Move
	}
}

// pack adds what is put into a container or taken out of it. Amounts without serial numbers stay in the event alone.
func (p *plan) pack(i epcis.Intent) (*refusal, error) {
	parent, err := p.tag(i.Parent)
	if err != nil {
		return nil, err
	}
	if parent.IsZero() {
		return refuse(intake.UnknownTag, "%s: no tag carries it, so nothing can be booked into it", i.Parent), nil
	}
	c := &ledger.Pack{Aggregation: ledger.Aggregation{
		ID: p.NewID(), Key: keyOf(p.event.Key()) + "/pack", Parent: parent, Add: i.Kind == epcis.Pack, At: i.EffectiveAt.UTC(), RecordedAt: p.Now().UTC(),
		Actor: p.actor, Source: p.source(),
	}}
	p.named[i.Parent] = parent
	for _, item := range i.Items {
		if item.EPC == "" {
			continue
		}
		child, err := p.tag(item.EPC)
		if err != nil {
			return nil, err
		}
		if child.IsZero() {
			return refuse(intake.UnknownTag, "%s: no tag carries it, so it cannot be booked into %s", item.EPC, i.Parent), nil
		}
		p.named[item.EPC] = child
		c.Children = append(c.Children, child)
	}
	if c.All = len(i.Items) == 0; len(c.Children) > 0 || c.All {
		p.packs = append(p.packs, c)
	}
	return nil, nil
}

// post writes what was put together: all of it or nothing.
func (p *plan) post() (*refusal, error) {
	if len(p.moves)+len(p.packs) == 0 {
		return nil, nil
	}
	write := func() error {
		for _, c := range p.packs {
			if err := c.Check(); err != nil {
				return err
			}
			if err := c.Do(p.tx); err != nil {
				return err
			}
		}
		for _, m := range p.moves {
			if err := p.tx.Post(m); err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	if len(p.moves)+len(p.packs) == 1 { // a step that fails has written nothing
		err = write()
	} else {
		err = p.tx.Savepoint(write)
	}
	if why := whyNot(err); why != nil {
		return why, nil
	}
	if err == nil {
		err = p.keepNames()
	}
	return nil, err
}

// keepNames keeps by which tags the books have the things of this event.
func (p *plan) keepNames() error {
	fresh := map[string]devices.Tag{}
	for name, tag := range p.named {
		if p.fresh[name] {
			fresh[name] = tag
			delete(p.fresh, name)
		}
	}
	return p.tx.PutNames(fresh)
}

// whyNot gives the refusal that an error of the books is; nil for what is none.
func whyNot(err error) *refusal {
	switch {
	case err == nil || errors.Is(err, intake.ErrRefused):
		return nil
	case errors.Is(err, ledger.ErrClosed):
		return refuse(PeriodClosed, "%v", err)
	case errors.Is(err, fault.Conflict), errors.Is(err, fault.Invalid):
		return refuse(Unbookable, "%v", err)
	}
	return nil
}
