package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
)

// overview is what matters, on one page.
type overview struct {
	Status  string
	Reasons []reason
	Rate    float64 // reads a second, of all antennas
	Up      int     // devices
	Unacked int
	Devices []deviceLine
	Alarms  []alarmLine
	Uplink  uplink
	State   state
	Busy    bool // the counts could not be had in time
}

// fewAlarms is how many the overview shows.
const fewAlarms = 5

func (s *Server) overviewPage(r *http.Request, v *view) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), patientFor)
	defer cancel()
	h := s.health()
	o := overview{Status: h.Status, Reasons: h.Reasons, Unacked: unacknowledged(v.alarms), Uplink: s.uplinkNow()}
	o.Devices, o.Rate = deviceLines(s.deviceList())
	for _, d := range o.Devices {
		if d.State == "up" {
			o.Up++
		}
	}
	for _, quality := range []bool{false, true} { // a probe's fault hides no alarm of the process
		for _, a := range v.alarms {
			if !a.hidden() && (a.Priority == uint8(alarm.Quality)) == quality && len(o.Alarms) < fewAlarms {
				o.Alarms = append(o.Alarms, v.line(a))
			}
		}
	}
	st, err := s.countsLately(ctx)
	o.State, o.Busy = st, err != nil
	return o, nil
}

// deviceLine is a device on a page.
type deviceLine struct {
	device
	Rows       []antennaLine
	MinuteRate float64
}

type antennaLine struct {
	antenna
	Antenna antenna
	Share   string // percent of the busiest antenna's rate
}

// deviceLines gives the devices, and how much all of them read in a second.
func deviceLines(list []device) ([]deviceLine, float64) {
	most, all := 1.0, 0.0
	for _, d := range list {
		for _, a := range d.Antennas {
			most, all = max(most, a.Second, a.Minute), all+a.Second
		}
	}
	out := make([]deviceLine, 0, len(list))
	for _, d := range list {
		line := deviceLine{device: d}
		for _, a := range d.Antennas {
			line.MinuteRate += a.Minute
			line.Rows = append(line.Rows, antennaLine{a, a, strconv.FormatFloat(100*a.Second/most, 'f', 1, 64)})
		}
		out = append(out, line)
	}
	return out, all
}

// devicesView is the page of readers and their antennas.
type devicesView struct {
	Devices []deviceLine
	Rate    float64
}

func (s *Server) devicesPage(*http.Request, *view) (any, error) {
	list, rate := deviceLines(s.deviceList())
	return devicesView{list, rate}, nil
}

// alarmsView is the page of alarms: those of the process, those of devices and values, and those that are hidden.
type alarmsView struct {
	Unacked                  int
	Process, Quality, Hidden []alarmLine
}

func (s *Server) alarmsPage(_ *http.Request, v *view) (any, error) {
	b := alarmsView{Unacked: unacknowledged(v.alarms)}
	for _, a := range v.alarms {
		switch line := v.line(a); {
		case a.hidden():
			b.Hidden = append(b.Hidden, line)
		case a.Priority == uint8(alarm.Quality):
			b.Quality = append(b.Quality, line)
		default:
			b.Process = append(b.Process, line)
		}
	}
	return b, nil
}

// alarmLine is an alarm as a sentence.
type alarmLine struct {
	standing
	language
	Glyph                             alarmCount
	Sentence, StateName, PriorityName string
	Raised, Until                     string
}

// line makes an alarm's sentence in the page's language.
func (v *view) line(a standing) alarmLine {
	text, key := a.Reason, "alarm."+a.Reason
	if back := key + ".back"; !a.Active && v.Say(back) != back {
		key = back // what was is not said as if it were
	}
	if v.Say(key) != key {
		text = v.Fill(key, "quantity", v.Say(a.Quantity), "value", figure(a.Value, a.Unit), "limit", figure(a.Limit, a.Unit))
	}
	out := alarmLine{
		standing: a, language: v.language, Sentence: text, StateName: v.Say("state." + a.State), PriorityName: v.Say(fmt.Sprintf("p%d", a.Priority)),
		Glyph: alarmCount{P: int(a.Priority), Blink: a.unacknowledged() && a.Priority != uint8(alarm.Quality)},
	}
	if a.RaisedAt != nil {
		out.Raised = v.Clock(*a.RaisedAt) + " (" + v.Ago(a.RaisedAt) + ")"
	}
	if a.ShelvedUntil != nil {
		out.Until = v.Fill("until", "time", v.Clock(*a.ShelvedUntil))
	}
	return out
}

func figure(v *float64, unit string) string {
	if v == nil {
		return "?"
	}
	return strings.TrimSpace(strconv.FormatFloat(*v, 'f', -1, 64) + " " + unit)
}

// gatewayView is the page of the program and what goes to the hub.
type gatewayView struct {
	Gateway           gateway
	Uplink            uplink
	SamplesLag        uint64
	Offset, Uptime    string
	Memory, MemoryCap int64
}

func (s *Server) gatewayPage(_ *http.Request, v *view) (any, error) {
	g, up := s.gatewayNow(), s.uplinkNow()
	b := gatewayView{
		Gateway: g, Uplink: up, SamplesLag: up.SamplesHead - min(up.SamplesAcked, up.SamplesHead),
		Uptime: v.Span(time.Duration(g.Uptime * float64(time.Second))), Memory: int64(g.Memory), MemoryCap: int64(g.MemoryCap),
	}
	if g.Clock.Offset != nil {
		tenths := math.Round(*g.Clock.Offset * 10)
		b.Offset = fmt.Sprintf("%+.1f %s", (tenths+0)/10, v.Say("unit.s")) // + 0: -0 is 0
	}
	return b, nil
}
