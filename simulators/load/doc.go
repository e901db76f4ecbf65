// Package load plays thousands of gateways to one hub from one process, and tells what the hub's acks were worth: how late
// they came, what had to be sent again, and whether anything was lost.
//
// The road: a calendar says when things happen at an edge (movements and passes by a Poisson process, alarms, samples) ->
// its goods say what -> its outbox numbers, chains and keeps the records until the hub's own ack -> envelopes within a window
// -> MQTT, QoS 1. Each edge is one goroutine that reads until its next thing is due, so a thousand edges cost little more
// than their sockets; edges share nothing but counters, the histograms and a few compressors.
//
// An edge keeps to what devices/wire promises, as a real one does: its own epoch, gap-free seqs, the chain, a retained Status
// with a will, samples only while no main record waits, all that is not acked again after a lost connection, a step back when
// the hub's ack goes back, a new epoch when the histories have parted.
//
// Time. Unless told to go flat out, arrivals do not wait for answers: the calendar is fixed by the seed, a record that could
// not be made or sent in time still counts from the moment when it was due, and so latencies include every wait. What
// happens is fixed by the seed too, so the truth at the end of a run that was not interrupted is the same each time.
//
// A run has four phases: edges join over the ramp and say where all their tags are; all of that is acked; the load; and the
// drain, in which nothing new happens until the hub has acked everything.
package load
