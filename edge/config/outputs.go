package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/edge/output"
)

// Drive says what an output switches: an output of a device, or a device that listens on a topic of the site's broker. With
// neither it is only shown.
type Drive struct {
	Device string `yaml:"device"`
	Port   uint8  `yaml:"port"`   // the device's output, 1, 2, …
	Topic  string `yaml:"topic"`  // where On and Off are published
	On     string `yaml:"on"`     // ON
	Off    string `yaml:"off"`    // OFF
	Retain bool   `yaml:"retain"` // the broker keeps the last for a device that connects later
}

// Signals is a door's light: outputs by name, and when they are on. Verdicts come where the door has a list.
type Signals struct {
	OK         []string      `yaml:"ok"`         // all that was read is on the list, which is complete
	Missing    []string      `yaml:"missing"`    // all that was read is on the list, which lacks more
	Unexpected []string      `yaml:"unexpected"` // something was read that is not on the list, or goes the wrong way
	Reading    []string      `yaml:"reading"`    // a pass is open
	Hold       time.Duration `yaml:"hold"`       // business time for which the verdict on a pass is shown after it; 10s
}

// HoldSignal is how long a door shows the verdict on a pass where its configuration says nothing.
const HoldSignal = 10 * time.Second

// fillOutputs gives outputs and lights their defaults.
func (c *Config) fillOutputs() {
	for i := range c.Outputs {
		if o := &c.Outputs[i]; o.Topic != "" {
			o.On, o.Off = orElse(o.On, "ON"), orElse(o.Off, "OFF")
		}
	}
	for i := range c.Doors {
		s := &c.Doors[i].Signals
		s.Hold = orElse(s.Hold, HoldSignal)
	}
}

// Lights gives the doors' lights.
func (c *Config) Lights() []output.Door {
	var out []output.Door
	for _, d := range c.Doors {
		s := d.Signals
		out = append(out, output.Door{
			ID: d.ID, OK: s.OK, Missing: s.Missing, Unexpected: s.Unexpected, Reading: s.Reading, Hold: s.Hold,
		})
	}
	return out
}

// checkDrive checks what an output switches.
func (c *Config) checkDrive(f *findings, path string, d Drive) {
	switch {
	case d.Device != "" && d.Topic != "":
		f.add(path, "has device and topic; set one of them")
	case d.Device != "" && !c.hasDevice(d.Device):
		f.add(path+".device", "%q is none of the devices", d.Device)
	case d.Device != "" && d.Port == 0:
		f.add(path+".port", "is missing; say which output of %s it is, 1, 2, …", d.Device)
	case d.Device == "" && d.Port != 0:
		f.add(path+".device", "is missing; say whose output %d it is", d.Port)
	case d.Topic == "" && (d.On != "" || d.Off != "" || d.Retain):
		f.add(path+".topic", "is missing; on, off and retain belong to it")
	case d.Topic != "" && strings.ContainsAny(d.Topic, "+#\x00"):
		f.add(path+".topic", "%q has a wildcard; name one topic", d.Topic)
	case d.Topic != "" && len(d.Topic) > 512:
		f.add(path+".topic", "has %d bytes; at most 512 are possible", len(d.Topic))
	case d.Topic != "" && c.MQTT == nil:
		f.add(path+".topic", "needs the section mqtt, which says where the site's MQTT devices are")
	case d.Topic != "" && d.On == d.Off:
		f.add(path+".off", "is %q as on is; a device could not tell them apart", d.Off)
	}
}

// checkPorts finds two outputs that switch the same thing.
func (c *Config) checkPorts(f *findings) {
	seen := map[string]string{}
	for i, o := range c.Outputs {
		what := fmt.Sprintf("output %d of %s", o.Port, o.Device)
		if o.Device == "" {
			what = "topic " + o.Topic
		}
		if o.Device == "" && o.Topic == "" {
			continue
		}
		path := fmt.Sprintf("outputs[%d]", i)
		if first, twice := seen[what]; twice {
			f.add(path, "%s is that of %s already; name one output where both are meant", what, first)
			continue
		}
		seen[what] = path
	}
}

// checkSignals checks a door's light.
func (c *Config) checkSignals(f *findings, path string, s Signals) {
	for _, l := range []struct {
		name string
		list []string
	}{{"ok", s.OK}, {"missing", s.Missing}, {"unexpected", s.Unexpected}, {"reading", s.Reading}} {
		for i, name := range l.list {
			if !slices.ContainsFunc(c.Outputs, func(o Output) bool { return o.Name == name }) {
				f.add(fmt.Sprintf("%s.%s[%d]", path, l.name, i), "%q is none of the outputs; add it there: outputs: [{name: %s, …}]", name, name)
			}
		}
	}
	if s.Hold < 0 {
		f.add(path+".hold", "is %s; use more than 0", s.Hold)
	}
}
