package wire

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	pb "github.com/tallydock/tallydock/devices/wire/wirepb"
)

// MaxConfigBytes is how long a configuration's text may be.
const MaxConfigBytes = 256 << 10

// signedFor keeps a signature of something else from being taken for one of a configuration.
const signedFor = "tallydock edge configuration 1\x00"

// Signed gives the bytes that a Configuration's signature is made of: what they are for, the length of the edge's id in two
// bytes, the id, the version in eight bytes, high byte first, and the text.
func (c Configuration) Signed() []byte {
	b := make([]byte, 0, len(signedFor)+2+len(c.Edge)+8+len(c.Text))
	b = append(b, signedFor...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Edge)))
	b = append(b, c.Edge...)
	b = binary.BigEndian.AppendUint64(b, c.Version)
	return append(b, c.Text...)
}

// Sign gives c with the signature of key.
func (c Configuration) Sign(key ed25519.PrivateKey) Configuration {
	c.Signature = ed25519.Sign(key, c.Signed())
	return c
}

// SignedBy reports whether c was signed with the other half of key, for this edge, this version and this text.
func (c Configuration) SignedBy(key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, c.Signed(), c.Signature)
}

// check tells what no Configuration may be, whoever signed it.
func (c Configuration) check() error {
	if err := ValidEdgeID(c.Edge); err != nil {
		return err
	}
	switch {
	case c.Version == 0:
		return errors.New("it has no version; the lowest is 1")
	case len(c.Text) > MaxConfigBytes:
		return fmt.Errorf("its text has %d bytes; at most %d are possible", len(c.Text), MaxConfigBytes)
	case len(c.Signature) != ed25519.SignatureSize:
		return fmt.Errorf("its signature has %d bytes, and not %d", len(c.Signature), ed25519.SignatureSize)
	}
	return nil
}

// EncodeConfiguration gives the message of c, which must be signed.
func EncodeConfiguration(c Configuration) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return proto.Marshal(&pb.Configuration{
		Version: Version, Edge: c.Edge, ConfigVersion: c.Version, Text: c.Text, Signature: c.Signature,
	})
}

// DecodeConfiguration reads what EncodeConfiguration made. It does not say who signed it: see SignedBy.
func DecodeConfiguration(b []byte) (Configuration, error) {
	var m pb.Configuration
	if err := unmarshal("configuration", b, &m); err != nil {
		return Configuration{}, err
	}
	c := Configuration{Edge: m.GetEdge(), Version: m.GetConfigVersion(), Text: m.GetText(), Signature: m.GetSignature()}
	if err := c.check(); err != nil {
		return Configuration{}, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}
