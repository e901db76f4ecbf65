package api

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// journeyCookie holds what only the browser knows while it is at the provider. It is Lax, because the browser comes back from
// another site.
const (
	journeyCookie = "td_oidc"
	journeyLife   = 10 * time.Minute
)

// ProviderBody is the OIDC provider that people may sign in by.
type ProviderBody struct {
	Enabled bool   `json:"enabled"`
	Label   string `json:"label" doc:"for the button"`
	Logout  string `json:"logout" doc:"where the provider signs people out; may be empty"`
}

func (s *server) provider(context.Context, *empty) (ProviderBody, error) {
	if s.Provider == nil {
		return ProviderBody{}, nil
	}
	return ProviderBody{true, s.Provider.Label(), s.Provider.Logout()}, nil
}

type startInput struct {
	Next string `query:"next" maxLength:"500" doc:"page of the console to go to afterwards"`
}

// away is an answer that sends the browser elsewhere. Cookies are in it as they are in the header.
type away struct {
	Status    int
	Location  string   `header:"Location"`
	SetCookie []string `header:"Set-Cookie"`
}

func to(place string, cookies ...http.Cookie) *away {
	a := &away{Status: http.StatusSeeOther, Location: place}
	for _, c := range cookies {
		a.SetCookie = append(a.SetCookie, c.String())
	}
	return a
}

func (s *server) startLogin(a huma.API, op huma.Operation) {
	op.DefaultStatus = http.StatusSeeOther
	huma.Register(a, op, func(ctx context.Context, in *startInput) (*away, error) {
		if s.Provider == nil {
			return nil, s.problem(ctx, op, errNoProvider)
		}
		raw := make([]byte, 32)
		rand.Read(raw)
		browser := base64.RawURLEncoding.EncodeToString(raw)
		place, state, err := s.Provider.Begin(ctx, browser)
		if err == nil {
			err = s.Tenant.BeginLogin(ctx, state, safeNext(in.Next))
		}
		if err != nil {
			return s.turnedAway(ctx, op, err), nil
		}
		return to(place, s.journey(requestFrom(ctx), browser, journeyLife)), nil
	})
}

func (s *server) journeyName(r *http.Request) string {
	if s.secure(r) {
		return securePrefix + journeyCookie
	}
	return journeyCookie
}

func (s *server) journey(r *http.Request, browser string, life time.Duration) http.Cookie {
	return http.Cookie{
		Name: s.journeyName(r), Value: browser, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, Secure: s.secure(r),
		SameSite: http.SameSiteLaxMode,
	}
}

type finishInput struct {
	State string `query:"state" maxLength:"200"`
}

// finishLogin takes the browser that comes back. The state is used up before anything else is looked at, so that nothing of
// it can be sent twice.
func (s *server) finishLogin(a huma.API, op huma.Operation) {
	op.DefaultStatus = http.StatusSeeOther
	huma.Register(a, op, func(ctx context.Context, in *finishInput) (*away, error) {
		if s.Provider == nil {
			return nil, s.problem(ctx, op, errNoProvider)
		}
		req := requestFrom(ctx)
		cookie, err := req.Cookie(s.journeyName(req))
		if err != nil {
			return s.turnedAway(ctx, op, newProblem(http.StatusBadRequest, "oidc_state", "this browser did not begin this sign-in")), nil
		}
		next, err := s.Tenant.TakeLogin(ctx, in.State)
		if err != nil {
			return s.turnedAway(ctx, op, newProblem(http.StatusBadRequest, "oidc_state", "this sign-in is over or was never begun")), nil
		}
		id, err := s.Provider.Finish(ctx, cookie.Value, req.URL.Query())
		if err != nil {
			return s.turnedAway(ctx, op, err), nil
		}
		token, session, err := s.Tenant.LoginExternal(ctx, id, s.visitor(ctx))
		if err != nil {
			return s.turnedAway(ctx, op, err), nil
		}
		in200 := s.entered(ctx, token, session)
		return to(next, in200.SetCookie, s.journey(req, "", -time.Second)), nil
	})
}

// turnedAway sends a browser back to the sign-in page, with a code for its text.
func (s *server) turnedAway(ctx context.Context, op huma.Operation, err error) *away {
	s.refusedSignIn(ctx, "", err)
	p := problemOf(ctx, s.Log, op.Path, err)
	if errors.Is(err, context.DeadlineExceeded) {
		p.Code = "unavailable"
	}
	return to("/login?error="+url.QueryEscape(p.Code), s.journey(requestFrom(ctx), "", -time.Second))
}

// safeNext gives a page of this console, and no other place.
func safeNext(next string) string {
	u, err := url.Parse(next)
	switch {
	case err != nil || u.Scheme != "" || u.Host != "" || u.User != nil, !strings.HasPrefix(u.Path, "/"),
		strings.HasPrefix(next, "//"), strings.ContainsAny(next, "\\\r\n\t"), strings.HasPrefix(u.Path, "/api/"), strings.HasPrefix(u.Path, "/login"):
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}
