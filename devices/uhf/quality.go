package uhf

import (
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// quality counts what went wrong on the line and in the air, and makes a health report of it now and then.
type quality struct {
	since    time.Time // of the counts, machine time
	degraded bool
	unusable uint64 // sightings that named no tag
	hops     uint64 // rounds in which the reader found no free radio channel
}

const qualityEvery = 10 * time.Second

// judge tells what to report, if anything: that something is wrong, each time; that nothing is any more, once.
func (q *quality) judge(now time.Time, line interface{ Skipped() uint64 }) (devices.Health, bool) {
	if now.Sub(q.since) < qualityEvery {
		return devices.Health{}, false
	}
	var wrong []string
	if n := line.Skipped(); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d bytes on the line were no frame: check cable and grounding", n))
	}
	if q.unusable > 0 {
		wrong = append(wrong, fmt.Sprintf("%d sightings had a wrong CRC or an EPC that is empty or too long", q.unusable))
	}
	if q.hops > 0 {
		wrong = append(wrong, fmt.Sprintf("%d rounds found no free radio channel: check region and other readers", q.hops))
	}
	before := *q
	*q = quality{since: now, degraded: len(wrong) > 0}
	if len(wrong) == 0 {
		return devices.Health{State: devices.Up}, before.degraded
	}
	return devices.Health{State: devices.Degraded, Reason: strings.Join(wrong, "; "), Lost: before.unusable}, true
}
