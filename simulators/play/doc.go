// Package play runs a scenario against a clock: it steps the world, lets the simulated devices see what happens in it,
// tells the world which devices are at work, and writes the ground truth.
//
// The road of a sighting: world.Step -> Read -> the reader that has the antenna -> its protocol. The way back: a reader
// that nobody polls, or that has no connection, is down for the world, so that loads wait before its door.
package play
