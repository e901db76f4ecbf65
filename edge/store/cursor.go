package store

import (
	"encoding/binary"
	"fmt"

	"github.com/tallydock/tallydock/devices/wire"
)

// cursor is all that the store knows of itself as of one commit. It is the mark in Badger and a slot of the head file.
type cursor struct {
	commit     uint64 // number of this commit
	epoch      uint64
	epochStart uint64
	head       uint64
	headHash   wire.Hash // zero while the epoch is empty
	mainBytes  uint64    // of all main rows ever
	floor      uint64    // first main row that is still here

	samplesHead  uint64
	samplesBytes uint64
	samplesFloor uint64
	gap          gap // sample seqs that were never given
	thinned      uint64
	damaged      uint64

	stateCount uint64 // how many keys the state has
	stateSum   uint64 // sum of their hashes

	acked        acked
	samplesAcked uint64
	ackTurn      uint64 // rises with each change of the two, so that the newer note wins

	moving uint64 // 1 while rows are moved to another epoch: there may be rows outside of every epoch
}

// gap is a range of seqs that no row has, where the store jumped because it could not know what it had given; from 0 is none.
type gap struct{ from, to uint64 }

// skip gives seq, or the first seq behind the gap when seq is in it.
func (g gap) skip(seq uint64) uint64 {
	if g.from != 0 && seq >= g.from && seq <= g.to {
		return g.to + 1
	}
	return seq
}

// acked is the last main record that the hub has said it holds.
type acked struct {
	epoch, seq uint64
	hash       wire.Hash
}

const cursorSize = 8*20 + 2*16

func (c cursor) append(b []byte) []byte {
	for _, n := range [...]uint64{
		c.commit, c.epoch, c.epochStart, c.head, c.mainBytes, c.floor, c.samplesHead, c.samplesBytes, c.samplesFloor,
		c.thinned, c.damaged, c.stateCount, c.stateSum, c.acked.epoch, c.acked.seq, c.samplesAcked, c.ackTurn,
		c.gap.from, c.gap.to, c.moving,
	} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(b, c.headHash[:]...)
	return append(b, c.acked.hash[:]...)
}

func parseCursor(b []byte) (cursor, error) {
	if len(b) != cursorSize {
		return cursor{}, fmt.Errorf("mark has %d bytes; %d are needed", len(b), cursorSize)
	}
	var c cursor
	for _, n := range [...]*uint64{
		&c.commit, &c.epoch, &c.epochStart, &c.head, &c.mainBytes, &c.floor, &c.samplesHead, &c.samplesBytes,
		&c.samplesFloor, &c.thinned, &c.damaged, &c.stateCount, &c.stateSum, &c.acked.epoch, &c.acked.seq,
		&c.samplesAcked, &c.ackTurn, &c.gap.from, &c.gap.to, &c.moving,
	} {
		*n = binary.BigEndian.Uint64(b)
		b = b[8:]
	}
	copy(c.headHash[:], b)
	copy(c.acked.hash[:], b[16:])
	return c, nil
}

// takeAcked takes the other's note of what is acked when it is the newer one.
func (c *cursor) takeAcked(o cursor) {
	if o.ackTurn > c.ackTurn {
		c.acked, c.samplesAcked, c.ackTurn = o.acked, o.samplesAcked, o.ackTurn
	}
}
