// Package store keeps what a gateway must not lose: the outbox of records for the hub and the state of the gateway's
// own reasoning, committed together, in Badger.
//
// The road of a batch: Submit -> bounded queue -> the one writer goroutine, which drains what waits (natural
// batching), numbers and chains the records, and commits them in one synced Badger transaction -> the answer to every
// producer -> Changed, which wakes the uplink. ReadMain and ReadSamples give the outbox from a cursor; Ack moves it.
//
// Keys, all numbers big-endian:
//
//	m <epoch 8> <seq 8>   a record of the main stream: movement, pass, alarm transition
//	s <seq 8>             a record of the sample stream
//	k <key>               the gateway's state
//	c <id>                a command that was done
//	e <epoch 8>           a closed epoch: its first and last seq
//	p <stream> <epoch 8> <seq 8>   what was left of a damaged record, parked
//	x                     the mark: heads, cursors, counts and sums as of this commit
//
// Every row carries a CRC-32C over its key and its bytes, because Badger gives damaged bytes as good ones, or leaves
// them out, without an error. A main row carries the hash of the record before it, too; rows of a stream have no gaps, so
// a row that is left out is noticed; a sum over the whole state is kept in the mark and compared when the store is opened.
//
// The head file. A Badger store that lost its tail opens as if nothing were missing. So each commit also writes a slot
// of the head file: 4 KiB, in place, with its own fdatasync, beside Badger's sync and not after it, because two syncs in
// a row would halve the rate. The slot of commit n says "n is about to be answered, n-1 was"; after a moment of
// idleness the other slot says "n was answered". What a crash leaves:
//
//	before both            the mark and the slots say n-1: nothing happened
//	slot n, not Badger     mark n-1, slot n: an unanswered batch is gone, as it may be
//	Badger, not slot n     mark n, slot n-1: the batch is there, its producers were not told
//	both, before answers   the same as after them
//
// A mark older than the last answered commit is a store that lost what it had promised: Recovery says so, and a new
// epoch begins with a seq above all that the mark or the slots know.
//
// Epochs. A seq is never given to another record, and an epoch's records have no gaps. Where the chain cannot go on
// (lost tail, damaged row, a hub that knows more than the edge, a hub restored from before the oldest retained row), a new
// epoch starts and what the hub still lacks moves into it. ReadMain never mixes epochs.
//
// Damaged tables. Badger's compaction panics over a damaged table, again after each start, or leaves rows out. So Open
// verifies every table first; from a damaged database what can be read is copied into a new one, the old one is moved
// aside, and Recovery says so.
//
// Space. A full disk kills Badger by SIGBUS, so the writer looks at the free space before each commit and each second.
// Below the watermark the intake stops (Submit blocks, movements are never dropped), acked rows go, samples are thinned
// out oldest first and counted, then the ballast file is released to give compaction room. Intake resumes by itself.
//
// The program should set GOMEMLIMIT (64 MiB is enough); 64-bit Linux only.
package store
