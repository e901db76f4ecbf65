// Package event is what happened in the hub, said once and heard by many: written in the transaction of the fact,
// told to listeners after its commit, replayable by its number.
package event

import (
	"encoding/json"
	"time"
)

// Type names what an event is about, and so the shape of its Data.
type Type string

// The types. Each Data is the API's JSON shape of that name.
const (
	Stock      Type = "stock"
	Pass       Type = "pass"
	Alarm      Type = "alarm"
	Edge       Type = "edge"
	Device     Type = "device"
	Sample     Type = "sample"
	Proposal   Type = "proposal"
	Quarantine Type = "quarantine"
)

// Event is one thing that happened.
type Event struct {
	Seq  int64 // rising, without a gap a listener could fall into: events become visible in Seq order
	At   time.Time
	Type Type
	Data json.RawMessage
}
