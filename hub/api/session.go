package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Session is who is signed in.
type Session struct {
	User        string   `json:"user"`
	Kind        string   `json:"kind" enum:"local,oidc" doc:"where the sign-in is checked"`
	Role        string   `json:"role" doc:"the one that says most about the user; roles has them all"`
	Roles       []string `json:"roles"`
	Grants      []Grant  `json:"grants"`
	Permissions []string `json:"permissions" doc:"what the user may do at one site at least"`
	CSRF        string   `json:"csrf" doc:"to be sent as X-CSRF-Token with every change"`
	Language    string   `json:"language" doc:"en, zh-CN, or empty for the browser's"`
	Must        string   `json:"must" enum:",password,totp" doc:"what is to be set before anything else"`
}

// Grant is a role at a site, or (empty) at all of them.
type Grant struct {
	Role string `json:"role" maxLength:"40"`
	Site string `json:"site" maxLength:"32" doc:"empty = all sites"`
}

func grantBodies(all tenant.Grants) []Grant {
	out := make([]Grant, 0, len(all))
	for _, g := range all {
		out = append(out, Grant{string(g.Role), g.Site})
	}
	return out
}

func sessionBody(s tenant.Session) Session {
	out := Session{
		User: s.User, Kind: string(s.Kind), Roles: []string{}, Grants: grantBodies(s.Principal.Grants), Permissions: []string{},
		CSRF: s.CSRF, Language: s.Language, Must: string(s.Must),
	}
	for _, p := range s.Principal.Permissions() {
		out.Permissions = append(out.Permissions, string(p))
	}
	most := -1
	for _, r := range tenant.Roles() {
		if !s.Principal.Grants.Has(r) {
			continue
		}
		out.Roles = append(out.Roles, string(r))
		if n := len(r.Permissions()); n > most {
			out.Role, most = string(r), n
		}
	}
	return out
}

type credentials struct {
	Body struct {
		User     string `json:"user" maxLength:"200"`
		Password string `json:"password" maxLength:"1024"`
		Code     string `json:"code,omitempty" maxLength:"40" doc:"of the authenticator, where the user has one, or a recovery code"`
	}
}

type signedIn200 struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

func (s *server) signIn(a huma.API, op huma.Operation) {
	huma.Register(a, op, func(ctx context.Context, in *credentials) (*signedIn200, error) {
		b := in.Body
		token, session, err := s.Tenant.Login(ctx, tenant.Credentials{User: b.User, Password: b.Password, Code: b.Code}, s.visitor(ctx))
		if err != nil {
			s.refusedSignIn(ctx, b.User, err)
			return nil, s.problem(ctx, op, err)
		}
		return s.entered(ctx, token, session), nil
	})
}

// refusedSignIn writes down that somebody did not get in.
func (s *server) refusedSignIn(ctx context.Context, user string, err error) {
	s.Log.WarnContext(ctx, "sign-in refused", "user", user, "peer", peer(requestFrom(ctx)), "err", err)
	if s.Audit == nil {
		return
	}
	e := audit.Entry{
		User: tenant.CleanName(user), Resource: "session", Outcome: audit.Refused,
		After: audit.State(map[string]any{"code": problemOf(ctx, s.Log, "sign-in", err).Code}),
	}
	if len(e.User) > 64 {
		e.User = e.User[:64]
	}
	if err := s.Audit.Add(context.WithoutCancel(ctx), e); err != nil {
		s.Log.ErrorContext(ctx, "a sign-in is not in the log of changes", "err", err)
	}
}

func (s *server) entered(ctx context.Context, token string, session tenant.Session) *signedIn200 {
	s.Log.InfoContext(ctx, "signed in", "user", session.User, "peer", peer(requestFrom(ctx)))
	return &signedIn200{s.cookie(requestFrom(ctx), token, s.Tenant.Life()), sessionBody(session)}
}

// visitor is who sent the request.
func (s *server) visitor(ctx context.Context) tenant.Visitor {
	r := requestFrom(ctx)
	v := tenant.Visitor{Address: peer(r), Agent: r.UserAgent()}
	if c, err := r.Cookie(s.cookieName(r)); err == nil {
		v.Session = c.Value
	}
	return v
}

// cookie holds a session's token; a life below 0 takes it away.
func (s *server) cookie(r *http.Request, token string, life time.Duration) http.Cookie {
	return http.Cookie{
		Name: s.cookieName(r), Value: token, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, Secure: s.secure(r),
		SameSite: http.SameSiteStrictMode,
	}
}

func (s *server) session(ctx context.Context, _ *empty) (Session, error) {
	return sessionBody(sessionFrom(ctx)), nil
}

type signedOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *server) signOut(a huma.API, op huma.Operation) {
	huma.Register(a, op, func(ctx context.Context, _ *empty) (*signedOut, error) {
		if tokenFrom(ctx) == "" {
			return nil, s.problem(ctx, op, errInPerson)
		}
		if err := s.Tenant.Logout(ctx, tokenFrom(ctx)); err != nil {
			return nil, s.problem(ctx, op, err)
		}
		return &signedOut{s.cookie(requestFrom(ctx), "", -time.Second)}, nil
	})
}

// OpenSession is one of the user's sessions.
type OpenSession struct {
	ID      string    `json:"id"`
	Opened  time.Time `json:"opened_at"`
	Seen    time.Time `json:"seen_at" doc:"to the minute"`
	Address string    `json:"address"`
	Agent   string    `json:"agent" doc:"what the browser calls itself"`
	This    bool      `json:"this" doc:"the one that asks"`
}

func (s *server) sessions(ctx context.Context, _ *empty) (list[OpenSession], error) {
	me := sessionFrom(ctx)
	all, err := s.Tenant.Sessions(ctx, me.User)
	out := make([]OpenSession, 0, len(all))
	for _, o := range all {
		out = append(out, OpenSession{o.ID, o.Opened.UTC(), o.Seen.UTC(), o.Address, o.Agent, o.ID == me.ID})
	}
	return listOf(out, ""), err
}

func (s *server) endSession(ctx context.Context, in *ByID) error {
	return s.Tenant.EndSession(ctx, sessionFrom(ctx).User, in.ID)
}

// About tells what answers.
type About struct {
	Version    string    `json:"version"`
	Hub        string    `json:"hub" doc:"id of the hub's database"`
	SiteCount  int       `json:"site_count"`
	Time       time.Time `json:"time" doc:"of the hub's clock, which may be a demonstration's"`
	ClockSpeed float64   `json:"clock_speed" doc:"seconds of the hub's clock in one of the machine's"`
}

func (s *server) about(context.Context, *empty) (About, error) {
	return About{
		Version: s.Version, Hub: s.Hub, SiteCount: s.Sites, Time: s.Clock.Now().UTC(), ClockSpeed: s.Clock.Speed(),
	}, nil
}
