package secret

import (
	"context"
	"fmt"
)

// Sealed is a secret as a Store has it.
type Sealed struct {
	Label string
	Value []byte
}

// Store keeps sealed secrets by their labels. Get fails with fault.NotFound. Replace changes a value only where it still is
// what old says, and reports whether it was. All gives every sealed value that the database has, those of other tables
// included.
type Store interface {
	Put(ctx context.Context, s Sealed) error
	Get(ctx context.Context, label string) ([]byte, error)
	All(ctx context.Context) ([]Sealed, error)
	Replace(ctx context.Context, label string, old, fresh []byte) (bool, error)
}

// Vault keeps secrets in a Store, sealed.
type Vault struct {
	Keys  *Keyring
	Store Store
}

// Put keeps a secret under a label; one that has the label goes.
func (v Vault) Put(ctx context.Context, label, text string) error {
	return v.Store.Put(ctx, Sealed{label, v.Keys.Seal(label, []byte(text))})
}

// Get gives a secret. Errors: fault.NotFound, ErrKey, ErrChanged.
func (v Vault) Get(ctx context.Context, label string) (string, error) {
	sealed, err := v.Store.Get(ctx, label)
	if err != nil {
		return "", err
	}
	text, err := v.Keys.Open(label, sealed)
	return string(text), err
}

// Reseal seals everything that the database has under the first key. It may run while the hub works, and again after it was
// interrupted; fresh counts what it sealed.
func (v Vault) Reseal(ctx context.Context) (fresh int, err error) {
	all, err := v.Store.All(ctx)
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		value, changed, err := v.Keys.Reseal(s.Label, s.Value)
		if err != nil {
			return fresh, err
		}
		if !changed {
			continue
		}
		done, err := v.Store.Replace(ctx, s.Label, s.Value, value)
		if err != nil {
			return fresh, fmt.Errorf("cannot seal %s again: %w", s.Label, err)
		}
		if done {
			fresh++
		}
	}
	return fresh, nil
}
