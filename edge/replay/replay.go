// Package replay plays a recording through a gateway's rules, without a gateway: as fast as it goes, with the recording's own
// times. The same recording and the same rules always give the same movements.
package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/site"
)

// Config of a Player.
type Config struct {
	Plan   *site.Plan
	Params reconcile.Params
	// Tell takes what the rules decided, in order.
	Tell func(reconcile.Event) error
	// Bad takes the number of a line that cannot be played, and why; the line is left out.
	Bad func(line int, err error)
}

// Result counts what was played.
type Result struct {
	Lines, Bad, Reads, Inputs uint64
	Strange                   uint64 // reads by antennas that the plan does not know
	From, To                  time.Time
}

// maxLine is the longest line in bytes.
const maxLine = 1 << 20

// Times of a replay, the recording's.
const (
	tick     = 100 * time.Millisecond
	slowTick = time.Second      // while nothing was read for
	idle     = 90 * time.Second // so long
	tail     = 5 * time.Minute  // played after the last line, so that what is open closes
	settled  = time.Hour        // readers count as up for so long before the first line
)

// Player is a replay at work. It is for one goroutine.
type Player struct {
	conf    Config
	machine *reconcile.Machine
	now     time.Time
	last    time.Time // of the last entry
	result  Result
}

// Run plays a recording to its end. It fails where r or Tell does, and where no line of r can be played.
func Run(r io.Reader, c Config) (Result, error) {
	p := New(c)
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		p.result.Lines++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		e, err := recording.Parse(text)
		if err != nil {
			p.bad(err)
			continue
		}
		if err := p.Play(&e); err != nil {
			return p.result, err
		}
	}
	if err := lines.Err(); err != nil {
		return p.result, fmt.Errorf("cannot read the recording after line %d: %w", p.result.Lines, err)
	}
	if p.result.Reads+p.result.Inputs == 0 {
		return p.result, errors.New("the recording has no read and no input that can be played")
	}
	return p.End()
}

// New makes a Player that has played nothing yet.
func New(c Config) *Player { return &Player{conf: c, machine: reconcile.New(c.Plan, c.Params)} }

// End lets what is open close. Nothing can be played after it.
func (p *Player) End() (Result, error) {
	err := p.wait(p.now.Add(tail))
	p.result.To, p.result.Strange = p.last, p.machine.Strange()
	return p.result, err
}

func (p *Player) bad(err error) {
	p.result.Bad++
	if p.conf.Bad != nil {
		p.conf.Bad(int(p.result.Lines), err)
	}
}

// Play plays one entry. One that is older than the last counts as late: the time does not go back.
func (p *Player) Play(e *recording.Entry) error {
	if p.now.IsZero() {
		if err := p.begin(e.At); err != nil {
			return err
		}
	}
	if err := p.wait(e.At); err != nil {
		return err
	}
	p.last = p.now
	var in reconcile.Input
	switch {
	case e.Read != nil:
		p.result.Reads++
		e.Read.HostTime = p.now
		in.Read = e.Read
	case e.GPI != nil:
		p.result.Inputs++
		e.GPI.HostTime = p.now
		in.GPI = e.GPI
	case e.Health != nil:
		in.Health = e.Health
	default:
		return nil
	}
	return p.step(in)
}

// begin says that all readers have been up for a while.
func (p *Player) begin(at time.Time) error {
	p.now, p.last, p.result.From = at.Add(-settled), at, at
	seen := map[string]bool{}
	up := func(id string) error {
		if seen[id] {
			return nil
		}
		seen[id] = true
		return p.step(reconcile.Input{Health: &devices.Health{Device: id, State: devices.Up, At: p.now}})
	}
	for _, id := range p.conf.Plan.Devices() {
		if err := up(id); err != nil {
			return err
		}
	}
	p.now = at
	return nil
}

// wait lets the recording's time pass.
func (p *Player) wait(until time.Time) error {
	for p.now.Before(until) {
		step := tick
		if p.now.Sub(p.last) > idle {
			step = slowTick
		}
		if next := p.now.Truncate(step).Add(step); next.Before(until) {
			p.now = next
			if err := p.step(reconcile.Input{}); err != nil {
				return err
			}
			continue
		}
		p.now = until
	}
	return nil
}

func (p *Player) step(in reconcile.Input) error {
	for _, e := range p.machine.Step(in, p.now) {
		if err := p.conf.Tell(e); err != nil {
			return err
		}
	}
	return nil
}
