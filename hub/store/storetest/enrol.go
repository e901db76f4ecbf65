package storetest

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
	"github.com/tallydock/tallydock/hub/store"
)

func testTokensAndCertificatesOfEdges(t *testing.T, open Open) {
	enroltest.Run(t, func(t *testing.T) enrol.Store { return store.Enrol{DB: open(t, time.Now, nil)} })
}
