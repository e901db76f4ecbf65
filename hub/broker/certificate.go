package broker

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
)

// TLS is how connections by TLS are taken.
type TLS struct {
	// Config has the listener's certificate. It must verify the certificate that a client shows, and let in who shows none.
	Config *tls.Config
	// Identify gives the user whose certificate this is, or an error where it is not to come in now: one that has expired or
	// was revoked. It is asked when a connection signs in, and again by Recheck; it must not block.
	Identify func(leaf *x509.Certificate) (user string, err error)
	// Plain are networks from where devices may sign in by password without TLS; from this machine they always may.
	Plain []netip.Prefix
}

// conn is a connection that signed in.
type conn struct {
	user string
	leaf *x509.Certificate // nil = by password
}

// certificate is what a connection shows; nil where it shows none.
func certificate(c server.ClientAuthentication) *x509.Certificate {
	if s := c.GetTLSConnectionState(); s != nil && len(s.PeerCertificates) > 0 {
		return s.PeerCertificates[0]
	}
	return nil
}

// byCertificate tells whose certificate it is.
func (u *users) byCertificate(id uint64, leaf *x509.Certificate, says string) (admitted, string) {
	// Noted before Identify is asked: what is revoked from then on, recheck finds.
	u.enter(id, conn{leaf: leaf})
	name, err := u.tls.Identify(leaf)
	if err != nil {
		return admitted{}, "certificate: " + err.Error()
	}
	user, known := u.enter(id, conn{name, leaf})
	switch {
	case !known || !user.Certificate:
		return admitted{}, "the certificate is of " + name + ", who is no user of this broker"
	case says != "" && says != name:
		return admitted{}, "the certificate is of " + name + ", and not of the user who is named"
	}
	return user, ""
}

// mayBePlain tells whether a password is taken from a connection.
func (u *users) mayBePlain(c server.ClientAuthentication) bool {
	if u.tls == nil || c.GetTLSConnectionState() != nil {
		return true
	}
	tcp, ok := c.RemoteAddress().(*net.TCPAddr)
	if !ok {
		return false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	for _, n := range u.tls.Plain {
		if n.Contains(ip) {
			return true
		}
	}
	return ip.IsLoopback()
}

// enter notes a connection and gives its user. From here on it is closed when the user changes.
func (u *users) enter(id uint64, c conn) (user admitted, known bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conns[id] = c
	user, known = u.byName[c.user]
	return user, known
}

func (u *users) forget(id uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.conns, id)
}

// recheck closes the connections whose certificate is not taken any more.
func (u *users) recheck() {
	u.closeWhere("its certificate is not taken any more", func(c conn) bool {
		if c.leaf == nil {
			return false
		}
		_, err := u.tls.Identify(c.leaf)
		return err != nil
	})
}

// closeWhere closes connections that gone finds, and forgets those that went by themselves.
func (u *users) closeWhere(why string, gone func(conn) bool) {
	u.mu.Lock()
	srv := u.srv
	shut := map[uint64]conn{}
	for id, c := range u.conns {
		if srv == nil || srv.GetClient(id) == nil {
			delete(u.conns, id)
		} else if gone(c) {
			shut[id] = c
		}
	}
	u.mu.Unlock()
	for id, c := range shut {
		u.log.Info("closing a connection: "+why, "user", c.user)
		if err := srv.DisconnectClientByID(id); err != nil {
			u.log.Debug("connection was gone already", "user", c.user, "err", err)
		}
	}
}

// expiry is a gauge of when the first certificate of those that are connected ends.
func (u *users) expiry() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tallydock_broker_client_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of a connection ends that ends first, in Unix time; 0 = there is none.",
	}, func() float64 {
		u.mu.Lock()
		defer u.mu.Unlock()
		var first time.Time
		for id, c := range u.conns {
			if c.leaf != nil && u.srv.GetClient(id) != nil && (first.IsZero() || c.leaf.NotAfter.Before(first)) {
				first = c.leaf.NotAfter
			}
		}
		if first.IsZero() {
			return 0
		}
		return float64(first.Unix())
	})
}
