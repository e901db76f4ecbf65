// Package handheld pretends to be a serial UHF reader of the "BB … 7E" family (M100, QM100, YRM100, R200) on a pseudo
// terminal: it answers commands, reports sightings only while a poll runs, and is as slow as its line.
package handheld

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/uhf"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/line"
)

const (
	// roundTime is how long a round of an inventory takes.
	roundTime = 25 * time.Millisecond
	// quietTime is how long a polling reader reports nothing before it says that a round found no tag.
	quietTime = 100 * time.Millisecond
	// heard is how many sightings wait for the line; more are not made, as a reader's air time is limited by its line.
	heard = 128
	// ahead is how far the line may be written ahead of its speed: the reader's own output buffer.
	ahead = 5 * time.Millisecond
)

// Config says what the reader is.
type Config struct {
	Line *line.Line
	Baud line.Baud // 0 = 115200
}

// Reader is one simulated reader.
type Reader struct {
	cfg     Config
	sights  chan uhf.Notice
	polling atomic.Bool
	lapsed  atomic.Bool
	missed  atomic.Uint64
}

// New makes a reader; Run makes it work.
func New(c Config) *Reader {
	if c.Baud == 0 {
		c.Baud = 115200
	}
	return &Reader{cfg: c, sights: make(chan uhf.Notice, heard)}
}

// Sight puts a tag before the antenna for a moment. Nobody hears of it unless a poll runs.
func (r *Reader) Sight(tag devices.Tag, rssi unit.DBm) {
	if !r.polling.Load() {
		return
	}
	n, err := uhf.NewNotice(tag.Bytes(), int8(math.Round(float64(rssi)/100)))
	if err != nil {
		return // the tag has no EPC of a whole number of words: this reader does not see it
	}
	select {
	case r.sights <- n:
	default:
		r.missed.Add(1)
	}
}

// Missed counts the sightings that were not made for want of line speed.
func (r *Reader) Missed() uint64 { return r.missed.Load() }

// Ready reports whether a gateway polls the reader now.
func (r *Reader) Ready() bool { return r.polling.Load() && r.cfg.Line.Listening() }

// Lapsed reports whether the reader was not ready at some moment since it was asked last.
func (r *Reader) Lapsed() bool {
	gone := r.lapsed.Swap(false)
	return r.cfg.Line.Lapsed() || gone || !r.Ready()
}

// Run works until ctx ends, then gives nil, or until the line is closed.
func (r *Reader) Run(ctx context.Context) error { return r.cfg.Line.Serve(ctx, r.work) }

// session is what the reader keeps while it works.
type session struct {
	*Reader
	buf    []byte    // not yet understood
	out    []byte    // scratch
	free   time.Time // when the line will have sent everything
	rounds int       // left of the poll; 0 = no poll
	round  time.Time // when the current round began
	spoke  time.Time // when it reported last
	single bool      // the poll is a single one: it ends with "no tag" where nothing was found
	power  unit.DBm
	region uhf.Region
}

func (r *Reader) work(ctx context.Context, input <-chan []byte) {
	s := &session{Reader: r, power: 2000, region: uhf.China900}
	defer s.end()
	tick := time.NewTicker(roundTime)
	defer tick.Stop()
	for {
		sights := r.sights
		var wait <-chan time.Time
		if late := time.Until(s.free); late > ahead {
			sights, wait = nil, time.After(late-ahead)
		}
		select {
		case <-ctx.Done():
			return
		case b, ok := <-input:
			if !ok {
				return
			}
			s.take(b)
		case n := <-sights:
			s.report(n)
		case <-wait:
		case now := <-tick.C:
			s.count(now)
		}
	}
}

// take reads commands. While no more bytes come, a false start of a frame is given up byte by byte.
func (s *session) take(b []byte) {
	if len(b) == 0 && len(s.buf) > 0 {
		s.buf = s.buf[1:]
	}
	s.buf = append(s.buf, b...)
	for {
		f, rest, _, err := uhf.Decode(s.buf)
		if err != nil {
			s.buf = append(s.buf[:0], rest...)
			return
		}
		s.obey(f)
		s.buf = append(s.buf[:0], rest...)
	}
}

func (s *session) obey(f uhf.Frame) {
	c, err := uhf.ParseCommand(f)
	if err != nil {
		s.send(uhf.Failed(uhf.BadCommand))
		return
	}
	switch c.Code {
	case uhf.Version:
		s.send(uhf.VersionReply(c.Part, versions[c.Part]))
	case uhf.Poll:
		s.begin(1, true)
	case uhf.MultiPoll:
		rounds := int(c.Rounds)
		if rounds == 0 {
			rounds = math.MaxInt
		}
		s.begin(rounds, false)
	case uhf.Stop:
		s.end()
		s.send(uhf.Done(uhf.Stop))
	case uhf.SetPower:
		s.power = c.Power
		s.send(uhf.Done(uhf.SetPower))
	case uhf.GetPower:
		s.send(uhf.PowerReply(s.power))
	case uhf.SetRegion:
		s.region = c.Region
		s.send(uhf.Done(uhf.SetRegion))
	case uhf.GetRegion:
		s.send(uhf.Frame{Type: uhf.ResponseFrame, Code: uhf.GetRegion, Params: []byte{byte(s.region)}})
	}
}

var versions = map[uhf.Part]string{
	uhf.Hardware: "M100 26dBm V1.0", uhf.Software: "V2.3.5", uhf.Manufacturer: "MagicRF",
}

func (s *session) begin(rounds int, single bool) {
	s.rounds, s.single = rounds, single
	s.round = time.Now()
	s.spoke = s.round
	s.polling.Store(true)
}

func (s *session) end() {
	s.rounds = 0
	s.polling.Store(false)
	s.lapsed.Store(true)
	for len(s.sights) > 0 {
		<-s.sights
	}
}

// count ends the rounds that are over, and says now and then that nothing was found.
func (s *session) count(now time.Time) {
	if s.rounds == 0 {
		return
	}
	n := int(now.Sub(s.round) / roundTime)
	s.round = s.round.Add(time.Duration(n) * roundTime)
	s.rounds = max(0, s.rounds-n)
	if now.Sub(s.spoke) >= quietTime || s.rounds == 0 && s.single {
		s.spoke = now
		s.send(uhf.Failed(uhf.NoTag))
	}
	if s.rounds == 0 {
		s.end()
	}
}

func (s *session) report(n uhf.Notice) {
	if s.rounds == 0 {
		return
	}
	s.spoke = time.Now()
	s.out = n.Append(s.out[:0])
	s.write(s.out)
	if s.single {
		s.end()
	}
}

func (s *session) send(f uhf.Frame) {
	s.out = f.Append(s.out[:0])
	s.write(s.out)
}

// write sends b and books the time that the line takes for it.
func (s *session) write(b []byte) {
	now := time.Now()
	if s.free.Before(now) {
		s.free = now
	}
	s.free = s.free.Add(s.cfg.Baud.Takes(len(b)))
	s.cfg.Line.Write(b)
}
