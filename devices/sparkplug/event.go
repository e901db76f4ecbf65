package sparkplug

import "time"

// EventKind is what happened.
type EventKind uint8

// The kinds of an Event.
const (
	Measured EventKind = 1 + iota // an edge node or a device says a value: Reading
	Came                          // an edge node's or a device's birth
	Gone                          // its death
	Ask                           // the driver has to send a Rebirth NCMD to the edge node
	Lost                          // Count messages or values are gone: Why
)

// Event is one thing that a message, or the passing of time, means.
type Event struct {
	Kind    EventKind
	Group   string
	Node    string
	Device  string // "" where it is of the edge node itself
	Reading Reading
	Count   int
	Why     string
}

// Reading is one value of one metric.
type Reading struct {
	Name       string
	Datatype   Datatype
	Value      Value
	Null       bool      // the edge node says that there is no value
	Historical bool      // it says nothing of now
	At         time.Time // when it was measured, by the edge node's clock; zero where it does not say
	Unit       string    // the metric's property engUnit; "" where it has none
}

// Number gives the reading as a number.
func (r Reading) Number() (float64, bool) { return r.Datatype.Number(r.Value) }
