package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/watch"
)

func (c *Config) checkRules(f *findings) {
	seen := map[string]string{}
	for i, r := range c.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		f.id(path, r.ID, seen)
		c.checkRule(f, path, r)
		if r.Preset == "" {
			continue
		}
		rules, err := r.plain()
		if err != nil {
			f.add(path+".preset", "%v", err)
		}
		for _, w := range rules {
			f.id(path, w.ID, seen)
		}
	}
	c.checkWatching(f)
}

func (c *Config) checkRule(f *findings, path string, r Rule) {
	if strings.HasPrefix(r.ID, "gateway-") || watch.Reserved(r.ID) {
		f.add(path+".id", "%q is one that the gateway uses itself; use another", r.ID)
	}
	if !c.hasDevice(r.Device) {
		f.add(path+".device", "%q is none of the devices", r.Device)
	}
	if r.Location != "" {
		f.location(path+".location", r.Location)
	}
	if r.Quantity.Quantity == 0 {
		f.add(path+".quantity", "is missing; use e.g. temperature")
	}
	if !slices.Contains([]string{"cold_chain", "device", "store", "door"}, r.Class) {
		f.add(path+".class", "is %q; use cold_chain, device, store or door", r.Class)
	}
	if r.Priority != 0 || r.Preset == "" {
		f.priority(path+".priority", r.Priority)
	}
	f.trigger(path, r)
	c.context(f, path+".door", r.Door)
	c.context(f, path+".suppress", r.Suppress)
	for i, d := range r.Peers {
		if !c.hasDevice(d) || d == r.Device {
			f.add(fmt.Sprintf("%s.peers[%d]", path, i), "%q is none of the other devices", d)
		}
	}
	f.escalation(path, r.Escalation)
}

func (f *findings) priority(path string, p alarm.Priority) {
	if !slices.Contains([]alarm.Priority{alarm.Critical, alarm.High, alarm.Medium, alarm.Quality}, p) {
		f.add(path, "is %d; use 1, 2, 3 or 9", p)
	}
}

// trigger checks what raises a rule's alarm.
func (f *findings) trigger(path string, r Rule) {
	var set, names []string
	for _, k := range r.kinds() {
		names = append(names, k.name)
		if k.set {
			set = append(set, k.name)
		}
	}
	if len(set) != 1 {
		last := len(names) - 1
		f.add(path, "has %d of %s and %s; set exactly one", len(set), strings.Join(names[:last], ", "), names[last])
	}
	f.times(path, r)
	if r.Deadband.Milli < 0 {
		f.add(path+".deadband", "is %s; use 0 or more", r.Deadband)
	}
	if len(set) == 1 {
		f.fits(path, r, set[0])
	}
}

// times checks that no time is negative.
func (f *findings) times(path string, r Rule) {
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"no_data", r.NoData},
		{"stuck", r.Stuck},
		{"on_delay", r.OnDelay},
		{"off_delay", r.OffDelay},
		{"max_gap", r.MaxGap},
		{"window", r.Window},
		{"least", r.Least},
		{"over", r.Over},
	} {
		if d.v < 0 {
			f.add(path+"."+d.name, "is %s; a time cannot be negative", d.v)
		}
	}
	if r.Heat.Milli < 0 {
		f.add(path+".heat", "is %s; use 0 (83.144) or more, in kJ/mol", r.Heat)
	}
}

// fits checks that what is set belongs to what raises the alarm.
func (f *findings) fits(path string, r Rule, by string) {
	if by == "no_data" && (r.Deadband.Milli != 0 || r.OnDelay != 0 || r.OffDelay != 0) {
		f.add(path, "a rule with no_data has neither deadband nor delays; leave them out")
	}
	if by == "stuck" && (r.OnDelay != 0 || r.OffDelay != 0) {
		f.add(path, "a rule with stuck has no delays; leave them out")
	}
	limits := by == "high" || by == "low"
	only := func(name string, set, right bool, whose string) {
		if set && !right {
			f.add(path+"."+name, "belongs to rules with %s; leave it out", whose)
		}
	}
	only("cumulative", r.Cumulative, limits, "high or low")
	only("window", r.Window != 0, by == "mkt" || r.Cumulative, "mkt or cumulative")
	only("least", r.Least != 0, by == "mkt", "mkt")
	only("heat", r.Heat.Milli != 0, by == "mkt", "mkt")
	only("over", r.Over != 0, by == "rise" || by == "fall", "rise or fall")
	only("peers", len(r.Peers) > 0, by == "stuck", "stuck")
	only("door", r.Door != nil, limits && !r.Cumulative || by == "preset", "high or low that are not cumulative, or a preset")
	only("on_delay", r.OnDelay != 0, by != "preset", "limits of your own, not a preset")
	only("recovering", r.Recovering != nil, limits || by == "preset", "high, low or a preset")
	switch {
	case (by == "rise" || by == "fall") && r.Over <= 0:
		f.add(path+".over", "is missing; say over which time the rate is taken, e.g. 10m")
	case by == "mkt" && r.Quantity.Quantity != unit.Temperature:
		f.add(path+".quantity", "is %s; a mean kinetic temperature is one of temperature", r.Quantity)
	case by == "mkt" && r.Window > 0 && r.Least > r.Window:
		f.add(path+".least", "is %s; the window is only %s", r.Least, r.Window)
	case r.Cumulative && r.OnDelay <= 0:
		f.add(path+".on_delay", "is missing; say how long violations may be in sum")
	}
	for _, k := range r.kinds() {
		if k.set && (by == "rise" || by == "fall") && k.limit() <= 0 {
			f.add(path+"."+by, "is %s; use more than 0, per minute", k.limit())
		}
	}
	if x := r.Recovering; x != nil && (x.By.Milli <= 0 || x.Over <= 0 || x.AtMost < 0) {
		f.add(path+".recovering", "needs by and over of more than 0")
	}
}

