package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// How long a session lives, and how many sign-ins may fail.
const (
	IdleLife     = 12 * time.Hour
	AbsoluteLife = 7 * 24 * time.Hour
	touchEvery   = time.Minute

	attemptWindow = 15 * time.Minute
	perUserLimit  = 5  // of one user from one address
	perAddrLimit  = 30 // of all users from one address
	hashesAtOnce  = 2  // argon2id takes 19 MiB each; more wait

	tokenBytes     = 32
	sessionVersion = "csrf/1:"
)

// Service signs people in and knows them again.
type Service struct {
	store  Store
	now    func() time.Time
	hashes chan struct{}
	decoy  string // hash that an unknown user's password is checked against, so that it takes as long
}

// New makes a Service. now is the machine's clock.
func New(store Store, now func() time.Time) (*Service, error) {
	decoy, err := HashPassword(NewPassword())
	if err != nil {
		return nil, err
	}
	return &Service{store: store, now: now, hashes: make(chan struct{}, hashesAtOnce), decoy: decoy}, nil
}

// Login opens a session and returns its token, which only the browser's cookie holds. Errors: ErrCredentials,
// ErrTooMany.
func (s *Service) Login(ctx context.Context, name, password, address string) (token string, _ Session, err error) {
	name = CleanName(name)
	if checkName(name) != nil || len(password) > MaxPassword {
		return "", Session{}, ErrCredentials
	}
	now := s.now()
	ok, err := s.store.Attempt(ctx, name, address, now.Add(-attemptWindow), now, perUserLimit, perAddrLimit)
	if err != nil {
		return "", Session{}, fmt.Errorf("cannot count sign-ins: %w", err)
	}
	if !ok {
		return "", Session{}, ErrTooMany
	}
	u, err := s.verify(ctx, name, password)
	if err != nil {
		return "", Session{}, err
	}
	if err := s.store.ForgetAttempts(ctx, name, address); err != nil {
		return "", Session{}, fmt.Errorf("cannot count sign-ins: %w", err)
	}
	return s.open(ctx, u, now)
}

func (s *Service) verify(ctx context.Context, name, password string) (User, error) {
	select {
	case s.hashes <- struct{}{}:
		defer func() { <-s.hashes }()
	case <-ctx.Done():
		return User{}, ctx.Err()
	}
	u, err := s.store.User(ctx, name)
	unknown := errors.Is(err, fault.NotFound)
	if err != nil && !unknown {
		return User{}, fmt.Errorf("cannot read user: %w", err)
	}
	hash := u.Password
	if unknown {
		hash = s.decoy
	}
	ok, err := CheckPassword(hash, password)
	if err != nil {
		return User{}, fmt.Errorf("user %s: %w", name, err)
	}
	if !ok || unknown {
		return User{}, ErrCredentials
	}
	return u, nil
}

func (s *Service) open(ctx context.Context, u User, now time.Time) (string, Session, error) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	token := base64.RawURLEncoding.EncodeToString(raw)
	stored := StoredSession{TokenHash: sha256.Sum256([]byte(token)), User: u.Name, Opened: now, Seen: now}
	if err := s.store.OpenSession(ctx, stored, now.Add(-AbsoluteLife)); err != nil {
		return "", Session{}, fmt.Errorf("cannot open a session: %w", err)
	}
	return token, sessionOf(u, token), nil
}

func sessionOf(u User, token string) Session {
	return Session{User: u.Name, Role: u.Role, Language: u.Language, CSRF: csrfOf(token)}
}

// csrfOf derives the token that a change must carry from the session's: who cannot read the cookie cannot make it.
func csrfOf(token string) string {
	sum := sha256.Sum256([]byte(sessionVersion + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Session gives the session of a token and keeps it alive; ErrNoSession where there is none or it has ended.
func (s *Service) Session(ctx context.Context, token string) (Session, error) {
	if token == "" {
		return Session{}, ErrNoSession
	}
	stored, u, err := s.store.Session(ctx, sha256.Sum256([]byte(token)))
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	if now.Sub(stored.Seen) > IdleLife || now.Sub(stored.Opened) > AbsoluteLife {
		return Session{}, ErrNoSession
	}
	if now.Sub(stored.Seen) >= touchEvery {
		if err := s.store.TouchSession(ctx, stored.TokenHash, now); err != nil {
			return Session{}, fmt.Errorf("cannot keep the session: %w", err)
		}
	}
	return sessionOf(u, token), nil
}

// Logout ends the session; one that is not open is no error.
func (s *Service) Logout(ctx context.Context, token string) error {
	return s.store.DeleteSession(ctx, sha256.Sum256([]byte(token)))
}

// EnsureAdmin makes the first user where there is none, and returns the password that it made up; "" where there are
// users already. The password is not kept anywhere.
func (s *Service) EnsureAdmin(ctx context.Context) (name, password string, err error) {
	n, err := s.store.CountUsers(ctx)
	if err != nil || n > 0 {
		return "", "", err
	}
	password = NewPassword()
	return AdminName, password, s.PutUser(ctx, AdminName, password, Admin)
}

// SetPassword gives an existing user a new password and ends the user's sessions. Errors: fault.NotFound, fault.Invalid.
func (s *Service) SetPassword(ctx context.Context, name, password string) error {
	u, err := s.store.User(ctx, CleanName(name))
	if err != nil {
		return fmt.Errorf("user %q: %w", name, err)
	}
	return s.put(ctx, u, password)
}

// PutUser makes a user, or gives an existing one this password and role; the user's sessions end. Error: fault.Invalid.
func (s *Service) PutUser(ctx context.Context, name, password string, role Role) error {
	u, err := s.store.User(ctx, CleanName(name))
	if err != nil && !errors.Is(err, fault.NotFound) {
		return fmt.Errorf("user %q: %w", name, err)
	}
	u.Name, u.Role = CleanName(name), role
	if err := checkName(u.Name); err != nil {
		return err
	}
	return s.put(ctx, u, password)
}

func (s *Service) put(ctx context.Context, u User, password string) error {
	hash, err := HashPassword(password)
	if err != nil {
		return err
	}
	u.Password, u.Changed = hash, s.now()
	if err := s.store.PutUser(ctx, u); err != nil {
		return fmt.Errorf("cannot store user %s: %w", u.Name, err)
	}
	return nil
}
