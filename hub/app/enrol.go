package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/store"
)

// CAFolder is the folder of the hub's CA in the data folder.
const CAFolder = "ca"

// membersEvery is how soon the broker forgets edges whose certificates are over. Who is enrolled it hears of at once, and who
// is revoked is not let in whatever the users are.
const membersEvery = time.Minute

// Enrolment is how a hub gives edges their identity: the service, and the CA that it stands on.
type Enrolment struct {
	*enrol.Service
	CA *enrol.CA
}

// OpenEnrolment opens the CA of a configuration, and makes it where there is none, with a service on db. Another process may
// have both open. Errors: fault.Conflict where the configuration has no enrolment.
func OpenEnrolment(ctx context.Context, c config.Config, db *store.DB) (*Enrolment, error) {
	return openEnrolment(ctx, c, db, enrol.Config{})
}

// openEnrolment is OpenEnrolment with what else the service is to have.
func openEnrolment(ctx context.Context, c config.Config, db *store.DB, with enrol.Config) (*Enrolment, error) {
	ca, err := OpenCA(c)
	if err != nil {
		return nil, err
	}
	with.Store, with.CA, with.Hub, with.Brokers = store.Enrol{DB: db}, ca, c.Enrol.URL, c.BrokerURLs()
	with.Life, with.Grace = c.Enrol.Life, c.Enrol.Grace
	if with.Grace == 0 {
		with.Grace = -1 // not at all
	}
	s, err := enrol.New(ctx, with)
	return &Enrolment{s, ca}, err
}

// OpenCA opens the CA of a configuration like OpenEnrolment.
func OpenCA(c config.Config) (*enrol.CA, error) {
	if !c.Enrol.On() {
		return nil, fmt.Errorf("%w: this hub enrols no edges: set enrol.url in its configuration", fault.Conflict)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	keys, err := config.EnsureSecretKey(c)
	if err != nil {
		return nil, err
	}
	return enrol.OpenCA(filepath.Join(c.Data, CAFolder), keys, time.Now())
}

// makeEnrolment opens the enrolment, where there is one, for the broker to know edges by.
func (h *house) makeEnrolment(ctx context.Context, _ config.Credentials) (err error) {
	if !h.cfg.Enrol.On() {
		return nil
	}
	h.enrolment, err = openEnrolment(ctx, h.cfg, h.db, enrol.Config{
		Changed: func() { h.recheck() }, Log: h.opt.Log.With("part", "enrol"), Metrics: h.registry,
	})
	return err
}

// recheck has the broker cut off whose certificate was revoked.
func (h *house) recheck() {
	if h.broker != nil {
		h.broker.Recheck()
	}
}

// brokerTLS is how the broker knows edges by their certificates; nil where they have none.
func (h *house) brokerTLS() (*broker.TLS, error) {
	if h.enrolment == nil {
		return nil, nil
	}
	conf, err := h.enrolment.BrokerTLS(h.cfg.BrokerNames())
	if err != nil {
		return nil, fmt.Errorf("cannot make the broker's certificate: %w", err)
	}
	return &broker.TLS{Config: conf, Identify: h.enrolment.Identify, Plain: h.cfg.PlainNetworks()}, nil
}

// startEnrolment keeps certificates and the broker's users, and answers edges.
func (h *house) startEnrolment(ctx context.Context, _ config.Credentials) error {
	if h.enrolment == nil {
		return nil
	}
	log := h.opt.Log.With("part", "enrol")
	l, err := h.listenForEdges()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	path := h.cfg.Enrol.Path()
	mux.Handle(path+"/", http.StripPrefix(path, h.enrolment.Handler(func(facts []enrol.Fact) { h.heard(facts, log) })))
	for _, p := range []part{
		{name: "enrolment", run: h.enrolment.Run},
		{name: "members", run: func(ctx context.Context) error { return h.members.run(ctx, log) }},
		{name: "edges' door", run: func(ctx context.Context) error { return serve(ctx, l, mux, log) }},
	} {
		if err := h.life.start(ctx, p); err != nil {
			return err
		}
	}
	log.Info("edges may enrol", "url", h.cfg.Enrol.URL, "listen", l.Addr().String(), "brokers", h.cfg.BrokerURLs())
	return nil
}

func (h *house) listenForEdges() (net.Listener, error) {
	conf, err := h.enrolment.EdgeTLS(h.cfg.DoorNames())
	if err != nil {
		return nil, fmt.Errorf("cannot make the certificate of the listener for edges: %w", err)
	}
	l, err := net.Listen("tcp", h.cfg.Enrol.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for edges (enrol.listen: %s): %w", h.cfg.Enrol.Listen, err)
	}
	return tls.NewListener(l, conf), nil
}

// heard lets in who was just enrolled, before the edge has its answer.
func (h *house) heard(facts []enrol.Fact, log *slog.Logger) {
	for _, f := range facts {
		if f.Act != enrol.Enrolled {
			continue
		}
		if err := h.members.refresh(context.Background()); err != nil {
			log.Warn("the broker hears of the new edge a little later", "edge", f.Edge, "err", err)
		}
	}
}

// members keeps the broker's users: those of the configuration, and the edges that are enrolled.
type members struct {
	own      []broker.User // of the configuration
	enrolled func(context.Context) ([]enrol.Certificate, error)
	set      func([]broker.User) error

	mu   sync.Mutex
	last []broker.User
}

// list gives the users as they are to be.
func (m *members) list(ctx context.Context) ([]broker.User, error) {
	all := append([]broker.User(nil), m.own...)
	if m.enrolled == nil {
		return all, nil
	}
	held, err := m.enrolled(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, u := range all {
		known[u.Name] = true
	}
	for _, c := range held { // the newest certificate of an edge first: where it stands now
		if known[c.Edge] {
			continue
		}
		known[c.Edge] = true
		u := broker.EdgeUser(c.Edge, c.Site)
		u.Certificate = true
		all = append(all, u)
	}
	return all, nil
}

// refresh tells the broker of users that are new, gone or elsewhere.
func (m *members) refresh(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, err := m.list(ctx)
	if err != nil || reflect.DeepEqual(all, m.last) {
		return err
	}
	if err := m.set(all); err != nil {
		return err
	}
	m.last = all
	return nil
}

// run refreshes until ctx ends.
func (m *members) run(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(membersEvery)
	defer tick.Stop()
	for {
		if err := m.refresh(ctx); err != nil && ctx.Err() == nil {
			log.Warn("the broker's users stay as they are", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ownBroker is where the hub itself finds its own broker, and how: from this machine plainly, and by TLS where the broker
// listens at an address by which the hub would come as one from the network.
func ownBroker(listen string, c config.Config, ca *enrol.CA) (url string, conf *tls.Config) {
	address := dialable(listen)
	host, _, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); ca == nil || host == "localhost" || ip != nil && ip.IsLoopback() {
		return "tcp://" + address, nil
	}
	return "ssl://" + address, ca.ClientTLS(c.BrokerNames()[0])
}
