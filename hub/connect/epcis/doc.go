// Package epcis reads, keeps apart, searches and understands EPCIS 2.0 events (GS1's way to say what happened to which
// goods, where and why) in their JSON form.
//
//	EPCISDocument, EPCISQueryDocument, event ── Decode ──► Document, Event ── Document.Encode ──► the same events again
//	                                                         │
//	     url.Values ── ParseQuery ──► Query ── Match ◄───────┼── Keys ──► Store ◄── Query.Answer, Index ── Query
//	                                                         │
//	                                        World ─ Interpret ──► []Intent, for the ledger
//
// What was captured is given back as it was: an Event holds its own text, so that numbers, times and members that nobody
// here knows stay what they are. Fields are read from it once, with standard words bare and names written out.
//
// An event that comes twice is seen to be the same: by its Key, which is its id or, where it has none, the hash that CBV
// 2.0 defines over what it tells (EventHash). An error declaration repeats an event and has its id; its Key differs.
//
// Things have many names: urn:epc:id:sgtin:0614141.812345.6789 and https://example.com/01/80614141123458/21/6789 are one.
// Canonical gives the one by which they are indexed and compared; it never changes what an event says.
//
// The checks of Decode are those of the standard's JSON schema, in words that say what to do. They go further only in
// this: names and values are limited in size and depth, and what cannot be a number, a time or a URI is refused although
// a schema without format checks would take it. XML is not read.
//
// The package has no clock, no storage and no network: a hub gives it time, a Store and the bytes.
//
// Sources: GS1 EPCIS Standard 2.0 (§7 data model, §8.2.7 SimpleEventQuery, §10 JSON binding, §12 REST binding); GS1 Core
// Business Vocabulary 2.0 (§7 vocabularies, §8 identifiers and event hash); EPC Tag Data Standard §6 and §8 (URIs and
// patterns); RFC 8259, RFC 6920.
package epcis
