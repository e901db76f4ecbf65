package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// How long a session lives where Options do not say.
const (
	IdleLife     = 12 * time.Hour
	AbsoluteLife = 7 * 24 * time.Hour
	touchEvery   = time.Minute

	hashesAtOnce = 2 // argon2id takes 19 MiB each; more wait

	tokenBytes     = 32
	sessionVersion = "csrf/1:"
	maxAgent       = 200 // bytes of what a browser calls itself
)

// Sealer keeps secrets from the database; a secret.Keyring is one.
type Sealer interface {
	Seal(label string, text []byte) []byte
	Open(label string, sealed []byte) ([]byte, error)
}

// Options are how strict the door is. The zero value is as strict as it was before there was a choice.
type Options struct {
	Idle, Life time.Duration // of a session; 0 = IdleLife, AbsoluteLife
	Limits     Limits        // zero = DefaultLimits
	// ChangeMade lets users with a password that was made for them do nothing but change it.
	ChangeMade bool
	// FactorRoles do nothing without an authenticator but set one up.
	FactorRoles []Role
	Sealer      Sealer   // nil = there are no authenticators
	Issuer      string   // what authenticators show; "" = Tallydock
	Sites       []string // codes that a password must not be
}

func (o Options) complete() Options {
	if o.Idle == 0 {
		o.Idle = IdleLife
	}
	if o.Life == 0 {
		o.Life = AbsoluteLife
	}
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.Issuer == "" {
		o.Issuer = "Tallydock"
	}
	return o
}

// Service signs people in and knows them again.
type Service struct {
	store  Store
	now    func() time.Time
	opt    Options
	hashes chan struct{}
	decoy  string // hash that an unknown user's password is checked against, so that it takes as long
}

// New makes a Service of the usual strictness. now is the machine's clock.
func New(store Store, now func() time.Time) (*Service, error) { return NewWith(store, now, Options{}) }

// NewWith makes a Service.
func NewWith(store Store, now func() time.Time, o Options) (*Service, error) {
	decoy, err := HashPassword(NewPassword())
	if err != nil {
		return nil, err
	}
	return &Service{store: store, now: now, opt: o.complete(), hashes: make(chan struct{}, hashesAtOnce), decoy: decoy}, nil
}

// Life is how long a session lives at most.
func (s *Service) Life() time.Duration { return s.opt.Life }

// Visitor is who asks to be let in.
type Visitor struct {
	Address string
	Agent   string
	// Session is the token that the browser brought along; its session ends when a new one opens.
	Session string
}

// Credentials are what a user brings. Code is that of the authenticator, or a recovery code; "" where there is none.
type Credentials struct{ User, Password, Code string }

// Login opens a session and returns its token, which only the browser's cookie holds. Errors: ErrCredentials, ErrTooMany
// (a Locked), ErrNeedsCode, ErrCode.
func (s *Service) Login(ctx context.Context, c Credentials, v Visitor) (token string, _ Session, err error) {
	name := CleanName(c.User)
	if checkName(name) != nil || len(c.Password) > MaxPassword {
		return "", Session{}, ErrCredentials
	}
	now := s.now()
	wait, err := s.store.Attempt(ctx, name, Network(v.Address), now, s.opt.Limits)
	if err != nil {
		return "", Session{}, fmt.Errorf("cannot count sign-ins: %w", err)
	}
	if wait > 0 {
		return "", Session{}, Locked{wait}
	}
	u, err := s.verify(ctx, name, c.Password)
	if err != nil {
		return "", Session{}, err
	}
	if err := s.checkFactor(ctx, u, c.Code); err != nil {
		return "", Session{}, err
	}
	if err := s.store.ForgetAttempts(ctx, name, Network(v.Address)); err != nil {
		return "", Session{}, fmt.Errorf("cannot count sign-ins: %w", err)
	}
	return s.open(ctx, u, v)
}

// verify takes as long for a user that there is not, that is disabled, or that has no password.
func (s *Service) verify(ctx context.Context, name, password string) (User, error) {
	u, err := s.store.User(ctx, name)
	unknown := errors.Is(err, fault.NotFound)
	if err != nil && !unknown {
		return User{}, fmt.Errorf("cannot read user: %w", err)
	}
	hash := u.Password
	barred := unknown || u.Disabled || hash == ""
	if barred {
		hash = s.decoy
	}
	ok, err := s.check(ctx, hash, password)
	if err != nil {
		return User{}, fmt.Errorf("user %s: %w", name, err)
	}
	if !ok || barred {
		return User{}, ErrCredentials
	}
	return u, nil
}

