package intake

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// ErrRefused: the database will never take this value; another attempt is of no use.
var ErrRefused = errors.New("refused by the database")

// Reason says why something was not taken.
type Reason string

// The reasons, besides those of ledger.Refusal.
const (
	UnknownTag      Reason = "unknown_tag"      // neither the registry nor the tag itself names an item
	UnknownItem     Reason = "unknown_item"     // the tag names a GTIN that no item of the catalogue has
	UnknownLocation Reason = "unknown_location" // the location code is not in the catalogue
	Undecodable     Reason = "undecodable"      // the record's bytes cannot be read
	WrongStream     Reason = "wrong_stream"     // the record is not of this stream, or not of this seq
	Inapplicable    Reason = "inapplicable"     // the database refused it
	BadMessage      Reason = "bad_message"      // a message that is no envelope of its edge
	GapOfEpochs     Reason = "epoch_gap"        // records between two epochs never came
	ChainBroken     Reason = "chain_broken"     // edge and hub do not speak of the same history
	SampleRefused   Reason = "sample_refused"   // the database that keeps samples does not take it
)

// EntryState is where an entry of the quarantine stands.
type EntryState string

// The states of an entry.
const (
	Open      EntryState = "open"      // waits for an operator
	Resolved  EntryState = "resolved"  // applied by a retry
	Discarded EntryState = "discarded" // given up by an operator, with a reason
)

// MaxRaw is how many bytes of a message that cannot be read are kept.
const MaxRaw = 4096

// Entry is one thing that was not taken.
type Entry struct {
	ID     string          `json:"id"`
	Edge   string          `json:"edge"`
	Epoch  uint64          `json:"epoch"`
	Seq    uint64          `json:"seq"` // 0 where no record is behind it
	At     time.Time       `json:"at"`  // when the hub parked it
	Reason Reason          `json:"reason"`
	Detail string          `json:"detail"` // for a person: what is wrong and what to do
	Record json.RawMessage `json:"record"` // the record in readable form; its bytes in hexadecimal where it has none
	State  EntryState      `json:"state"`
	Note   string          `json:"note"`      // why it was discarded
	By     string          `json:"closed_by"` // who resolved or discarded it

	Key string `json:"-"` // idempotency key, unique
	Raw []byte `json:"-"` // the bytes as they came, at most MaxRaw of a message
}

// RefusedSample makes an open entry of a sample that was taken and that the database of samples refused later. Key, At and Detail
// are left to the caller.
func RefusedSample(id, edge string, s wire.Sample) (Entry, error) {
	r := wire.Record{Sample: &s}
	raw, err := wire.EncodeRecord(r)
	return Entry{ID: id, Edge: edge, Reason: SampleRefused, Record: readable(r, raw), State: Open, Raw: raw}, err
}

// readable gives a record as JSON for the eyes of a person.
func readable(r wire.Record, raw []byte) json.RawMessage {
	var v any
	switch {
	case r.Movement != nil:
		v = map[string]any{"movement": r.Movement}
	case r.Pass != nil:
		v = map[string]any{"pass": r.Pass}
	case r.Alarm != nil:
		v = map[string]any{"alarm": r.Alarm}
	case r.Sample != nil:
		v = map[string]any{"sample": r.Sample}
	case r.Excursion != nil:
		v = map[string]any{"excursion": r.Excursion}
	case r.Escalation != nil:
		v = map[string]any{"escalation": r.Escalation}
	case r.Verdict != nil:
		v = map[string]any{"verdict": r.Verdict}
	case r.SumReset != nil:
		v = map[string]any{"sum_reset": r.SumReset}
	case r.Answer != nil:
		v = map[string]any{"answer": r.Answer}
	default:
		v = map[string]any{"bytes": hex.EncodeToString(raw[:min(len(raw), MaxRaw)])}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return b
}
