package llrp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// qualityWindow is how long a trouble is told of after it happened: this long at least, and at most twice.
const qualityWindow = 10 * time.Second

// mostTroubles and longestTrouble bound a health report.
const (
	mostTroubles   = 6
	longestTrouble = 200
)

// quality keeps what is wrong with a reader, and makes a health report of it when that changes. An antenna is wrong until
// it is connected again; everything else for a while.
type quality struct {
	gone      map[uint16]bool // antennas
	now, past []string        // troubles of this window, and of the one before
	since     time.Time       // when this window began
	lost      uint64          // reports, not told of yet
	told      string
}

// antenna notes whether an antenna is connected.
func (q *quality) antenna(n uint16, connected bool) {
	if connected {
		delete(q.gone, n)
		return
	}
	if q.gone == nil {
		q.gone = map[uint16]bool{}
	}
	q.gone[n] = true
}

// trouble notes that something went wrong, and how many reports that cost.
func (q *quality) trouble(what string, lost uint64) {
	q.lost += lost
	if len(what) > longestTrouble {
		what = strings.ToValidUTF8(what[:longestTrouble], "") + "…"
	}
	if len(q.now) < mostTroubles && !slices.Contains(q.now, what) {
		q.now = append(q.now, what)
	}
}

// judge tells what to report at a moment of machine time, if anything.
func (q *quality) judge(now time.Time) (devices.Health, bool) {
	over := now.Sub(q.since) >= qualityWindow
	if over {
		q.past, q.now, q.since = q.now, nil, now
	}
	text := q.text()
	if text == q.told && (!over || q.lost == 0) {
		return devices.Health{}, false
	}
	h := devices.Health{State: devices.Degraded, Reason: text, Lost: q.lost}
	if text == "" {
		h.State = devices.Up
	}
	q.told, q.lost = text, 0
	return h, true
}

func (q *quality) text() string {
	if len(q.gone)+len(q.now)+len(q.past) == 0 {
		return ""
	}
	var wrong []string
	for _, n := range slices.Sorted(maps.Keys(q.gone)) {
		wrong = append(wrong, fmt.Sprintf("antenna %d is disconnected: check its cable", n))
	}
	recent := slices.Concat(q.past, q.now)
	slices.Sort(recent)
	return strings.Join(append(wrong, slices.Compact(recent)...), "; ")
}
