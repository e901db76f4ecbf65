// Package uplink brings the records of the outbox to the hub over MQTT, and the hub's acks and commands to the edge.
//
// The road: outbox.Run -> envelopes of one topic each -> a window of envelopes that are on their way -> MQTT, QoS 1 ->
// hub -> the hub's own ack, which moves the outbox's cursor and opens the window.
//
// What MQTT promises is not relied on. A PUBACK says that the broker has a message, and paho's token may complete
// without even that, so neither counts: only the hub's ack does. What was sent and not acked in time is sent again from
// the cursor; the hub takes each record once, so sending too much is harmless, and it takes them in order, so a message
// that overtakes another is only sent again. That is why the session is clean and why a new client is made for each
// connection: what an old connection still had to send comes from the outbox again, in order, and not from paho's
// memory, out of order.
//
// An epoch's records are sent only when all before it are acked: a hub that took the first record of an epoch early would
// never take the rest of the epoch before.
//
// Samples go only when no main record waits, and one envelope at a time: their seqs may have gaps, so a hub cannot tell an
// envelope that was overtaken from samples that were thinned out. Nothing in an MQTT handler blocks: acks and commands that find their queue
// full are dropped, because the hub says them again.
package uplink
