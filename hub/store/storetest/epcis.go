package storetest

import (
	"testing"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/connect/epcis/epcistest"
	"github.com/tallydock/tallydock/hub/store"
)

func testEventsOfEPCISAreKept(t *testing.T, open Open) {
	epcistest.Store(t, func(t *testing.T) epcis.Store { return store.EPCIS{DB: openAt(t, open, nil)} })
}