// check checks a password, no more than a few at once.
func (s *Service) check(ctx context.Context, hash, password string) (bool, error) {
	select {
	case s.hashes <- struct{}{}:
		defer func() { <-s.hashes }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return CheckPassword(hash, password)
}

// open opens a session with a token of its own: one that somebody planted in the browser is not taken up, and the session
// that was open there ends.
func (s *Service) open(ctx context.Context, u User, v Visitor) (string, Session, error) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	token := base64.RawURLEncoding.EncodeToString(raw)
	now := s.now()
	stored := StoredSession{
		TokenHash: sha256.Sum256([]byte(token)), User: u.Name, Opened: now, Seen: now, Address: v.Address, Agent: cut(v.Agent, maxAgent),
	}
	if err := s.store.OpenSession(ctx, stored, now.Add(-s.opt.Life)); err != nil {
		return "", Session{}, fmt.Errorf("cannot open a session: %w", err)
	}
	if v.Session != "" {
		if err := s.store.DeleteSession(ctx, sha256.Sum256([]byte(v.Session))); err != nil {
			return "", Session{}, fmt.Errorf("cannot end the session before: %w", err)
		}
	}
	return token, s.sessionOf(u, token), nil
}

// cut gives the readable beginning of a text.
func cut(text string, bytes int) string {
	clean := make([]byte, 0, min(len(text), bytes))
	for i := 0; i < len(text) && len(clean) < bytes; i++ {
		if c := text[i]; c >= ' ' && c < 0x7f {
			clean = append(clean, c)
		}
	}
	return string(clean)
}

func (s *Service) sessionOf(u User, token string) Session {
	sum := sha256.Sum256([]byte(token))
	return Session{
		ID: sessionID(sum), User: u.Name, Kind: u.Kind, Principal: Principal{User: u.Name, Grants: u.Grants}, Language: u.Language,
		CSRF: csrfOf(token), Must: s.must(u),
	}
}

func (s *Service) must(u User) Must {
	switch {
	case u.Kind != Local:
		return MustNothing
	case u.Made && s.opt.ChangeMade:
		return MustPassword
	case !u.Factor && slices.ContainsFunc(s.opt.FactorRoles, u.Grants.Has):
		return MustFactor
	}
	return MustNothing
}

// sessionID is by what people name a session; nobody can make its token from it.
func sessionID(hash [32]byte) string { return hex.EncodeToString(hash[:8]) }

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
	if u.Disabled || !s.alive(stored, now) {
		return Session{}, ErrNoSession
	}
	if now.Sub(stored.Seen) >= touchEvery {
		if err := s.store.TouchSession(ctx, stored.TokenHash, now); err != nil {
			return Session{}, fmt.Errorf("cannot keep the session: %w", err)
		}
	}
	return s.sessionOf(u, token), nil
}

func (s *Service) alive(stored StoredSession, now time.Time) bool {
	return now.Sub(stored.Seen) <= s.opt.Idle && now.Sub(stored.Opened) <= s.opt.Life
}

// Logout ends the session; one that is not open is no error.
func (s *Service) Logout(ctx context.Context, token string) error {
	return s.store.DeleteSession(ctx, sha256.Sum256([]byte(token)))
}

// OpenSession is a session as its user sees it.
type OpenSession struct {
	ID      string
	Opened  time.Time
	Seen    time.Time
	Address string
	Agent   string
}

// Sessions lists the open sessions of a user, the newest first.
func (s *Service) Sessions(ctx context.Context, user string) ([]OpenSession, error) {
	all, err := s.store.SessionsOf(ctx, user)
	if err != nil {
		return nil, err
	}
	now := s.now()
	out := []OpenSession{}
	for _, one := range all {
		if s.alive(one, now) {
			out = append(out, OpenSession{sessionID(one.TokenHash), one.Opened, one.Seen, one.Address, one.Agent})
		}
	}
	return out, nil
}

// EndSession ends a session of a user by its id. Error: fault.NotFound.
func (s *Service) EndSession(ctx context.Context, user, id string) error {
	all, err := s.store.SessionsOf(ctx, user)
	if err != nil {
		return err
	}
	for _, one := range all {
		if sessionID(one.TokenHash) == id {
			return s.store.DeleteSession(ctx, one.TokenHash)
		}
	}
	return fmt.Errorf("session %s: %w", id, fault.NotFound)
}
