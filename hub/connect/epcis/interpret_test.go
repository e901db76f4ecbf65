package epcis_test

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
)

// ours are the places of the tests: a dock, its shelf without a name of its own, a cold room and a second site.
var ours = map[string]ledger.Location{
	"https://id.gs1.org/414/0614141007776":       "DOCK",
	"https://id.gs1.org/414/0614141008889":       "SHELF",
	"https://id.gs1.org/414/0614141008889/254/C": "COLD",
	"https://id.gs1.org/414/0614141000005":       "SITE-2",
	"https://id.gs1.org/417/0614141000005":       "SITE-2",
}

const (
	dock   = `"urn:epc:id:sgln:0614141.00777.0"`
	shelf  = `"urn:epc:id:sgln:0614141.00888.0"`
	cold   = `"urn:epc:id:sgln:0614141.00888.C"`
	site2  = `"https://id.gs1.org/414/0614141000005"`
	abroad = `"urn:epc:id:sgln:4012345.00225.0"`

	pallet  = "https://id.gs1.org/00/106141412345678908"
	oneItem = `"epcList":["urn:epc:id:sgtin:0614141.107346.2017"]`
	someKg  = `"quantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.012345.L7","quantity":2.5,"uom":"KGM"}]`
)

func world() epcis.World {
	return epcis.World{
		Location: func(id string) (ledger.Location, bool) { l, ok := ours[id]; return l, ok },
		Contents: func(container string) []epcis.Item {
			if container != pallet {
				return nil
			}
			return []epcis.Item{
				{EPC: "https://id.gs1.org/01/10614141073464/21/1", GTIN: "10614141073464", Quantity: "1"},
				{Class: "https://id.gs1.org/01/04012345666663", GTIN: "04012345666663", Quantity: "40"},
				{EPC: pallet, Quantity: "1"}, // a world that is wrong about itself
			}
		},
	}
}

func at(place string) string { return `"bizLocation":{"id":` + place + `}` }
func by(place string) string { return `"readPoint":{"id":` + place + `}` }

// told writes intents short: "receive SUPPLIER>DOCK available 1×10614141073464".
func told(intents []epcis.Intent) string {
	var all []string
	for _, i := range intents {
		words := []string{string(i.Kind)}
		if i.From != "" || i.To != "" {
			words = append(words, i.From+">"+i.To)
		}
		if i.State != "" {
			words = append(words, string(i.State))
		}
		for _, item := range i.Items {
			name := item.GTIN
			if name == "" {
				name = item.EPC + item.Class
			}
			if item.Lot != "" {
				name += "/" + item.Lot
			}
			words = append(words, strings.TrimPrefix(string(item.Quantity)+item.UOM+"×"+name, "1×"))
		}
		if i.Parent != "" {
			words = append(words, "in", i.Parent)
		}
		if i.Why != "" {
			words = append(words, i.Why)
		}
		all = append(all, strings.Join(words, " "))
	}
	return strings.Join(all, "; ")
}

