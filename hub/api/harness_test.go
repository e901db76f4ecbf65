package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/argon2"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/planner"
	"github.com/tallydock/tallydock/hub/secret"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/valuation"
	"github.com/tallydock/tallydock/hub/web"
)

const password = "correct horse battery"

// hub is a real API over a real database.
type hub struct {
	t      *testing.T
	db     *store.DB
	server *httptest.Server
	users  *tenant.Service
	now    func() time.Time
}

// options are what a test wants otherwise.
type options struct {
	door     tenant.Options
	provider api.Provider
	limits   api.RateLimits
	public   string
	proxies  []string
	now      func() time.Time // of the door
	tls      bool
}

func (o options) clock() func() time.Time {
	if o.now != nil {
		return o.now
	}
	return time.Now
}

func start(t *testing.T) *hub {
	t.Helper()
	return startWith(t, options{limits: wide})
}

func startWith(t *testing.T, opt options) *hub {
	t.Helper()
	return startAt(t, opt, func(told func([]event.Event)) (*store.DB, error) {
		return sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), time.Now, told)
	})
}

func startOn(t *testing.T, open func(told func([]event.Event)) (*store.DB, error)) *hub {
	t.Helper()
	return startAt(t, options{limits: wide}, open)
}

func startAt(t *testing.T, opt options, open func(told func([]event.Event)) (*store.DB, error)) *hub {
	t.Helper()
	bus := event.New(4)
	db, err := open(bus.Publish)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	keys, err := secret.Parse(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	opt.door.Sealer = keys
	users, err := tenant.NewWith(store.Tenant{DB: db}, opt.clock(), opt.door)
	if err != nil {
		t.Fatal(err)
	}
	for name, role := range map[string]tenant.Role{
		"vera": tenant.Viewer, "otto": tenant.Operator, "quinn": tenant.Quality, "paula": tenant.Planner, "bob": tenant.Buyer,
		"abel": tenant.Approver, "fritz": tenant.Finance, "admin": tenant.Admin, "carl": tenant.Customer,
	} {
		putUser(t, db, name, tenant.Everywhere(role))
	}
	rooms := rooms(db, bus)
	rooms.Tenant, rooms.Audit, rooms.Provider = users, store.Audit{DB: db}, opt.provider
	var trusted []netip.Prefix
	for _, text := range opt.proxies {
		trusted = append(trusted, netip.MustParsePrefix(text))
	}
	handler, err := api.New(api.Config{
		Version: "test", Hub: "hub-1", Sites: 1, Clock: clock.Clock{}, Log: slog.New(slog.DiscardHandler),
		Healthy: func() error { return nil }, PublicURL: opt.public, Proxies: trusted, Limits: opt.limits, NewID: newID,
	}, rooms)
	if err != nil {
		t.Fatal(err)
	}
	serve := httptest.NewServer
	if opt.tls {
		serve = httptest.NewTLSServer
	}
	h := &hub{t: t, db: db, users: users, server: serve(handler), now: opt.clock()}
	h.server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(h.server.CloseClientConnections)
	t.Cleanup(h.server.Close)
	t.Cleanup(h.server.CloseClientConnections)
	return h
}

// cheap is the hash of password at the least cost that there is: tests sign in hundreds of times.
func cheap() string {
	salt := []byte("salt of tests")
	key := argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)
	return fmt.Sprintf("$argon2id$v=19$m=8,t=1,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// putUser makes a user with the password that all have here.
func putUser(t *testing.T, db *store.DB, name string, g tenant.Grants) {
	t.Helper()
	u := tenant.User{Name: name, Kind: tenant.Local, Grants: g, Password: cheap(), Changed: time.Now()}
	if err := (store.Tenant{DB: db}).PutUser(t.Context(), u, true, false); err != nil {
		t.Fatal(err)
	}
}

func rooms(db *store.DB, bus *event.Bus) api.Rooms {
	log := slog.New(slog.DiscardHandler)
	cat := store.Catalog{DB: db}
	taken, books := store.Intake{DB: db}, store.Ledger{DB: db}
	return api.Rooms{
		View: store.View{DB: db}, Movements: books, Catalog: cat, Importer: catalog.NewImporter(cat),
		Exporter: cat, References: cat, ItemDocs: store.Items(db), PackDocs: store.Packs(db), LocationDocs: store.Locations(db),
		SupplierDocs: store.Suppliers(db), LotDocs: store.Lots(db), PolicyDocs: store.Policies(db),
		Books: books, Reservations: books, Units: books, Counts: books, Periods: books, Answers: store.Idempotency{DB: db},
		Fleet:  store.Fleet{DB: db},
		Alarms: fleet.Service{Store: store.Fleet{DB: db}, Commands: store.Fleet{DB: db}, Edges: offline{}, Now: time.Now, NewID: newID, Log: log},
		Series: series.NewReader(store.Series{DB: db}, series.Retention{}, time.Now), Planner: planner.New(planner.Config{ServiceLevel: 0.95, ReviewDays: 7}, store.Planning{DB: db}, clock.Clock{}, log),
		Capture: capture.New(capture.Config{Now: time.Now, NewID: newID, Limits: api.EPCISLimits()}, store.Captures{DB: db}), EPCIS: store.EPCIS{DB: db}, OwnEvents: store.OwnEvents{DB: db},
		Webhooks: webhooks(db),
		Parked:   taken, Settler: intake.New(intake.Config{Hub: "hub-1", Threshold: 600, Now: time.Now, NewID: newID}, taken),
		Valuation: store.Valuation{DB: db}, Revaluer: valuation.New(valuation.Config{}, store.Valuation{DB: db}, clock.Clock{}),
		Bus: bus, Events: store.Events{DB: db}, Console: web.Handler(),
		Scrape: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "up 1\n") }),
	}
}

