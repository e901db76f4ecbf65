package play

import (
	"context"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/simulators/handheld"
	"github.com/tallydock/tallydock/simulators/line"
	"github.com/tallydock/tallydock/simulators/node"
	"github.com/tallydock/tallydock/simulators/pad"
	"github.com/tallydock/tallydock/simulators/probe"
	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/world"
)

// lamp shows whether a device is at work.
type lamp interface {
	// Ready reports whether a gateway hears the device now.
	Ready() bool
	// Lapsed reports whether none did at some moment since it was asked last.
	Lapsed() bool
}

// probeAt is a serial probe and what it belongs to.
type probeAt struct {
	probe  scenario.Probe
	device *probe.Probe
}

// nodeAt is a node that reports by itself.
type nodeAt struct {
	probe  scenario.Probe
	device *node.Tasmota
	air    world.Weather
	next   time.Time // when it reports again
}

// fleet is every simulated device.
type fleet struct {
	readers map[string]func(world.Read)
	pads    map[string]*pad.Pad
	probes  []probeAt
	nodes   []*nodeAt
	lamps   map[string]lamp // readers and pads, for which people wait
	lines   map[string]*line.Line
	run     []func(context.Context) error
}

// eventTopic is where a reader publishes at its site's broker.
func eventTopic(site, id string) string { return "site/" + site + "/" + id + "/events" }

func plugIn(c Config) (fleet, error) {
	f := fleet{
		readers: map[string]func(world.Read){}, pads: map[string]*pad.Pad{}, lamps: map[string]lamp{},
		lines: map[string]*line.Line{},
	}
	for _, r := range c.Scenario.Readers {
		if err := f.addReader(c, r); err != nil {
			f.close()
			return fleet{}, err
		}
	}
	for _, p := range c.Scenario.Pads {
		l, err := f.plug(c.Dir, p.ID)
		if err != nil {
			f.close()
			return fleet{}, err
		}
		d := pad.New(pad.Config{Line: l})
		f.pads[p.ID], f.lamps[p.ID] = d, d
		f.run = append(f.run, d.Run)
	}
	for _, p := range c.Scenario.Probes {
		if err := f.addProbe(c, p); err != nil {
			f.close()
			return fleet{}, err
		}
	}
	return f, nil
}

func (f *fleet) plug(dir, id string) (*line.Line, error) {
	l, err := line.Open(line.Path(dir, id))
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", id, err)
	}
	f.lines[id] = l
	return l, nil
}

func (f *fleet) addReader(c Config, r scenario.Reader) error {
	if r.Driver == scenario.R700 {
		topic := eventTopic(c.Scenario.Site.Code, r.ID)
		d := node.NewR700(nodeConfig(c, r.ID, topic, "site/"+c.Scenario.Site.Code+"/"+r.ID+"/status"), c.Clock.Now)
		f.readers[r.ID] = func(v world.Read) { d.Sight(v.At, v.Antenna, v.Tag, v.RSSI) }
		f.lamps[r.ID] = d
		f.run = append(f.run, d.Run)
		return nil
	}
	l, err := f.plug(c.Dir, r.ID)
	if err != nil {
		return err
	}
	d := handheld.New(handheld.Config{Line: l})
	f.readers[r.ID] = func(v world.Read) { d.Sight(v.Tag, v.RSSI) }
	f.lamps[r.ID] = d
	f.run = append(f.run, d.Run)
	return nil
}

func (f *fleet) addProbe(c Config, p scenario.Probe) error {
	if p.Driver == scenario.Tasmota {
		base := "site/" + c.Scenario.Site.Code + "/" + p.ID + "/tele/"
		d := node.NewTasmota(nodeConfig(c, p.ID, base+"SENSOR", base+"LWT"), p.Channel)
		f.nodes = append(f.nodes, &nodeAt{probe: p, device: d})
		f.run = append(f.run, d.Run)
		return nil
	}
	l, err := f.plug(c.Dir, p.ID)
	if err != nil {
		return err
	}
	d := probe.New(probe.Config{Line: l})
	f.probes = append(f.probes, probeAt{p, d})
	f.run = append(f.run, d.Run)
	return nil
}

func nodeConfig(c Config, id, topic, status string) node.Config {
	return node.Config{
		ID: id, URL: c.Broker, User: c.User, Password: c.Password, Topic: topic, Status: status, Log: c.Log,
	}
}

func (f *fleet) line(device string) (*line.Line, error) {
	l, ok := f.lines[device]
	if !ok {
		return nil, fmt.Errorf("device %q has no serial line", device)
	}
	return l, nil
}

func (f *fleet) close() {
	for _, l := range f.lines {
		l.Close()
	}
}

// lapsed names the devices that were not at work at some moment since it was asked last.
func (f *fleet) lapsed() map[string]bool {
	down := map[string]bool{}
	for id, lamp := range f.lamps {
		if lamp.Lapsed() {
			down[id] = true
		}
	}
	return down
}

// air puts the probes of a room in its weather.
func (f *fleet) air(w world.Weather) {
	for _, p := range f.probes {
		if p.probe.Location == w.Location {
			p.device.Set(w.Temperature+p.probe.Offset, w.Humidity)
		}
	}
	for _, n := range f.nodes {
		if n.probe.Location == w.Location {
			n.air = w
		}
	}
}

func (f *fleet) trouble(t world.Trouble) {
	for _, p := range f.probes {
		switch {
		case p.probe.ID != t.Device:
		case t.Kind == scenario.Silence:
			p.device.Silence(t.On)
		case t.Kind == scenario.Garbage:
			p.device.Garbage(t.On)
		}
	}
	for _, n := range f.nodes {
		switch {
		case n.probe.ID != t.Device:
		case t.Kind == scenario.Silence:
			n.device.Silence(t.On)
		case t.Kind == scenario.PowerOn:
			n.device.PowerOn(t.On)
		}
	}
}
