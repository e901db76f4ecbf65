package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/identity"
	"github.com/tallydock/tallydock/edge/uplink"
	"github.com/tallydock/tallydock/edge/watch"
)

// openIdentity reads who the gateway is to the hub, where that is by a certificate. One that cannot be used is an alarm and
// nothing that the gateway stops for: it keeps what it reads until a person has looked after it.
func (a *App) openIdentity() {
	if !a.conf.Enrolled() {
		return
	}
	i, err := identity.Open(IdentityOf(a.conf, identity.Config{
		Log: a.opt.Log.With("part", "identity"), Metrics: a.registry, Changed: func() { a.uplink.Redial() },
	}))
	if err != nil {
		a.opt.Log.Error("going on without the hub", "error", err)
	}
	a.identity = i
}

// IdentityOf is the configuration of a gateway's identity: with, and what the gateway's configuration says.
func IdentityOf(c config.Config, with identity.Config) identity.Config {
	with.Dir, with.KeyFile, with.Edge, with.Hub = c.Identity.Dir, c.Identity.KeyFile, c.Edge, c.Hub.Address
	return with
}

// logins gives where and as whom the uplink connects. Of several brokers that the hub has given it takes one after the other.
func (a *App) logins() func() (uplink.Login, error) {
	if a.identity == nil {
		h := a.conf.Hub
		return func() (uplink.Login, error) {
			return uplink.Login{Broker: h.URL, User: h.User, Password: h.Password.Reveal()}, nil
		}
	}
	next := 0
	return func() (uplink.Login, error) {
		brokers := a.identity.Brokers()
		if a.conf.Hub.URL != "" {
			brokers = []string{a.conf.Hub.URL}
		}
		if a.identity.Certificate() == nil || len(brokers) == 0 {
			return uplink.Login{}, errors.New("this gateway is not enrolled: get a token from the hub and give it by edge enrol TOKEN")
		}
		broker := brokers[next%len(brokers)]
		next++
		conf, err := a.tlsFor(broker)
		return uplink.Login{Broker: broker, TLS: conf, ClientID: a.identity.ClientID()}, err
	}
}

// tlsFor is how to connect to a broker by the gateway's certificate.
func (a *App) tlsFor(broker string) (*tls.Config, error) {
	u, err := url.Parse(broker)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("the broker's address %q, which the hub gave, is none", broker)
	}
	return a.identity.TLS(u.Hostname()), nil
}

// identityAlarms are how much each kind of alarm matters. What may still mend by itself matters less than what keeps the
// gateway from its hub.
var identityAlarms = map[identity.Kind]alarm.Priority{
	identity.NotThere: alarm.High, identity.Unusable: alarm.High, identity.NotYet: alarm.High, identity.Expiring: alarm.Medium,
	identity.Soon: alarm.High, identity.Expired: alarm.High, identity.Refused: alarm.High, identity.Clock: alarm.Medium,
}

// identityConditions are the alarms about the gateway's certificate and its clock, each with its kind as the reason.
func (a *App) identityConditions() []watch.Condition {
	if a.identity == nil {
		return nil
	}
	stands := map[identity.Kind]bool{}
	for _, s := range a.identity.Alarms() {
		stands[s.Kind] = true
	}
	list := make([]watch.Condition, 0, len(identityAlarms))
	for _, k := range identity.Kinds() {
		list = append(list, watch.Condition{
			Rule: "gateway-" + strings.ReplaceAll(string(k), "_", "-"), Source: a.conf.Edge, Class: "identity", Reason: string(k),
			Priority: uint8(identityAlarms[k]), Active: stands[k],
		})
	}
	return list
}
