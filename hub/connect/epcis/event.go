package epcis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Action is what an event does to the life of its objects, or to their being together.
type Action string

// The actions.
const (
	Add     Action = "ADD"
	Observe Action = "OBSERVE"
	Delete  Action = "DELETE"
)

// The types of event. An event of another type has the name of the type in full.
const (
	ObjectEvent         = "ObjectEvent"
	AggregationEvent    = "AggregationEvent"
	TransactionEvent    = "TransactionEvent"
	TransformationEvent = "TransformationEvent"
	AssociationEvent    = "AssociationEvent"
)

// Event is one event as it was captured. Standard words (of BizStep, Disposition, the types of transactions and so on)
// are bare, however they were written; other names are written out in full; identities are as they were written, and
// Canonical makes them comparable. An Event is made by Decode, Restore or New, and is not changed after that. It keeps the
// text of its document in memory.
type Event struct {
	Type           string
	ID             string // eventID; "" where it has none
	Time           time.Time
	TimeZoneOffset string    // of the place, e.g. "+08:00"
	RecordTime     time.Time // zero where it has none
	Certification  []string
	Error          *ErrorDeclaration // this event tells that the one it repeats was wrong
	Action         Action            // "" in a TransformationEvent
	BizStep        string
	Disposition    string
	Persistent     PersistentDisposition
	ReadPoint      Place // where it happened
	BizLocation    Place // where the objects are until another event tells otherwise
	Transactions   []Transaction
	Sources        []Party
	Destinations   []Party
	Parent         string     // parentID
	EPCs           []string   // epcList or childEPCs
	Quantities     []Quantity // quantityList or childQuantityList

	Inputs           []string // of a TransformationEvent
	InputQuantities  []Quantity
	Outputs          []string
	OutputQuantities []Quantity
	TransformationID string

	Sensors    []SensorElement
	ILMD       []Member // instance or lot master data
	Extensions []Member

	text  string // of the JSON object
	scope *scope
}

// scope is what the document around an event says of names.
type scope struct {
	context  Context // of the document
	prefixes Prefixes
}

// Place is a read point or a business location.
type Place struct {
	ID         string
	Extensions []Member
}

// Transaction is a business document that an event belongs to.
type Transaction struct {
	Type string // "" where not told
	ID   string
}

// Party is a source or destination of a transfer: a party or a place.
type Party struct {
	Type string
	ID   string
}

// Quantity is an amount of objects of a class.
type Quantity struct {
	Class string  // epcClass
	Count Decimal // "" where not told
	UOM   string  // UN/ECE Recommendation 20 code, "" for pieces
}

// PersistentDisposition are states that begin or end and hold besides the disposition.
type PersistentDisposition struct{ Set, Unset []string }

// ErrorDeclaration says that an event was wrong.
type ErrorDeclaration struct {
	Time       time.Time
	Reason     string
	Corrective []string // ids of the events that tell it right
	Extensions []Member
}

// SensorElement is what sensors tell of the objects or the place.
type SensorElement struct {
	Metadata   SensorMetadata
	Reports    []SensorReport
	Extensions []Member
}

// SensorMetadata holds for all reports of a SensorElement.
type SensorMetadata struct {
	Time, Start, End                  time.Time // zero where not told
	DeviceID, DeviceMetadata, RawData string
	DataProcessingMethod, BizRules    string
	Extensions                        []Member
}

// SensorReport is one measured, or summed up, value.
type SensorReport struct {
	Type, Exception                                    string
	DeviceID, DeviceMetadata, RawData                  string
	DataProcessingMethod, BizRules                     string
	Time                                               time.Time
	Microorganism, ChemicalSubstance, CoordinateSystem string
	Component                                          string
	Value, Min, Max, Mean, SDev, PercRank, PercValue   Decimal
	String                                             *string
	Boolean                                            *bool
	HexBinary, URI, UOM                                string
	Extensions                                         []Member
}

// Member is a member that the standard does not define.
type Member struct {
	Name  string // as written, e.g. "example:batch"
	Full  string // with its prefix written out, e.g. "http://ns.example.com/epcis/batch"
	Value json.RawMessage
}

// Text gives the value of a Member that is a string; of another one, its JSON.
func (m Member) Text() string {
	n, err := parse(string(m.Value), mostDepth, len(m.Value)+1)
	if err != nil {
		return string(m.Value)
	}
	return n.str()
}

// MarshalJSON gives the event as it was captured, without the spaces between. It fails for an Event that nothing made.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.text == "" {
		return nil, fmt.Errorf("%w: an event without text: make it by Decode, Restore or New", fault.Invalid)
	}
	var b bytes.Buffer
	b.Grow(len(e.text))
	err := json.Compact(&b, []byte(e.text))
	return b.Bytes(), err
}

// Context gives what the document around the event said of names, without the standard context. A store keeps it with
// the event, for Restore.
func (e Event) Context() Context {
	var own Context
	if e.scope != nil {
		for _, item := range e.scope.context {
			if !isStandard(item) {
				own = append(own, item)
			}
		}
	}
	return own
}

func (e Event) prefixes() Prefixes {
	if e.scope == nil {
		return nil
	}
	return e.scope.prefixes
}

// node gives the event's JSON again.
func (e Event) node() (node, bool) {
	n, err := parse(e.text, mostDepth, len(e.text)+1)
	return n, err == nil
}
