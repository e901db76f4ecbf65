// Package epc reads and writes GS1 identities as tags carry them, and as links, bar codes and messages name them.
//
//	binary (EPC memory) ◄── Decode, Tag.Encode ──► Tag ◄── ParseTagURI, Tag.URI ──► urn:epc:tag:sgtin-96:3.0614141.812345.6789
//	                                                │
//	                                             Identity ◄── ParseURI, Identity.URI ──► urn:epc:id:sgtin:0614141.812345.6789
//	                                                ▲
//	                                             Identify, Elements
//	                                                ▼
//	                                            []Element ◄── ParseElementString, ElementString ──► (01)80614141123458(21)6789
//	                                                      ◄── ParseLink, Link ──► https://id.gs1.org/01/80614141123458/21/6789
//
// An Identity says which thing it is; a Tag adds how that is written into a tag's memory: the coding, the filter value
// and, in release 2, other elements. Both directions refuse what the other could not give back. What cannot be decoded is
// still named, by RawURI. Describe does all of it at once, for people.
//
// Release 1 of the standard writes company prefix and reference apart, and so do its URIs; release 2, links and bar codes
// write the key in one, and nothing in it tells how long the prefix is. So an Identity from there has no Prefix and no
// URI, until WithPrefix tells.
//
// Sources: GS1 EPC Tag Data Standard, releases 1.13 and 2.3: §6 and §7 (URIs and keys), §12 (tag URIs), §14 (binary),
// §15 (memory); GS1 General Specifications §3, §7 (application identifiers, check digits, character sets); GS1 Digital
// Link Standard: URI Syntax, release 1.
package epc
