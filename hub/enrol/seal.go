package enrol

import (
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
)

// Sealer encrypts what must not be read in a file; secret.Keyring is one. What was sealed with one label does not open with
// another, and what was changed does not open. It may be used by many goroutines.
type Sealer interface {
	Seal(label string, text []byte) []byte
	Open(label string, sealed []byte) ([]byte, error)
}

func seal(s Sealer, label string, key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return s.Seal(label, der), nil
}

func unseal(s Sealer, label string, sealed []byte) (*ecdsa.PrivateKey, error) {
	der, err := s.Open(label, sealed)
	if err != nil {
		return nil, err
	}
	return privateKey(der)
}

func privateKey(der []byte) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T, and not an ECDSA key", key)
	}
	return private, nil
}
