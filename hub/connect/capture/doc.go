// Package capture takes EPCIS events into the hub: it keeps them, and books what they mean for the stock.
//
//	document ─ epcis.Decode ─► events ─► kept, those that are new ─ epcis.Interpret ─► intents ─► movements, packing
//	                                                                          └─► what cannot be booked: discrepancies
//
// What holds:
//   - A capture is one transaction: the events, all that they mean, the discrepancies and the job's report are there
//     together, or none is. By the behaviour "rollback" one event that is wrong refuses all; by "proceed" the others are taken.
//   - An event is booked once, however often it comes: it is known by its key (its id, or the hash of what it tells).
//   - An event is booked whole or not at all. What the books cannot take, because an item or a place is not known, there is
//     not as much, or the period is closed, is a discrepancy with the event in it: the event is kept and can be searched, the
//     books are as before, and the events after it go on. A person makes it right and has it tried again.
//   - Events of one document are booked in the order in which they happened, whatever their order in it.
//   - A movement's source is "epcis:" and the event's id, its key "epcis/" and the event's key.
//
// Whose word counts: where the ledger has a tag elsewhere than the event says that it came from, the ledger is right, and the
// line begins there. An event that is older than the ledger's last word on a tag by more than ledger.LateAfter waits for a
// person, and so does a count that differs from the books, and an amount of which nobody says where it was taken from.
//
// Amounts without serial numbers that are packed into a container are in the event and not in the books of what is packed in
// what, which know tags only: they move by events that name them.
//
// EPCIS names a thing, a tag carries it in one of several codings. Names finds the one that the ledger has, and keeps
// the name with it, so that a reader and an event that speak of one thing speak of one tag.
package capture
