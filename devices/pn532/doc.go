// Package pn532 speaks with the NXP PN532 NFC controller over its serial line (HSU, 115200 8N1): the codec in both
// directions, for the gateway and for who pretends to be a pad, the reading of NDEF messages, and the Driver.
//
// A frame is 00 00 FF, length, length checksum, data, data checksum, 00; data is D4 or D5 (to or from the PN532), a
// command code and parameters. Long frames (extended) carry a length of two bytes. The host sends a command, the PN532
// acknowledges it at once with an ACK frame, and answers later with code + 1. A PN532 that sleeps must first be woken by
// a run of 55 55 00 …, and wants SAMConfiguration before anything else.
//
// The road: Driver looks at the pad (InListPassiveTarget), speaks with each card that is new (InDataExchange) to read its
// NDEF message (ReadMessage; package ndef reads the message), and reports. Decode tells what recorded frames say, also
// those of an ACR122U, a USB reader that wraps PN532 commands.
//
// Invariants: no card makes the pad busy for longer than some seconds or the gateway keep more than MaxMessage bytes of
// it; a card taken away in the middle is no error; a UID counts only when two looks gave it.
//
// Sources: NXP UM0701-02 (PN532 user manual), chapters 6.2 (frames) and 7 (commands); those of cards and of the ACR122U
// are named where they are used.
package pn532
