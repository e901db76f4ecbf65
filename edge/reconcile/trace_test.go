package reconcile_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
)

func TestPassIsTracedWithAllItsReads(t *testing.T) {
	par := reconcile.Defaults()
	par.Trace = true
	r := newRig(t, par)
	r.walk(rand.New(rand.NewPCG(1, 1)), "d1", []int{1, 2, 3}, 4*time.Second, inwards)
	r.wait(6 * time.Second)
	if len(r.traces) != 1 {
		t.Fatalf("%d traces", len(r.traces))
	}
	tr := r.traces[0]
	if tr.Pass != r.ends[0].ID || tr.Door != "D1" || tr.Direction != wire.In || tr.Confidence != r.ends[0].Confidence || len(tr.Tags) != 3 {
		t.Fatalf("trace %+v", tr)
	}
	crossed := 0
	for _, g := range tr.Tags {
		if !g.Member || g.Score <= 0 || len(g.Reads) < 10 || g.Why == "" {
			t.Fatalf("tag %+v", g)
		}
		if strings.HasPrefix(g.Why, "crossed inwards at 08:00:0") {
			crossed++
		}
	}
	if crossed == 0 {
		t.Fatal("no tag is said to have crossed")
	}
}
