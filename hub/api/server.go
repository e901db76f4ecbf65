package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/view"
)

// Config is what the API itself needs to know.
type Config struct {
	Version string
	Hub     string // id of the hub's database
	Sites   int    // how many sites the configuration names
	Clock   clock.Clock
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil = none
	// Healthy reports why the hub cannot do its work, nil where it can. It must answer at once.
	Healthy func() error
}

// Tenant knows who is signed in; *tenant.Service is one.
type Tenant interface {
	Login(ctx context.Context, user, password, address string) (token string, s tenant.Session, err error)
	Session(ctx context.Context, token string) (tenant.Session, error)
	Logout(ctx context.Context, token string) error
}

// AlarmDesk does what people ask of alarms; a fleet.Service is one. Each returns the alarm as it is now, with what is pending.
type AlarmDesk interface {
	Acknowledge(ctx context.Context, alarm, actor, comment string) (fleet.Alarm, error)
	Shelve(ctx context.Context, alarm, actor string, d time.Duration, reason string) (fleet.Alarm, error)
	Unshelve(ctx context.Context, alarm, actor string) (fleet.Alarm, error)
	RemoveFromService(ctx context.Context, alarm, actor, reason string) (fleet.Alarm, error)
	ReturnToService(ctx context.Context, alarm, actor, comment string) (fleet.Alarm, error)
	Reset(ctx context.Context, alarm, actor, comment string) (fleet.Alarm, error)
	// Expect puts a list at a door of an edge.
	Expect(ctx context.Context, edge, actor string, list wire.Expect) error
}

// Movements reads a movement by its id; a ledger.Store is one.
type Movements interface {
	Movement(ctx context.Context, id string) (ledger.Movement, error)
}

// Catalog lists what the company deals in.
type Catalog interface {
	Items(ctx context.Context) ([]catalog.Item, error)
	Locations(ctx context.Context) ([]catalog.Location, error)
	Suppliers(ctx context.Context) ([]catalog.Supplier, error)
}

// Importer takes CSV files; *catalog.Importer is one.
type Importer interface {
	Import(ctx context.Context, kind string, file io.Reader) (catalog.Imported, error)
}

// Rooms are the rooms that the API opens to the network. All are needed.
type Rooms struct {
	Tenant    Tenant
	View      view.Store
	Movements Movements
	Fleet     fleet.Store
	Alarms    AlarmDesk
	Series    series.Store
	Catalog   Catalog
	Importer  Importer
	Planner   Planner
	Parked    Parked
	Settler   Settler
	Capture   Capture
	EPCIS     EPCIS
	Webhooks  Webhooks
	Bus       *event.Bus
	Events    event.Store  // what Bus no longer remembers
	Scrape    http.Handler // Prometheus
	Console   http.Handler
}

type server struct {
	Config
	Rooms
	crossOrigin *http.CrossOriginProtection
	huma        huma.API
	count       *metrics
}

// New builds the hub's whole HTTP handler.
func New(c Config, rooms Rooms) (http.Handler, error) {
	s := &server{Config: c, Rooms: rooms, crossOrigin: http.NewCrossOriginProtection(), count: newMetrics(c.Metrics)}
	mux := http.NewServeMux()
	s.huma = humago.New(mux, humaConfig(c.Version))
	if err := s.registerAll(s.huma, s.routes()); err != nil {
		return nil, fmt.Errorf("cannot build the API: %w", err)
	}
	finishSchemas(s.huma.OpenAPI())
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /metrics", s.scrape)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, newProblem(http.StatusNotFound, "not_found", r.Method+" "+r.URL.Path+" is not part of the API"))
	})
	mux.HandleFunc(epcisRoot+"/", func(w http.ResponseWriter, r *http.Request) {
		writeEPCISProblem(w, http.StatusNotFound, "NoSuchResource", r.Method+" "+r.URL.Path+" is not part of the binding", nil)
	})
	mux.Handle("/", rooms.Console)
	return s.outer(mux), nil
}

// outer does what every request needs: security headers, compression, the access log, and an answer where a handler
// panicked.
func (s *server) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w, gzip: takesGzip(r)}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			h.Set("Cache-Control", "no-store")
		}
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.Log.ErrorContext(r.Context(), "handler panicked", "method", r.Method, "path", r.URL.Path, "panic", p,
					"stack", string(debug.Stack()))
				if rec.status == 0 {
					writeProblem(rec, newProblem(http.StatusInternalServerError, "internal", "the hub could not do this; its log says why"))
				}
			}
			rec.finish()
			s.count.request(rec.route, rec.status, time.Since(start))
			s.Log.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", rec.status,
				"bytes", rec.bytes, "took", time.Since(start), "peer", peer(r))
		}()
		next.ServeHTTP(rec, r)
	})
}

func (s *server) healthz(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.Healthy(); err != nil {
		s.Log.WarnContext(r.Context(), "hub is not healthy", "err", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"status":"unavailable"}`+"\n")
		return
	}
	io.WriteString(w, `{"status":"ok"}`+"\n")
}

// scrape answers metrics, to programs on this machine, and to administrators.
func (s *server) scrape(w http.ResponseWriter, r *http.Request) {
	if !local(r) {
		if _, _, err := s.admit(r, route{method: http.MethodGet, access: admin}); err != nil {
			if !errors.Is(err, tenant.ErrNoSession) {
				err = errRole
			}
			writeProblem(w, refusal(problemOf(r.Context(), s.Log, "/metrics", err), route{access: admin}))
			return
		}
	}
	s.Scrape.ServeHTTP(w, r)
}
