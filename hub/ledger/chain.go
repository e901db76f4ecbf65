package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// Movements of edges have one chain for each partition of the wire; those that people and programs post share the chains
// after these by their actor, so that many can write at once.
const (
	userChains = 16
	// Chains is how many chains there are.
	Chains = wire.Partitions + userChains
)

// ChainOf tells which chain a movement belongs to. edge is "" for one that no edge sent.
func ChainOf(edge, actor string) int16 {
	if edge != "" {
		return int16(wire.Partition(edge))
	}
	return int16(wire.Partitions + wire.Partition(actor)%userChains)
}

// Seal gives the hash of m in its chain: SHA-256 over the hash of the movement before it (zeros for the first), its place
// in the chain, and all that it says. Texts go in with their length before them, numbers as 8 bytes big-endian, times in
// microseconds since 1970, so that no two movements come to the same bytes.
func (m Movement) Seal(before [32]byte) (hash [32]byte) {
	b := make([]byte, 0, 512)
	b = append(b, before[:]...)
	b = number(b, int64(m.Chain.Number), m.Chain.Link)
	b = text(b, m.ID, string(m.Kind), m.Source, m.Actor, m.Key, m.Reverses)
	b = moment(b, m.EffectiveAt, m.RecordedAt)
	b = m.Evidence.seal(b)
	for _, l := range m.Lines {
		b = text(b, l.Item, l.Lot, l.Tag.String(), l.From, string(l.FromState), l.To, string(l.ToState))
		b = number(b, l.Quantity, l.Value)
	}
	return sha256.Sum256(b)
}

func (e Evidence) seal(b []byte) []byte {
	b = text(b, e.ReadPoint, e.Pass, e.BizStep)
	b = moment(b, e.FirstRead, e.LastRead)
	rssi := int64(math.MinInt64)
	if e.PeakRSSI != nil {
		rssi = int64(math.Round(*e.PeakRSSI * 100))
	}
	return number(b, int64(e.Reads), rssi, int64(e.Confidence))
}

func text(b []byte, all ...string) []byte {
	for _, s := range all {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

func number(b []byte, all ...int64) []byte {
	for _, n := range all {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func moment(b []byte, all ...time.Time) []byte {
	for _, t := range all {
		if t.IsZero() {
			b = number(b, 0)
		} else {
			b = number(b, t.UnixMicro())
		}
	}
	return b
}
