package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tallydock/tallydock/hub/ledger"
)

// head is the end of a chain.
type head struct {
	number int16
	link   int64
	hash   [32]byte
	stored bool
}

// append makes m the next link.
func (h *head) append(m *ledger.Movement) {
	h.link++
	m.Chain = ledger.Chain{Number: h.number, Link: h.link}
	m.Chain.Hash = m.Seal(h.hash)
	h.hash = m.Chain.Hash
}

// lockChains reads the ends of the chains to which movements will be added, in the order of their numbers.
func (tx *Tx) lockChains(posted []posting) (map[int16]*head, error) {
	heads := map[int16]*head{}
	for _, p := range posted {
		n := ledger.ChainOf(p.edge, p.Actor)
		heads[n] = &head{number: n}
	}
	for _, part := range lists(slices.Sorted(maps.Keys(heads))) {
		err := each(tx.ctx, tx, tx.lock(`SELECT number, link, hash FROM chain WHERE number IN (`+marks(len(part), "?")+`) ORDER BY number`),
			func(scan func(...any) error) error {
				h := head{stored: true}
				var hash []byte
				if err := scan(&h.number, &h.link, &hash); err != nil {
					return err
				}
				if len(hash) != len(h.hash) {
					return fmt.Errorf("hash of chain %d has %d bytes", h.number, len(hash))
				}
				copy(h.hash[:], hash)
				*heads[h.number] = h
				return nil
			}, anys(part)...)
		if err != nil {
			return nil, fmt.Errorf("cannot read the ends of the chains: %w", err)
		}
	}
	return heads, nil
}

var (
	chainColumns = []column{{"number", integer}, {"link", integer}, {"hash", binary}}
	chainRows    = table{name: "chain", columns: chainColumns, then: `ON CONFLICT (number) DO UPDATE SET link = excluded.link, hash = excluded.hash`}
	newChains    = table{name: "chain", columns: chainColumns}
)

func (tx *Tx) writeChains(heads map[int16]*head) error {
	var old, fresh [][]any
	for _, n := range slices.Sorted(maps.Keys(heads)) {
		h := heads[n]
		values := []any{int64(h.number), h.link, h.hash[:]}
		if h.stored {
			old = append(old, values)
		} else {
			fresh = append(fresh, values)
		}
	}
	if err := insertNew(tx, &newChains, fresh); err != nil {
		return err
	}
	return tx.insert(&chainRows, old)
}
