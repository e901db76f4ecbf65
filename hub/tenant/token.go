package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// An API token is tdk_, 160 random bits as 27 digits of base 62, and 6 digits of their CRC-32, by which scanners of
// repositories know one, and a slip of the pen costs no look into the database.
const (
	tokenPrefix  = "tdk_"
	tokenRandom  = 20 // bytes
	tokenDigits  = 27
	checkDigits  = 6
	base62       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	maxTokens    = 50 // of one user
	MaxTokenLife = 400 * 24 * time.Hour
)

// Token is an API token: what a program may do in its user's name. Its secret is not in it.
type Token struct {
	ID      string       `json:"id"`
	Hash    [32]byte     `json:"-"` // SHA-256 of the secret
	User    string       `json:"user"`
	Name    string       `json:"name"`
	Scopes  []Permission `json:"scopes"` // of them, those count that the user has at the moment of use
	Sites   []string     `json:"sites"`  // empty = all of the user's
	Made    time.Time    `json:"made_at"`
	Expires time.Time    `json:"expires_at"`
	Used    time.Time    `json:"used_at"`    // to the minute; zero = never
	Revoked time.Time    `json:"revoked_at"` // zero = it is not
}

// newToken makes a token's secret.
func newToken() string {
	raw := make([]byte, tokenRandom)
	rand.Read(raw)
	body := inBase62(new(big.Int).SetBytes(raw), tokenDigits)
	return tokenPrefix + body + checkOf(body)
}

func checkOf(body string) string {
	return inBase62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(tokenPrefix+body)))), checkDigits)
}

func inBase62(n *big.Int, digits int) string {
	out := make([]byte, digits)
	base, digit := big.NewInt(int64(len(base62))), new(big.Int)
	for i := digits - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}

// looksLikeToken reports whether a text could be a token's secret.
func looksLikeToken(secret string) bool {
	body, ok := strings.CutPrefix(secret, tokenPrefix)
	if !ok || len(body) != tokenDigits+checkDigits || strings.Trim(body, base62) != "" {
		return false
	}
	return checkOf(body[:tokenDigits]) == body[tokenDigits:]
}

// TokenWish is what a new token shall be.
type TokenWish struct {
	Name   string
	Scopes []Permission
	Sites  []string
	Life   time.Duration
}

func (w TokenWish) check() error {
	switch {
	case strings.TrimSpace(w.Name) == "" || len(w.Name) > 100:
		return fmt.Errorf("%w: a token needs a name of 1 to 100 bytes", fault.Invalid)
	case len(w.Scopes) == 0:
		return fmt.Errorf("%w: a token needs a scope", fault.Invalid)
	case w.Life < time.Minute || w.Life > MaxTokenLife:
		return fmt.Errorf("%w: a token lives from 1 minute to %d days", fault.Invalid, MaxTokenLife/(24*time.Hour))
	}
	for _, s := range w.Scopes {
		if _, err := ParsePermission(string(s)); err != nil {
			return err
		}
	}
	for _, s := range w.Sites {
		if !siteCode.MatchString(s) {
			return fmt.Errorf("%w: site %q of a token; use 1 to 32 of A-Z a-z 0-9 _ -", fault.Invalid, s)
		}
	}
	return nil
}

// MakeToken makes a token for who acts, and gives its secret, which is kept nowhere. Errors: fault.Invalid; fault.Forbidden
// for a scope or a site that who acts does not have, and for tokens that want to make tokens; fault.Conflict where there are
// too many.
func (s *Service) MakeToken(ctx context.Context, p Principal, w TokenWish) (secret string, t Token, err error) {
	if err := w.check(); err != nil {
		return "", Token{}, err
	}
	if p.Token != "" {
		return "", Token{}, fmt.Errorf("%w: a token cannot make tokens; sign in", fault.Forbidden)
	}
	if err := p.maySign(w); err != nil {
		return "", Token{}, err
	}
	now := s.now()
	have, err := s.store.Tokens(ctx, p.User)
	if err != nil {
		return "", Token{}, err
	}
	if n := len(slices.DeleteFunc(have, func(t Token) bool { return !t.alive(now) })); n >= maxTokens {
		return "", Token{}, fmt.Errorf("%w: %d tokens are in use; revoke one", fault.Conflict, n)
	}
	secret = newToken()
	t = Token{
		Hash: sha256.Sum256([]byte(secret)), User: p.User, Name: strings.TrimSpace(w.Name), Made: now, Expires: now.Add(w.Life),
		Scopes: sorted(w.Scopes), Sites: sorted(w.Sites),
	}
	t.ID = hex.EncodeToString(t.Hash[:6])
	if err := s.store.AddToken(ctx, t); err != nil {
		return "", Token{}, fmt.Errorf("cannot keep the token: %w", err)
	}
	return secret, t, nil
}

func sorted[T ~string](all []T) []T {
	out := append([]T{}, all...)
	slices.Sort(out)
	return slices.Compact(out)
}

// maySign reports whether a token that p makes has only what p has.
func (p Principal) maySign(w TokenWish) error {
	for _, scope := range w.Scopes {
		if !p.Anywhere(scope) {
			return fmt.Errorf("%w: scope %s, which you do not have yourself", fault.Forbidden, scope)
		}
	}
	for _, site := range w.Sites {
		if !slices.ContainsFunc(w.Scopes, func(scope Permission) bool { return p.Can(scope, site) }) {
			return fmt.Errorf("%w: site %s, where you may do none of it yourself", fault.Forbidden, site)
		}
	}
	return nil
}

func (t Token) alive(now time.Time) bool { return t.Revoked.IsZero() && now.Before(t.Expires) }

// ByToken gives who acts by an API token. Errors: ErrNoToken.
func (s *Service) ByToken(ctx context.Context, secret string) (Session, error) {
	if !looksLikeToken(secret) {
		return Session{}, ErrNoToken
	}
	t, u, err := s.store.TokenByHash(ctx, sha256.Sum256([]byte(secret)))
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	if !t.alive(now) || u.Disabled {
		return Session{}, ErrNoToken
	}
	if now.Sub(t.Used) >= touchEvery {
		if err := s.store.TouchToken(ctx, t.ID, now.Truncate(time.Minute)); err != nil {
			return Session{}, fmt.Errorf("cannot note the use of a token: %w", err)
		}
	}
	p := Principal{User: u.Name, Token: t.ID, Grants: u.Grants, Scopes: t.Scopes, Only: t.Sites}
	return Session{User: u.Name, Kind: u.Kind, Principal: p, Language: u.Language}, nil
}

// Tokens lists the tokens of a user, or ("") of all, the newest first.
func (s *Service) Tokens(ctx context.Context, user string) ([]Token, error) {
	return s.store.Tokens(ctx, user)
}

// RevokeToken ends a token of a user. Of another user's than p's it takes that p may do all that the user may. Errors:
// fault.NotFound, fault.Forbidden.
func (s *Service) RevokeToken(ctx context.Context, p Principal, id, user string) error {
	if user != p.User {
		if _, err := s.target(ctx, p, user); err != nil {
			return err
		}
	}
	all, err := s.store.Tokens(ctx, user)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(t Token) bool { return t.ID == id }) {
		return fmt.Errorf("token %s: %w", id, fault.NotFound)
	}
	return s.store.RevokeToken(ctx, id, s.now())
}
