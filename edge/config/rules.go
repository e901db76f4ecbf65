package config

import (
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/watch"
)

// Rule is what raises an alarm. Exactly one of High, Low, NoData, Rise, Fall, MKT, Stuck and Preset is set.
type Rule struct {
	ID       string   `yaml:"id"`
	Class    string   `yaml:"class"`    // cold_chain, device, store or door; cold_chain
	Location string   `yaml:"location"` // what the alarm speaks of; "" = where the device stands
	Device   string   `yaml:"device"`
	Channel  string   `yaml:"channel"` // "" = every channel of the device
	Quantity Quantity `yaml:"quantity"`

	High   *Milli        `yaml:"high"`    // in alarm at and above it, in the quantity's unit
	Low    *Milli        `yaml:"low"`     // in alarm at and below it
	NoData time.Duration `yaml:"no_data"` // in alarm after so long without a value
	Rise   *Milli        `yaml:"rise"`    // in alarm where the value rises by so much per minute, taken over Over
	Fall   *Milli        `yaml:"fall"`    // in alarm where it falls by so much per minute
	MKT    *Milli        `yaml:"mkt"`     // in alarm where the mean kinetic temperature of Window is at or above it, °C
	Stuck  time.Duration `yaml:"stuck"`   // in alarm where the value moved by no more than Deadband for so long
	Preset string        `yaml:"preset"`  // a rule set by name (edge/watch); its rules' ids begin with ID and a dot

	Deadband   Milli          `yaml:"deadband"`   // how far inside the limit a value must come back
	OnDelay    time.Duration  `yaml:"on_delay"`   // how long a limit must be passed to raise
	OffDelay   time.Duration  `yaml:"off_delay"`  // how long a value must be back to return
	MaxGap     time.Duration  `yaml:"max_gap"`    // longest time between two values that counts as evidence; 0 = the standard
	Priority   alarm.Priority `yaml:"priority"`   // 1 critical, 2 high, 3 medium, 9 quality; 2, or as the preset has it
	Cumulative bool           `yaml:"cumulative"` // high, low: on_delay is the sum of all violations in window
	Window     time.Duration  `yaml:"window"`     // cumulative, mkt: rolling time that counts; 0 = since the last reset
	Least      time.Duration  `yaml:"least"`      // mkt: known time before which nothing is concluded; 0 = half of window
	Heat       Milli          `yaml:"heat"`       // mkt: heat of activation, kJ/mol; 0 = 83.144
	Over       time.Duration  `yaml:"over"`       // rise, fall: time over which the rate is taken
	Peers      []string       `yaml:"peers"`      // stuck: only while one of these devices moves
	Door       *Context       `yaml:"door"`       // while a door is open on_delay is door.on_delay
	Suppress   *Context       `yaml:"suppress"`   // while an input is on the alarm is suppressed by design
	Recovering *Recovering    `yaml:"recovering"` // what is getting better is not escalated
	Latch      bool           `yaml:"latch"`      // the alarm ends only by a reset
	Escalation []Level        `yaml:"escalation"`
}

// Context is named inputs, contacts or switches, of which one is on or was lately.
type Context struct {
	Inputs  []string      `yaml:"inputs"`
	OnDelay time.Duration `yaml:"on_delay"` // for door
	After   time.Duration `yaml:"after"`    // how long it lasts after the input went off
	AtMost  time.Duration `yaml:"at_most"`  // how long an input that stays on counts; 0 = for ever
}

// Recovering is a value on its way back: By towards the range within Over. Escalation waits for it, for AtMost.
type Recovering struct {
	By     Milli         `yaml:"by"`
	Over   time.Duration `yaml:"over"`
	AtMost time.Duration `yaml:"at_most"` // 30m
}

// Level is one step of an escalation.
type Level struct {
	After   time.Duration `yaml:"after"` // unacknowledged for so long
	Every   time.Duration `yaml:"every"` // told again so often; 0 = once
	Outputs []string      `yaml:"outputs"`
	Notify  string        `yaml:"notify"`
}

// Watching is what rules refer to.
type Watching struct {
	Contacts     []Contact     `yaml:"contacts"` // inputs that devices report
	Switches     []string      `yaml:"switches"` // inputs that people and other systems set, by name
	Outputs      []Output      `yaml:"outputs"`  // local outputs that follow alarms
	Calibrations []Calibration `yaml:"calibrations"`
}

// Contact is an input of a device, by the name that rules call it.
type Contact struct {
	Name      string `yaml:"name"`
	Device    string `yaml:"device"`
	Port      uint8  `yaml:"port"`
	ActiveLow bool   `yaml:"active_low"`
}

// Output is a local output that is on while alarms ask for it.
type Output struct {
	Name     string         `yaml:"name"`
	While    string         `yaml:"while"`    // unacked, active or active_unacked; "" = only as escalations say
	Priority alarm.Priority `yaml:"priority"` // the least urgent that counts; 9
	Class    string         `yaml:"class"`    // "" = each
	Location string         `yaml:"location"` // "" = each
	Drive    `yaml:",inline"`
}

