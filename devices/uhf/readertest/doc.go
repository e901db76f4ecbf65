// Package readertest is what the tests of serial readers' drivers share: a line in memory with a pretended reader at its far
// end, which can be unplugged and made noisy, and the trial that a driver keeps reading, and reads nothing wrong, while one
// byte in a thousand is damaged.
//
// The reader itself is the test's: a function that answers what came. It uses the codec of the driver, so a command that
// the noise has damaged is not understood, as by a real reader.
package readertest
