package enrol

import (
	"context"
	"encoding/hex"
	"time"
)

// Token is the right to enrol one edge, once. Its secret is not in it.
type Token struct {
	Hash    [32]byte // SHA-256 of the secret
	Edge    string
	Site    string
	Replace bool   // may take the place of a certificate that is in use
	By      string // who made it
	Made    time.Time
	Expires time.Time
	Used    time.Time // zero = still open
	Serial  string    // of the certificate that it was used for; "" = it was withdrawn, or is open
}

// ID is by what people name a token.
func (t Token) ID() string { return hex.EncodeToString(t.Hash[:6]) }

// Certificate is an edge's certificate as the hub keeps it.
type Certificate struct {
	Serial     string // SerialText
	Edge       string
	Site       string
	Key        [32]byte // SHA-256 of the SubjectPublicKeyInfo
	Generation int      // of the CA
	DER        []byte
	NotBefore  time.Time
	NotAfter   time.Time
	Issued     time.Time
	Revoked    time.Time // zero = it is not
	Reason     string    // why it was revoked
}

// Change is what Redeem and Update keep, all of it or nothing.
type Change struct {
	Add    *Certificate  // nil = none
	Revoke []Certificate // of the same edge, with Revoked and Reason; one that is revoked already stays as it is
	Token  *Token        // what the token is now; nil = unchanged. Only Redeem has one
}

// Tokens keeps tokens. Instants are kept to the millisecond at least and come back in UTC. Its methods may be called by many
// goroutines and hubs at once.
type Tokens interface {
	// AddToken keeps a new one. Error: fault.Conflict where the hash is known.
	AddToken(ctx context.Context, t Token) error
	// Tokens lists them all, the newest first.
	Tokens(ctx context.Context) ([]Token, error)
	// Redeem finds a token by its hash, gives it to decide with all certificates of its edge, the newest first, and keeps
	// what that gives, in one transaction: of two at once for one edge, the second sees what the first has changed. decide
	// may be called more than once. Its error is returned as it is, and nothing is changed. Error: fault.NotFound where
	// no token has the hash.
	Redeem(ctx context.Context, hash [32]byte, decide func(Token, []Certificate) (Change, error)) error
	// ForgetTokens removes those that expired before.
	ForgetTokens(ctx context.Context, before time.Time) error
}

// Certificates keeps what was issued, under the same conditions.
type Certificates interface {
	// Certificates lists those of an edge, or with "" all, the newest first.
	Certificates(ctx context.Context, edge string) ([]Certificate, error)
	// Revoked lists those that are revoked, the newest first.
	Revoked(ctx context.Context) ([]Certificate, error)
	// Update is Redeem without a token, for the certificates of an edge, of which there may be none.
	Update(ctx context.Context, edge string, decide func([]Certificate) (Change, error)) error
	// ForgetCertificates removes those that expired before and are not revoked.
	ForgetCertificates(ctx context.Context, before time.Time) error
}

// Store is what a Service needs kept.
type Store interface {
	Tokens
	Certificates
}
