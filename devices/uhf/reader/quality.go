package reader

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// quality counts what went wrong on the line, in the air and in the reader, and makes a health report of it now and then.
type quality struct {
	since    time.Time // of the counts, machine time
	degraded bool      // as reported last
	unusable uint64    // sightings that named no tag
	tallies  map[string]uint64
	faults   map[string]bool // said since; the bound is how many sentences a family has
	told     map[string]bool // faults that are part of what was reported last
}

const qualityEvery = 10 * time.Second

func (q *quality) tally(what string) {
	if q.tallies == nil {
		q.tallies = map[string]uint64{}
	}
	q.tallies[what]++
}

// fault notes that something fails and tells whether it was not known.
func (q *quality) fault(reason string) bool {
	if q.faults == nil {
		q.faults = map[string]bool{}
	}
	if q.told == nil {
		q.told = map[string]bool{}
	}
	q.faults[reason] = true
	if q.told[reason] {
		return false
	}
	q.told[reason], q.degraded = true, true
	return true
}

func (q *quality) faultsText() string { return strings.Join(slices.Sorted(maps.Keys(q.told)), "; ") }

// judge tells what to report, if anything: that something is wrong, each time; that nothing is any more, once.
func (q *quality) judge(now time.Time, line interface{ Skipped() uint64 }) (devices.Health, bool) {
	if now.Sub(q.since) < qualityEvery {
		return devices.Health{}, false
	}
	wrong := slices.Sorted(maps.Keys(q.faults))
	if n := line.Skipped(); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d bytes on the line were no frame: check cable and grounding", n))
	}
	if q.unusable > 0 {
		wrong = append(wrong, fmt.Sprintf("%d sightings had a wrong CRC or an EPC that is empty or too long", q.unusable))
	}
	for _, what := range slices.Sorted(maps.Keys(q.tallies)) {
		wrong = append(wrong, fmt.Sprintf("%d %s", q.tallies[what], what))
	}
	before := *q
	*q = quality{since: now, degraded: len(wrong) > 0, told: before.faults}
	if len(wrong) == 0 {
		return devices.Health{State: devices.Up}, before.degraded
	}
	return devices.Health{State: devices.Degraded, Reason: strings.Join(wrong, "; "), Lost: before.unusable}, true
}
