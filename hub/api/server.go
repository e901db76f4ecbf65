package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/once"
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
	// PublicURL is where people reach the console, where a proxy stands before it; with https its cookies are Secure. "" =
	// as the request says.
	PublicURL string
	// Proxies are networks of proxies whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	Limits  RateLimits
	NewID   func() string // UUIDv7
	// CountAlone is the worth of the differences of a count, in 1/10000 of the currency, up to which who submitted it may
	// approve it too.
	CountAlone int64
}

// Tenant knows who is signed in, and who may be; *tenant.Service is one.
type Tenant interface {
	Door
	Account
	Users
	Tokens
	Journeys
}

// Door lets people and programs in.
type Door interface {
	Login(ctx context.Context, c tenant.Credentials, v tenant.Visitor) (token string, s tenant.Session, err error)
	Session(ctx context.Context, token string) (tenant.Session, error)
	ByToken(ctx context.Context, secret string) (tenant.Session, error)
	Logout(ctx context.Context, token string) error
	Life() time.Duration // of a session, at most
}

// Account is what users do for themselves.
type Account interface {
	ChangePassword(ctx context.Context, c tenant.Credentials, fresh string, v tenant.Visitor) (string, tenant.Session, error)
	BeginFactor(ctx context.Context, user string) (tenant.Enrolment, error)
	ConfirmFactor(ctx context.Context, user, code string) (recovery []string, err error)
	RemoveFactor(ctx context.Context, c tenant.Credentials, v tenant.Visitor) error
	Sessions(ctx context.Context, user string) ([]tenant.OpenSession, error)
	EndSession(ctx context.Context, user, id string) error
}

// Users is what administrators do for others.
type Users interface {
	Users(ctx context.Context) ([]tenant.User, error)
	User(ctx context.Context, name string) (tenant.User, error)
	AddUser(ctx context.Context, p tenant.Principal, name string, g tenant.Grants, language string) (password string, err error)
	SetGrants(ctx context.Context, p tenant.Principal, name string, g tenant.Grants) (tenant.User, error)
	Disable(ctx context.Context, p tenant.Principal, name string, disabled bool) (tenant.User, error)
	ResetPassword(ctx context.Context, p tenant.Principal, name string) (password string, err error)
	ResetFactor(ctx context.Context, p tenant.Principal, name string) error
}

// Tokens are what programs come with.
type Tokens interface {
	MakeToken(ctx context.Context, p tenant.Principal, w tenant.TokenWish) (secret string, t tenant.Token, err error)
	Tokens(ctx context.Context, user string) ([]tenant.Token, error)
	RevokeToken(ctx context.Context, p tenant.Principal, id, user string) error
}

// Journeys are sign-ins by way of the OIDC provider.
type Journeys interface {
	BeginLogin(ctx context.Context, state, next string) error
	TakeLogin(ctx context.Context, state string) (next string, err error)
	LoginExternal(ctx context.Context, id tenant.Identity, v tenant.Visitor) (string, tenant.Session, error)
}

// Provider checks sign-ins elsewhere; *oidc.Provider is one.
type Provider interface {
	Label() string
	// Begin gives where to send a browser that holds a secret, and the state that it will come back with.
	Begin(ctx context.Context, browser string) (url, state string, err error)
	// Finish checks what the browser came back with.
	Finish(ctx context.Context, browser string, came url.Values) (tenant.Identity, error)
	// Logout is where the provider signs people out; "" where that is not known.
	Logout() string
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

// Rooms are the rooms that the API opens to the network. All are needed but Provider; without Audit nothing is logged, and
// the routes of it fail.
type Rooms struct {
	Tenant    Tenant
	Provider  Provider
	Audit     audit.Store
	View      view.Store
	Movements Movements
	Fleet     fleet.Store
	Alarms    AlarmDesk
	Series    series.Store
	Catalog   Catalog
	Importer  Importer
	Exporter  Exporter

	References   References
	ItemDocs     Documents[catalog.Item]
	PackDocs     Documents[catalog.Pack]
	LocationDocs Documents[catalog.Location]
	SupplierDocs Documents[catalog.Supplier]
	LotDocs      Documents[catalog.Lot]
	PolicyDocs   Documents[intake.Policy]

	Books        Books
	Reservations Reservations
	Units        Units
	Counts       Counts
	Periods      Periods
	Answers      once.Store // of changes with an Idempotency-Key

	Planner   Planner
	Parked    Parked
	Settler   Settler
	Capture   Capture
	EPCIS     EPCIS
	OwnEvents epcis.Store // of the movements that edges decided
	Valuation Valuation
	Revaluer  Revaluer
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
	limits      *limits
	bounds      bounds
}

// New builds the hub's whole HTTP handler.
func New(c Config, rooms Rooms) (http.Handler, error) {
	s := &server{
		Config: c, Rooms: rooms, crossOrigin: http.NewCrossOriginProtection(), count: newMetrics(c.Metrics), limits: newLimits(c.Limits),
		bounds: bounds{rooms.View},
	}
	s.Rooms = s.bounds.narrow(rooms)
	mux := http.NewServeMux()
	s.huma = humago.New(mux, humaConfig(c.Version))
	if err := s.registerAll(s.huma, s.routes()); err != nil {
		return nil, fmt.Errorf("cannot build the API: %w", err)
	}
	finishSchemas(s.huma.OpenAPI())
	s.huma.OpenAPI().Components.SecuritySchemes["token"] = &huma.SecurityScheme{
		Type: "http", Scheme: "bearer", Description: "an API token, tdk_…; changes by it need no X-CSRF-Token",
	}
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
		r = proxies(s.Proxies).from(r)
		rec := &recorder{ResponseWriter: w, gzip: takesGzip(r)}
		s.headers(w.Header(), r)
		defer func() {
			p := recover()
			if p != nil && p != http.ErrAbortHandler {
				s.Log.ErrorContext(r.Context(), "handler panicked", "method", r.Method, "path", r.URL.Path, "panic", p,
					"stack", string(debug.Stack()))
				if rec.status == 0 {
					writeProblem(rec, newProblem(http.StatusInternalServerError, "internal", "the hub could not do this; its log says why"))
				}
			}
			rec.finish()
			s.count.request(rec.route, rec.status, time.Since(start))
			s.Log.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", rec.status,
				"bytes", rec.bytes, "took", time.Since(start), "peer", peer(r), "request", requestID(w))
			if p == http.ErrAbortHandler { // so that nobody takes a part of an answer for the whole
				panic(p)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// headers are those of every answer. The console sets a Content-Security-Policy of its own, which lets its own files in.
func (s *server) headers(h http.Header, r *http.Request) {
	h.Set(requestIDHeader, newRequestID())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=()")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	if s.secure(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		h.Set("Cache-Control", "no-store")
	}
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
		line := route{method: http.MethodGet, path: "/metrics", access: all(tenant.MetricsRead)}
		if _, _, err := s.admit(r, line); err != nil {
			s.refuse(w, r, line, err)
			return
		}
	}
	s.Scrape.ServeHTTP(w, r)
}
