package api

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tallydock/tallydock/hub/tenant"
)

// cookieName holds the session's token.
const cookieName = "td_session"

// csrfHeader carries the session's CSRF token in every change.
const csrfHeader = "X-CSRF-Token"

type contextKey uint8

const (
	keySession contextKey = iota
	keyToken
	keyAddress
	keyTLS
)

func sessionFrom(ctx context.Context) tenant.Session {
	s, _ := ctx.Value(keySession).(tenant.Session)
	return s
}

func tokenFrom(ctx context.Context) string {
	t, _ := ctx.Value(keyToken).(string)
	return t
}

// guard lets a request pass that its route's access allows, with its session in the context.
func (s *server) guard(r route) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		req, w := humago.Unwrap(c)
		if rec, ok := w.(*recorder); ok {
			rec.route = r.id
		}
		c = huma.WithValue(c, keyAddress, peer(req))
		c = huma.WithValue(c, keyTLS, req.TLS != nil)
		if r.changes() && s.crossOrigin.Check(req) != nil {
			writeProblem(w, problemOf(c.Context(), s.Log, r.path, errCSRF))
			return
		}
		if r.access == public {
			next(c)
			return
		}
		token, session, err := s.admit(req, r)
		if err != nil {
			writeProblem(w, refusal(problemOf(c.Context(), s.Log, r.path, err), r))
			return
		}
		next(huma.WithValue(huma.WithValue(c, keySession, session), keyToken, token))
	}
}

// admit finds the request's session and checks that it may do what the route does.
func (s *server) admit(req *http.Request, r route) (string, tenant.Session, error) {
	cookie, err := req.Cookie(cookieName)
	if err != nil {
		return "", tenant.Session{}, tenant.ErrNoSession
	}
	session, err := s.Tenant.Session(req.Context(), cookie.Value)
	if err != nil {
		return "", tenant.Session{}, err
	}
	if r.changes() && subtle.ConstantTimeCompare([]byte(req.Header.Get(csrfHeader)), []byte(session.CSRF)) != 1 {
		return "", tenant.Session{}, errCSRF
	}
	if session.Role < r.access.role() {
		return "", tenant.Session{}, errRole
	}
	return cookie.Value, session, nil
}

func refusal(p *Problem, r route) *Problem {
	if p.Code == "role_required" {
		p.Params = map[string]string{"role": r.access.role().String()}
	}
	return p
}

// peer is the address that a request came from. Headers of proxies are not believed: anybody can send them.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// local reports whether the request was made on this machine and not handed on by a proxy.
func local(r *http.Request) bool {
	ip := net.ParseIP(strings.TrimSuffix(strings.TrimPrefix(peer(r), "["), "]"))
	return ip != nil && ip.IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", problemJSON)
	if p.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "900")
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}
