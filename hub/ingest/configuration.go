package ingest

import (
	"context"
	"fmt"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
)

// PublishConfiguration leaves a signed configuration at the broker, retained, so that the edge gets it now or when it
// connects next. That the broker has it says nothing of what the edge makes of it: its status does.
func PublishConfiguration(ctx context.Context, c Config, conf wire.Configuration) error {
	payload, err := wire.EncodeConfiguration(conf)
	if err != nil {
		return err
	}
	o := mqtt.NewClientOptions().AddBroker(c.Broker).SetClientID(c.ClientID).SetUsername(c.User).
		SetPassword(c.Password).SetAutoReconnect(false).SetConnectTimeout(connectTimeout).SetWriteTimeout(answerTimeout)
	if c.TLS != nil {
		o.SetTLSConfig(c.TLS)
	}
	client := mqtt.NewClient(o)
	defer client.Disconnect(250)
	if err := await(ctx, client.Connect(), connectTimeout); err != nil {
		return fmt.Errorf("cannot connect to the hub's broker at %s; does the hub run? %w", c.Broker, err)
	}
	if err := await(ctx, client.Publish(wire.Topic(conf.Edge, wire.DownConfig), 1, true, payload), answerTimeout); err != nil {
		return fmt.Errorf("cannot leave the configuration at the broker: %w", err)
	}
	return nil
}

// noteConfig writes into the log what an edge made of a configuration, once.
func (w *worker) noteConfig(edge string, c wire.ConfigStatus) {
	if w.configs[edge] == c {
		return
	}
	w.configs[edge] = c
	log := w.log.With("edge", edge, "version", c.Offered, "running", c.Version)
	switch c.State {
	case wire.ConfigRefused, wire.ConfigReverted:
		log.Warn("an edge does not work by its configuration", "state", c.State, "reason", c.Reason)
	default:
		log.Info("an edge works by its configuration", "state", c.State)
	}
}
