// Package pn532 speaks with the NXP PN532 NFC controller over its serial line (HSU, 115200 8N1): the codec in both
// directions, for the gateway and for who pretends to be a pad, and the Driver.
//
// A frame is 00 00 FF, length, length checksum, data, data checksum, 00; data is D4 or D5 (to or from the PN532), a
// command code and parameters. Long frames (extended) carry a length of two bytes. The host sends a command, the PN532
// acknowledges it at once with an ACK frame, and answers later with code + 1. A PN532 that sleeps must first be woken by
// a run of 55 55 00 …, and wants SAMConfiguration before anything else.
//
// Source: NXP UM0701-02 (PN532 user manual), chapters 6.2 (frames) and 7 (commands).
package pn532
