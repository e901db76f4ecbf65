// Package mercury speaks with serial UHF readers of ThingMagic's M6e and M7e families (115200 8N1): the codec in both
// directions and the Driver.
//
// A frame is FF, the number of data bytes, an operation, in replies a status of 2 bytes, the data, and a CRC of 16 bits over
// all but the head, high byte first. FF occurs inside frames too, so a frame is found by its length and its CRC; whether a
// frame has a status is known from its direction alone. The gateway starts a continuous read, and the reader then sends a
// record for each sighting and, each second, a status: NoTags says that it is well, others what it suffers from.
//
// A record tells the milliseconds since the status before. That is no clock that could be compared with anything, so Reads
// have no ReaderTime.
//
// A wrong EPC passes the CRC once in 65,536 frames that more than two damaged bytes hit. The tag's own CRC is in the
// record too and is not checked, because readers need not keep it.
//
// Sources: the public Mercury API and its example programs, the TransCore T800 guide of the same operations, and the
// SparkFun library for the M6e Nano.
package mercury
