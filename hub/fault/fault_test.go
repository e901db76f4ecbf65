package fault_test

import (
	"errors"
	"testing"

	"github.com/tallydock/tallydock/hub/fault"
)

func TestANamedFaultIsOfItsKindAndOfNoOther(t *testing.T) {
	one, other := fault.New(fault.Forbidden, "the gate is shut"), fault.New(fault.Forbidden, "the gate is shut")
	if one.Error() != "the gate is shut" || !errors.Is(one, fault.Forbidden) || errors.Is(one, fault.Conflict) || errors.Is(one, other) {
		t.Errorf("got %v", one)
	}
}
