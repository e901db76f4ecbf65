package api

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/tenant"
)

// cookieName holds the session's token. Over TLS it has the prefix with which browsers keep other hosts, other paths and
// plain HTTP from setting it.
const (
	cookieName   = "td_session"
	securePrefix = "__Host-"
)

// csrfHeader carries the session's CSRF token in every change.
const csrfHeader = "X-CSRF-Token"

// bearer begins the header of programs that come with an API token.
const bearer = "Bearer "

type contextKey uint8

const (
	keySession contextKey = iota
	keyPass
	keyRequest
	keyNeed
	keyPeer
)

// pass is what a request brought to be let in: a session's token from a cookie, or an API token from a header.
type pass struct{ session, token string }

func sessionFrom(ctx context.Context) tenant.Session {
	s, _ := ctx.Value(keySession).(tenant.Session)
	return s
}

func passFrom(ctx context.Context) pass {
	p, _ := ctx.Value(keyPass).(pass)
	return p
}

// tokenFrom gives the token of the request's session; "" where an API token was used.
func tokenFrom(ctx context.Context) string { return passFrom(ctx).session }

// requestFrom gives the request, for what huma does not hand on.
func requestFrom(ctx context.Context) *http.Request {
	r, _ := ctx.Value(keyRequest).(*http.Request)
	return r
}

// needFrom gives the permission that the request's route needs.
func needFrom(ctx context.Context) tenant.Permission {
	p, _ := ctx.Value(keyNeed).(tenant.Permission)
	return p
}

// guard lets a request pass that its route's access allows, with its session in the context, and has the log of changes
// tell of it.
func (s *server) guard(r route) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		req, w := humago.Unwrap(c)
		rec, _ := w.(*recorder)
		if rec != nil {
			rec.route = r.id
		}
		refuse := func(err error) { s.refuse(w, req, r, err) }
		if wait := s.limits.ofAddress(r, peer(req), time.Now()); wait > 0 {
			refuse(limited{wait})
			return
		}
		trail := &audit.Trail{
			Address: peer(req), Request: requestID(w), Action: r.id, Permission: string(r.access.need), At: time.Now(),
		}
		c = huma.WithValue(huma.WithValue(c, keyRequest, req), keyNeed, r.access.need)
		c = huma.WithContext(c, audit.With(c.Context(), trail))
		if r.access.kind == open {
			if r.changes() && s.crossOrigin.Check(req) != nil {
				refuse(errCSRF)
				return
			}
			next(c)
			return
		}
		p, session, err := s.admit(req, r)
		if err == nil {
			if wait := s.limits.ofPrincipal(r, session.Principal, time.Now()); wait > 0 {
				err = limited{wait}
			}
		}
		trail.User, trail.Token = session.User, session.Principal.Token
		if err != nil {
			refuse(err)
			if r.changes() && session.User != "" {
				s.note(c.Context(), req, r, problemStatus(err), false)
			}
			return
		}
		next(huma.WithValue(huma.WithValue(c, keySession, session), keyPass, p))
		if r.changes() && rec != nil && (rec.status >= 400 || !trail.Written()) {
			s.note(c.Context(), req, r, rec.status, rec.Header().Get(replayedHeader) != "")
		}
	}
}

// note writes about a change that nothing else wrote about: one that failed, or one of a store that does not say before
// and after; or one that was done before, and was only answered again.
func (s *server) note(ctx context.Context, req *http.Request, r route, status int, replayed bool) {
	after := map[string]any{"status": status}
	if replayed {
		after["replayed"] = true
	}
	e := audit.Entry{Resource: resourceOf(r.path), ID: idOf(req, r.path), After: audit.State(after)}
	switch {
	case status >= 500:
		e.Outcome = audit.Failed
	case status >= 400:
		e.Outcome = audit.Refused
	}
	if s.Audit == nil {
		return
	}
	if err := s.Audit.Add(context.WithoutCancel(ctx), e); err != nil {
		s.Log.ErrorContext(ctx, "a change is not in the log of changes", "route", r.id, "err", err)
	}
}

