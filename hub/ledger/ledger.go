// Package ledger is the truth about goods: append-only double-entry movements. Each line takes a quantity from one place
// and state to another, if only a virtual location, so every item's quantities add up to zero.
package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
)

// Location is the code of a place; the virtual ones stand for the world outside.
type Location = string

// The virtual locations.
const (
	Supplier   Location = "SUPPLIER"
	Customer   Location = "CUSTOMER"
	Production Location = "PRODUCTION"
	Loss       Location = "LOSS"
	InTransit  Location = "IN_TRANSIT"
)

// IsVirtual reports whether the location is outside of every site.
func IsVirtual(l Location) bool {
	switch l {
	case Supplier, Customer, Production, Loss, InTransit:
		return true
	}
	return false
}

// Kind says what a movement is in business.
type Kind string

// The kinds.
const (
	Receive Kind = "receive" // SUPPLIER -> a site
	Ship    Kind = "ship"    // a site -> CUSTOMER
	Move    Kind = "move"    // between places of a site
	Found   Kind = "found"   // LOSS or CUSTOMER -> a site: seen, and not booked in
	Return  Kind = "return"  // CUSTOMER -> a site, through a door
	Lost    Kind = "lost"    // a site -> LOSS
	Unseen  Kind = "unseen"  // available -> unseen at the same place, and back
	Reverse Kind = "reverse" // takes back another movement
	Regrade Kind = "regrade" // from one state to another at the same place
	Make    Kind = "make"    // into production or out of it
	Unpack  Kind = "unpack"  // a tag no longer stands for what is in it
	Adjust  Kind = "adjust"  // what a count found
)

// State of the goods within a location.
type State string

// The states. OnHand counts both; Available only what is seen.
const (
	Available      State = "available"
	StateUnseen    State = "unseen" // its readers work and have not seen it for longer than they should
	Quarantined    State = "quarantine"
	StateInTransit State = "in_transit" // on its way between own sites
	WorkInProgress State = "wip"        // in the making
)

// States are all states that goods can have.
var States = []State{Available, StateUnseen, Quarantined, StateInTransit, WorkInProgress}

// Movement is one immutable fact with its lines.
type Movement struct {
	ID          string // UUIDv7
	Kind        Kind
	Source      string // who said so: "edge:SZ1-E1", "user:admin", "import"
	EffectiveAt time.Time
	RecordedAt  time.Time
	Actor       string
	Key         string // idempotency key, unique: "SZ1-E1/1/4711"
	Reverses    string // id of the movement that this takes back
	Evidence    Evidence
	Lines       []Line
	Chain       Chain // as recorded; zero before
}

// Chain is a movement's place among those that its chain of hashes binds together: whoever changes, removes or inserts
// one breaks the hash of each that follows.
type Chain struct {
	Number int16
	Link   int64 // 1 for the first
	Hash   [32]byte
}

// Evidence is what was seen, for a movement that readers decided.
type Evidence struct {
	ReadPoint  string    `json:"read_point,omitempty"`
	Pass       string    `json:"pass,omitempty"`
	BizStep    string    `json:"biz_step,omitempty"`
	FirstRead  time.Time `json:"first_read,omitzero"`
	LastRead   time.Time `json:"last_read,omitzero"`
	Reads      uint32    `json:"reads,omitempty"`
	PeakRSSI   *float64  `json:"peak_rssi_dbm,omitempty"`
	Confidence uint16    `json:"confidence_permille,omitempty"`
}

// Line moves a quantity of an item from one place and state to another. It is both sides of a double entry in one, so
// that nothing can leave without arriving.
type Line struct {
	Item      string
	Lot       string
	Tag       devices.Tag // zero for goods without a serial identity
	From      Location
	FromState State
	To        Location
	ToState   State
	Quantity  int64 // more than 0, in the item's smallest unit; with a Tag all that it stands for
	Value     int64 // of the whole line, in 1/10000 of the currency
}

// Entry is one side of a Line: so much of an item more or less at a place.
type Entry struct {
	Item     string
	Lot      string
	Tag      devices.Tag
	Location Location
	State    State
	Quantity int64
	Value    int64
}

// Entries gives both sides of each line, what leaves before what arrives. Quantities and values of an item add up to 0.
func (m Movement) Entries() []Entry {
	all := make([]Entry, 0, 2*len(m.Lines))
	for _, l := range m.Lines {
		all = append(all, Entry{l.Item, l.Lot, l.Tag, l.From, l.FromState, -l.Quantity, -l.Value},
			Entry{l.Item, l.Lot, l.Tag, l.To, l.ToState, l.Quantity, l.Value})
	}
	return all
}

// Check reports what is wrong with m. Errors: fault.Invalid.
func (m Movement) Check() error {
	if m.ID == "" || m.Key == "" || len(m.Lines) == 0 {
		return fmt.Errorf("%w: movement %q lacks its id, its key or its lines", fault.Invalid, m.Key)
	}
	for i, l := range m.Lines {
		if err := l.check(); err != nil {
			return fmt.Errorf("%w: line %d of movement %s: %w", fault.Invalid, i, m.Key, err)
		}
	}
	return nil
}

func (l Line) check() error {
	switch {
	case l.Item == "":
		return errors.New("no item")
	case l.From == "" || l.To == "" || l.FromState == "" || l.ToState == "":
		return errors.New("a place or a state is missing")
	case l.From == l.To && l.FromState == l.ToState:
		return fmt.Errorf("moves nothing: from and to are both %s, %s", l.To, l.ToState)
	case l.Quantity <= 0:
		return fmt.Errorf("quantity %d; more than 0 is needed", l.Quantity)
	}
	return nil
}
