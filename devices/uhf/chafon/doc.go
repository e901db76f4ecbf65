// Package chafon speaks with serial UHF readers of the UHFReader18 and UHFReader288 families (Chafon CF-RU5102 and others,
// RRU9803M; 57600 8N1): the codec in both directions and the Driver, for both dialects.
//
// A frame is the number of bytes that follow, the reader's address, a command, data, and CRC-16/MCRF4XX over all before it,
// low byte first. There is no head, so a frame is found by its length, its command and its CRC. The gateway asks and the
// reader answers with the same command and a status before the data; address FF asks any reader. An inventory is answered
// by one frame or several: status 03 says that more follow, 01, 02 and 04 end it, FB says that there was no tag.
//
// The dialects differ in the inventory. UHFReader18 has one antenna and tells EPCs alone. UHFReader288 is asked for one
// antenna at a time, tells which one heard a tag as a bit of a mask, and gives each tag a byte of strength whose unit its
// maker does not say: it is handed on as RSSIRelative.
//
// A wrong EPC passes the CRC-16 once in 65,536 frames that more than two damaged bytes hit; the EPC's own CRC is not told.
//
// Sources: the UHFReader18 (V2.0) and UHFReader288MP (V1.14) user's manuals, and the public chafon-rfid project.
package chafon