// context checks named inputs.
func (c *Config) context(f *findings, path string, x *Context) {
	if x == nil {
		return
	}
	if len(x.Inputs) == 0 {
		f.add(path+".inputs", "is missing; name contacts or switches")
	}
	for i, name := range x.Inputs {
		known := slices.ContainsFunc(c.Contacts, func(k Contact) bool { return k.Name == name }) || slices.Contains(c.Switches, name)
		if !known {
			f.add(fmt.Sprintf("%s.inputs[%d]", path, i), "%q is none of the contacts and switches", name)
		}
	}
	if x.OnDelay < 0 || x.After < 0 || x.AtMost < 0 {
		f.add(path, "has a negative time; use 0 or more")
	}
}

func (f *findings) escalation(path string, levels []Level) {
	for i, l := range levels {
		at := fmt.Sprintf("%s.escalation[%d]", path, i)
		switch {
		case l.After < 0 || l.Every < 0:
			f.add(at, "has a negative time; use 0 or more")
		case i > 0 && l.After < levels[i-1].After:
			f.add(at+".after", "is %s; the level before it comes after %s", l.After, levels[i-1].After)
		case len(l.Outputs) == 0 && l.Notify == "":
			f.add(at, "does nothing; set outputs or notify")
		}
		for _, name := range l.Outputs {
			if !plainID.MatchString(name) {
				f.add(at+".outputs", "%q is not possible; use 1 to 64 of A-Z a-z 0-9 . _ -", name)
			}
		}
	}
}

// checkWatching checks what rules refer to.
func (c *Config) checkWatching(f *findings) {
	names := map[string]string{}
	port := map[string]string{}
	for i, x := range c.Contacts {
		path := fmt.Sprintf("contacts[%d]", i)
		f.name(path, x.Name, names)
		if !c.hasDevice(x.Device) {
			f.add(path+".device", "%q is none of the devices", x.Device)
		}
		k := fmt.Sprintf("%s port %d", x.Device, x.Port)
		if first, twice := port[k]; twice {
			f.add(path+".port", "%s is that of %s already", k, first)
		}
		port[k] = path
	}
	for i, name := range c.Switches {
		f.name(fmt.Sprintf("switches[%d]", i), name, names)
	}
	outputs := map[string]string{}
	for i, o := range c.Outputs {
		path := fmt.Sprintf("outputs[%d]", i)
		f.name(path, o.Name, outputs)
		if _, ok := whiles[o.While]; !ok {
			f.add(path+".while", "is %q; use unacked, active or active_unacked", o.While)
		}
		f.priority(path+".priority", o.Priority)
		c.checkDrive(f, path, o.Drive)
	}
	c.checkPorts(f)
	for i, x := range c.Calibrations {
		path := fmt.Sprintf("calibrations[%d]", i)
		if !c.hasDevice(x.Device) {
			f.add(path+".device", "%q is none of the devices", x.Device)
		}
		if x.Quantity.Quantity == 0 {
			f.add(path+".quantity", "is missing; use e.g. temperature")
		}
		if x.Certificate == "" {
			f.add(path+".certificate", "is missing; an offset without one is a guess")
		}
		if !x.Due.IsZero() && !x.Due.After(x.From) {
			f.add(path+".due", "is %s; it must be later than from", x.Due.Format(time.DateOnly))
		}
	}
}

// name checks a name that is not an id of a list entry, and notes it.
func (f *findings) name(path, name string, seen map[string]string) {
	switch first, twice := seen[name]; {
	case !plainID.MatchString(name):
		f.add(path, "%q is not possible as a name; use 1 to 64 of A-Z a-z 0-9 . _ -", name)
		return
	case twice:
		f.add(path, "%q is the name of %s already", name, first)
		return
	}
	seen[name] = path
}
