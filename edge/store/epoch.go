package store

import (
	"encoding/binary"
	"fmt"
)

// epoch is a run of main records without a gap, chained from its first.
type epoch struct {
	number uint64
	start  uint64 // seq of the first record
	last   uint64 // seq of the last; start-1 while empty
	// lost is the last seq that the epoch ever had; above last where its end was lost or moved into a later epoch.
	lost uint64
}

func (e epoch) empty() bool { return e.last < e.start }

// epochs are the closed epochs of which rows may still be here, in order, and at the end the open one.
type epochs []epoch

func (es epochs) find(number uint64) (epoch, bool) {
	for _, e := range es {
		if e.number == number {
			return e, true
		}
	}
	return epoch{}, false
}

// next gives the epoch and the seq of the first record at or after from that is not below floor.
func (es epochs) next(from, floor uint64) (epoch, uint64, bool) {
	from = max(from, floor)
	for _, e := range es {
		if !e.empty() && e.last >= from {
			return e, max(from, e.start), true
		}
	}
	return epoch{}, 0, false
}

func epochKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{epochPrefix}, number)
}

func encodeEpoch(e epoch) []byte {
	var b []byte
	for _, n := range [...]uint64{e.number, e.start, e.last, e.lost} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return sealed(epochKey(e.number), b)
}

func decodeEpoch(key, b []byte) (epoch, error) {
	v, err := unseal(key, b)
	if err != nil || len(v) != 32 {
		return epoch{}, fmt.Errorf("epoch row %x: %w", key, errDamaged)
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(v[8*i:]) }
	return epoch{number: n(0), start: n(1), last: n(2), lost: n(3)}, nil
}

// owns tells whether the main row of a key belongs to an epoch and has not been let go.
func (es epochs) owns(key []byte, floor uint64) bool {
	if len(key) != len(mainKey(0, 0)) {
		return false
	}
	number, seq := binary.BigEndian.Uint64(key[1:]), binary.BigEndian.Uint64(key[9:])
	e, ok := es.find(number)
	return ok && seq >= max(e.start, floor) && seq <= e.last
}
