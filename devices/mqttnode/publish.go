package mqttnode

import (
	"context"
	"errors"
	"fmt"
)

// Publish says something on a topic, QoS 1, and returns once the broker has taken it. retained has the broker keep it for those
// that subscribe later. It is safe for concurrent use. Without a connection it fails at once, and says why there is none.
func (b *Broker) Publish(ctx context.Context, topic string, payload []byte, retained bool) error {
	b.mu.Lock()
	client, epoch, problem := b.client, b.epoch, b.problem
	b.mu.Unlock()
	if client == nil {
		return fmt.Errorf("no connection to the site's broker: %w", problem)
	}
	token := client.Publish(topic, 1, retained, payload)
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("cannot publish on %s: %w", topic, err)
		}
		return nil
	case <-epoch.Done():
		return fmt.Errorf("cannot publish on %s: %w", topic, errors.Join(context.Cause(epoch), errBroke))
	case <-ctx.Done():
		return fmt.Errorf("the site's broker does not take what is published on %s: %w", topic, ctx.Err())
	}
}

var errBroke = errors.New("the connection ended before the broker had taken it")
