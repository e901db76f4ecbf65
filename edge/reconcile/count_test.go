package reconcile_test

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// shelved is a rig with three tags on shelf A.
func shelved(t *testing.T) *rig {
	r := newRig(t, reconcile.Defaults())
	for range 3 {
		for tag := 1; tag <= 3; tag++ {
			r.read("a", 0, tag, -50)
		}
		r.wait(time.Second)
	}
	r.want(">A"+storing, ">A"+storing, ">A"+storing)
	return r
}

func (r *rig) counted(t *testing.T) reconcile.Counted {
	t.Helper()
	if len(r.counts) != 1 {
		t.Fatalf("%d counts ended", len(r.counts))
	}
	c := r.counts[0]
	r.counts = nil
	return c
}

func TestCycleCountFindsWhatIsMissingAtOnce(t *testing.T) {
	r := shelved(t)
	ask := reconcile.Input{Count: &reconcile.Count{ID: "c1", Location: "A"}}
	r.step(ask)
	r.step(ask) // the same again is none
	r.wait(10 * time.Second)
	r.read("a", 0, 1, -50)
	disk := map[string][]byte{}
	flush(r.m, disk)
	again := reconcile.New(dock(t), reconcile.Defaults())
	for k, v := range disk {
		if err := again.Load([]byte(k), v); err != nil {
			t.Fatal(err)
		}
	}
	r.m = again // a restart does not end it; its time begins anew
	r.wait(time.Second)
	r.read("a", 0, 3, -50)
	r.wait(10 * time.Second)
	if len(r.counts) != 0 {
		t.Fatal("it ended too early")
	}
	r.wait(20 * time.Second)
	r.want("A>A" + unseen)
	if c := r.counted(t); !c.Complete || c.Found != 2 || len(c.Missing) != 1 || c.Missing[0] != epc(2) || c.Refused != "" {
		t.Fatalf("count %+v", c)
	}
}

func TestCycleCountConcludesNothingWithoutItsReader(t *testing.T) {
	r := shelved(t)
	r.health(devices.Down, "a")
	r.step(reconcile.Input{Count: &reconcile.Count{ID: "c2", Location: "A", For: 10 * time.Second}})
	r.wait(99 * time.Second)
	if len(r.counts) != 0 {
		t.Fatal("it ended while its reader was down")
	}
	r.wait(2 * time.Second)
	r.want()
	if c := r.counted(t); c.Complete || len(c.Missing) != 0 {
		t.Fatalf("count %+v", c)
	}
}

func TestCycleCountOfAPlaceWithoutReadersIsRefused(t *testing.T) {
	r := shelved(t)
	for _, at := range []string{"DOCK", "NOWHERE"} {
		r.step(reconcile.Input{Count: &reconcile.Count{ID: at, Location: at}})
		if c := r.counted(t); c.Refused == "" {
			t.Fatalf("count %+v", c)
		}
	}
}
