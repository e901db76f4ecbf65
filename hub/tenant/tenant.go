// Package tenant is who may do what: users with grants, the sessions that they open by a password, by an authenticator or by
// an OIDC provider, the tokens that programs use, and the limits that keep guessers out.
//
// The road of a sign-in: Login counts the attempt (Limits), checks the password, of an unknown user as slowly as of a known
// one, then the authenticator where the user has one, and opens a session with a new token. Session and ByToken know it again
// and give its Principal, which is asked what it may do, and where (Can, Sites).
//
// A password is kept as an argon2id hash with its own parameters; the token of a session or of a program only as its
// SHA-256; the secret of an authenticator sealed by a key outside the database; recovery codes as hashes. A session ends
// after some time without a request, at the latest after its life, and when its user's password, grants or state change.
// All of it runs on the machine's clock, never on a demonstration's.
package tenant

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Why nobody is signed in; everything else is a fault of the store.
var (
	ErrCredentials = fault.New(fault.Forbidden, "user or password is wrong")
	ErrCode        = fault.New(fault.Forbidden, "the code is wrong, or was used already")
	ErrNeedsCode   = fault.New(fault.Forbidden, "the user has an authenticator: its code is needed")
	ErrTooMany     = fault.New(fault.Unavailable, "too many failed sign-ins; wait")
	ErrNoSession   = fault.New(fault.Forbidden, "session is not open or has ended; sign in")
	ErrNoToken     = fault.New(fault.Forbidden, "API token is not known, has expired or was revoked")
)

// Locked is ErrTooMany with how long.
type Locked struct{ Wait time.Duration }

// Error says how long.
func (l Locked) Error() string { return fmt.Sprintf("%v %v", ErrTooMany, l.Wait.Round(time.Second)) }

// Unwrap makes it ErrTooMany.
func (l Locked) Unwrap() error { return ErrTooMany }

// AdminName is the name of the first user.
const AdminName = "admin"

// Kind says where a user's sign-in is checked.
type Kind string

// The kinds of user.
const (
	Local    Kind = "local" // by a password here
	External Kind = "oidc"  // by the provider; there is no password here
)

// User is a person, or a program that signs in like one.
type User struct {
	Name     string `json:"name"` // lower case
	Kind     Kind   `json:"kind"`
	Subject  string `json:"subject"` // of an External user: issuer and sub
	Grants   Grants `json:"grants"`
	Password string `json:"-"`        // argon2id hash in PHC form; "" = none
	Made     bool   `json:"made"`     // the password was made here, for the user to change
	Language string `json:"language"` // "en", "zh-CN"; "" = the browser's
	Disabled bool   `json:"disabled"`
	// Changed is when the password was set.
	Changed time.Time `json:"password_set_at"`
	// Factor: the user has an authenticator. Read only; see Factors.
	Factor bool `json:"authenticator"`
}

// Must says what a session has to do before anything else.
type Must string

// What there may be to do.
const (
	MustNothing  Must = ""
	MustPassword Must = "password" // change a password that was made
	MustFactor   Must = "totp"     // set up an authenticator
)

// Session is an open session: who acts, and what the browser must send along with every change.
type Session struct {
	ID        string
	User      string
	Kind      Kind
	Principal Principal
	Language  string
	CSRF      string
	Must      Must
}

// StoredSession is a session as the store keeps it.
type StoredSession struct {
	TokenHash [32]byte
	User      string
	Opened    time.Time
	Seen      time.Time // last request, to the minute
	Address   string
	Agent     string // what the browser calls itself
}

// Users keeps users. User and BySubject fail with fault.NotFound. PutUser inserts or replaces with the grants, and ends the
// user's sessions where end says so, in one transaction. Where keep is set it fails with fault.Conflict if nobody would be
// left who is Admin of all sites, enabled.
type Users interface {
	User(ctx context.Context, name string) (User, error)
	BySubject(ctx context.Context, subject string) (User, error)
	Users(ctx context.Context) ([]User, error)
	PutUser(ctx context.Context, u User, end, keep bool) error
	// PutFirst inserts u where there is no user yet, also where several hubs start at once, and reports whether it did.
	PutFirst(ctx context.Context, u User) (made bool, err error)
	CountUsers(ctx context.Context) (int, error)
}

// Sessions keeps open sessions. Session returns ErrNoSession for an unknown token; OpenSession also removes all that
// were opened before dead; TouchSession does nothing for a session that has been ended.
type Sessions interface {
	Session(ctx context.Context, tokenHash [32]byte) (StoredSession, User, error)
	SessionsOf(ctx context.Context, user string) ([]StoredSession, error)
	OpenSession(ctx context.Context, s StoredSession, dead time.Time) error
	TouchSession(ctx context.Context, tokenHash [32]byte, seen time.Time) error
	DeleteSession(ctx context.Context, tokenHash [32]byte) error
}

// Attempts counts sign-ins that failed, or have not gone well yet. Attempt forgets what is older than the limits look at,
// and adds one, unless the limits say to wait, in one transaction; it gives the wait, 0 where it was added.
type Attempts interface {
	Attempt(ctx context.Context, user, address string, at time.Time, l Limits) (wait time.Duration, err error)
	ForgetAttempts(ctx context.Context, user, address string) error
}

// Factor is an authenticator as the store keeps it.
type Factor struct {
	User      string
	Secret    []byte // sealed
	Confirmed bool   // it has given a right code once
	Step      int64  // the last one whose code was taken
}

// Factors keeps authenticators. Factor fails with fault.NotFound. PutFactor replaces the factor and, where codes is not nil,
// the hashes of the recovery codes. UseStep and UseCode report whether the step or the code had not been used before, and
// use it, in one transaction.
type Factors interface {
	Factor(ctx context.Context, user string) (Factor, error)
	PutFactor(ctx context.Context, f Factor, codes [][32]byte) error
	DropFactor(ctx context.Context, user string) error
	UseStep(ctx context.Context, user string, step int64) (bool, error)
	UseCode(ctx context.Context, user string, hash [32]byte) (bool, error)
}

// Tokens keeps API tokens. TokenByHash gives ErrNoToken for an unknown one. Tokens gives those of a user, or ("") all.
type Tokens interface {
	AddToken(ctx context.Context, t Token) error
	Tokens(ctx context.Context, user string) ([]Token, error)
	TokenByHash(ctx context.Context, hash [32]byte) (Token, User, error)
	TouchToken(ctx context.Context, id string, at time.Time) error
	RevokeToken(ctx context.Context, id string, at time.Time) error
}

// Logins keeps sign-ins that are on their way to the OIDC provider and back. TakeLogin removes what it gives, so that each
// comes back once; fault.NotFound where it is not there or was begun before since.
type Logins interface {
	AddLogin(ctx context.Context, hash [32]byte, next string, at time.Time) error
	TakeLogin(ctx context.Context, hash [32]byte, since time.Time) (next string, err error)
}

// Store is all that a Service keeps.
type Store interface {
	Users
	Sessions
	Attempts
	Factors
	Tokens
	Logins
}

// CleanName gives the form in which a user's name is kept.
func CleanName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func checkName(name string) error {
	if len(name) == 0 || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._@-") != "" {
		return fmt.Errorf("%w: user name %q; use 1 to 64 of a-z 0-9 . _ @ -", fault.Invalid, name)
	}
	return nil
}
