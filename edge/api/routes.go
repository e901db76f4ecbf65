package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tallydock/tallydock/devices/alarm"
)

// access is who may use a route.
type access uint8

const (
	public     access = 1 + iota // everybody who reaches the server
	guarded                      // callers on this machine, and others with the token
	commanding                   // as guarded, but where there is a token it is always needed; and no other web site's page
)

// route is one line of the API: for GET and HEAD, but for POST where it is commanding.
type route struct {
	path    string // as of http.ServeMux
	access  access
	handler http.Handler
}

// routes is the table.
func (s *Server) routes() []route {
	table := []route{
		{"/healthz", public, http.HandlerFunc(s.serveHealth)},
		{"/metrics", guarded, promhttp.HandlerFor(s.Gatherer, promhttp.HandlerOpts{})},
		{"/api/v1/state", guarded, answer(s.state)},
		{"/api/v1/alarms", guarded, answer(s.alarms)},
		{"/api/v1/alarms/{id}/acknowledge", commanding, answer(s.commands(alarm.Acknowledge))},
		{"/api/v1/alarms/{id}/shelve", commanding, answer(s.commands(alarm.Shelve))},
		{"/api/v1/alarms/{id}/unshelve", commanding, answer(s.commands(alarm.Unshelve))},
		{"/api/v1/alarms/{id}/reset", commanding, answer(s.commands(alarm.Reset))},
		{"/api/v1/devices", guarded, answer(s.devices)},
		{"/api/v1/samples", guarded, answer(s.samples)},
		{"/api/v1/tags", guarded, answer(s.tags)},
		{"/api/v1/passes", guarded, answer(s.passes)},
		{"/api/v1/passes/{id}", guarded, answer(s.pass)},
		{"/api/v1/counts", guarded, answer(s.cycleCounts)},
		{"/api/v1/doors/{door}/expected", commanding, answer(s.expect)},
		{"/api/v1/locations/{location}/count", commanding, answer(s.beginCount)},
		{"/api/v1/uplink", guarded, answer(s.uplink)},
		{"/api/v1/gateway", guarded, answer(s.gateway)},
		{"/api/v1/recording", guarded, http.HandlerFunc(s.serveRecording)},
	}
	return append(table, s.pageRoutes()...)
}

// handler finds the route of a request.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.path, r.only(s.guard(r)))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &problem{http.StatusNotFound, "not_found", "there is nothing at " + r.URL.Path})
	})
	return safe(mux)
}

// only lets the methods of a route through.
func (r route) only(next http.Handler) http.Handler {
	methods, advice := []string{http.MethodGet, http.MethodHead}, "this address only shows; use GET"
	if r.access == commanding {
		methods, advice = []string{http.MethodPost}, "this address takes commands; use POST"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !slices.Contains(methods, req.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			refuse(w, &problem{http.StatusMethodNotAllowed, "method_not_allowed", advice})
			return
		}
		next.ServeHTTP(w, req)
	})
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

// pageOf cuts a page out of items that are in the order of their keys: limit of them, of those behind the key after.
func pageOf[T any](items []T, after string, limit int, key func(T) string) list[T] {
	first, found := slices.BinarySearchFunc(items, after, func(it T, after string) int { return strings.Compare(key(it), after) })
	if found {
		first++
	}
	items = items[first:]
	if len(items) <= limit {
		return listOf(items, "")
	}
	return listOf(items[:limit], key(items[limit-1]))
}

// sortedBy puts items in the order of their keys.
func sortedBy[T any](items []T, key func(T) string) []T {
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return items
}
