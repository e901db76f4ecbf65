package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// safe sets what every answer needs.
func safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", policy)
		next.ServeHTTP(w, r)
	})
}

func hostOf(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}

// guard lets a request through to a route that it may use.
func (s *Server) guard(r route) http.Handler {
	if r.access == public {
		return r.handler
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !s.trusts(req) {
			w.Header().Add("WWW-Authenticate", `Bearer realm="gateway"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="gateway: any user, the token as password"`)
			refuse(w, &problem{http.StatusUnauthorized, "login_required", s.howToLogin()})
			return
		}
		r.handler.ServeHTTP(w, req)
	})
}

func (s *Server) howToLogin() string {
	if s.Token == "" {
		return "this gateway answers callers on its own machine, by the name 127.0.0.1 or localhost; others need api.token_file"
	}
	return "send the text of the gateway's api.token_file as Authorization: Bearer TEXT, or as the password of any user"
}

// trusts tells whether a request may see everything.
func (s *Server) trusts(r *http.Request) bool { return isLocal(r) || s.hasToken(r) }

// isLocal tells whether a request comes from this machine and names it. One that names another host may come from a web
// page, by a name of its own that leads here (DNS rebinding), and one that was forwarded comes from elsewhere.
func isLocal(r *http.Request) bool {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && isLoopback(from) && isLoopback(hostOf(r.Host)) &&
		r.Header.Get("Forwarded") == "" && r.Header.Get("X-Forwarded-For") == ""
}

func (s *Server) hasToken(r *http.Request) bool {
	if s.Token == "" {
		return false
	}
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		_, given, _ = r.BasicAuth()
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.Token)) // so that lengths do not show in the time
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
