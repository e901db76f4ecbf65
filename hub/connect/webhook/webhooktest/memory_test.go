package webhooktest_test

import (
	"testing"

	"github.com/tallydock/tallydock/hub/connect/webhook/webhooktest"
)

func TestMemoryIsAStore(t *testing.T) {
	webhooktest.Run(t, func(*testing.T) webhooktest.Parts {
		m := webhooktest.NewMemory()
		return webhooktest.Parts{Store: m, Enqueue: m.Enqueue}
	})
}
