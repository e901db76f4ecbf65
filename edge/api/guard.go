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
	own := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		trusted := s.trusts(req)
		if r.access == commanding && s.Token != "" {
			trusted = s.hasToken(req)
		}
		if !trusted {
			w.Header().Add("WWW-Authenticate", `Bearer realm="gateway"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="gateway: any user, the token as password"`)
			refuse(w, &problem{http.StatusUnauthorized, "login_required", s.howToLogin(r.access)})
			return
		}
		if r.access == commanding {
			if err := asked(own, req); err != nil {
				refuse(w, problemOf(err))
				return
			}
		}
		r.handler.ServeHTTP(w, req)
	})
}

// commandHeader shows that a command was meant: no form and no picture of another site can send it.
const commandHeader = "Tallydock-Command"

// asked refuses commands that another web site's page may have made a browser send.
func asked(own *http.CrossOriginProtection, r *http.Request) error {
	if err := own.Check(r); err != nil {
		return &problem{http.StatusForbidden, "cross_origin", "this comes from a page of another site; commands are taken from the gateway's own page"}
	}
	if r.Header.Get(commandHeader) == "" {
		return &problem{http.StatusForbidden, "header_required", "send the header " + commandHeader + ": 1 with a command"}
	}
	return nil
}

func (s *Server) howToLogin(a access) string {
	if s.Token != "" && a == commanding {
		return "commands need the text of the gateway's api.token_file, from this machine too: as Authorization: Bearer TEXT, or as the password of any user"
	}
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
