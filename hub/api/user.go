package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/tenant"
)

// User is who may sign in.
type User struct {
	Name          string    `json:"name"`
	Kind          string    `json:"kind" enum:"local,oidc"`
	Grants        []Grant   `json:"grants"`
	Language      string    `json:"language"`
	Disabled      bool      `json:"disabled"`
	Authenticator bool      `json:"authenticator" doc:"the user signs in with a code too"`
	Made          bool      `json:"made" doc:"the password was made for the user, and is to be changed"`
	PasswordSetAt time.Time `json:"password_set_at"`
}

func userBody(u tenant.User) User {
	return User{u.Name, string(u.Kind), grantBodies(u.Grants), u.Language, u.Disabled, u.Factor, u.Made, u.Changed.UTC()}
}

func (s *server) account(ctx context.Context, _ *empty) (User, error) {
	u, err := s.Tenant.User(ctx, sessionFrom(ctx).User)
	return userBody(u), err
}

type passwordInput struct {
	Body struct {
		Old  string `json:"old" maxLength:"1024"`
		New  string `json:"new" maxLength:"1024" doc:"at least 10 characters"`
		Code string `json:"code,omitempty" maxLength:"40"`
	}
}

func (s *server) changePassword(a huma.API, op huma.Operation) {
	huma.Register(a, op, func(ctx context.Context, in *passwordInput) (*signedIn200, error) {
		me := sessionFrom(ctx)
		if me.Principal.Token != "" {
			return nil, s.problem(ctx, op, errInPerson)
		}
		c := tenant.Credentials{User: me.User, Password: in.Body.Old, Code: in.Body.Code}
		token, session, err := s.Tenant.ChangePassword(ctx, c, in.Body.New, s.visitor(ctx))
		if err != nil {
			return nil, s.problem(ctx, op, err)
		}
		return s.entered(ctx, token, session), nil
	})
}

// Enrolment is what an authenticator needs, shown this once.
type Enrolment struct {
	Secret string `json:"secret" doc:"base32, to type in"`
	URI    string `json:"uri" doc:"otpauth://…, as a QR code"`
}

func (s *server) beginFactor(ctx context.Context, _ *struct{ Body *struct{} }) (Enrolment, error) {
	me, err := inPersonFrom(ctx)
	if err != nil {
		return Enrolment{}, err
	}
	e, err := s.Tenant.BeginFactor(ctx, me.User)
	return Enrolment{e.Secret, e.URI}, err
}

// inPersonFrom gives the session of a route that tokens may reach while others may not use it.
func inPersonFrom(ctx context.Context) (tenant.Session, error) {
	me := sessionFrom(ctx)
	if me.Principal.Token != "" {
		return tenant.Session{}, errInPerson
	}
	return me, nil
}

type codeInput struct {
	Body struct {
		Code string `json:"code" maxLength:"40"`
	}
}

// Recovery has the codes for the day when the authenticator is lost, shown this once.
type Recovery struct {
	Codes []string `json:"codes"`
}

func (s *server) confirmFactor(ctx context.Context, in *codeInput) (Recovery, error) {
	me, err := inPersonFrom(ctx)
	if err != nil {
		return Recovery{}, err
	}
	codes, err := s.Tenant.ConfirmFactor(ctx, me.User, in.Body.Code)
	return Recovery{listOf(codes, "").Items}, err
}

type removeFactorInput struct {
	Body struct {
		Password string `json:"password" maxLength:"1024"`
		Code     string `json:"code" maxLength:"40"`
	}
}

func (s *server) removeFactor(ctx context.Context, in *removeFactorInput) error {
	c := tenant.Credentials{User: sessionFrom(ctx).User, Password: in.Body.Password, Code: in.Body.Code}
	return s.Tenant.RemoveFactor(ctx, c, s.visitor(ctx))
}

// RoleBody is a role with what it may do.
type RoleBody struct {
	Role        string   `json:"role"`
	Permissions []string `json:"permissions"`
}

func (s *server) roles(context.Context, *empty) (list[RoleBody], error) {
	var out []RoleBody
	for _, r := range tenant.Roles() {
		b := RoleBody{Role: string(r)}
		for _, p := range r.Permissions() {
			b.Permissions = append(b.Permissions, string(p))
		}
		out = append(out, b)
	}
	return listOf(out, ""), nil
}

func (s *server) users(ctx context.Context, _ *empty) (list[User], error) {
	all, err := s.Tenant.Users(ctx)
	out := make([]User, 0, len(all))
	for _, u := range all {
		out = append(out, userBody(u))
	}
	return listOf(out, ""), err
}

func (s *server) user(ctx context.Context, in *ByID) (User, error) {
	u, err := s.Tenant.User(ctx, in.ID)
	return userBody(u), err
}

type addUserInput struct {
	Body struct {
		Name     string  `json:"name" maxLength:"64"`
		Grants   []Grant `json:"grants" maxItems:"200"`
		Language string  `json:"language,omitempty" enum:",en,zh-CN"`
	}
}

// NewPassword is a password that was made, shown this once; its user must change it.
type NewPassword struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

func (s *server) addUser(ctx context.Context, in *addUserInput) (NewPassword, error) {
	p, err := s.Tenant.AddUser(ctx, sessionFrom(ctx).Principal, in.Body.Name, grantsOf(in.Body.Grants), in.Body.Language)
	return NewPassword{tenant.CleanName(in.Body.Name), p}, err
}

func grantsOf(all []Grant) tenant.Grants {
	out := make(tenant.Grants, 0, len(all))
	for _, g := range all {
		out = append(out, tenant.Grant{Role: tenant.Role(g.Role), Site: g.Site})
	}
	return out
}

type grantsInput struct {
	ByID
	Body struct {
		Grants []Grant `json:"grants" maxItems:"200"`
	}
}

func (s *server) setGrants(ctx context.Context, in *grantsInput) (User, error) {
	u, err := s.Tenant.SetGrants(ctx, sessionFrom(ctx).Principal, in.ID, grantsOf(in.Body.Grants))
	return userBody(u), err
}

type disableInput struct {
	ByID
	Body struct {
		Disabled bool `json:"disabled"`
	}
}

func (s *server) disableUser(ctx context.Context, in *disableInput) (User, error) {
	u, err := s.Tenant.Disable(ctx, sessionFrom(ctx).Principal, in.ID, in.Body.Disabled)
	return userBody(u), err
}

func (s *server) resetPassword(ctx context.Context, in *nothingInput) (NewPassword, error) {
	p, err := s.Tenant.ResetPassword(ctx, sessionFrom(ctx).Principal, in.ID)
	return NewPassword{tenant.CleanName(in.ID), p}, err
}

func (s *server) resetFactor(ctx context.Context, in *nothingInput) error {
	return s.Tenant.ResetFactor(ctx, sessionFrom(ctx).Principal, in.ID)
}