func TestWhatEventsMeanForTheStock(t *testing.T) {
	object := func(action string, more ...string) string {
		return objectEvent(`"action":"` + action + `",` + strings.Join(more, ","))
	}
	step := func(s string) string { return `"bizStep":"` + s + `"` }
	state := func(s string) string { return `"disposition":"` + s + `"` }
	aggregation := func(action string, more ...string) string {
		return head("AggregationEvent") + `"action":"` + action + `","parentID":"urn:epc:id:sscc:0614141.1234567890",` + strings.Join(more, ",") + "}"
	}
	children := `"childEPCs":["urn:epc:id:sgtin:0614141.107346.2017"]`
	toSite2 := `"destinationList":[{"type":"possessing_party","destination":"urn:epc:id:pgln:0614141.00000"}]`
	fromSite2 := `"sourceList":[{"type":"location","source":` + site2 + `}]`
	item := "10614141073464"

	for _, c := range []struct{ name, event, want string }{
		{"commissioning", object("ADD", step("commissioning"), state("active"), oneItem, by(dock)), "produce PRODUCTION>DOCK available " + item},
		{"commissioning a lot", object("ADD", step("commissioning"), oneItem, at(shelf), `"ilmd":{"cbvmda:lotNumber":"L1"}`), "produce PRODUCTION>SHELF " + item + "/L1"},
		{"commissioning an amount", object("ADD", step("creating_class_instance"), someKg, at(shelf)), "produce PRODUCTION>SHELF 2.5KGM×04012345123456/L7"},
		{"a number is written on a tag", object("ADD", step("encoding"), oneItem, at(shelf)), "none the business step encoding changes no stock"},
		{"decommissioning", object("DELETE", step("decommissioning"), oneItem, at(shelf)), "consume SHELF>PRODUCTION " + item},

		{"receiving", object("OBSERVE", step("receiving"), state("in_progress"), oneItem, someKg, by(dock), at(shelf)), "receive SUPPLIER>SHELF " + item + " 2.5KGM×04012345123456/L7"},
		{"receiving where nothing says where it is now", object("OBSERVE", step("receiving"), oneItem, by(dock)), "receive SUPPLIER>DOCK " + item},
		{
			"receiving a pallet, and what is on it", object("OBSERVE", step("receiving"), `"epcList":["urn:epc:id:sscc:0614141.1234567890"]`, at(dock)),
			"receive SUPPLIER>DOCK " + pallet + " " + item + " 40×04012345666663",
		},
		{"receiving from our other site", object("OBSERVE", step("accepting"), oneItem, at(dock), fromSite2), "receive IN_TRANSIT>DOCK " + item},
		{"receiving what comes back", object("OBSERVE", step("receiving"), state("returned"), oneItem, at(dock)), "receive CUSTOMER>DOCK quarantine " + item},
		{"receiving damaged goods", object("OBSERVE", step("receiving"), state("damaged"), oneItem, at(dock)), "receive SUPPLIER>DOCK quarantine " + item},
		{"receiving at a partner's", object("OBSERVE", step("receiving"), oneItem, at(abroad), by(dock)), "none urn:epc:id:sgln:4012345.00225.0 is none of our places"},
		{"receiving nowhere", object("OBSERVE", step("receiving"), oneItem), "none it says neither where it happened nor where the objects are"},

		{"shipping", object("OBSERVE", step("shipping"), state("in_transit"), oneItem, by(dock)), "ship DOCK>CUSTOMER in_transit " + item},
		{"shipping to our other site", object("OBSERVE", step("departing"), oneItem, by(dock), toSite2), "ship DOCK>IN_TRANSIT in_transit " + item},
		{"selling", object("DELETE", step("retail_selling"), state("retail_sold"), oneItem, at(shelf)), "ship SHELF>CUSTOMER " + item},
		{"sold, without a step", object("DELETE", state("dispensed"), oneItem, at(shelf)), "ship SHELF>CUSTOMER " + item},
		{"not shipped after all", object("OBSERVE", step("void_shipping"), oneItem, at(dock), toSite2), "unship IN_TRANSIT>DOCK " + item},
		{"a supplier ships", object("OBSERVE", step("shipping"), oneItem, by(abroad), toSite2), "none urn:epc:id:sgln:4012345.00225.0 is none of our places"},

		{"storing", object("OBSERVE", step("storing"), state("sellable_accessible"), oneItem, by(dock), at(cold)), "move >COLD available " + item},
		{"storing at a place without a name of its own", object("OBSERVE", step("storing"), oneItem, at(`"urn:epc:id:sgln:0614141.00888.77"`)), "move >SHELF " + item},
		{"moving an amount from a place", object("OBSERVE", step("picking"), someKg, at(dock), `"sourceList":[{"type":"location","source":`+shelf+`}]`), "move SHELF>DOCK 2.5KGM×04012345123456/L7"},
		{"inspecting, and it is recalled", object("OBSERVE", step("inspecting"), state("recalled"), oneItem, at(shelf)), "move >SHELF quarantine " + item},
		{"a recall, wherever it is", object("OBSERVE", step("holding"), `"persistentDisposition":{"set":["recalled"]}`, oneItem), "move quarantine " + item},
		{"a recall that ends", object("OBSERVE", `"persistentDisposition":{"unset":["recalled"]}`, oneItem, at(shelf)), "move >SHELF available " + item},
		{"a recall that ends of damaged goods", object("OBSERVE", state("damaged"), `"persistentDisposition":{"unset":["recalled"]}`, oneItem, at(shelf)), "move >SHELF quarantine " + item},
		{"arriving", object("OBSERVE", step("arriving"), oneItem, at(dock)), "none the business step arriving changes no stock"},
		{"seen without an amount", object("OBSERVE", step("inspecting"), `"quantityList":[{"epcClass":"urn:epc:idpat:sgtin:0614141.107346.*"}]`, at(shelf)), "none it names no objects, or not how many"},
		{"a temperature", object("OBSERVE", `"readPoint":{"id":`+cold+`},"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":2}]}]`), "none it names no objects, or not how many"},
		{"counting none", object("OBSERVE", step("cycle_counting"), `"quantityList":[{"epcClass":"urn:epc:idpat:sgtin:0614141.107346.*","quantity":0}]`, at(shelf)), "count >SHELF 0×" + item},

		{"destroying", object("DELETE", step("destroying"), state("destroyed"), oneItem, at(shelf)), "lose SHELF>LOSS " + item},
		{"stolen", object("OBSERVE", state("stolen"), oneItem, at(shelf)), "lose SHELF>LOSS " + item},
		{"deleted, nobody says why", object("DELETE", oneItem, by(dock), at(shelf)), "lose DOCK>LOSS " + item},

		{"packing", aggregation("ADD", step("packing"), children, at(dock)), "pack " + item + " in " + pallet + "; move >DOCK " + pallet + " " + item},
		{"packing at a supplier's", aggregation("ADD", step("packing"), children, at(abroad)), "pack " + item + " in " + pallet},
		{"unpacking all", aggregation("DELETE", step("unpacking"), at(dock)), "unpack in " + pallet + "; move >DOCK " + pallet + " " + item + " 40×04012345666663"},
		{"receiving a pallet that tells what is in it", aggregation("OBSERVE", step("receiving"), children, at(dock)), "receive SUPPLIER>DOCK " + pallet + " " + item},
		{"packing into nothing", head("AggregationEvent") + `"action":"ADD",` + children + "}", "none no parentID says what the children are in"},

		{
			"fixing a sensor", head("AssociationEvent") + `"action":"ADD","parentID":"urn:epc:id:grai:4012345.55555.987","childEPCs":["urn:epc:id:giai:4000001.12345"]}`,
			"attach https://id.gs1.org/8004/400000112345 in https://id.gs1.org/8003/04012345555554987",
		},
		{"taking it off", head("AssociationEvent") + `"action":"DELETE","parentID":"urn:epc:id:grai:4012345.55555.987"}`, "detach in https://id.gs1.org/8003/04012345555554987"},

		{
			"making", head("TransformationEvent") + `"inputEPCList":["urn:epc:id:sgtin:0614141.107346.2017"],"inputQuantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.012345.L7","quantity":2.5,"uom":"KGM"}],` +
				`"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/04012345666663","quantity":12}],"ilmd":{"gs1:hasBatchLotNumber":"B9"},"disposition":"active",` + at(shelf) + "}",
			"consume SHELF>PRODUCTION " + item + " 2.5KGM×04012345123456/L7; produce PRODUCTION>SHELF available 12×04012345666663/B9",
		},
		{"making elsewhere", head("TransformationEvent") + `"inputEPCList":["urn:a:1"],"outputEPCList":["urn:a:2"],` + at(abroad) + "}", "none urn:epc:id:sgln:4012345.00225.0 is none of our places"},
		{"an order", head("TransactionEvent") + `"action":"ADD","bizTransactionList":[{"type":"po","bizTransaction":"urn:x:1"}],` + oneItem + "}", "link " + item},
		{"a type of somebody's own", head("example:Moved") + `"a:b":1}`, "none the standard does not define events of type http://ns.example.com/epcis/Moved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := event(t, c.event)
			intents, err := epcis.Interpret(e, world())
			if err != nil {
				t.Fatal(err)
			}
			if got := told(intents); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			for _, i := range intents {
				if i.EventID != epcis.EventHash(e) || !i.EffectiveAt.Equal(noon) {
					t.Errorf("it is of %s at %v", i.EventID, i.EffectiveAt)
				}
			}
		})
	}
}

