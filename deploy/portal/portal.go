// Package portal brings simulated portals to a gateway's doors: their plan, their recordings as the gateway would get them,
// and what really happened as replay compares it.
package portal

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/replay"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/simulators/radio"
)

// Layout is how the doors of a recording are equipped, as far as a gateway knows.
type Layout struct {
	Doors      int // side by side
	Photocells int // beams across each door
	OneSided   bool
}

// Plan is the doors of a radio recording as a gateway's configuration has them.
func (l Layout) Plan() (*site.Plan, error) {
	spec := site.Spec{Edge: "SIM-E1"}
	for i := range l.Doors {
		id := "dock" + strconv.Itoa(i+1)
		d := site.Door{
			ID: id, Location: "FLOOR-" + id, Inside: []site.Source{{Device: id, Antenna: 1}, {Device: id, Antenna: 3}},
			Outside: []site.Source{{Device: id, Antenna: 2}, {Device: id, Antenna: 4}}, Quiet: 3 * time.Second, Longest: time.Minute, MinReads: 1,
		}
		if l.OneSided {
			d.Inside, d.Outside = append(d.Inside, d.Outside...), nil
		}
		if l.Photocells > 0 {
			d.Photocells = append(d.Photocells, site.Photocell{Device: id, Port: 1, Side: site.Outside})
		}
		if l.Photocells > 1 {
			d.Photocells = append(d.Photocells, site.Photocell{Device: id, Port: 2, Side: site.Inside})
		}
		spec.Doors = append(spec.Doors, d)
	}
	return site.New(spec)
}

// Tape hands a radio recording on as entries.
type Tape func(recording.Entry) error

// Read is a radio.Sink's.
func (t Tape) Read(r radio.Read) error {
	return t(recording.Entry{At: r.At, Read: &devices.Read{
		Device: r.Reader, Antenna: r.Antenna, Tag: r.Tag, RSSI: r.RSSI, HasRSSI: true, Phase: r.Phase, HasPhase: true,
		ChannelKHz: r.ChannelKHz, ReaderTime: r.At, Count: 1,
	}})
}

// Edge is a radio.Sink's.
func (t Tape) Edge(e radio.Edge) error {
	return t(recording.Entry{At: e.At, GPI: &devices.GPI{Device: e.Reader, Port: e.GPI, High: e.High, ReaderTime: e.At}})
}

// Truth is what really happened.
func Truth(passes []radio.Pass) []replay.Truth {
	var out []replay.Truth
	for _, p := range passes {
		t := replay.Truth{
			Pass: p.ID, ReadPoint: p.Door, From: p.From, To: p.To, Direction: string(p.Direction), EPCs: map[string]bool{}, Unread: map[string]bool{},
		}
		for _, tag := range p.Tags {
			t.EPCs[hex.EncodeToString(tag.Bytes())] = true
		}
		for _, tag := range p.Unseen {
			t.Unread[hex.EncodeToString(tag.Bytes())] = true
		}
		out = append(out, t)
	}
	return out
}
