// Package uhf speaks with serial UHF readers of the M100, QM100, YRM100 and R200 family ("BB…7E" frames, 115200 8N1):
// the codec in both directions, for the gateway and for who pretends to be a reader, and the Driver.
//
// A frame is BB, type, command, length (2 bytes, big endian), parameters, checksum, 7E. The checksum is the low byte of
// the sum from type to the last parameter. BB and 7E occur inside frames too, so a frame is found by its length and its
// checksum; the end byte is only checked. The gateway sends commands; the reader answers each with one response
// (the same command code, or Failure and a code) and, while it polls, sends a notice for each sighting of a tag and a
// Failure NoTag for each round without one. How many rounds are left it never says: it just falls silent.
//
// A damaged frame passes the 8-bit checksum once in 256 times. A sighting carries the tag's own CRC-16 over its PC word and
// EPC, which is checked, so a wrong EPC needs both to fit: once in 16 million damaged frames. What is left is a wrong RSSI,
// which no CRC covers.
//
// The other families of serial UHF readers are in the folders below: chafon, r2000 and mercury; reader is what they share.
//
// Sources: the M100/QM100 serial protocol as its public manuals and example programs show it.
package uhf
