// Package wire is what an edge and the hub say to one another: topics, messages and their encoding.
//
// Version history (Version; a version is never changed after its release, old goldens stay):
//
//	1  2026-11-22  first version
//
// Streams. The main stream carries movements, passes and alarm transitions under one gap-free seq per edge and epoch;
// the sample stream carries samples under a seq of its own, whose gaps are samples that were thinned out. A record is
// encoded once, when the edge stores it, and travels as those bytes.
//
// Chain. Every main record has a hash over the hash before it, its epoch, its seq and its bytes (Chain). An Envelope
// names the hash before its first record, an Ack the hash of its last, so that both sides notice when they no longer
// speak of the same history.
//
// Delivery. The hub takes, per edge, only the record after the last one that it has committed, in the transaction that
// applies it, and then publishes an Ack, retained. An edge drops nothing before that Ack. An Ack lower than the edge's
// own note of it is a hub that was restored from a backup: the edge sends again from there.
package wire