func TestAnErrorDeclarationTakesBackTheEventThatItNames(t *testing.T) {
	text := objectEvent(`"action":"OBSERVE","bizStep":"receiving",` + oneItem + "," + at(dock) + `,"bizTransactionList":[{"bizTransaction":"urn:x:1"}]`)
	declared := strings.Replace(text, `"action"`, `"errorDeclaration":{"declarationTime":"2026-03-03T12:00:00Z","reason":"did_not_occur","correctiveEventIDs":["urn:uuid:9"]},"action"`, 1)
	for _, id := range []string{"", `"eventID":"urn:uuid:1",`} {
		right, _ := epcis.Interpret(event(t, strings.Replace(text, `"action"`, id+`"action"`, 1)), world())
		back, err := epcis.Interpret(event(t, strings.Replace(declared, `"action"`, id+`"action"`, 1)), world())
		if err != nil || len(back) != 1 || back[0].Kind != epcis.Reverse || back[0].EventID != right[0].EventID {
			t.Fatalf("got %+v, %v", back, err)
		}
		if b := back[0]; b.Reason != "did_not_occur" || !slices.Equal(b.Corrections, []string{"urn:uuid:9"}) || !b.EffectiveAt.Equal(noon.AddDate(0, 0, 1)) {
			t.Errorf("got %+v", b)
		}
		if len(right[0].Documents) != 1 {
			t.Errorf("the documents are %v", right[0].Documents)
		}
	}
}

