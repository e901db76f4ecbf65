package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/tenant"
)

// Session is who is signed in.
type Session struct {
	User     string `json:"user"`
	Role     string `json:"role" enum:"viewer,operator,planner,admin"`
	CSRF     string `json:"csrf" doc:"to be sent as X-CSRF-Token with every change"`
	Language string `json:"language" doc:"en, zh-CN, or empty for the browser's"`
}

func sessionBody(s tenant.Session) Session {
	return Session{User: s.User, Role: s.Role.String(), CSRF: s.CSRF, Language: s.Language}
}

type credentials struct {
	Body struct {
		User     string `json:"user" maxLength:"200"`
		Password string `json:"password" maxLength:"1024"`
	}
}

type signedIn struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

func (s *server) signIn(a huma.API, op huma.Operation) {
	huma.Register(a, op, func(ctx context.Context, in *credentials) (*signedIn, error) {
		address, _ := ctx.Value(keyAddress).(string)
		token, session, err := s.Tenant.Login(ctx, in.Body.User, in.Body.Password, address)
		if err != nil {
			s.Log.WarnContext(ctx, "sign-in refused", "user", in.Body.User, "peer", address, "err", err)
			return nil, s.problem(ctx, op, err)
		}
		s.Log.InfoContext(ctx, "signed in", "user", session.User, "peer", address)
		return &signedIn{s.cookie(ctx, token, tenant.AbsoluteLife), sessionBody(session)}, nil
	})
}

func (s *server) cookie(ctx context.Context, token string, life time.Duration) http.Cookie {
	secure, _ := ctx.Value(keyTLS).(bool)
	return http.Cookie{
		Name: cookieName, Value: token, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, Secure: secure,
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
		if err := s.Tenant.Logout(ctx, tokenFrom(ctx)); err != nil {
			return nil, s.problem(ctx, op, err)
		}
		return &signedOut{s.cookie(ctx, "", -time.Second)}, nil
	})
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
