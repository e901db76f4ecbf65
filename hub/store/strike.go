package store

import "github.com/google/uuid"

// Strike runs a statement behind the ledger's back, with the UUIDs in args as the database keeps them. It is there for
// tests of what finds such things.
func (tx *Tx) Strike(text string, args ...any) error {
	for i, a := range args {
		if s, ok := a.(string); ok && uuid.Validate(s) == nil {
			args[i] = uid(s)
		}
	}
	return tx.exec(text, args...)
}
