package play

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/world"
)

// stepEvery is the machine time from one step of the world to the next.
const stepEvery = 5 * time.Millisecond

// Config says what is played and for whom.
type Config struct {
	Scenario *scenario.Scenario
	Clock    clock.Clock
	Dir      string // gets tty-DEVICE links, truth.jsonl and truth.json
	Broker   string // where MQTT devices publish: tcp://HOST:PORT
	User     string
	Password string
	Log      *slog.Logger // nil logs nothing
}

// Player plays one scenario, once.
type Player struct {
	cfg     Config
	pace    world.Pace
	world   *world.World
	devices fleet
	truth   *journal
}

// New makes the world and the devices, and plugs the serial ones in.
func New(c Config) (*Player, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot use folder %q: %w", c.Dir, err)
	}
	c.Dir = dir
	p := &Player{cfg: c, pace: world.Pace{Speed: c.Clock.Speed()}}
	if p.world, err = world.New(c.Scenario, p.pace); err != nil {
		return nil, err
	}
	if p.devices, err = plugIn(c); err != nil {
		return nil, err
	}
	if p.truth, err = openJournal(c.Dir); err != nil {
		p.devices.close()
		return nil, err
	}
	return p, nil
}

// Unplug takes a serial device's cable out; Replug puts it back.
func (p *Player) Unplug(device string) error {
	l, err := p.devices.line(device)
	if err != nil {
		return err
	}
	l.Unplug()
	return nil
}

// Replug puts a serial device's cable back.
func (p *Player) Replug(device string) error {
	l, err := p.devices.line(device)
	if err != nil {
		return err
	}
	return l.Replug()
}

// Run plays until ctx ends, then takes the devices away and writes the last truth. What the scenario has happen before
// the clock's present is not seen by any device, but it is true.
func (p *Player) Run(ctx context.Context) error {
	defer p.devices.close()
	devicesCtx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	failed := make(chan error, len(p.devices.run))
	for _, run := range p.devices.run {
		running.Go(func() {
			if err := run(devicesCtx); err != nil {
				failed <- err
			}
		})
	}
	running.Go(func() { p.lamps(devicesCtx) })
	err := p.play(ctx, failed)
	stop()
	running.Wait()
	if closeErr := p.truth.close(p.cfg.Clock.Now()); err == nil {
		err = closeErr
	}
	return err
}

func (p *Player) play(ctx context.Context, failed <-chan error) error {
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	past := p.world.Step(p.cfg.Clock.Now(), nil)
	past.Reads, past.Cards = nil, nil
	if err := p.show(past); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-tick.C:
		}
		now := p.cfg.Clock.Now()
		if err := p.show(p.world.Step(now, p.devices.lapsed())); err != nil {
			return err
		}
		p.report(now)
	}
}

// show lets the devices see what happened.
func (p *Player) show(e world.Events) error {
	for _, w := range e.Weather {
		p.devices.air(w)
	}
	for _, t := range e.Troubles {
		p.cfg.Log.Info("device trouble", "device", t.Device, "kind", t.Kind, "on", t.On)
		p.devices.trouble(t)
	}
	for _, r := range e.Reads {
		p.devices.readers[r.Device](r)
	}
	for _, c := range e.Cards {
		p.devices.pads[c.Device].Put(c.Tag, c.On)
	}
	for _, f := range e.Facts {
		p.tell(f)
	}
	return p.truth.add(e.Facts)
}

func (p *Player) tell(f world.Fact) {
	at := f.At.Format("15:04:05")
	switch f.Kind {
	case world.PassFact:
		p.cfg.Log.Info("pass", "at", at, "door", f.Door, "direction", f.Direction, "tags", len(f.Tags), "repeat", f.Repeat)
	case world.VisitFact:
		p.cfg.Log.Info("card on the pad", "at", at, "pad", f.Device, "card", f.Tag, "repeat", f.Repeat)
	case world.ExcursionFact:
		p.cfg.Log.Info("excursion", "at", at, "location", f.Location, "limit", f.Limit, "over", f.Over, "worst", f.Worst)
	}
}

// report lets the nodes publish that report by themselves.
func (p *Player) report(now time.Time) {
	for _, n := range p.devices.nodes {
		if now.Before(n.next) || n.air == (world.Weather{}) {
			continue
		}
		// At high speed a node reports less often, so that its messages stay apart on the machine.
		n.next = now.Add(max(n.probe.Period, p.pace.Wall(200*time.Millisecond)))
		n.device.Report(now, n.air.Temperature+n.probe.Offset)
	}
}

// AtWork names the readers and pads that a gateway hears now, and those that it does not.
func (p *Player) AtWork() (up, down []string) {
	for id, lamp := range p.devices.lamps {
		if lamp.Ready() {
			up = append(up, id)
		} else {
			down = append(down, id)
		}
	}
	slices.Sort(up)
	slices.Sort(down)
	return up, down
}

// lamps logs which devices are down, whenever that has changed.
func (p *Player) lamps(ctx context.Context) {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	before := "?"
	for {
		if up, down := p.AtWork(); strings.Join(down, " ") != before {
			before = strings.Join(down, " ")
			p.cfg.Log.Info("readers at work", "up", len(up), "down", before)
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}
