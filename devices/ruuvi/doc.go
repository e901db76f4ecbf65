// Package ruuvi reads what Ruuvi's Bluetooth sensors advertise: the RuuviTag's data formats 3 and 5, and the Ruuvi Air's
// formats 6 and E1.
//
// The road of a value: advertisement (a list of AD structures) -> manufacturer's data of company 0x0499 -> payload, whose first
// byte is the format -> Report, in which a value that the tag does not have is absent and not a number.
//
// Source: docs.ruuvi.com, "Bluetooth advertisements", with its test vectors. All numbers are big endian.
package ruuvi