// webhooks are those of a hub that may send to nobody.
func webhooks(db *store.DB) api.Webhooks {
	keys, err := secret.Parse(secret.NewKey())
	if err != nil {
		panic(err)
	}
	policy := webhook.Policy{Types: []event.Type{event.Stock}}
	return app.WebhookDesk(webhook.NewService(webhook.ServiceConfig{
		Policy: policy, Source: webhook.Source{Hub: "hub-1"}, Sender: webhook.NewClient(policy, webhook.ClientConfig{}),
		Now: time.Now, NewID: newID, Random: rand.Reader,
	}, store.Webhooks{DB: db, Sealer: keys}))
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// offline is the way to edges that are all away: commands wait in the database.
type offline struct{}

func (offline) Send(context.Context, string, wire.Command) error {
	return errors.New("edge is offline")
}

// client is a browser.
type client struct {
	*hub
	cookie *http.Cookie
	csrf   string
	token  string // of a program
	key    string // Idempotency-Key of what is sent
}

// keyed is the client with a key for the next change.
func (c client) keyed(key string) *client {
	c.key = key
	return &c
}

func (h *hub) signIn(user string) *client {
	h.t.Helper()
	c := &client{hub: h}
	r := c.do("POST", "/api/v1/session", `{"user":"`+user+`","password":"`+password+`"}`)
	if r.status != 200 {
		h.t.Fatalf("sign-in of %s: %d %s", user, r.status, r.body)
	}
	c.cookie = r.cookies[0]
	c.csrf = r.at("csrf").(string)
	return c
}

// response is an answer, read whole.
type response struct {
	t       *testing.T
	status  int
	header  http.Header
	cookies []*http.Cookie
	body    string
}

// at gives a value of the JSON by its path.
func (r response) at(path ...any) any {
	r.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		r.t.Fatalf("%v in %s", err, r.body)
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				r.t.Fatalf("no %v in %s", path, r.body)
			}
			v = m[p]
		case int:
			l, ok := v.([]any)
			if !ok || len(l) <= p {
				r.t.Fatalf("no %v in %s", path, r.body)
			}
			v = l[p]
		}
	}
	return v
}

