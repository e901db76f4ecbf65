// Package tenant is who may do what: users with a role, the sessions that they open by password, and the limits that
// keep guessers out.
//
// A password is kept as an argon2id hash with its own parameters; a session's token only as its SHA-256, so that neither
// can be read back from the database or a backup. A session ends after 12 hours without a request, after 7 days at the
// latest, and when its user's password changes. All of it runs on the machine's clock, never on a demonstration's.
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
	ErrTooMany     = fault.New(fault.Unavailable, "too many failed sign-ins; wait a quarter of an hour")
	ErrNoSession   = fault.New(fault.Forbidden, "session is not open or has ended; sign in")
)

// AdminName is the name of the first user.
const AdminName = "admin"

// Role is what a user may do; each includes those before it.
type Role uint8

// The roles. The numbers are stored.
const (
	Viewer   Role = 1 // sees everything
	Operator Role = 2 // answers alarms, settles discrepancies
	Planner  Role = 3 // approves proposals, imports the catalogue
	Admin    Role = 4 // everything
)

var roleNames = map[Role]string{Viewer: "viewer", Operator: "operator", Planner: "planner", Admin: "admin"}

// String gives the role's name.
func (r Role) String() string {
	if n, ok := roleNames[r]; ok {
		return n
	}
	return fmt.Sprintf("role %d", uint8(r))
}

// ParseRole reads what String wrote.
func ParseRole(name string) (Role, error) {
	for r, n := range roleNames {
		if n == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%w: role %q is not viewer, operator, planner or admin", fault.Invalid, name)
}

// User is a person, or a program that signs in like one.
type User struct {
	Name     string // lower case
	Role     Role
	Password string // argon2id hash in PHC form
	Language string // "en", "zh-CN"; "" = the browser's
	Changed  time.Time
}

// Session is an open session: who acts, and what the browser must send along with every change.
type Session struct {
	User     string
	Role     Role
	Language string
	CSRF     string
}

// StoredSession is a session as the store keeps it.
type StoredSession struct {
	TokenHash [32]byte
	User      string
	Opened    time.Time
	Seen      time.Time // last request, to the minute
}

// Users keeps users. User fails with fault.NotFound for an unknown name. PutUser inserts or replaces, and ends the user's
// sessions, in one transaction.
type Users interface {
	User(ctx context.Context, name string) (User, error)
	PutUser(ctx context.Context, u User) error
	CountUsers(ctx context.Context) (int, error)
}

// Sessions keeps open sessions. Session returns ErrNoSession for an unknown token; OpenSession also removes all that
// were opened before dead; TouchSession does nothing for a session that has been ended.
type Sessions interface {
	Session(ctx context.Context, tokenHash [32]byte) (StoredSession, User, error)
	OpenSession(ctx context.Context, s StoredSession, dead time.Time) error
	TouchSession(ctx context.Context, tokenHash [32]byte, seen time.Time) error
	DeleteSession(ctx context.Context, tokenHash [32]byte) error
}

// Attempts counts failed sign-ins. Attempt forgets what is older than since, and adds one at the time at unless one of
// the limits is reached, in one transaction; it reports whether it was added.
type Attempts interface {
	Attempt(ctx context.Context, user, address string, since, at time.Time, perUser, perAddress int) (bool, error)
	ForgetAttempts(ctx context.Context, user, address string) error
}

// Store is all that a Service keeps.
type Store interface {
	Users
	Sessions
	Attempts
}

// CleanName gives the form in which a user's name is kept.
func CleanName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func checkName(name string) error {
	if len(name) == 0 || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._@-") != "" {
		return fmt.Errorf("%w: user name %q; use 1 to 64 of a-z 0-9 . _ @ -", fault.Invalid, name)
	}
	return nil
}
