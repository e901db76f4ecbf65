package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/hub/fault"
)

// EnsureAdmin makes the first user where there is none, and returns the password that it made up; "" where there are
// users already. The password is not kept anywhere.
func (s *Service) EnsureAdmin(ctx context.Context) (name, password string, err error) {
	n, err := s.store.CountUsers(ctx)
	if err != nil || n > 0 {
		return "", "", err
	}
	password = NewPassword()
	hash, err := HashPassword(password)
	if err != nil {
		return "", "", err
	}
	u := User{Name: AdminName, Kind: Local, Grants: Everywhere(Admin), Password: hash, Made: true, Changed: s.now()}
	made, err := s.store.PutFirst(ctx, u)
	if err != nil || !made { // by another hub
		return "", "", err
	}
	return AdminName, password, nil
}

// SetPassword gives an existing user a new password and ends the user's sessions; it is for commands on the hub's machine.
// Errors: fault.NotFound, fault.Invalid.
func (s *Service) SetPassword(ctx context.Context, name, password string) error {
	u, err := s.store.User(ctx, CleanName(name))
	if err != nil {
		return fmt.Errorf("user %q: %w", name, err)
	}
	return s.putPassword(ctx, u, password, false)
}

// PutUser makes a user, or gives an existing one this password and, in place of all grants, this role at all sites; the
// user's sessions end. It is for commands on the hub's machine. Error: fault.Invalid.
func (s *Service) PutUser(ctx context.Context, name, password string, role Role) error {
	return s.PutGrants(ctx, name, password, Everywhere(role))
}

// PutGrants is PutUser with any grants.
func (s *Service) PutGrants(ctx context.Context, name, password string, g Grants) error {
	u, err := s.store.User(ctx, CleanName(name))
	if err != nil && !errors.Is(err, fault.NotFound) {
		return fmt.Errorf("user %q: %w", name, err)
	}
	if u.Kind == External {
		return fmt.Errorf("%w: user %s signs in elsewhere", fault.Conflict, u.Name)
	}
	u.Name, u.Kind = CleanName(name), Local
	if u.Grants, err = g.Tidy(); err != nil {
		return err
	}
	if err := checkName(u.Name); err != nil {
		return err
	}
	return s.putPassword(ctx, u, password, false)
}

// putPassword keeps a user with a new password. One that was made is for the user to change.
func (s *Service) putPassword(ctx context.Context, u User, password string, made bool) error {
	if u.Kind != Local {
		return fmt.Errorf("%w: user %s signs in elsewhere and has no password here", fault.Conflict, u.Name)
	}
	if !made {
		if err := checkPassword(password, u.Name, s.opt.Sites); err != nil {
			return err
		}
	}
	hash, err := HashPassword(password)
	if err != nil {
		return err
	}
	u.Password, u.Changed, u.Made = hash, s.now(), made
	if err := s.store.PutUser(ctx, u, true, false); err != nil {
		return fmt.Errorf("cannot store user %s: %w", u.Name, err)
	}
	return nil
}

// ChangePassword gives who is signed in a new password, by the old one; all sessions of the user end and a new one opens.
// Errors as of Login, and fault.Invalid for a new password that is not good enough or is the old one.
func (s *Service) ChangePassword(ctx context.Context, c Credentials, fresh string, v Visitor) (token string, _ Session, err error) {
	u, err := s.again(ctx, c, v)
	if err != nil {
		return "", Session{}, err
	}
	if fresh == c.Password {
		return "", Session{}, fmt.Errorf("%w: the new password is the old one", fault.Invalid)
	}
	if err := s.putPassword(ctx, u, fresh, false); err != nil {
		return "", Session{}, err
	}
	if err := s.store.ForgetAttempts(ctx, u.Name, Network(v.Address)); err != nil {
		return "", Session{}, err
	}
	if u, err = s.store.User(ctx, u.Name); err != nil {
		return "", Session{}, err
	}
	return s.open(ctx, u, v)
}

// Users lists the users, by name.
func (s *Service) Users(ctx context.Context) ([]User, error) { return s.store.Users(ctx) }

// User reads a user. Error: fault.NotFound.
func (s *Service) User(ctx context.Context, name string) (User, error) {
	u, err := s.store.User(ctx, CleanName(name))
	if err != nil {
		return User{}, fmt.Errorf("user %s: %w", name, err)
	}
	return u, nil
}

// target reads a user whom p is about to act on, which takes that p may do all that the user may: else it would be a way to
// become more than one is.
func (s *Service) target(ctx context.Context, p Principal, name string) (User, error) {
	u, err := s.User(ctx, name)
	if err != nil {
		return User{}, err
	}
	return u, p.Covers(u.Grants)
}

// AddUser makes a local user with a password that is for the user to change. Errors: fault.Invalid; fault.Conflict where
// there is one of the name; fault.Forbidden for grants that p does not have.
func (s *Service) AddUser(ctx context.Context, p Principal, name string, g Grants, language string) (password string, err error) {
	u := User{Name: CleanName(name), Kind: Local, Language: language}
	if err := checkName(u.Name); err != nil {
		return "", err
	}
	if u.Grants, err = g.Tidy(); err != nil {
		return "", err
	}
	if err := p.Covers(u.Grants); err != nil {
		return "", err
	}
	_, err = s.store.User(ctx, u.Name)
	if err == nil {
		return "", fmt.Errorf("%w: there is a user %s", fault.Conflict, u.Name)
	}
	if !errors.Is(err, fault.NotFound) {
		return "", err
	}
	password = NewPassword()
	return password, s.putPassword(ctx, u, password, true)
}

// SetGrants gives a user other grants. Errors: fault.NotFound; fault.Invalid; fault.Forbidden for grants, old or new, that p
// does not have; fault.Conflict for users of the OIDC provider, whose groups say it, and for the last administrator.
func (s *Service) SetGrants(ctx context.Context, p Principal, name string, g Grants) (User, error) {
	u, err := s.target(ctx, p, name)
	if err != nil {
		return User{}, err
	}
	if u.Kind != Local {
		return User{}, fmt.Errorf("%w: the groups of user %s at the provider say what the user may", fault.Conflict, u.Name)
	}
	if u.Grants, err = g.Tidy(); err != nil {
		return User{}, err
	}
	if err := p.Covers(u.Grants); err != nil {
		return User{}, err
	}
	return u, s.store.PutUser(ctx, u, true, true)
}

// Disable keeps a user out, or lets one in again. Errors as of SetGrants.
func (s *Service) Disable(ctx context.Context, p Principal, name string, disabled bool) (User, error) {
	u, err := s.target(ctx, p, name)
	if err != nil {
		return User{}, err
	}
	u.Disabled = disabled
	return u, s.store.PutUser(ctx, u, true, true)
}

// ResetPassword gives a user a password that was made, and gives it to p to hand on. Errors as of SetGrants.
func (s *Service) ResetPassword(ctx context.Context, p Principal, name string) (password string, err error) {
	u, err := s.target(ctx, p, name)
	if err != nil {
		return "", err
	}
	password = NewPassword()
	return password, s.putPassword(ctx, u, password, true)
}
