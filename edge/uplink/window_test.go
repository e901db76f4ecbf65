package uplink

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/outbox"
)

var start = time.Unix(1_800_000_000, 0)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func TestWindowOpensAsAcksCome(t *testing.T) {
	w := window{size: 2, next: 1}
	w.add(1, 10, at(0))
	w.add(1, 20, at(1))
	if w.open() || w.next != 21 {
		t.Fatalf("%+v", w)
	}
	w.acked(9, at(2)) // a part of the first
	if w.open() {
		t.Fatal("a part of an envelope opened the window")
	}
	w.acked(10, at(3))
	if !w.open() || w.next != 21 || len(w.sent) != 1 {
		t.Fatalf("%+v", w)
	}
	w.acked(50, at(4)) // more than was sent here: an older connection's
	if len(w.sent) != 0 || w.next != 51 {
		t.Fatalf("%+v", w)
	}
}

func TestNextEpochWaitsForAllBeforeIt(t *testing.T) {
	w := window{size: 4, next: 1}
	if !w.takes(1) {
		t.Fatal("an empty window takes nothing")
	}
	w.add(1, 10, at(0))
	if !w.takes(1) || w.takes(2) {
		t.Fatal("epochs are mixed")
	}
	w.acked(10, at(1))
	if !w.takes(2) {
		t.Fatal("the next epoch waits for nothing")
	}
}

func TestLateIsCountedFromTheLastNews(t *testing.T) {
	w := window{size: 4, next: 1}
	if w.late(at(10_000), time.Second) {
		t.Fatal("nothing is on its way and late")
	}
	w.add(1, 10, at(0))
	w.add(1, 20, at(900))
	if w.late(at(999), time.Second) || !w.late(at(1000), time.Second) {
		t.Fatal("late is not counted from the first envelope")
	}
	w.acked(10, at(1000))
	if w.late(at(1999), time.Second) || !w.late(at(2000), time.Second) {
		t.Fatal("late is not counted from the ack")
	}
	w.restart(10, at(2000))
	if w.late(at(9000), time.Second) || w.next != 11 {
		t.Fatal("a restart leaves something on its way")
	}
}

func TestHubInsistsAfterThreeEqualWordsAndSomeTime(t *testing.T) {
	type word struct {
		epoch, upto uint64
		ms          int
		insists     bool
	}
	for name, words := range map[string][]word{
		"three in time":       {{1, 5, 0, false}, {1, 5, 500, false}, {1, 5, 1000, true}},
		"three at once":       {{1, 5, 0, false}, {1, 5, 1, false}, {1, 5, 2, false}, {1, 5, 1001, true}},
		"another between":     {{1, 5, 0, false}, {1, 6, 600, false}, {1, 5, 1200, false}, {1, 5, 1300, false}},
		"another epoch":       {{1, 5, 0, false}, {1, 5, 600, false}, {2, 5, 1200, false}},
		"two are not enough":  {{1, 5, 0, false}, {1, 5, 9000, false}},
		"nothing known to it": {{0, 0, 0, false}, {0, 0, 600, false}, {0, 0, 1200, true}},
	} {
		t.Run(name, func(t *testing.T) {
			var i insistence
			for _, w := range words {
				if got := i.heard(w.epoch, w.upto, at(w.ms), time.Second); got != w.insists {
					t.Fatalf("at %d ms: %v", w.ms, got)
				}
			}
		})
	}
}

func TestEnvelopesKeepTheOrderAndCutAtAlarms(t *testing.T) {
	var run outbox.Run
	for i, k := range []outbox.Kind{outbox.Pass, outbox.Movement, outbox.Alarm, outbox.Alarm, outbox.Movement} {
		run.Records = append(run.Records, outbox.Stored{Seq: uint64(i + 1), Kind: k})
	}
	cuts := envelopes(run)
	var lens []int
	next := uint64(1)
	for _, c := range cuts {
		lens = append(lens, len(c))
		for _, r := range c {
			if r.Seq != next {
				t.Fatalf("record %d comes where %d should", r.Seq, next)
			}
			next++
		}
	}
	if len(lens) != 3 || lens[0] != 2 || lens[1] != 2 || lens[2] != 1 {
		t.Fatalf("cut into %v", lens)
	}
}

// TestAHubThatIsSlowIsSentLess: each time that it leaves the window without an answer less is on its way, and waits longer;
// acks open the window again.
func TestAHubThatIsSlowIsSentLess(t *testing.T) {
	w := window{size: 16, next: 1}
	fill := func(now time.Time) (n int) {
		for ; w.open(); n++ {
			w.add(1, w.next+9, now)
		}
		return n
	}
	now := at(0)
	for i, want := range []int{16, 8, 4, 2, 1, 1, 1} {
		if n := fill(now); n != want {
			t.Fatalf("sent %d envelopes after %d repeats, want %d", n, i, want)
		}
		wait := time.Second << min(i, mostAgain)
		if w.late(now.Add(wait-1), time.Second) || !w.late(now.Add(wait), time.Second) {
			t.Fatalf("after %d repeats it is not late after %s", i, wait)
		}
		now = now.Add(wait)
		w.repeat(0, now)
	}
	for range mostAgain {
		fill(now)
		w.acked(w.sent[0].last, now)
	}
	if fill(now); len(w.sent) != 16 {
		t.Errorf("acks opened the window to %d only", len(w.sent))
	}
}
