package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// Trace is a pass as it was read, for a technician who tunes a door. It is told with a pass's end.
type Trace struct {
	Pass, Door string
	Direction  wire.Direction
	Confidence uint16 // permille
	From, To   time.Time
	GateOn     time.Time // when the first beam was broken; zero without photocells
	GateOff    time.Time
	Tags       []TagTrace
}

// TagTrace is one tag of a Trace.
type TagTrace struct {
	Tag    devices.Tag
	Member bool    // it counts as having passed
	Score  float64 // what speaks for that, in units of log odds; more than 0 for members
	Why    string  // one line for people
	Reads  []ReadTrace
}

// ReadTrace is one read of a TagTrace.
type ReadTrace struct {
	At      time.Time
	Device  string
	Antenna uint8
	Side    string // inside, outside or middle
	RSSI    unit.DBm
	HasRSSI bool
	Foreign bool // another door heard the tag better
}

// maxTraced bounds the tags of a Trace; those that passed come first, then the others by what speaks for them.
const maxTraced = 300

// trace tells a pass as it was read, where Params.Trace asks for that.
func (m *Machine) trace(door int, w *window, f *film, l *load, pass *wire.Pass, members []course) {
	if !m.par.Trace {
		return
	}
	t := &Trace{
		Pass: pass.ID, Door: pass.Door, Direction: pass.Direction, Confidence: pass.Confidence, From: l.enter.time(), To: l.leave.time(),
	}
	if l.gate != nil {
		t.GateOn, t.GateOff = l.gate.on.time(), l.gate.off.time()
	}
	for i := range members {
		t.Tags = append(t.Tags, m.tagTrace(door, w, f, l, &members[i], true))
	}
	others, usual := m.courses(door, w, f, l), typical(members)
	for i := range others {
		others[i].score = others[i].evidence(l)
	}
	slices.SortStableFunc(others, func(a, b course) int { return cmp.Compare(b.score, a.score) })
	for i := range others {
		c := &others[i]
		if len(t.Tags) < maxTraced && c.inReads() > 0 && !slices.ContainsFunc(members, func(k course) bool { return k.number == c.number }) {
			g := m.tagTrace(door, w, f, l, c, false)
			if i < maxUnlike && c.score <= 0 && c.known > 0 && !c.lies && !l.line {
				g.Why = c.unlike(&usual)
			}
			t.Tags = append(t.Tags, g)
		}
	}
	t.Tags = t.Tags[:min(len(t.Tags), maxTraced)]
	m.tell(Event{Trace: t})
}

// maxUnlike bounds the tags of which it is worked out what speaks against them.
const maxUnlike = 40

// typical gives the median of each trait of those who were in a load.
func typical(members []course) (out [traitCount]float32) {
	of := make([]float32, len(members))
	for k := range out {
		for i := range members {
			of[i] = members[i].traits[k]
		}
		slices.Sort(of)
		out[k] = of[len(of)/2]
	}
	return out
}

// unlike names the trait that speaks most against a tag: the one that, were it as with those who were in the load, would raise its
// score most.
func (c *course) unlike(usual *[traitCount]float32) string {
	most, worst := 0.0, -1
	v := c.traits
	for k := range v {
		was := v[k]
		v[k] = usual[k]
		if by := evidence.Score(v[:]) - c.score; by > most {
			most, worst = by, k
		}
		v[k] = was
	}
	if worst < 0 {
		return "nothing of it goes with the load"
	}
	return fmt.Sprintf("%s: %.3g, with the load's %.3g", TraitNames[worst], c.traits[worst], usual[worst])
}

func (m *Machine) tagTrace(door int, w *window, f *film, l *load, c *course, member bool) TagTrace {
	t := TagTrace{Tag: m.tags[c.slot].id, Member: member, Score: c.score, Why: m.why(door, w, l, c, member)}
	for _, i := range f.reads(c.number) {
		r := &w.reads[i]
		t.Reads = append(t.Reads, ReadTrace{
			At: r.at.time(), Device: m.doors[door].readers[r.device], Antenna: r.antenna, Side: sideNames[r.side],
			RSSI: r.rssi, HasRSSI: r.known, Foreign: r.foreign,
		})
	}
	return t
}

var sideNames = [sides]string{inside: "inside", outside: "outside", middle: "middle"}

// why says in one line what decided about a tag.
func (m *Machine) why(door int, w *window, l *load, c *course, member bool) string {
	n := c.inReads()
	switch {
	case !member && (2*c.mine < n || c.traits[tagRival] < 0):
		return "another door heard it better"
	case !member && c.score > 0 && l.line && m.elsewhere(door, w, c, l):
		return "it went through another door, or through this one at another time"
	case !member && c.score > 0:
		return fmt.Sprintf("%d reads are too few, or another pass has them", c.track.reads)
	case !member && c.lies:
		return "it is known to stand beside the door"
	case c.crosser != nil && c.crosser.way == l.way:
		return fmt.Sprintf("crossed %s at %s, %d reads%s", wayName(l.way), c.crosser.at.time().Format(time.TimeOnly), n, c.louder())
	case c.crosser != nil:
		return fmt.Sprintf("crossed %s, unlike the load, at %s", wayName(c.crosser.way), c.crosser.at.time().Format(time.TimeOnly))
	case member:
		return fmt.Sprintf("rose and fell with the load, %d reads%s", n, c.louder())
	case c.before.reads > 0 && c.after.reads > 0:
		return "was heard before and after as well: it stands there"
	default:
		return fmt.Sprintf("its %d reads do not rise and fall with the load", n)
	}
}

// louder says how a tag stood out from what it was before and after.
func (c *course) louder() string {
	switch {
	case c.known == 0 || c.before.reads+c.after.reads == 0:
		return ""
	case c.before.reads > 0:
		return fmt.Sprintf(", %+.0f dB beside what it was before", c.topIn-c.before.mean())
	default:
		return fmt.Sprintf(", %+.0f dB beside what it is after", c.topIn-c.after.mean())
	}
}

func wayName(way float64) string {
	if way > 0 {
		return "inwards"
	}
	return "outwards"
}
