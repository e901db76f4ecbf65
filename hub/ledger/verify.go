package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// Verification is what Verify found.
type Verification struct {
	Movements int64
	Chains    int
	// Seal is one hash over the ends of all chains. Whoever wrote it down elsewhere can show later that nothing from
	// before was changed: the same movements come to the same Seal.
	Seal  string
	Wrong []string // what does not fit, at most maxWrong
}

// maxWrong bounds a Verification's list: one changed movement breaks its chain once, and a broken disk many.
const maxWrong = 100

// Verifier follows the chains of a ledger. Movements come in any order that has those of one chain nearly in theirs.
type Verifier struct {
	movements int64
	ends      map[int16]Chain
	early     map[int16]map[int64]Movement // that came before the link before them
	wrong     []string
}

// NewVerifier makes a Verifier that has seen nothing.
func NewVerifier() *Verifier {
	return &Verifier{ends: map[int16]Chain{}, early: map[int16]map[int64]Movement{}}
}

// Movements is how many were added.
func (v *Verifier) Movements() int64 { return v.movements }

// Add takes the next movement.
func (v *Verifier) Add(m Movement) {
	v.movements++
	n := m.Chain.Number
	if due := v.ends[n].Link + 1; m.Chain.Link > due {
		if v.early[n] == nil {
			v.early[n] = map[int64]Movement{}
		}
		v.early[n][m.Chain.Link] = m
		return
	} else if m.Chain.Link < due {
		v.report("movement %s is link %d of chain %d, which has another one", m.ID, m.Chain.Link, n)
		return
	}
	for {
		v.follow(m)
		next, ok := v.early[n][m.Chain.Link+1]
		if !ok {
			return
		}
		delete(v.early[n], next.Chain.Link)
		m = next
	}
}

// follow goes over one link. After one that does not fit it goes on from the hash that is kept, so that each change is
// reported once.
func (v *Verifier) follow(m Movement) {
	if m.Seal(v.ends[m.Chain.Number].Hash) != m.Chain.Hash {
		v.report("movement %s, link %d of chain %d: it, or what was before it, was changed", m.ID, m.Chain.Link, m.Chain.Number)
	}
	v.ends[m.Chain.Number] = m.Chain
}

func (v *Verifier) report(format string, args ...any) {
	if len(v.wrong) < maxWrong {
		v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
	}
}

// End compares with the ends of the chains as they are kept, and gives what was found.
func (v *Verifier) End(kept []Chain) Verification {
	for _, k := range kept {
		e := v.ends[k.Number]
		if len(v.early[k.Number]) > 0 {
			first := slices.Min(slices.Collect(maps.Keys(v.early[k.Number])))
			v.report("chain %d: links %d to %d are missing", k.Number, e.Link+1, first-1)
		} else if e.Link != k.Link || e.Hash != k.Hash {
			v.report("chain %d ends at link %d and should at %d: movements are missing or too many", k.Number, e.Link, k.Link)
		}
		delete(v.ends, k.Number)
	}
	for n := range v.ends {
		v.report("chain %d has movements and no end", n)
	}
	return Verification{Movements: v.movements, Chains: len(kept), Seal: SealOf(kept), Wrong: v.wrong}
}

// SealOf gives the seal of a ledger by the ends of its chains, in the order of their numbers.
func SealOf(ends []Chain) string {
	seal := sha256.New()
	for _, e := range ends {
		fmt.Fprintf(seal, "%d %d %x\n", e.Number, e.Link, e.Hash)
	}
	return hex.EncodeToString(seal.Sum(nil))
}
