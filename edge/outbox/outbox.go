// Package outbox is the words that the store, which keeps records for the hub, and the uplink, which brings them
// there, speak with one another: Run, Stored, Position, Word, Result.
package outbox

import "github.com/tallydock/tallydock/devices/wire"

// Kind says what a record is about, without decoding it. The numbers are part of stored data.
type Kind uint8

// The kinds of record.
const (
	Movement Kind = 1 + iota
	Pass          // and the verdict on one
	Alarm         // and what comes of one: excursions, escalations, resets of sums, answers to commands
	Sample
)

// Stored is one record of the outbox.
type Stored struct {
	Seq   uint64
	Kind  Kind
	Bytes []byte    // as wire.EncodeRecord made them
	Hash  wire.Hash // main stream: chain hash of this record
}

// Run is a row of consecutive main records of one epoch.
type Run struct {
	Epoch      uint64
	EpochStart uint64
	Before     wire.Hash // chain hash of the record before the first; zero for an epoch's first
	Records    []Stored  // empty where there is nothing from the asked seq on
}

// First is the seq of the run's first record; there must be one.
func (r Run) First() uint64 { return r.Records[0].Seq }

// Last is the seq of the run's last record; there must be one.
func (r Run) Last() uint64 { return r.Records[len(r.Records)-1].Seq }

// Position says where the streams stand.
type Position struct {
	Epoch        uint64
	EpochStart   uint64    // seq of the epoch's first record
	Head         uint64    // last main record; EpochStart-1 while the epoch is empty
	HeadHash     wire.Hash // its chain hash
	Acked        uint64    // last main record that the hub has
	Oldest       uint64    // first main record that is still here
	SamplesHead  uint64
	SamplesAcked uint64
	Thinned      uint64 // samples given up for want of space, since the store was made
	Damaged      uint64 // records found damaged and parked, since the store was made
	Free         int64  // bytes free on the file system
	Need         int64  // bytes below which intake stops
	LowSpace     bool   // intake stands still
	Err          error  // why the store no longer works, or nil
}

// Word says how much an ack is worth.
type Word uint8

// The worths of an ack.
const (
	// Retained: kept by the broker, so perhaps old. It may move the cursor forward only.
	Retained Word = iota
	// Live: just said by the hub. It may move the cursor back, as far as rows are still here.
	Live
	// Insisted: said again and again while nothing was on its way. It may begin a new epoch for what the hub can never
	// get otherwise.
	Insisted
)

// Result is what an ack changed.
type Result uint8

// The results of an ack.
const (
	Same     Result = iota // nothing new
	Forward                // the hub has more than before
	Rewound                // the hub has less than it said before: it was restored; send again from Position().Acked
	Stale                  // a retained ack below what is known; nothing was changed
	Gap                    // the hub wants records that are no longer here; nothing goes on until it insists
	NewEpoch               // the histories had parted; what the hub lacks is in a new epoch now
)

// String gives the result's name.
func (r Result) String() string {
	return [...]string{"same", "forward", "rewound", "stale", "gap", "new_epoch"}[min(r, NewEpoch)]
}
