package handheld

import (
	"math"
	"time"

	"github.com/tallydock/tallydock/devices/uhf"
	"github.com/tallydock/tallydock/devices/unit"
)

// m100 speaks as the M100 family: it is told a number of rounds, reports sightings, and now and then that there are none.
type m100 struct {
	*session
	rounds int       // left of the poll; 0 = no poll
	round  time.Time // when the current round began
	spoke  time.Time // when it reported last
	single bool      // the poll is a single one: it ends with "no tag" where nothing was found
	power  unit.DBm
	region uhf.Region
}

func newM100(s *session) speech { return &m100{session: s, power: 2000, region: uhf.China900} }

var versions = map[uhf.Part]string{
	uhf.Hardware: "M100 26dBm V1.0", uhf.Software: "V2.3.5", uhf.Manufacturer: "MagicRF",
}

func (m *m100) command(have []byte) ([]byte, bool) {
	f, rest, _, err := uhf.Decode(have)
	if err != nil {
		return rest, false
	}
	m.obey(f)
	return rest, true
}

func (m *m100) obey(f uhf.Frame) {
	c, err := uhf.ParseCommand(f)
	if err != nil {
		m.send(uhf.Failed(uhf.BadCommand))
		return
	}
	switch c.Code {
	case uhf.Version:
		m.send(uhf.VersionReply(c.Part, versions[c.Part]))
	case uhf.Poll:
		m.start(1, true)
	case uhf.MultiPoll:
		rounds := int(c.Rounds)
		if rounds == 0 {
			rounds = math.MaxInt
		}
		m.start(rounds, false)
	case uhf.Stop:
		m.stop()
		m.send(uhf.Done(uhf.Stop))
	case uhf.SetPower:
		m.power = c.Power
		m.send(uhf.Done(uhf.SetPower))
	case uhf.GetPower:
		m.send(uhf.PowerReply(m.power))
	case uhf.SetRegion:
		m.region = c.Region
		m.send(uhf.Done(uhf.SetRegion))
	case uhf.GetRegion:
		m.send(uhf.Frame{Type: uhf.ResponseFrame, Code: uhf.GetRegion, Params: []byte{byte(m.region)}})
	}
}

func (m *m100) start(rounds int, single bool) {
	m.rounds, m.single = rounds, single
	m.round = time.Now()
	m.spoke = m.round
	m.begin()
}

func (m *m100) stop() {
	m.rounds = 0
	m.end()
}

// tick ends the rounds that are over, and says now and then that nothing was found.
func (m *m100) tick(now time.Time) {
	if m.rounds == 0 {
		return
	}
	n := int(now.Sub(m.round) / roundTime)
	m.round = m.round.Add(time.Duration(n) * roundTime)
	m.rounds = max(0, m.rounds-n)
	if now.Sub(m.spoke) >= quietTime || m.rounds == 0 && m.single {
		m.spoke = now
		m.send(uhf.Failed(uhf.NoTag))
	}
	if m.rounds == 0 {
		m.stop()
	}
}

func (m *m100) sight(v sighting) {
	n, err := uhf.NewNotice(v.epc, whole(v.rssi, math.MinInt8, math.MaxInt8))
	if m.rounds == 0 || err != nil {
		return
	}
	m.spoke = time.Now()
	m.send(n)
	if m.single {
		m.stop()
	}
}

// whole rounds a strength to dBm between two bounds.
func whole(rssi unit.DBm, lowest, highest int) int8 {
	return int8(min(max(int(math.Round(float64(rssi)/100)), lowest), highest))
}
