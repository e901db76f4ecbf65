package load

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// Places that are no bay and not the dock.
const (
	nowhere uint16 = 1<<16 - 1 // nobody has said where the tag is
	outside uint16 = 1<<16 - 2 // with a customer
)

// goods are the tags of one edge, and what happens to them. They hold no clock: what is decided depends on the seed and on
// the order in which the methods are called.
type goods struct {
	world World
	edge  int
	site  int
	name  string // for ids, the same in no other run
	rng   *rand.Rand
	at    []uint16 // by tag
	away  []uint16 // tags that the last load took out, and the next one brings back
	pass  wire.Pass
	count int // of passes, for their ids
	state alarm.State
}

func newGoods(w World, edge int, epoch, seed uint64) *goods {
	g := &goods{
		world: w, edge: edge, site: w.SiteOf(edge), name: fmt.Sprintf("%s-%x", w.Edge(edge), epoch),
		rng: rand.New(rand.NewPCG(seed, uint64(edge)<<8|'g')), at: make([]uint16, w.Tags),
	}
	for i := range g.at {
		g.at[i] = nowhere
	}
	return g
}

// place is the code of a place; "" for nowhere.
func (g *goods) place(n uint16) string {
	switch n {
	case nowhere:
		return ""
	case outside:
		return customer
	default:
		return g.world.Place(g.site, int(n))
	}
}

// stock says of each tag that it is in some bay, as an edge does that begins where goods are.
func (g *goods) stock(at time.Time) []wire.Record {
	list := make([]wire.Record, 0, len(g.at))
	for n := range g.at {
		list = append(list, g.shelve(n, uint16(g.rng.IntN(g.world.Bays)), at))
	}
	return list
}

// move takes some tag of the house to another bay.
func (g *goods) move(at time.Time) []wire.Record {
	n := g.inside()
	if n < 0 {
		return nil
	}
	bay := uint16(g.rng.IntN(g.world.Bays))
	if bay == g.at[n] {
		bay = (bay + 1) % uint16(g.world.Bays)
	}
	return []wire.Record{g.shelve(n, bay, at)}
}

// inside picks a tag that is not with a customer; -1 where there is none.
func (g *goods) inside() int {
	n := g.rng.IntN(len(g.at))
	for range g.at {
		if g.at[n] != outside {
			return n
		}
		n = (n + 1) % len(g.at)
	}
	return -1
}

func (g *goods) shelve(n int, bay uint16, at time.Time) wire.Record {
	return g.carry(n, bay, wire.Movement{
		BizStep: wire.Storing, Disposition: wire.Accessible, ReadPoint: g.place(bay), EventTime: at, Confidence: 950,
	})
}

// carry moves a tag and completes the movement that says so.
func (g *goods) carry(n int, to uint16, m wire.Movement) wire.Record {
	m.Tag, m.From, m.To = g.tag(n), g.place(g.at[n]), g.place(to)
	m.FirstRead, m.LastRead = m.EventTime.Add(-1700*time.Millisecond), m.EventTime
	m.Reads, m.HasRSSI, m.PeakRSSI = uint32(3+g.rng.IntN(30)), true, unit.DBm(-7000+g.rng.IntN(3000))
	g.at[n] = to
	return wire.Record{Movement: &m}
}

// tag is one of the edge's; the world was checked, so that it can be encoded.
func (g *goods) tag(n int) devices.Tag {
	t, _ := g.world.Tag(g.edge, n)
	return t
}

// openPass has a load come to the door; closePass must follow.
func (g *goods) openPass(at time.Time) []wire.Record {
	g.count++
	g.pass = wire.Pass{ID: fmt.Sprintf("%s-p%d", g.name, g.count), Door: g.world.Door(g.edge), Opened: at}
	open := g.pass
	return []wire.Record{{Pass: &open}}
}

// closePass tells what went through: what the last load took out comes back, or else some tags of the house leave.
func (g *goods) closePass(at time.Time, tags int) []wire.Record {
	end := g.pass
	end.Closed, end.Confidence = at, 980
	m := wire.Movement{ReadPoint: end.Door, Pass: end.ID, EventTime: at, Confidence: end.Confidence}
	var list []wire.Record
	if len(g.away) > 0 {
		end.Direction, m.BizStep, m.Disposition = wire.In, wire.Receiving, wire.InProgress
		for _, n := range g.away {
			list = append(list, g.carry(int(n), uint16(g.world.Bays), m))
		}
		g.away = g.away[:0]
	} else {
		end.Direction, m.BizStep, m.Disposition = wire.Out, wire.Shipping, wire.InTransit
		for range tags {
			if n := g.inside(); n >= 0 {
				list = append(list, g.carry(n, outside, m))
				g.away = append(g.away, uint16(n))
			}
		}
	}
	end.Tags, end.Moved = uint32(len(list)), uint32(len(list))
	return append(list, wire.Record{Pass: &end})
}

// alarm is the next transition of the edge's only alarm, which nobody acknowledges.
func (g *goods) alarm(at time.Time) []wire.Record {
	a := wire.Alarm{
		ID: g.name + "-a", Rule: "cold-high", Source: "probe-1", Location: g.world.Place(g.site, 0), Class: "cold_chain",
		Priority: alarm.High, From: max(g.state, alarm.Normal), To: alarm.Unacked, Action: alarm.Raise, At: at,
		Quantity: unit.Temperature, HasValue: true, Value: 9000, HasLimit: true, Limit: 8000, Reason: "high",
	}
	if a.From == alarm.Unacked {
		a.To, a.Action, a.Value = alarm.RTNUnacked, alarm.Return, 7000
	}
	g.state = a.To
	return []wire.Record{{Alarm: &a}}
}

// sample is a value of one of the edge's sensors.
func (g *goods) sample(sensor int, at time.Time) wire.Record {
	return wire.Record{Sample: &wire.Sample{
		Device: fmt.Sprintf("probe-%d", sensor+1), Channel: "1", Location: g.world.Place(g.site, sensor%g.world.Bays),
		Quantity: unit.Temperature, Value: unit.Milli(4000 + g.rng.IntN(4000)), Quality: devices.Good, At: at,
	}}
}