// resourceOf is the kind of thing that a path is about: its first word.
func resourceOf(path string) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return word
}

// idOf gives the values of a path's variables.
func idOf(req *http.Request, path string) string {
	var ids []string
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			ids = append(ids, req.PathValue(strings.TrimSuffix(name, "}")))
		}
	}
	return strings.Join(ids, "/")
}

// admit finds out who asks, and checks that the route's access allows it. The session is given with some errors too, for
// the log.
func (s *server) admit(req *http.Request, r route) (pass, tenant.Session, error) {
	p, session, err := s.identify(req)
	if err != nil {
		return p, session, err
	}
	if p.token == "" && r.changes() {
		if s.crossOrigin.Check(req) != nil ||
			subtle.ConstantTimeCompare([]byte(req.Header.Get(csrfHeader)), []byte(session.CSRF)) != 1 {
			return p, session, errCSRF
		}
	}
	return p, session, r.access.check(session)
}

// identify reads what the request brought. With a header for an API token, cookies do not count; tokens in addresses never
// do, because those are logged.
func (s *server) identify(req *http.Request) (p pass, _ tenant.Session, err error) {
	if header := req.Header.Get("Authorization"); header != "" {
		var ok bool
		if p.token, ok = strings.CutPrefix(header, bearer); !ok {
			return p, tenant.Session{}, tenant.ErrNoToken
		}
	} else if cookie, err := req.Cookie(s.cookieName(req)); err == nil {
		p.session = cookie.Value
	}
	session, err := s.recognise(req.Context(), p)
	return p, session, err
}

func (s *server) recognise(ctx context.Context, p pass) (tenant.Session, error) {
	if p.token != "" {
		return s.Tenant.ByToken(ctx, p.token)
	}
	return s.Tenant.Session(ctx, p.session)
}

// check says whether a session may use what has this access.
func (a access) check(session tenant.Session) error {
	switch {
	case session.Must != tenant.MustNothing && a.kind != early:
		return mustError(session.Must)
	case a.kind == early || a.kind == signedIn:
		return nil
	case a.kind == inPerson && session.Principal.Token != "":
		return errInPerson
	case a.kind == inPerson && a.need == "":
		return nil
	case a.whole && session.Principal.Can(a.need, ""):
		return nil
	case !a.whole && session.Principal.Anywhere(a.need):
		return nil
	}
	return errPermission
}

func mustError(m tenant.Must) error {
	if m == tenant.MustPassword {
		return errMustPassword
	}
	return errMustFactor
}

// refuse answers why not.
func (s *server) refuse(w http.ResponseWriter, req *http.Request, r route, err error) {
	p := problemOf(req.Context(), s.Log, r.path, err)
	if p.Code == "permission_required" {
		p.Params = map[string]string{"permission": string(r.access.need)}
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tallydock"`)
	}
	writeProblem(w, p)
}

// secure reports whether the browser speaks TLS, to the hub or to a proxy before it.
func (s *server) secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(s.PublicURL, "https://")
}

func (s *server) cookieName(r *http.Request) string {
	if s.secure(r) {
		return securePrefix + cookieName
	}
	return cookieName
}

// local reports whether the request was made on this machine and not handed on by a proxy.
func local(r *http.Request) bool {
	ip := net.ParseIP(strings.Trim(connected(r), "[]"))
	return ip != nil && ip.IsLoopback() && r.Header.Get(forwardedHeader) == "" && r.Header.Get("Forwarded") == ""
}

// requestIDHeader names the request in the answer, the access log and the log of changes. It is always the hub's own: one
// that a client sends would be a way to write into logs.
const requestIDHeader = "X-Request-ID"

func requestID(w http.ResponseWriter) string { return w.Header().Get(requestIDHeader) }

func newRequestID() string {
	var b [10]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", problemJSON)
	if after := p.Params["seconds"]; after != "" {
		w.Header().Set("Retry-After", after)
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}