func TestAnAmountThatIsNotToldIsRefused(t *testing.T) {
	for _, quantity := range []string{`{"epcClass":"urn:a:1"}`, `{"epcClass":"urn:a:1","quantity":0}`, `{"epcClass":"urn:a:1","quantity":-3}`} {
		e := event(t, objectEvent(`"action":"OBSERVE","bizStep":"receiving","quantityList":[`+quantity+`],`+at(dock)))
		if _, err := epcis.Interpret(e, world()); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "urn:a:1") {
			t.Errorf("%s: %v", quantity, err)
		}
	}
}

func TestWithoutAWorldNothingIsOurs(t *testing.T) {
	intents, err := epcis.Interpret(event(t, objectEvent(`"action":"OBSERVE","bizStep":"receiving",`+oneItem+","+at(dock))), epcis.World{})
	if err != nil || len(intents) != 1 || intents[0].Kind != epcis.None {
		t.Errorf("got %v, %v", told(intents), err)
	}
}

// books are the balances that intents lead to, by place and item; a ledger in small.
type books struct {
	balance map[string]*big.Rat
	posted  map[string][]line
}

type line struct {
	place, item string
	amount      *big.Rat
}

func newBooks() *books { return &books{map[string]*big.Rat{}, map[string][]line{}} }

// post books the intents of an event: what leaves a place arrives at another; a Reverse turns what its event had booked.
func (b *books) post(intents []epcis.Intent) {
	for _, i := range intents {
		if i.Kind == epcis.Reverse {
			for _, l := range b.posted[i.EventID] {
				b.add(l.place, l.item, new(big.Rat).Neg(l.amount))
			}
			delete(b.posted, i.EventID)
			continue
		}
		if i.From == "" || i.To == "" {
			continue
		}
		for _, item := range i.Items {
			amount, _ := new(big.Rat).SetString(string(item.Quantity))
			name := item.EPC + item.Class + "/" + item.Lot
			for _, l := range []line{{i.From, name, new(big.Rat).Neg(amount)}, {i.To, name, amount}} {
				b.add(l.place, l.item, l.amount)
				b.posted[i.EventID] = append(b.posted[i.EventID], l)
			}
		}
	}
}

func (b *books) add(place, item string, amount *big.Rat) {
	key := place + " " + item
	if b.balance[key] == nil {
		b.balance[key] = new(big.Rat)
	}
	b.balance[key].Add(b.balance[key], amount)
}

// left gives the balances that are not 0, but those of places outside.
func (b *books) left(t rapid.TB, e epcis.Event) (all []string) {
	sums := map[string]*big.Rat{}
	for key, v := range b.balance {
		place, item, _ := strings.Cut(key, " ")
		if sums[item] == nil {
			sums[item] = new(big.Rat)
		}
		sums[item].Add(sums[item], v)
		if v.Sign() != 0 {
			all = append(all, place+" "+item+" "+v.RatString())
		}
	}
	for item, sum := range sums {
		if sum.Sign() != 0 {
			t.Fatalf("%s: %s adds up to %s", e.Type, item, sum.RatString())
		}
	}
	return all
}

