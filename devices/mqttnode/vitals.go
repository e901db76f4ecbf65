package mqttnode

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// lossShown is how long, in business time, a device counts as degraded after it lost something.
const lossShown = time.Minute

// mostTroubles is how many troubles of a device are kept, by which it cannot fill the memory.
const mostTroubles = 16

// vitals judges a device's health from what is heard of it. The zero vitals has heard nothing. Times come in as values.
type vitals struct {
	expect time.Duration // a message is expected this often; 0 = no judgement of silence

	answered  bool // anything was heard, or it said that it is there
	offline   bool // it, or its broker for it, said that it is gone
	lastHeard time.Time
	lostAt    time.Time
	lostWhy   string
	missing   map[uint8]bool    // antennas that the reader says are not connected
	troubles  map[string]string // what else it says is wrong, by the trouble's name
	told      devices.Health    // what was reported last
	toldOnce  bool
}

// heard notes a message with content.
func (v *vitals) heard(now time.Time) {
	v.answered, v.offline, v.lastHeard = true, false, now
}

// presence notes what the device, or its MQTT will, says of itself.
func (v *vitals) presence(online bool, now time.Time) {
	v.offline = !online
	if online {
		v.answered = true
		v.lastHeard = now
	}
}

func (v *vitals) lost(why string, now time.Time) {
	v.lostAt, v.lostWhy = now, why
}

func (v *vitals) antenna(n uint8, connected bool) {
	if connected {
		delete(v.missing, n)
		return
	}
	if v.missing == nil {
		v.missing = map[uint8]bool{}
	}
	v.missing[n] = true
}

// trouble notes what the device says is wrong with it, until it is over, or for a while where no end will be said.
func (v *vitals) trouble(t trouble, now time.Time) {
	switch {
	case t.name == "":
		v.lost(t.why, now)
	case t.why == "":
		delete(v.troubles, t.name)
	case len(v.troubles) < mostTroubles || v.troubles[t.name] != "":
		if v.troubles == nil {
			v.troubles = map[string]string{}
		}
		v.troubles[t.name] = t.why
	}
}

// again begins anew after the connection broke, with what the device said is wrong: what it said since waits in the broker.
func (v *vitals) again(expect time.Duration) vitals {
	return vitals{expect: expect, missing: v.missing, troubles: v.troubles}
}

// judge gives the state and its reason at a moment; ok is false while nothing can be said.
func (v *vitals) judge(now time.Time) (state devices.HealthState, reason string, ok bool) {
	switch {
	case v.offline:
		return devices.Down, "the device says goodbye or its connection to the broker broke; check its power and network", true
	case !v.answered:
		return 0, "", false
	case v.silent(now):
		return devices.Degraded, fmt.Sprintf("nothing was heard for %s; expected is a message every %s; check its power and network",
			2*v.expect, v.expect), true
	case len(v.missing) > 0:
		return devices.Degraded, v.missingAntennas(), true
	case len(v.troubles) > 0:
		return devices.Degraded, v.troubleNow(), true
	case v.losing(now):
		return devices.Degraded, v.lostWhy, true
	}
	return devices.Up, "", true
}

func (v *vitals) silent(now time.Time) bool {
	return v.expect > 0 && now.Sub(v.lastHeard) > 2*v.expect
}

func (v *vitals) losing(now time.Time) bool {
	return !v.lostAt.IsZero() && now.Sub(v.lostAt) < lossShown
}

func (v *vitals) missingAntennas() string {
	list := ""
	for n := range uint8(255) {
		if v.missing[n] {
			list += fmt.Sprintf(" %d", n)
		}
	}
	return "not connected to the reader: antenna" + list + "; check the cable"
}

// troubleNow gives one trouble's sentence, always the same one while the troubles are the same.
func (v *vitals) troubleNow() string {
	return v.troubles[slices.Min(slices.Collect(maps.Keys(v.troubles)))]
}

// due gives the change of health to report at a moment, if there is one; lost is what to report with it.
func (v *vitals) due(device string, lost uint64, now time.Time) (devices.Health, bool) {
	state, reason, ok := v.judge(now)
	if !ok && lost == 0 {
		return devices.Health{}, false
	}
	if !ok {
		state, reason = devices.Degraded, v.lostWhy
	}
	h := devices.Health{Device: device, State: state, Reason: reason, Lost: lost, At: now}
	if v.toldOnce && lost == 0 && v.told.State == state && v.told.Reason == reason {
		return h, false
	}
	v.told, v.toldOnce = h, true
	return h, true
}

// next gives how long until judge may change by itself; 0 = never.
func (v *vitals) next(now time.Time) time.Duration {
	var wait time.Duration
	sooner := func(at time.Time) {
		if d := max(at.Sub(now), time.Millisecond); wait == 0 || d < wait {
			wait = d
		}
	}
	if v.answered && v.expect > 0 && !v.silent(now) {
		sooner(v.lastHeard.Add(2*v.expect + time.Millisecond))
	}
	if v.losing(now) {
		sooner(v.lostAt.Add(lossShown))
	}
	return wait
}
