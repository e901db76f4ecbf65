// Package wire is what an edge and the hub say to one another: topics, messages and their encoding.
//
// Version history (Version; a version is never changed after its release, old goldens stay):
//
//	1  2026-11-22  first version
//	1  2026-11-22  Configuration on down/config, and Status tells what became of it (fields 18 to 21); who does not know
//	               them does without them
//	1  2026-11-22  records Excursion, Escalation, Verdict, SumReset and Answer (6 to 10): an older hub parks them in its
//	               quarantine and goes on; commands for service, resets and lists (8 to 12): an older edge passes them
//	               over, and they expire; alarm state 8, latched: an older hub parks those transitions
//	1  2026-11-22  Catalog on down/catalog; who does not know it does without it
//
// Streams. The main stream carries movements, passes, alarm transitions and what comes of them under one gap-free seq per
// edge and epoch; the sample stream carries samples under a seq of its own, whose gaps are samples that were thinned out.
// A record is encoded once, when the edge stores it, and travels as those bytes.
//
// Chain. Every main record has a hash over the hash before it, its epoch, its seq and its bytes (Chain). An Envelope
// names the hash before its first record, an Ack the hash of its last, so that both sides notice when they no longer
// speak of the same history.
//
// Delivery. The hub takes, per edge, only the record after the last one that it has committed, in the transaction that
// applies it, and then publishes an Ack, retained. An edge drops nothing before that Ack. An Ack lower than the edge's
// own note of it is a hub that was restored from a backup: the edge sends again from there.
//
// Configuration. What a hub tells a gateway to work by is signed for that gateway and that version, so that neither a
// broker nor another gateway's message, nor an old one kept by somebody, changes what a gateway does.
package wire