// Calibration is what a certificate says of a probe, valid until the next one of the same probe.
type Calibration struct {
	Device       string    `yaml:"device"`
	Channel      string    `yaml:"channel"` // "" = every channel
	Quantity     Quantity  `yaml:"quantity"`
	From         time.Time `yaml:"from"`
	Offset       Milli     `yaml:"offset"` // is added to what the device says
	Certificate  string    `yaml:"certificate"`
	Due          time.Time `yaml:"due"`           // when the next is due
	DeviceOffset Milli     `yaml:"device_offset"` // the correction that the device itself held then, e.g. register 0x0103 of an XY-MD02
}

// fillRules gives rules and outputs their defaults.
func (c *Config) fillRules() {
	for i := range c.Rules {
		r := &c.Rules[i]
		r.Class = orElse(r.Class, "cold_chain")
		if r.Preset == "" {
			r.Priority = orElse(r.Priority, alarm.High)
		} else {
			r.Quantity.Quantity = orElse(r.Quantity.Quantity, unit.Temperature)
		}
	}
	for i := range c.Outputs {
		c.Outputs[i].Priority = orElse(c.Outputs[i].Priority, alarm.Quality)
	}
}

// Watch makes what is watched, with the plan's places.
func (c *Config) Watch(plan *site.Plan) watch.Spec {
	s := watch.Spec{Occurrence: plan.Occurrence}
	for _, r := range c.Rules {
		if r.Location == "" {
			r.Location = c.LocationOf(plan, r.Device)
		}
		rules, err := r.plain()
		if err != nil { // Validate has told it
			continue
		}
		s.Rules = append(s.Rules, rules...)
	}
	for _, d := range c.Devices {
		s.Devices = append(s.Devices, watch.Device{ID: d.ID, Location: c.LocationOf(plan, d.ID)})
	}
	for _, x := range c.Contacts {
		s.Contacts = append(s.Contacts, watch.Contact(x))
	}
	for _, o := range c.Outputs {
		s.Outputs = append(s.Outputs, watch.Output{
			Name: o.Name, While: whiles[o.While], Priority: o.Priority, Class: o.Class, Location: o.Location,
		})
	}
	for _, x := range c.Calibrations {
		s.Calibrations = append(s.Calibrations, watch.Calibration{
			Device: x.Device, Channel: x.Channel, Quantity: x.Quantity.Quantity, From: x.From, Offset: x.Offset.Milli,
			Certificate: x.Certificate, Due: x.Due, DeviceOffset: x.DeviceOffset.Milli,
		})
	}
	return s
}

// whiles are the words for what an output follows.
var whiles = map[string]watch.While{
	"": 0, "unacked": watch.Unacked, "active": watch.Active, "active_unacked": watch.ActiveUnacked,
}

// plain gives the rules of a preset, or the one that a rule is.
func (r Rule) plain() ([]watch.Rule, error) {
	w := watch.Rule{
		ID: r.ID, Class: r.Class, Location: r.Location, Device: r.Device, Channel: r.Channel, Quantity: r.Quantity.Quantity,
		Deadband: r.Deadband.Milli, OnDelay: r.OnDelay, OffDelay: r.OffDelay, MaxGap: r.MaxGap, Priority: r.Priority,
		Cumulative: r.Cumulative, Window: r.Window, Least: r.Least, Heat: int64(r.Heat.Milli), Peers: r.Peers,
		Door: r.Door.context(), Suppress: r.Suppress.context(), Latch: r.Latch,
	}
	if x := r.Recovering; x != nil {
		w.Recovering = &watch.Recovering{By: x.By.Milli, Over: x.Over, AtMost: x.AtMost}
	}
	for _, l := range r.Escalation {
		w.Escalation = append(w.Escalation, watch.Level(l))
	}
	if r.Preset != "" {
		return watch.Expand(r.Preset, w)
	}
	for _, k := range r.kinds() {
		if k.set {
			w.Kind, w.Limit = k.kind, k.limit()
		}
	}
	switch w.Kind {
	case watch.NoData:
		w.Silence = r.NoData
	case watch.Stuck:
		w.Span = r.Stuck
	case watch.Rise, watch.Fall:
		w.Span = r.Over
	}
	return []watch.Rule{w}, nil
}

func (c *Context) context() *watch.Context {
	if c == nil {
		return nil
	}
	return &watch.Context{Inputs: c.Inputs, OnDelay: c.OnDelay, After: c.After, AtMost: c.AtMost}
}

// trigger is one of the things that raise an alarm.
type trigger struct {
	name  string
	kind  watch.Kind
	set   bool
	value *Milli
}

func (t trigger) limit() unit.Milli {
	if t.value == nil {
		return 0
	}
	return t.value.Milli
}

func (r Rule) kinds() []trigger {
	return []trigger{
		{"high", watch.High, r.High != nil, r.High},
		{"low", watch.Low, r.Low != nil, r.Low},
		{"no_data", watch.NoData, r.NoData != 0, nil},
		{"rise", watch.Rise, r.Rise != nil, r.Rise},
		{"fall", watch.Fall, r.Fall != nil, r.Fall},
		{"mkt", watch.MKT, r.MKT != nil, r.MKT},
		{"stuck", watch.Stuck, r.Stuck != 0, nil},
		{"preset", 0, r.Preset != "", nil},
	}
}
