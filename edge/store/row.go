package store

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
)

const (
	mainPrefix    = 'm'
	samplePrefix  = 's'
	statePrefix   = 'k'
	commandPrefix = 'c'
	epochPrefix   = 'e'
	parkedPrefix  = 'p'
	scratchPrefix = 'z'
)

var markKey = []byte{'x'}

var errDamaged = errors.New("row is damaged: its checksum does not match")

func kindOf(r wire.Record) outbox.Kind {
	switch {
	case r.Movement != nil:
		return outbox.Movement
	case r.Pass != nil, r.Verdict != nil:
		return outbox.Pass
	case r.Sample != nil:
		return outbox.Sample
	default:
		return outbox.Alarm
	}
}

// row is a stored record with what is needed to check, age and count it.
type row struct {
	kind   outbox.Kind
	stored time.Time // when the store took it
	offset uint64    // bytes of all rows before it in its stream
	before wire.Hash // main stream: chain hash of the record before
	record []byte
}

const rowHead = 1 + 4 + 1 + 8 + 8 + 16 // version, crc, kind, stored, offset, before

// size is what a row counts for retention.
func (r row) size() uint64 { return uint64(rowHead + len(r.record)) }

func encodeRow(key []byte, r row) []byte {
	b := make([]byte, rowHead, rowHead+len(r.record))
	b[0] = 1
	b[5] = byte(r.kind)
	binary.BigEndian.PutUint64(b[6:], uint64(r.stored.UnixMicro()))
	binary.BigEndian.PutUint64(b[14:], r.offset)
	copy(b[22:], r.before[:])
	b = append(b, r.record...)
	binary.BigEndian.PutUint32(b[1:], checksum(key, b[5:]))
	return b
}

// decodeRow reads what encodeRow made under the same key. The record shares b's memory.
func decodeRow(key, b []byte) (row, error) {
	if len(b) < rowHead || b[0] != 1 || binary.BigEndian.Uint32(b[1:]) != checksum(key, b[5:]) {
		return row{}, errDamaged
	}
	r := row{kind: outbox.Kind(b[5]), stored: time.UnixMicro(int64(binary.BigEndian.Uint64(b[6:]))).UTC()}
	r.offset = binary.BigEndian.Uint64(b[14:])
	copy(r.before[:], b[22:])
	r.record = b[rowHead:]
	return r, nil
}

// sealed puts a checksum over key and value in front of a value; unseal takes it off.
func sealed(key, value []byte) []byte {
	b := make([]byte, 4, 4+len(value))
	b = append(b, value...)
	binary.BigEndian.PutUint32(b, checksum(key, value))
	return b
}

func unseal(key, b []byte) ([]byte, error) {
	if len(b) < 4 || binary.BigEndian.Uint32(b) != checksum(key, b[4:]) {
		return nil, errDamaged
	}
	return b[4:], nil
}

func checksum(key, value []byte) uint32 {
	b := make([]byte, 0, 64)
	b = append(b, key...)
	return wire.Checksum(binary.BigEndian.AppendUint32(b, wire.Checksum(value)))
}

func mainKey(epoch, seq uint64) []byte {
	k := make([]byte, 17)
	k[0] = mainPrefix
	binary.BigEndian.PutUint64(k[1:], epoch)
	binary.BigEndian.PutUint64(k[9:], seq)
	return k
}

func sampleKey(seq uint64) []byte {
	k := make([]byte, 9)
	k[0] = samplePrefix
	binary.BigEndian.PutUint64(k[1:], seq)
	return k
}

func parkedKey(stream wire.Stream, epoch, seq uint64) []byte {
	k := make([]byte, 18)
	k[0], k[1] = parkedPrefix, byte(stream)
	binary.BigEndian.PutUint64(k[2:], epoch)
	binary.BigEndian.PutUint64(k[10:], seq)
	return k
}

func prefixed(prefix byte, key []byte) []byte {
	return append(append(make([]byte, 0, 1+len(key)), prefix), key...)
}
