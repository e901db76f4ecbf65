package epcistest_test

import (
	"testing"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/connect/epcis/epcistest"
)

func TestMemoryIsAStore(t *testing.T) {
	epcistest.Store(t, func(*testing.T) epcis.Store { return &epcistest.Memory{} })
}
