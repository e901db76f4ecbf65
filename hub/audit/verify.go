package audit

import (
	"encoding/hex"
	"fmt"
)

// maxWrong is how many faults a verification lists.
const maxWrong = 100

// Verification is what a walk along the chain found.
type Verification struct {
	Entries int64    `json:"entries"`
	Wrong   []string `json:"wrong"` // what does not fit, at most 100; empty = all is as it was written
	Seal    string   `json:"seal"`  // the end of the chain: its number and hash. Keep it elsewhere to prove it later
}

// Verifier takes a log's entries in order.
type Verifier struct {
	seq   int64
	hash  [32]byte
	wrong []string
}

// Add looks at the next entry.
func (v *Verifier) Add(e Entry) {
	if e.Seq != v.seq+1 {
		v.fault("entry %d follows entry %d", e.Seq, v.seq)
	}
	if got := e.Seal(v.hash); got != e.Hash {
		v.fault("entry %d is not what was written, or the one before it is not", e.Seq)
	}
	v.seq, v.hash = e.Seq, e.Hash
}

// End compares the last entry with where the log says that it ends.
func (v *Verifier) End(seq int64, hash [32]byte) Verification {
	if seq != v.seq || hash != v.hash {
		v.fault("the log ends with entry %d and should end with entry %d", v.seq, seq)
	}
	wrong := v.wrong
	if wrong == nil {
		wrong = []string{}
	}
	return Verification{Entries: v.seq, Wrong: wrong, Seal: fmt.Sprintf("%d:%s", v.seq, hex.EncodeToString(v.hash[:]))}
}

func (v *Verifier) fault(format string, args ...any) {
	if len(v.wrong) < maxWrong {
		v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
	}
}
