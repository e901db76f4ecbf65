package portal_test

import (
	"encoding/hex"
	"math"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/replay"
)

// change is a tag's going from one side of a door to the other, as a rule to compare with saw it.
type change struct {
	tag      devices.Tag
	door     string
	from, to time.Time // the same where it is a moment
	inwards  bool
}

// reach is how far from a true pass a change may lie and still count for it: the rules know no passes, so they are given them.
const reach = 2 * time.Second

// told makes movements of changes, each put into the true pass about that time, which goes the way of most of its changes. What
// lies in no pass is left out. Both are in these rules' favour.
func toldBy(changes []change, truth []replay.Truth) []replay.Movement {
	var out []replay.Movement
	for i := range truth {
		p := &truth[i]
		var tags []devices.Tag
		net, had := 0, map[devices.Tag]bool{}
		for _, c := range changes {
			if c.door != p.ReadPoint || c.from.After(p.To.Add(reach)) || c.to.Before(p.From.Add(-reach)) {
				continue
			}
			net--
			if c.inwards {
				net += 2
			}
			if !had[c.tag] {
				had[c.tag] = true
				tags = append(tags, c.tag)
			}
		}
		dir := "turned_back"
		if net > 0 {
			dir = "in"
		} else if net < 0 {
			dir = "out"
		}
		for _, tag := range tags {
			out = append(out, replay.Movement{
				T: p.From, EPC: hex.EncodeToString(tag.Bytes()), ReadPoint: p.ReadPoint, Direction: dir, Pass: p.Pass, PassFrom: &p.From, PassTo: &p.To,
			})
		}
	}
	return out
}

// The constants of the published rule of EdgeX's inventory service.
const (
	edgexThreshold = 6.0
	edgexHoldoff   = 500.0  // ms
	edgexSlope     = -0.008 // dB per ms
	edgexRing      = 20
)

// place is a side of a door.
type place struct {
	door   string
	inside bool
}

// heard is the last strengths of a tag at a place.
type heard struct {
	ring []float64
	last time.Time
}

func (h *heard) mean() float64 {
	sum := 0.0
	for _, v := range h.ring {
		sum += v
	}
	return sum / float64(len(h.ring))
}

// edgex is that rule over a recording: a tag's place is the antenna, by its alias, whose mean of the last 20 strengths beats that
// of the place where it is by a threshold that falls with the silence there. departed is after how long without a read it is
// forgotten.
func edgex(entries []recording.Entry, departed time.Duration) []change {
	type state struct {
		at   place
		last time.Time
		by   map[place]*heard
	}
	var out []change
	tags := map[devices.Tag]*state{}
	for i := range entries {
		r := entries[i].Read
		if r == nil {
			continue
		}
		at, now := place{r.Device, r.Antenna%2 == 1}, entries[i].At
		s := tags[r.Tag]
		if s == nil || now.Sub(s.last) > departed {
			s = &state{at: at, by: map[place]*heard{}}
			tags[r.Tag] = s
		}
		s.last = now
		h := s.by[at]
		if h == nil {
			h = &heard{}
			s.by[at] = h
		}
		h.ring, h.last = append(h.ring, float64(r.RSSI)/100), now
		h.ring = h.ring[max(0, len(h.ring)-edgexRing):]
		if at == s.at || len(h.ring) < 2 {
			continue
		}
		was := s.by[s.at]
		silence := float64(now.Sub(was.last).Milliseconds())
		offset := math.Min(edgexThreshold, edgexSlope*silence+edgexThreshold-edgexSlope*edgexHoldoff)
		if h.mean() > was.mean()+offset {
			if s.at.door == at.door {
				out = append(out, change{r.Tag, at.door, now, now, at.inside})
			}
			s.at = at
		}
	}
	return out
}

// firstSeen is the rule of many portals: a burst of reads of a tag comes from the side of the first and goes to that of the last.
func firstSeen(entries []recording.Entry) []change {
	type burst struct {
		from, to    time.Time
		first, last bool
	}
	type key struct {
		tag  devices.Tag
		door string
	}
	var out []change
	open := map[key]*burst{}
	end := func(k key, b *burst) {
		if b.first != b.last {
			out = append(out, change{k.tag, k.door, b.from, b.to, b.last})
		}
	}
	for i := range entries {
		r := entries[i].Read
		if r == nil {
			continue
		}
		k, at, in := key{r.Tag, r.Device}, entries[i].At, r.Antenna%2 == 1
		b := open[k]
		if b != nil && at.Sub(b.to) > 3*time.Second {
			end(k, b)
			b = nil
		}
		if b == nil {
			b = &burst{from: at, first: in}
			open[k] = b
		}
		b.to, b.last = at, in
	}
	for k, b := range open {
		end(k, b)
	}
	return out
}
