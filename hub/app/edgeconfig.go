package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ingest"
	"github.com/tallydock/tallydock/hub/store"
)

// ConfigKey is the public key that edges of this hub have as hub.config_key. The key is made where there is none.
func ConfigKey(cfg config.Config) (string, error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return "", fmt.Errorf("cannot make the data folder: %w", err)
	}
	key, err := config.EnsureConfigKey(cfg.Data)
	if err != nil {
		return "", err
	}
	return config.PublicConfigKey(key), nil
}

// SendConfiguration signs what an edge shall work by, and leaves it at the broker of the hub that runs on this machine. The
// version is the next one, or want where that is higher.
func SendConfiguration(ctx context.Context, cfg config.Config, edge, text string, want uint64) (version uint64, err error) {
	if err := knownEdge(ctx, cfg, edge); err != nil {
		return 0, err
	}
	if len(text) > wire.MaxConfigBytes {
		return 0, fmt.Errorf("%w: the file has %d bytes; at most %d are possible", fault.Invalid, len(text), wire.MaxConfigBytes)
	}
	if _, port, _ := net.SplitHostPort(cfg.MQTT.Listen); port == "0" && cfg.MQTT.Broker == "" {
		return 0, fmt.Errorf("%w: mqtt.listen %s does not say on which port the hub's broker is", fault.Invalid, cfg.MQTT.Listen)
	}
	if _, err := ConfigKey(cfg); err != nil {
		return 0, err
	}
	key, err := config.EnsureConfigKey(cfg.Data)
	if err != nil {
		return 0, err
	}
	var logins config.Credentials
	if cfg.MQTT.Broker == "" {
		if logins, err = config.EnsureCredentials(cfg); err != nil {
			return 0, err
		}
	}
	if version, err = config.NextConfigVersion(cfg.Data, edge, want); err != nil {
		return 0, err
	}
	var ca *enrol.CA
	if cfg.Enrol.On() {
		if ca, err = OpenCA(cfg); err != nil {
			return 0, err
		}
	}
	to, err := brokerOf(cfg, cfg.MQTT.Listen, logins, ca)
	if err != nil {
		return 0, err
	}
	to.ClientID = config.HubUser + "-edge-config"
	c := wire.Configuration{Edge: edge, Version: version, Text: text}.Sign(key)
	return version, ingest.PublishConfiguration(ctx, to, c)
}

// knownEdge looks for an edge in the configuration, and among those that are enrolled. Error: fault.NotFound.
func knownEdge(ctx context.Context, cfg config.Config, edge string) error {
	if slices.ContainsFunc(cfg.Edges, func(e config.Edge) bool { return e.ID == edge }) {
		return nil
	}
	if !cfg.Enrol.On() {
		return fmt.Errorf("%w: edge %q is not in the hub's configuration (edges)", fault.NotFound, edge)
	}
	db, err := OpenDatabase(ctx, cfg, time.Now, nil)
	if err != nil {
		return err
	}
	held, err := store.Enrol{DB: db}.Certificates(ctx, edge)
	if err = errors.Join(err, db.Close()); err == nil && len(held) == 0 {
		err = fmt.Errorf("%w: edge %q is not in the hub's configuration (edges), and was never enrolled", fault.NotFound, edge)
	}
	return err
}
