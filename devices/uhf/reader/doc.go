// Package reader is what the drivers of serial UHF readers share: one connection from its opening to its end (Run, Line),
// the questions and their answers, what is reported of tags and of the reader's health, and how frames are found in a
// stream of bytes (First, Reports).
//
// The road: Run opens the port and hands a Line to the family's own work, which stops what the reader may still be doing,
// greets it, sets it up and then reads. Each thing that comes is a frame of the family's codec; a sighting goes to Saw, a
// part of the reader that fails to Fault, what merely happens now and then to Tally.
//
// Invariants: nothing is reported before the reader has answered; a reader that does not answer in a bounded time is an
// error, and so is a port that fails; noise on the line is counted and told, and stops nothing.
package reader
