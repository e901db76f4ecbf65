package enrol_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/enrol/enroltest"
	"github.com/tallydock/tallydock/hub/fault"
)

// goldenToken is in the edge's tests too: what the one writes the other reads.
const goldenToken = "td1.HWh0dHBzOi8vaHViLmV4YW1wbGU6ODQ0My9lZGdlBlNaMS1FMQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fZGVmZ2hpamtsbW5vcHFyc3R1dnfKTweP"

func TestTokenIsWrittenAsItsLayoutSays(t *testing.T) {
	var root [32]byte
	for i := range root {
		root[i] = byte(i)
	}
	secret := []byte("defghijklmnopqrstuvw")
	got, err := enrol.FormatToken("https://hub.example:8443/edge", "SZ1-E1", root, secret)
	if err != nil || got != goldenToken {
		t.Errorf("got %s, %v", got, err)
	}
	if !bytes.Equal(enroltest.Secret(t, got), secret) {
		t.Error("the secret is not in its place")
	}
	_, err = enrol.FormatToken("https://"+strings.Repeat("x", 255), "SZ1-E1", root, secret)
	refused(t, err, fault.Invalid, "more than 255")
}

func TestTokensAreNeverAlike(t *testing.T) {
	h := newHub(t)
	seen := map[string]bool{}
	for range 50 {
		seen[string(h.order(enrol.Order{Edge: "SZ1-E1", Site: "SZ1"}))] = true
	}
	list, err := h.Tokens(t.Context())
	if err != nil || len(seen) != 50 || len(list) != 50 {
		t.Errorf("%d secrets, %d tokens, %v", len(seen), len(list), err)
	}
	for _, v := range list {
		if seen[string(v.Hash[:20])] {
			t.Error("a secret is kept in plain")
		}
	}
}
