package reconcile_test

import (
	"reflect"
	"testing"

	"github.com/tallydock/tallydock/edge/reconcile"
)

func TestForestIsReadAsItWasWritten(t *testing.T) {
	leaf := func(v float32) reconcile.Node { return reconcile.Node{Trait: reconcile.Leaf, At: v} }
	f := &reconcile.Forest{Over: 3, Bias: -0.5, Trees: [][]reconcile.Node{
		{{Trait: 2, Right: 2, At: 1.5}, leaf(-1), leaf(1)},
		{leaf(0.25)},
	}}
	b := f.Encode()
	got, err := reconcile.DecodeForest(b)
	if err != nil || !reflect.DeepEqual(got, f) {
		t.Fatalf("%v, %+v", err, got)
	}
	for cut := range len(b) {
		if _, err := reconcile.DecodeForest(b[:cut]); err == nil && cut != 9 && cut != 9+1+3*6 { // between trees it is whole
			t.Errorf("cut to %d of %d bytes it is taken for whole", cut, len(b))
		}
	}
	for name, at := range map[string]struct {
		byte int
		to   byte
	}{"a trait that is not there": {10, 3}, "a way back": {11, 0}, "a way out": {11, 9}, "no mark": {0, 'x'}} {
		bad := append([]byte(nil), b...)
		bad[at.byte] = at.to
		if _, err := reconcile.DecodeForest(bad); err == nil {
			t.Errorf("%s is let pass", name)
		}
	}
}
