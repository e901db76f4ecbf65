// Package intake takes what edges send into the hub's books, once each.
//
// The road. Envelopes come in batches, in the order of their arrival. One batch is one transaction of the Store: for each
// envelope the Stream of its edge is judged (Judge), the records that are next are applied to ledger, fleet and series,
// and the Stream moves on, all committed together. What Take returns are the acks to publish after that commit.
//
// Sequence. Of the main stream only the record after the last one taken is applied. What was taken already is skipped,
// a gap is answered with the watermark, so that the edge sends from there. A new epoch is taken when its first record
// comes; when that leaves a gap after the epoch before, the edge is first asked for what is between, and only when it
// offers the new epoch again, Patience later, is the gap accepted and noted in the quarantine as "epoch_gap".
//
// An edge that is asked for records which it no longer has must begin a new epoch with the first one that it has.
//
// Chain. The hash of the record before an envelope's first new one must be the hash that the Stream has. Where it is not,
// hub and edge do not speak of the same history (an edge that was restored from an image, for one): nothing of the
// envelope is applied, the edge is answered with the watermark and its hash, by which it sees the same and begins a new
// epoch. When the same break comes a second time (a single one may be damage on the way) it is noted, once, in the
// quarantine as "chain_broken". Retrying that entry accepts the edge's history.
//
// Quarantine. A record that cannot be decoded or applied is parked with its reason and counts as taken: the stream goes
// on. An operator retries it, when the cause is gone, or discards it.
package intake
