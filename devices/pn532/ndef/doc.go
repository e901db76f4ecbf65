// Package ndef reads and writes NDEF messages: what NFC cards carry as links, texts and files, whatever the card is.
//
// A message is a row of records. A record is a flag byte (message begins, message ends, chunk, short, has an id, and three
// bits that say what kind of name its type is), the lengths of type, payload and id, and those three. A short record has a
// payload length of one byte, a long one of four, big endian. A payload may be sent in chunks: records with the chunk flag
// whose followers have an empty type of kind unchanged.
//
// Parse fails on anything that is no message, and gives records that share memory with it, but for the payloads of chunks,
// which together are no longer than the message. Nothing here is decided by the clock or kept between calls.
//
// Sources: NFC Forum NDEF 1.0 and the record type definitions Text 1.0, URI 1.0 and Smart Poster 1.0.
package ndef
