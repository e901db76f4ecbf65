package app

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ingest"
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
	if !slices.ContainsFunc(cfg.Edges, func(e config.Edge) bool { return e.ID == edge }) {
		return 0, fmt.Errorf("%w: edge %q is not in the hub's configuration (edges)", fault.NotFound, edge)
	}
	if len(text) > wire.MaxConfigBytes {
		return 0, fmt.Errorf("%w: the file has %d bytes; at most %d are possible", fault.Invalid, len(text), wire.MaxConfigBytes)
	}
	if _, port, _ := net.SplitHostPort(cfg.MQTT.Listen); port == "0" {
		return 0, fmt.Errorf("%w: mqtt.listen %s does not say on which port the hub's broker is", fault.Invalid, cfg.MQTT.Listen)
	}
	if _, err := ConfigKey(cfg); err != nil {
		return 0, err
	}
	key, err := config.EnsureConfigKey(cfg.Data)
	if err != nil {
		return 0, err
	}
	logins, err := config.EnsureCredentials(cfg)
	if err != nil {
		return 0, err
	}
	if version, err = config.NextConfigVersion(cfg.Data, edge, want); err != nil {
		return 0, err
	}
	c := wire.Configuration{Edge: edge, Version: version, Text: text}.Sign(key)
	return version, ingest.PublishConfiguration(ctx, ingest.Config{
		Broker: "tcp://" + dialable(cfg.MQTT.Listen), User: logins.Hub.User, Password: string(logins.Hub.Password),
		ClientID: config.HubUser + "-edge-config",
	}, c)
}
