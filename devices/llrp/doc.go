// Package llrp speaks with UHF portal readers that know the Low Level Reader Protocol, versions 1.0.1 and 1.1: Impinj
// Speedway and R700, Zebra FX, and most others with an Ethernet socket. It has the codec in both directions, for the
// gateway and for who pretends to be a reader, and the Driver.
//
// The road of a sighting: RO_ACCESS_REPORT -> TagScanner -> TagReport -> devices.Read. The road of everything else:
// bytes -> Header -> Body (ParseBody), and back (Message.Append).
//
// A message is a header of 10 bytes (version and type, length including the header, id; big endian) and a body of fields
// and parameters. A parameter is a TLV (type of 10 bits, length of 16 bits including those 4 bytes) or, below type 128, a
// TV (one byte with its highest bit set, and a body of a length that the type fixes). Parameters hold parameters.
//
// Invariants:
//   - One description of a structure serves both directions (coder), so what was read is written back alike.
//   - Parameters of no type that is known here, and those of vendors, are kept (Extra) and written back.
//   - Every length is checked against what is there; no allocation is larger than a small multiple of the input.
//   - Every field of a TagReport is optional, because readers leave them out: Fields says what was there.
//
// Sources: EPCglobal Low Level Reader Protocol 1.0.1 (2007) and 1.1 (2010); Impinj's published extensions (vendor 25882).
package llrp
