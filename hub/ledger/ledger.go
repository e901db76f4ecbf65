// Package ledger is the truth about goods: append-only double-entry movements, in which every item's quantities add up
// to zero because whatever arrives leaves somewhere else, if only a virtual location.
package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
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
)

// State of the goods within a location.
type State string

// The states. OnHand counts both; Available only what is seen.
const (
	Available   State = "available"
	StateUnseen State = "unseen" // its readers work and have not seen it for longer than they should
	Quarantined State = "quarantine"
)

// Movement is one immutable fact with its entries.
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
	Entries     []Entry
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

// Entry is one line of a movement: so much of an item more or less at a place.
type Entry struct {
	Item     string
	Lot      string
	Tag      devices.Tag // zero for goods without a serial identity
	Location Location
	State    State
	Quantity int64 // in the item's smallest unit
	Value    int64 // in 1/10000 of the currency
}

// Check reports what is wrong with m: no entries, or an item whose quantities or values do not add up to zero.
func (m Movement) Check() error {
	if m.ID == "" || m.Key == "" || len(m.Entries) < 2 {
		return errors.New("movement lacks its id, its key or its entries")
	}
	type sums struct{ quantity, value int64 }
	total := map[string]sums{}
	for _, e := range m.Entries {
		if e.Item == "" || e.Location == "" || e.Quantity == 0 {
			return fmt.Errorf("movement %s has an entry without item, location or quantity", m.Key)
		}
		s := total[e.Item]
		total[e.Item] = sums{s.quantity + e.Quantity, s.value + e.Value}
	}
	for item, s := range total {
		if s != (sums{}) {
			return fmt.Errorf("movement %s: entries of item %s add up to %d, not 0", m.Key, item, s.quantity)
		}
	}
	return nil
}
