// Package pipeline is the one road through a gateway: read -> reconcile, sample -> watch -> one commit of records and
// state -> outbox.
//
// Drivers hand over through the Sink, into one bounded queue; when it is full they wait, which is how the pressure
// reaches the reader. One goroutine takes what waits, steps the two machines, and submits all that came of it, records
// and state, as one batch; while that batch becomes durable the next is computed, but never more than one. So a crash
// leaves the state of some batch's end and exactly the records up to there.
package pipeline
