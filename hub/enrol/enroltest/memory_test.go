package enroltest_test

import (
	"testing"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
)

func TestMemoryIsAStore(t *testing.T) {
	enroltest.Run(t, func(*testing.T) enrol.Store { return enroltest.NewMemory() })
}
