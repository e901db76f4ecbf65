// Package epc reads and writes GS1 identities as tags carry them: SGTIN, SSCC, SGLN, GRAI and GIAI.
//
//	binary (EPC memory) ◄── Decode, Tag.Encode ──► Tag ◄── ParseTagURI, Tag.URI ──► urn:epc:tag:sgtin-96:3.0614141.812345.6789
//	                                                │
//	                                             Identity ◄── ParseURI, Identity.URI ──► urn:epc:id:sgtin:0614141.812345.6789
//	                                                ▲
//	                                                └─ ParseElementString, ElementString, Key ─► (01)80614141123458(21)6789
//
// An Identity says which thing it is; a Tag adds how that is written into a tag's memory: the coding and the filter
// value. Both directions refuse what the other could not give back. What cannot be decoded is still named, by RawURI.
//
// Source: GS1 EPC Tag Data Standard, release 1.13: §6 and §7 (URIs and keys), §12 (tag URIs), §14 (binary). The "+"
// codings of release 2 are not read yet and come out raw.
package epc
