package handheld

import (
	"math"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/uhf/mercury"
)

const (
	// mercuryChannel is where this reader stays, in kHz.
	mercuryChannel = 922_625
	// statusTime is how often a reading reader says how it does.
	statusTime = time.Second
)

// mercuryReader speaks as the M6e family: once started it tells what it sees, and each second how it does.
type mercuryReader struct {
	*session
	booted   bool
	antennas []uint8
	reading  bool
	status   time.Time // when it said last how it does
}

func newM6e(s *session) speech { return &mercuryReader{session: s} }

func (m *mercuryReader) command(have []byte) ([]byte, bool) {
	f, rest, _, err := mercury.DecodeCommand(have)
	if err != nil {
		return rest, false
	}
	m.obey(f)
	return rest, true
}

func (m *mercuryReader) obey(f mercury.Frame) {
	c, err := mercury.ParseCommand(f)
	if err != nil {
		m.send(mercury.Reply(f.Op, mercury.BadParameter))
		return
	}
	switch c.Op {
	case mercury.Version:
		m.send(mercury.Reply(c.Op, mercury.OK, make([]byte, 20)...))
		return
	case mercury.Boot:
		if m.booted {
			m.send(mercury.Reply(c.Op, mercury.UnknownOp))
			return
		}
		m.booted = true
	case mercury.SetAntennas:
		m.antennas = c.Antennas
	case mercury.Read:
		m.read(!c.Stop)
	}
	m.send(mercury.Reply(c.Op, mercury.OK))
}

func (m *mercuryReader) read(on bool) {
	m.reading, m.status = on, time.Now()
	if on {
		m.begin()
	} else {
		m.end()
	}
}

func (m *mercuryReader) sight(v sighting) {
	if !m.reading || m.hot.Load() || !slices.Contains(m.antennas, v.antenna) {
		return
	}
	s, err := mercury.NewSighting(v.antenna, mercuryChannel, v.epc, whole(v.rssi, math.MinInt8, math.MaxInt8))
	if err != nil {
		return
	}
	s.Millis = uint32(time.Since(m.status).Milliseconds())
	m.send(s.Frame())
}

// tick says each second how the reader does.
func (m *mercuryReader) tick(now time.Time) {
	if !m.reading || now.Sub(m.status) < statusTime {
		return
	}
	m.status = now
	status := mercury.NoTags
	switch {
	case m.hot.Load():
		status = mercury.TooHot
	case slices.ContainsFunc(m.antennas, m.disconnected):
		status = mercury.HighReturnLoss
	}
	m.send(mercury.Reply(mercury.Record, status))
}
