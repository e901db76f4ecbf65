package epcis

import (
	"time"

	"github.com/tallydock/tallydock/hub/ledger"
)

// Kind is what an event means for the stock.
//
//	Kind      from → to                        told by
//	Produce   PRODUCTION → place               ObjectEvent ADD; outputs of a TransformationEvent
//	Consume   place → PRODUCTION               decommissioning; inputs of a TransformationEvent
//	Receive   SUPPLIER, CUSTOMER (a return)    receiving, accepting
//	          or IN_TRANSIT → place
//	Ship      place → CUSTOMER or IN_TRANSIT   shipping, departing, consigning, retail_selling, dispensing
//	Unship    CUSTOMER or IN_TRANSIT → place   void_shipping
//	Move      where they are → place           any other step that says where they are, or in which state
//	Lose      place → LOSS                     destroying; other DELETE; the dispositions destroyed, disposed and stolen
//	Count     —                                cycle_counting, stock_taking: what was found at a place
//	Pack      —                                AggregationEvent ADD: Items are in Parent from now on
//	Unpack    —                                AggregationEvent DELETE: they are not; without Items, none is
//	Attach    —                                AssociationEvent ADD: Items are fixed to Parent
//	Detach    —                                AssociationEvent DELETE
//	Link      —                                TransactionEvent: Items belong to the Documents
//	Reverse   —                                an error declaration: what EventID meant is taken back
//	None      —                                Why says it
//
// IN_TRANSIT stands where the other side of a transfer is ours too: its place, or its party, is one that World knows.
type Kind string

// The kinds.
const (
	Produce Kind = "produce"
	Consume Kind = "consume"
	Receive Kind = "receive"
	Ship    Kind = "ship"
	Unship  Kind = "unship"
	Move    Kind = "move"
	Lose    Kind = "lose"
	Count   Kind = "count"
	Pack    Kind = "pack"
	Unpack  Kind = "unpack"
	Attach  Kind = "attach"
	Detach  Kind = "detach"
	Link    Kind = "link"
	Reverse Kind = "reverse"
	None    Kind = "none"
)

// InTransit is the state of goods on their way.
const InTransit ledger.State = "in_transit"

// Intent is one thing that an event means for the stock, for the ledger to post, or for a person to decide where the
// ledger knows otherwise.
type Intent struct {
	Kind        Kind
	EventID     string // the event's Identity: of a Reverse, that of the event to take back
	EffectiveAt time.Time
	Items       []Item
	// From and To are ours or virtual. From "" is wherever the ledger has the items, which for an amount of a class only a
	// person may know; where it has a tag elsewhere than From, the ledger is right. To "" stays where it is. A Count is of
	// what is at To.
	From, To  ledger.Location
	State     ledger.State // from now on; "" as it was
	Parent    string       // canonical, of what Items are packed in or fixed to
	Documents []Transaction
	// Corrections are the events that tell right what a Reverse takes back, and Reason says why.
	Corrections []string
	Reason      string
	Why         string // of None: why nothing follows
}

// Item is one thing, or an amount of a class of things.
type Item struct {
	EPC      string  // canonical; "" for an amount of a class
	Class    string  // canonical, e.g. "https://id.gs1.org/01/09506000134352/10/A1"; "" for a thing without GTIN
	GTIN     string  // 14 digits, "" where it has none
	Lot      string  // "" where not told
	Quantity Decimal // 1 for one thing
	UOM      string  // UN/ECE Recommendation 20 code, "" for pieces
}

// World is what an interpretation needs to know.
type World struct {
	// Location gives our location for the Canonical name of a place or party, and whether it is ours. A place with an
	// extension that is not known is looked up without it too.
	Location func(id string) (ledger.Location, bool)
	// Contents gives what is in a container now, by its Canonical name; nil where nothing is known of containers. What
	// moves with a container is said of its contents too.
	Contents func(container string) []Item
}
