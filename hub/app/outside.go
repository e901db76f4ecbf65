package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ingest"
)

// brokerOf says how to connect to the broker of a configuration: the one outside, or the hub's own at an address.
func brokerOf(c config.Config, own string, logins config.Credentials, ca *enrol.CA) (ingest.Config, error) {
	if c.MQTT.Broker == "" {
		url, conf := ownBroker(own, c, ca)
		return ingest.Config{Broker: url, TLS: conf, User: logins.Hub.User, Password: string(logins.Hub.Password)}, nil
	}
	b := ingest.Config{Broker: c.MQTT.Broker, User: c.MQTT.User}
	if c.MQTT.PasswordFile != "" {
		text, err := os.ReadFile(c.MQTT.PasswordFile)
		if err != nil {
			return b, fmt.Errorf("cannot read the hub's password at the broker (mqtt.password_file): %w", err)
		}
		b.Password, _, _ = strings.Cut(strings.TrimSpace(string(text)), "\n")
	}
	var err error
	if strings.HasPrefix(c.MQTT.Broker, "ssl://") {
		b.TLS, err = brokerTLS(c.MQTT)
	}
	return b, err
}

func brokerTLS(m config.MQTT) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.CA != "" {
		text, err := os.ReadFile(m.CA)
		if err != nil {
			return nil, fmt.Errorf("cannot read who vouches for the broker (mqtt.ca): %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%w: %s (mqtt.ca) has no certificate (PEM)", fault.Invalid, m.CA)
		}
	}
	if m.Cert != "" {
		cert, err := tls.LoadX509KeyPair(m.Cert, m.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot use the hub's certificate for the broker (mqtt.cert, mqtt.key): %w", err)
		}
		t.Certificates = []tls.Certificate{cert}
	}
	return t, nil
}
