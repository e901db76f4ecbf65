// Package handheld pretends to be a serial UHF reader on a pseudo terminal: of the "BB … 7E" family (M100, QM100, YRM100,
// R200), of Chafon's two, of those built on the R2000, or of ThingMagic's. It answers commands, reports sightings only
// while it is asked to read, and is as slow as its line.
package handheld

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/line"
)

const (
	// roundTime is how long a round of an inventory takes.
	roundTime = 25 * time.Millisecond
	// quietTime is how long a polling reader reports nothing before it says that a round found no tag.
	quietTime = 100 * time.Millisecond
	// idleTime is after how long a reader that is asked for each round counts as not asked any more.
	idleTime = time.Second
	// heard is how many sightings wait for the line; more are not made, as a reader's air time is limited by its line.
	heard = 128
	// ahead is how far the line may be written ahead of its speed: the reader's own output buffer.
	ahead = 5 * time.Millisecond
)

// Family is the protocol that a reader speaks, by the name of the gateway's driver for it.
type Family string

// The families.
const (
	M100      Family = "uhf"
	Chafon18  Family = "chafon18"
	Chafon288 Family = "chafon288"
	R2000     Family = "r2000"
	M6e       Family = "m6e"
)

// baud is how the readers of a family leave the factory.
func (f Family) baud() line.Baud {
	if f == Chafon18 || f == Chafon288 {
		return 57600
	}
	return 115200
}

// Config says what the reader is.
type Config struct {
	Line   *line.Line
	Baud   line.Baud // 0 = as the family leaves the factory: 115200, Chafon's 57600
	Family Family    // "" = M100
}

// sighting is a tag before an antenna.
type sighting struct {
	antenna uint8
	epc     []byte
	rssi    unit.DBm
}

// Reader is one simulated reader. Any goroutine may call its methods.
type Reader struct {
	cfg     Config
	sights  chan sighting
	polling atomic.Bool
	lapsed  atomic.Bool
	missed  atomic.Uint64
	gone    atomic.Uint32 // a bit for each antenna, from bit 1, that is not connected
	hot     atomic.Bool
}

// New makes a reader; Run makes it work.
func New(c Config) *Reader {
	if c.Family == "" {
		c.Family = M100
	}
	if c.Baud == 0 {
		c.Baud = c.Family.baud()
	}
	return &Reader{cfg: c, sights: make(chan sighting, heard)}
}

// Sight puts a tag before the antenna, the first where there are several, for a moment. Nobody hears of it unless a poll
// runs.
func (r *Reader) Sight(tag devices.Tag, rssi unit.DBm) { r.SightAt(1, tag, rssi) }

// SightAt puts a tag before an antenna, from 1, for a moment. A reader that is asked antenna by antenna keeps the sighting
// until that antenna's turn.
func (r *Reader) SightAt(antenna uint8, tag devices.Tag, rssi unit.DBm) {
	epc := tag.Bytes()
	if !r.polling.Load() || tag.Kind() != devices.TagEPC || len(epc)%2 != 0 || r.disconnected(antenna) {
		return // with an odd number of bytes the tag has no EPC of whole words: this reader does not see it
	}
	select {
	case r.sights <- sighting{antenna, epc, rssi}:
	default:
		r.missed.Add(1)
	}
}

// Disconnect takes an antenna's cable off, or puts it on again. The M100 and UHFReader18 families do not notice.
func (r *Reader) Disconnect(antenna uint8, off bool) {
	if bit := uint32(1) << (antenna & 31); off {
		r.gone.Or(bit)
	} else {
		r.gone.And(^bit)
	}
}

func (r *Reader) disconnected(antenna uint8) bool { return r.gone.Load()&(1<<(antenna&31)) != 0 }

// Overheat makes the reader too hot, or lets it cool down. Only the M6e family tells.
func (r *Reader) Overheat(hot bool) { r.hot.Store(hot) }

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
func (r *Reader) Run(ctx context.Context) error {
	speech, ok := speeches[r.cfg.Family]
	if !ok {
		return fmt.Errorf("reader family %q is not known", r.cfg.Family)
	}
	return r.cfg.Line.Serve(ctx, func(ctx context.Context, input <-chan []byte) {
		s := &session{Reader: r}
		s.work(ctx, input, speech(s))
	})
}

// speech is a protocol as the reader speaks it. One goroutine calls it.
type speech interface {
	// command takes the first command out of have and obeys it; without a whole one it gives what must be kept, and false.
	command(have []byte) (rest []byte, ok bool)
	// sight takes a tag that came before an antenna.
	sight(v sighting)
	// tick tells, each roundTime, that time passes.
	tick(now time.Time)
}

var speeches = map[Family]func(*session) speech{
	M100:      newM100,
	Chafon18:  newChafon,
	Chafon288: newChafon,
	R2000:     newR2000,
	M6e:       newM6e,
}

// session is what the reader keeps while it works.
type session struct {
	*Reader
	buf  []byte    // not yet understood
	out  []byte    // scratch
	free time.Time // when the line will have sent everything
}

func (s *session) work(ctx context.Context, input <-chan []byte, talk speech) {
	defer s.end()
	tick := time.NewTicker(roundTime)
	defer tick.Stop()
	for {
		sights := s.sights
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
			s.take(b, talk)
		case v := <-sights:
			talk.sight(v)
		case <-wait:
		case now := <-tick.C:
			talk.tick(now)
		}
	}
}

// take reads commands. While no more bytes come, a false start of a frame is given up byte by byte.
func (s *session) take(b []byte, talk speech) {
	if len(b) == 0 && len(s.buf) > 0 {
		s.buf = s.buf[1:]
	}
	s.buf = append(s.buf, b...)
	for {
		rest, ok := talk.command(s.buf)
		s.buf = append(s.buf[:0], rest...)
		if !ok {
			return
		}
	}
}

// begin says that the reader is asked to read.
func (s *session) begin() { s.polling.Store(true) }

// end says that it is not any more; what it has heard is forgotten.
func (s *session) end() {
	s.polling.Store(false)
	s.lapsed.Store(true)
	for len(s.sights) > 0 {
		<-s.sights
	}
}

// frame is a message of any protocol.
type frame interface{ Append(b []byte) []byte }

// send writes a frame and books the time that the line takes for it.
func (s *session) send(f frame) {
	s.out = f.Append(s.out[:0])
	now := time.Now()
	if s.free.Before(now) {
		s.free = now
	}
	s.free = s.free.Add(s.cfg.Baud.Takes(len(s.out)))
	s.cfg.Line.Write(s.out)
}
