package tenant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
)

func factorLabel(user string) string { return "totp/" + user }

// checkFactor checks the code of a user who has an authenticator.
func (s *Service) checkFactor(ctx context.Context, u User, code string) error {
	if !u.Factor {
		return nil
	}
	if code == "" {
		return ErrNeedsCode
	}
	f, err := s.store.Factor(ctx, u.Name)
	if err != nil {
		return fmt.Errorf("cannot read the authenticator of %s: %w", u.Name, err)
	}
	return s.useCode(ctx, f, code)
}

// useCode takes a code, of the authenticator or for recovery, once.
func (s *Service) useCode(ctx context.Context, f Factor, code string) error {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	if len(code) != codeDigits {
		ok, err := s.store.UseCode(ctx, f.User, hashRecovery(code))
		return codeError(ok, err)
	}
	secret, err := s.secretOf(f)
	if err != nil {
		return err
	}
	step, ok := matchCode(secret, code, s.now(), f.Step)
	if !ok {
		return ErrCode
	}
	ok, err = s.store.UseStep(ctx, f.User, step) // false where another sign-in took it meanwhile
	return codeError(ok, err)
}

func codeError(ok bool, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("cannot note the use of a code: %w", err)
	case !ok:
		return ErrCode
	}
	return nil
}

func (s *Service) secretOf(f Factor) ([]byte, error) {
	if s.opt.Sealer == nil {
		return nil, fmt.Errorf("%w: this hub has no key to open authenticators with", fault.Unavailable)
	}
	return s.opt.Sealer.Open(factorLabel(f.User), f.Secret)
}

// Enrolment is what an authenticator needs to know, shown once.
type Enrolment struct {
	Secret string // base32, to type in
	URI    string // otpauth://…, as a QR code
}

// BeginFactor makes a secret for the user's authenticator, which counts when ConfirmFactor has seen a code of it. Errors:
// fault.Conflict where the user has one; fault.Invalid for users of the OIDC provider.
func (s *Service) BeginFactor(ctx context.Context, user string) (Enrolment, error) {
	u, err := s.store.User(ctx, user)
	if err != nil {
		return Enrolment{}, err
	}
	switch {
	case u.Kind != Local:
		return Enrolment{}, fmt.Errorf("%w: user %s signs in elsewhere; set it up there", fault.Invalid, user)
	case u.Factor:
		return Enrolment{}, fmt.Errorf("%w: user %s has an authenticator; remove it first", fault.Conflict, user)
	case s.opt.Sealer == nil:
		return Enrolment{}, fmt.Errorf("%w: this hub has no key to seal authenticators with", fault.Unavailable)
	}
	secret := make([]byte, factorBytes)
	rand.Read(secret)
	f := Factor{User: user, Secret: s.opt.Sealer.Seal(factorLabel(user), secret)}
	if err := s.store.PutFactor(ctx, f, nil); err != nil {
		return Enrolment{}, fmt.Errorf("cannot keep the authenticator: %w", err)
	}
	return Enrolment{Secret: secretText(secret), URI: factorURI(s.opt.Issuer, user, secret)}, nil
}

// ConfirmFactor takes the first code of an authenticator, and gives the recovery codes, which are kept only as hashes.
// Errors: ErrCode; fault.NotFound where none was begun; fault.Conflict where it was confirmed already.
func (s *Service) ConfirmFactor(ctx context.Context, user, code string) (recovery []string, err error) {
	f, err := s.store.Factor(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("authenticator of %s: %w", user, err)
	}
	if f.Confirmed {
		return nil, fmt.Errorf("%w: the authenticator of %s is set up already", fault.Conflict, user)
	}
	secret, err := s.secretOf(f)
	if err != nil {
		return nil, err
	}
	step, ok := matchCode(secret, strings.TrimSpace(code), s.now(), f.Step)
	if !ok {
		return nil, ErrCode
	}
	recovery, hashes := newRecoveryCodes()
	f.Confirmed, f.Step = true, step
	if err := s.store.PutFactor(ctx, f, hashes); err != nil {
		return nil, fmt.Errorf("cannot keep the authenticator: %w", err)
	}
	return recovery, nil
}

// RemoveFactor takes the user's own authenticator away, by the password and a code of it. Errors as of Login.
func (s *Service) RemoveFactor(ctx context.Context, c Credentials, v Visitor) error {
	u, err := s.again(ctx, c, v)
	if err != nil {
		return err
	}
	if err := s.checkFactor(ctx, u, c.Code); err != nil {
		return err
	}
	if err := s.store.ForgetAttempts(ctx, u.Name, Network(v.Address)); err != nil {
		return err
	}
	return s.store.DropFactor(ctx, u.Name)
}

// again checks the password of who is signed in already, as strictly as a sign-in.
func (s *Service) again(ctx context.Context, c Credentials, v Visitor) (User, error) {
	wait, err := s.store.Attempt(ctx, c.User, Network(v.Address), s.now(), s.opt.Limits)
	if err != nil {
		return User{}, fmt.Errorf("cannot count sign-ins: %w", err)
	}
	if wait > 0 {
		return User{}, Locked{wait}
	}
	return s.verify(ctx, c.User, c.Password)
}

// ResetFactor takes another user's authenticator away, for one who lost it. Errors: fault.NotFound; fault.Forbidden where p
// may not do all that the user may.
func (s *Service) ResetFactor(ctx context.Context, p Principal, user string) error {
	u, err := s.target(ctx, p, user)
	if err != nil {
		return err
	}
	if err := s.store.DropFactor(ctx, u.Name); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	return s.end(ctx, u)
}

// end ends the sessions of a user.
func (s *Service) end(ctx context.Context, u User) error {
	return s.store.PutUser(ctx, u, true, false)
}
