package broker

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/bcrypt"
)

// User may connect, and publish and subscribe to what its MQTT topic filters cover.
type User struct {
	Name         string
	PasswordHash string // bcrypt; "" = it has none
	Certificate  bool   // may sign in with the certificate that TLS.Identify knows as its
	Publish      []string
	Subscribe    []string
	// Shared: many devices sign in by this name, so that their client ids need not have it.
	Shared bool
}

// users decides who comes in. It is NATS's door: Check is called for each connection, by many goroutines.
type users struct {
	log     *slog.Logger
	tls     *TLS
	refused prometheus.Counter
	stand   []byte        // a hash that no password has, so that an unknown name takes as long as a known one
	turn    chan struct{} // bounds how many hashes are computed at once; others wait

	mu     sync.Mutex
	byName map[string]admitted
	conns  map[uint64]conn     // that signed in, or are about to; some may be gone
	secret [32]byte            // of proven
	proven map[string][32]byte // passwords that matched already, by name: an edge that reconnects costs no bcrypt
	srv    *server.Server
}

type admitted struct {
	User
	permissions *server.Permissions
}

func newUsers(tls *TLS, log *slog.Logger, reg prometheus.Registerer) *users {
	u := &users{
		log: log, tls: tls, conns: map[uint64]conn{}, turn: make(chan struct{}, runtime.NumCPU()),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tallydock_broker_refused_connections_total",
			Help: "Connections refused for a wrong name, password, certificate or client id; those that TLS refuses are not among them.",
		}),
	}
	if reg != nil {
		reg.MustRegister(u.refused, u.expiry())
	}
	_, _ = rand.Read(u.secret[:])
	u.stand, _ = bcrypt.GenerateFromPassword(u.secret[:16], bcrypt.DefaultCost)
	return u
}

// set replaces the users, all or none.
func (u *users) set(list []User) error {
	next := map[string]admitted{}
	var errs []error
	for _, v := range list {
		p, err := permissions(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("broker user %q: %w", v.Name, err))
		}
		if _, twice := next[v.Name]; twice || v.Name == "" {
			errs = append(errs, fmt.Errorf("broker user %q: a name is needed, once", v.Name))
		}
		if _, err := bcrypt.Cost([]byte(v.PasswordHash)); err != nil && (v.PasswordHash != "" || !v.Certificate) {
			errs = append(errs, fmt.Errorf("broker user %q: password hash: %w", v.Name, err))
		}
		next[v.Name] = admitted{v, p}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	u.mu.Lock()
	old := u.byName
	u.byName, u.proven = next, map[string][32]byte{}
	u.mu.Unlock()
	u.closeWhere("its user changed", func(c conn) bool { return !old[c.user].same(next[c.user].User) })
	return nil
}

// same tells whether a connection of one user may go on as one of the other.
func (u User) same(v User) bool {
	return u.PasswordHash == v.PasswordHash && u.Certificate == v.Certificate && slices.Equal(u.Publish, v.Publish) &&
		slices.Equal(u.Subscribe, v.Subscribe)
}

// serve says which server's connections may be closed.
func (u *users) serve(s *server.Server) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.srv = s
}

// Check implements server.Authentication.
func (u *users) Check(c server.ClientAuthentication) bool {
	user, why := u.signIn(c)
	if why == "" {
		if id := u.clientID(c); !u.mayUse(user.User, id) {
			why = "client id " + strconv.Quote(id) + " is not this user's; use its name, or its name after or before a '-'"
		}
	}
	if why != "" {
		u.forget(c.GetID())
		return u.refuse(c, why)
	}
	c.RegisterUser(&server.User{Username: user.Name, Permissions: user.permissions})
	return true
}

// signIn tells who a connection is, or why it is nobody.
func (u *users) signIn(c server.ClientAuthentication) (user admitted, why string) {
	o := c.GetOpts()
	if leaf := certificate(c); leaf != nil {
		return u.byCertificate(c.GetID(), leaf, o.Username)
	}
	if !u.mayBePlain(c) {
		return admitted{}, "passwords are taken by TLS only from this network; connect with ssl://"
	}
	user, known := u.enter(c.GetID(), conn{user: o.Username})
	if !u.matches(user, known && user.PasswordHash != "", o.Password) {
		return admitted{}, "wrong name or password"
	}
	return user, ""
}

func (u *users) refuse(c server.ClientAuthentication, why string) bool {
	u.refused.Inc()
	from := ""
	if a := c.RemoteAddress(); a != nil {
		from = a.String()
	}
	u.log.Warn("connection refused: "+why, "user", c.GetOpts().Username, "from", from)
	return false
}

func (u *users) matches(user admitted, known bool, password string) bool {
	mac := hmac.New(sha256.New, u.secret[:])
	mac.Write([]byte(user.PasswordHash + "\x00" + password))
	var proof [32]byte
	mac.Sum(proof[:0])
	u.mu.Lock()
	had, ok := u.proven[user.Name]
	u.mu.Unlock()
	if known && ok && hmac.Equal(had[:], proof[:]) {
		return true
	}
	hash := u.stand
	if known {
		hash = []byte(user.PasswordHash)
	}
	u.turn <- struct{}{}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	<-u.turn
	if !known || err != nil {
		return false
	}
	u.mu.Lock()
	u.proven[user.Name] = proof
	u.mu.Unlock()
	return true
}
