package tenant

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// loginLife is how long somebody may take at the provider.
const loginLife = 10 * time.Minute

// ErrNoGrant: the provider knows the user, and none of the user's groups has a role here.
var ErrNoGrant = fault.New(fault.Forbidden, "none of your groups may use this hub; ask who looks after it")

// Identity is a user as a provider knows one, checked.
type Identity struct {
	Subject string // issuer and sub: never another user's
	Name    string
	Grants  Grants
}

// BeginLogin notes that a browser, which holds the state's secret, is on its way to the provider.
func (s *Service) BeginLogin(ctx context.Context, state, next string) error {
	return s.store.AddLogin(ctx, sha256.Sum256([]byte(state)), next, s.now())
}

// TakeLogin gives where the browser that comes back wanted to go, once. Error: fault.NotFound where nobody is on the way by
// this state, or took too long.
func (s *Service) TakeLogin(ctx context.Context, state string) (next string, err error) {
	return s.store.TakeLogin(ctx, sha256.Sum256([]byte(state)), s.now().Add(-loginLife))
}

// LoginExternal opens a session for a user of the provider, whom it makes or brings up to date. Errors: ErrNoGrant;
// ErrCredentials for one who is kept out; fault.Conflict where a user of that name is another's.
func (s *Service) LoginExternal(ctx context.Context, id Identity, v Visitor) (token string, _ Session, err error) {
	if len(id.Grants) == 0 {
		return "", Session{}, ErrNoGrant
	}
	u, err := s.store.BySubject(ctx, id.Subject)
	if errors.Is(err, fault.NotFound) {
		u, err = s.newExternal(ctx, id)
	}
	if err != nil {
		return "", Session{}, err
	}
	if u.Disabled {
		return "", Session{}, ErrCredentials
	}
	before := u.Grants
	if u.Grants, err = id.Grants.Tidy(); err != nil {
		return "", Session{}, err
	}
	if u.Changed.IsZero() || !slices.Equal(before, u.Grants) {
		u.Changed = s.now()
		if err := s.store.PutUser(ctx, u, false, false); err != nil {
			return "", Session{}, fmt.Errorf("cannot store user %s: %w", u.Name, err)
		}
	}
	return s.open(ctx, u, v)
}

func (s *Service) newExternal(ctx context.Context, id Identity) (User, error) {
	u := User{Name: CleanName(id.Name), Kind: External, Subject: id.Subject}
	if err := checkName(u.Name); err != nil {
		return User{}, err
	}
	_, err := s.store.User(ctx, u.Name)
	if err == nil {
		return User{}, fmt.Errorf("%w: there is a user %s already, who signs in otherwise", fault.Conflict, u.Name)
	}
	if !errors.Is(err, fault.NotFound) {
		return User{}, err
	}
	return u, nil
}
