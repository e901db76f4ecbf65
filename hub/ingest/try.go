package ingest

import (
	"context"
	"fmt"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Try signs in at the broker as c says, and goes again.
func Try(ctx context.Context, c Config) error {
	g := &Ingest{cfg: c}
	client := mqtt.NewClient(g.options(c.ClientID, make(chan error, 1)))
	defer client.Disconnect(0)
	if err := await(ctx, client.Connect(), connectTimeout); err != nil {
		return fmt.Errorf("cannot connect: %w", err)
	}
	return nil
}
