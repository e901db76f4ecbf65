package mqttnode

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestGapsOfAReadersCount(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	type step struct {
		n     uint64
		at    time.Time
		again bool
		want  uint64
	}
	for name, steps := range map[string][]step{
		"the first number is no gap":        {{1759, at(0), false, 0}, {1760, at(0), false, 0}},
		"gaps":                              {{1, at(0), false, 0}, {5, at(1), false, 3}, {6, at(1), false, 0}, {8, at(2), false, 1}},
		"no number":                         {{7, at(0), false, 0}, {0, at(1), false, 0}, {9, at(2), false, 1}},
		"sent again by the broker":          {{7, at(0), false, 0}, {8, at(1), false, 0}, {7, at(9), true, 0}, {8, at(9), true, 0}, {9, at(9), false, 0}},
		"sent again by the reader":          {{100, at(0), false, 0}, {110, at(5), false, 9}, {103, at(3), false, 0}, {111, at(6), false, 0}},
		"the last one twice":                {{7, at(0), false, 0}, {7, time.Time{}, false, 0}, {8, at(1), false, 0}},
		"a restart":                         {{1000, at(0), false, 0}, {1, at(9), false, 0}, {2, at(9), false, 0}, {4, at(9), false, 1}},
		"a restart with the clock not set":  {{1000, at(0), false, 0}, {1, time.Time{}, false, 0}, {3, time.Time{}, false, 1}},
		"a restart without a clock":         {{106, time.Time{}, false, 0}, {1, time.Time{}, false, 0}, {3, time.Time{}, false, 1}},
		"a full counter":                    {{1<<32 - 1, at(0), false, 0}, {0, at(1), false, 0}, {1, at(2), false, 0}, {2, at(2), false, 0}},
		"another count":                     {{7, at(0), false, 0}, {1 << 40, at(1), false, 0}, {1<<40 + 2, at(2), false, 1}},
		"a loss as large as it can be told": {{7, at(0), false, 0}, {1 << 31, at(1), false, 1<<31 - 8}},
	} {
		var q sequence
		for i, s := range steps {
			if got := q.missed(s.n, s.at, s.again); got != s.want {
				t.Errorf("%s: step %d misses %d, want %d", name, i, got, s.want)
			}
		}
	}
}

// A reader counts its sightings from 1 since each start, and the first arrives; of the others some are lost on the way, and
// some come twice. What is missed is what was lost before another of the same start arrived.
func TestWhatIsMissedIsWhatWasLost(t *testing.T) {
	type event struct {
		n  uint64
		at time.Time
	}
	rapid.Check(t, func(t *rapid.T) {
		var q sequence
		var lost, missed uint64
		clock := noon
		for range rapid.IntRange(1, 4).Draw(t, "starts") {
			var arrived []event
			pending := uint64(0)
			for n := range rapid.Uint64Range(1, 30).Draw(t, "events") {
				clock = clock.Add(time.Duration(rapid.IntRange(1, 50).Draw(t, "ms")) * time.Millisecond)
				if n > 0 && rapid.IntRange(0, 2).Draw(t, "way") == 0 {
					pending++
					continue
				}
				lost, pending = lost+pending, 0
				arrived = append(arrived, event{n + 1, clock})
				missed += q.missed(n+1, clock, false)
				if rapid.IntRange(0, 3).Draw(t, "twice") == 0 {
					e := rapid.SampledFrom(arrived).Draw(t, "which")
					missed += q.missed(e.n, e.at, rapid.Bool().Draw(t, "marked"))
				}
			}
		}
		if missed != lost {
			t.Errorf("%d were lost, %d are missed", lost, missed)
		}
	})
}
