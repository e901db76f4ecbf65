// Package pipeline is the one road through a gateway: read -> reconcile, sample -> watch -> one commit of records and
// state -> outbox.
//
// Drivers hand over through the Sink, into one bounded queue; when it is full they wait, which is how the pressure
// reaches the reader. One goroutine takes what waits, steps the two machines, and submits all that came of it, records
// and state, as one batch; while that batch becomes durable the next is computed, but never more than one. So a crash
// leaves the state of some batch's end and exactly the records up to there.
//
// What one machine decides the other may have to know: each movement goes on to the watching, so that an excursion can say
// which goods were in its room; inputs of devices go to both. What people and the hub ask for goes the same road, one after
// the other with what is read (ask.go). Lamps and relays are told at once, and not after the commit (decided.go).
//
// A pass happens once. So a reader behind a broker waits until what it read at a door or a table is durable, because its
// messages are acknowledged when the Sink returns: what a crash takes away the broker still has, and sends again, with the
// reader's own times. Tags on shelves are read again anyway, and a serial line keeps nothing, so those do not wait.
package pipeline
