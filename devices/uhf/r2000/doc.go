// Package r2000 speaks with serial UHF readers that are built on the Impinj R2000 and speak the "A0" protocol (IND90x and
// many readers with four antennas; 115200 8N1): the codec in both directions and the Driver.
//
// A frame is A0, the number of bytes that follow, the reader's address, a command, data, and a check byte that makes the
// sum of all bytes 0. A0 occurs inside frames too, so a frame is found by its length and its check. The gateway asks and the
// reader answers with the same command. An inventory is answered by a frame for each sighting and one that ends the round,
// or by a code that says what failed. There is no command that stops a round; it ends by itself.
//
// What the check cannot do: it notices each damaged byte that is alone in its frame, but of frames with two or more it
// passes one in 256. A sighting carries no CRC of the tag. The driver therefore also wants the PC word to tell the length
// that the EPC has, the reader's own address, and the command that it sent. What is left: about one sighting in a million
// is wrong on a line that damages one byte in a thousand. Noise is reported as Degraded, and a tag that was seen but once
// while it lasted deserves doubt.
//
// Sources: the public "UHF RFID Reader Serial Interface Protocol" (V2 and V3), and example programs of IND90x readers.
package r2000
