package config

import (
	"net/url"
	"path/filepath"
	"slices"

	"github.com/tallydock/tallydock/edge/identity"
)

// Identity is where the gateway keeps its key and its certificate.
type Identity struct {
	Dir     string `yaml:"dir"`      // folder; "" = identity in Data
	KeyFile string `yaml:"key_file"` // a private key that was made otherwise, PEM; "" = edge enrol makes one
}

// SiteBroker is the broker of the site's MQTT devices.
type SiteBroker struct {
	Broker `yaml:",inline"`
	// Identity: sign in there by the gateway's certificate too, because it is the hub's own broker.
	Identity bool `yaml:"identity"`
}

// Enrolled tells whether the gateway signs in by a certificate.
func (c *Config) Enrolled() bool { return c.Identity != nil }

// fillIdentity says where the identity is, where there is one.
func (c *Config) fillIdentity() {
	if c.Identity == nil && c.Hub.Address != "" {
		c.Identity = &Identity{}
	}
	if c.Identity != nil && c.Identity.Dir == "" {
		c.Identity.Dir = filepath.Join(c.Data, "identity")
	}
}

// secureSchemes are those of brokers to which a certificate can be shown.
var secureSchemes = []string{"ssl", "tls", "mqtts"}

func secure(b Broker) bool {
	u, err := url.Parse(b.URL)
	return err == nil && slices.Contains(secureSchemes, u.Scheme)
}

func (f *findings) hub(c *Config) {
	if !c.Enrolled() {
		if c.Hub.URL == "" {
			f.add("hub.broker", "is missing; write tcp://HOST:PORT or ssl://HOST:PORT, or hub.url where the gateway is to be enrolled")
			return
		}
		f.broker("hub", c.Hub.Broker)
		return
	}
	if c.Hub.Address != "" {
		if err := identity.ValidHub(c.Hub.Address); err != nil {
			f.add("hub.url", "%v", err)
		}
	}
	if c.Hub.User != "" || c.Hub.PasswordFile != "" {
		f.add("hub.user", "is for a gateway with a password; leave user and password_file out, or hub.url and identity")
	}
	switch {
	case c.Hub.URL == "": // the hub gives it with the certificate
	case secure(c.Hub.Broker):
		f.broker("hub", c.Hub.Broker)
	default:
		f.add("hub.broker", "%q takes no certificate; write ssl://HOST:PORT, or leave it out: the hub says where it is", c.Hub.URL)
	}
}

func (f *findings) siteIdentity(c *Config) {
	if !c.MQTT.Identity {
		return
	}
	switch {
	case !c.Enrolled():
		f.add("mqtt.identity", "is for a gateway that is enrolled; set hub.url")
	case !secure(c.MQTT.Broker) || c.MQTT.User != "":
		f.add("mqtt.identity", "is for ssl://HOST:PORT, without a user")
	}
}
