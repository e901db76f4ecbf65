package reconcile_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
)

func TestOneTagAndTwoAntennasGiveOnePassWithADirection(t *testing.T) {
	right := 0
	for seed := range uint64(40) {
		way, want := inwards, wire.In
		if seed%2 == 1 {
			way, want = outwards, wire.Out
		}
		r := newRig(t, reconcile.Defaults())
		r.walk(rand.New(rand.NewPCG(2, seed)), "d1", []int{1}, 6*time.Second, way)
		r.wait(20 * time.Second)
		if len(r.ends) != 1 {
			t.Fatalf("seed %d: %d passes: %+v", seed, len(r.ends), r.ends)
		}
		if r.ends[0].Direction == want {
			right++
		}
	}
	if right < 38 {
		t.Fatalf("%d of 40 directions are right", right)
	}
}