// anyEvent draws an event of any type, step and place.
func anyEvent(t *rapid.T) epcis.Event {
	one := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	places := []string{"", strings.Trim(dock, `"`), strings.Trim(shelf, `"`), strings.Trim(cold, `"`), strings.Trim(site2, `"`), strings.Trim(abroad, `"`)}
	amounts := func(name string) (all []epcis.Quantity) {
		for range rapid.IntRange(0, 2).Draw(t, name) {
			all = append(all, epcis.Quantity{
				Class: one("class", "urn:epc:class:lgtin:4012345.012345.L7", "https://id.gs1.org/01/04012345666663"),
				Count: epcis.Decimal(one("count", "1", "2.50", "1e3")), UOM: one("uom", "", "KGM"),
			})
		}
		return all
	}
	things := func(name string) []string {
		return []string{fmt.Sprintf("urn:epc:id:sgtin:0614141.107346.%d", rapid.IntRange(1, 9).Draw(t, name))}
	}
	e := epcis.Event{
		Type: one("type", epcis.ObjectEvent, epcis.AggregationEvent, epcis.TransformationEvent, epcis.AssociationEvent), Time: noon,
		Action:      epcis.Action(one("action", "ADD", "OBSERVE", "DELETE")),
		BizStep:     one("step", "", "commissioning", "decommissioning", "receiving", "accepting", "shipping", "void_shipping", "storing", "picking", "destroying", "retail_selling", "inspecting"),
		Disposition: one("disposition", "", "active", "in_progress", "in_transit", "damaged", "returned", "destroyed"),
		ReadPoint:   epcis.Place{ID: one("read point", places...)}, BizLocation: epcis.Place{ID: one("location", places...)},
	}
	if from := one("source", places...); from != "" {
		e.Sources = []epcis.Party{{Type: "location", ID: from}}
	}
	if to := one("destination", places...); to != "" {
		e.Destinations = []epcis.Party{{Type: "location", ID: to}}
	}
	if e.Type == epcis.TransformationEvent {
		e.Action = ""
		e.Inputs, e.InputQuantities, e.Outputs, e.OutputQuantities = things("input"), amounts("inputs"), things("output"), amounts("outputs")
	} else {
		e.EPCs, e.Quantities = things("thing"), amounts("amounts")
		if e.Type != epcis.ObjectEvent {
			e.Parent = "urn:epc:id:sscc:0614141.1234567890"
		}
	}
	return e
}

func made(t *rapid.T, fields epcis.Event) epcis.Event {
	e, err := epcis.New(fields, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func interpreted(t *rapid.T, e epcis.Event) []epcis.Intent {
	intents, err := epcis.Interpret(e, world())
	if err != nil || len(intents) == 0 {
		t.Fatalf("%d intents, %v", len(intents), err)
	}
	return intents
}

func TestAnEventAndItsDeclarationOfErrorLeaveNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := anyEvent(t)
		e, b := made(t, fields), newBooks()
		b.post(interpreted(t, e))
		b.left(t, e) // adds up to nothing over all places
		fields.Error = &epcis.ErrorDeclaration{Time: noon}
		b.post(interpreted(t, made(t, fields)))
		if left := b.left(t, e); len(left) > 0 {
			t.Fatalf("%s leaves %q", told(interpreted(t, e)), left)
		}
	})
}

func TestWhatIsUndoneLeavesNothing(t *testing.T) {
	for do, undo := range map[string]string{"shipping": "void_shipping", "commissioning": "decommissioning"} {
		rapid.Check(t, func(t *rapid.T) {
			fields := anyEvent(t)
			fields.Type, fields.Parent, fields.Inputs, fields.Outputs, fields.InputQuantities, fields.OutputQuantities = epcis.ObjectEvent, "", nil, nil, nil, nil
			fields.EPCs, fields.Action, fields.ReadPoint = []string{"urn:epc:id:sgtin:0614141.107346.1"}, epcis.Observe, fields.BizLocation
			b := newBooks()
			fields.BizStep = do
			first := made(t, fields)
			b.post(interpreted(t, first))
			fields.BizStep = undo
			b.post(interpreted(t, made(t, fields)))
			if left := b.left(t, first); len(left) > 0 {
				t.Fatalf("%s leaves %q", told(interpreted(t, first)), left)
			}
		})
	}
}
