package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// access is who may use a route.
type access uint8

const (
	public  access = 1 + iota // everybody who reaches the server
	guarded                   // callers on this machine, and others with the token
)

// route is one line of the API. All are for GET and HEAD.
type route struct {
	path    string
	access  access
	handler http.Handler
}

// routes is the table.
func (s *Server) routes() []route {
	return []route{
		{"/healthz", public, http.HandlerFunc(s.serveHealth)},
		{"/metrics", guarded, promhttp.HandlerFor(s.Gatherer, promhttp.HandlerOpts{})},
		{"/api/v1/state", guarded, answer(s.state)},
		{"/api/v1/alarms", guarded, answer(s.alarms)},
		{"/api/v1/devices", guarded, answer(s.devices)},
		{"/api/v1/uplink", guarded, answer(s.uplink)},
		{"/api/v1/recording", guarded, http.HandlerFunc(s.serveRecording)},
		{"/", guarded, http.HandlerFunc(s.servePage)},
	}
}

// handler finds the route of a request.
func (s *Server) handler() http.Handler {
	table := map[string]http.Handler{}
	for _, r := range s.routes() {
		table[r.path] = s.guard(r)
	}
	return safe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, known := table[r.URL.Path]
		switch {
		case !known:
			refuse(w, &problem{http.StatusNotFound, "not_found", "there is nothing at " + r.URL.Path})
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, &problem{http.StatusMethodNotAllowed, "method_not_allowed", "this server only shows; use GET"})
		default:
			h.ServeHTTP(w, r)
		}
	}))
}

// list is a page of things. Next is what to ask for the page after with, "" at the end.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

func listOf[T any](items []T, next string) list[T] {
	if items == nil {
		items = []T{}
	}
	return list[T]{items, next}
}

// answer writes what f gives as JSON, or its error as a problem.
func answer[T any](f func(*http.Request) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			refuse(w, problemOf(err))
			return
		}
		write(w, http.StatusOK, "application/json", v)
	})
}

func write(w http.ResponseWriter, status int, kind string, v any) {
	b, err := json.Marshal(v)
	if err != nil { // all that is answered has types that JSON can write
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// known refuses query parameters that a route does not have, so that a slip of the pen is noticed.
func known(r *http.Request, names ...string) error {
	for name := range r.URL.Query() {
		if !slices.Contains(names, name) {
			return &problem{
				http.StatusBadRequest, "unknown_parameter",
				fmt.Sprintf("parameter %q is not known here; known are %s", name, cmp.Or(strings.Join(names, ", "), "none")),
			}
		}
	}
	return nil
}