func (c *client) request(ctx context.Context, method, path, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, c.server.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(path, "/api/v1/catalog/") && strings.Contains(path, "/import") {
		r.Header.Set("Content-Type", "text/csv")
	}
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.csrf != "" {
		r.Header.Set("X-CSRF-Token", c.csrf)
	}
	if c.key != "" {
		r.Header.Set("Idempotency-Key", c.key)
	} else if c.token != "" && method != "GET" {
		r.Header.Set("Idempotency-Key", newID())
	}
	return r
}

func (c *client) do(method, path, body string) response {
	c.t.Helper()
	return c.send(c.request(c.t.Context(), method, path, body))
}

// with is do with more headers: name, value, and so on.
func (c *client) with(method, path, body string, headers ...string) response {
	c.t.Helper()
	r := c.request(c.t.Context(), method, path, body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.send(r)
}

func (c *client) send(r *http.Request) response {
	c.t.Helper()
	res, err := c.server.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		c.t.Fatal(err)
	}
	return response{c.t, res.StatusCode, res.Header, res.Cookies(), b.String()}
}

// refused checks that an answer is a problem of this status and code.
func refused(t *testing.T, r response, status int, code string) {
	t.Helper()
	if r.status != status || r.header.Get("Content-Type") != "application/problem+json" || r.at("code") != code ||
		r.at("type") != "urn:tallydock:problem:"+code || r.at("status") != float64(status) || r.at("title") == "" {
		t.Errorf("got %d %s %s; want %d %s", r.status, r.header.Get("Content-Type"), r.body, status, code)
	}
}

func (h *hub) importCSV(kind, text string) {
	h.t.Helper()
	_, err := catalog.NewImporter(store.Catalog{DB: h.db}).Import(h.t.Context(), kind, strings.NewReader(text))
	if err != nil {
		h.t.Fatal(err)
	}
}

// value values what was posted.
func (h *hub) value() {
	h.t.Helper()
	s := valuation.New(valuation.Config{Method: valuation.FIFO}, store.Valuation{DB: h.db}, clock.Clock{})
	for {
		r, err := s.Once(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		if r.Events == 0 {
			return
		}
	}
}

func (h *hub) catalogue() {
	h.t.Helper()
	h.importCSV("items", "id,name_en,name_zh,unit,category\nSKU-1,Whole milk,全脂牛奶,EA,dairy\nSKU-2,Butter,黄油,EA,dairy\n")
	h.importCSV("locations", "code,site,parent,kind,name_en,x,y,w,h\nSZ1,SZ1,,site,Shenzhen 1,0,0,0,0\nSZ1-A,SZ1,SZ1,zone,A,0,0,100,50\nSZ1-A-01,SZ1,SZ1-A,bay,A-01,1,2,30,4\n")
	h.importCSV("levels", "item,location,min,max\nSKU-2,SZ1-A-01,5,20\n")
}

// receive books a tag of SKU-1 in at a place and gives the movement's id.
func (h *hub) receive(tag, location string) string {
	h.t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	parsed, err := devices.ParseTag(tag)
	if err != nil {
		h.t.Fatal(err)
	}
	err = store.Ledger{DB: h.db}.Post(h.t.Context(), ledger.Movement{
		ID: id, Kind: ledger.Receive, Source: "edge:SZ1-E1", EffectiveAt: at, RecordedAt: at.Add(time.Second), Key: "SZ1-E1/1/" + id,
		Evidence: ledger.Evidence{ReadPoint: location, Reads: 7, Pass: "pass-1"},
		Lines: []ledger.Line{{
			Item: "SKU-1", Lot: "L1", Tag: parsed, From: ledger.Supplier, FromState: ledger.Available, To: location,
			ToState: ledger.Available, Quantity: 1,
		}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}
