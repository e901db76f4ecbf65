package wire

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
)

// BizStep is the step of business in which a movement happened, a value of GS1's Core Business Vocabulary 2.0.
type BizStep string

// The steps that an edge decides.
const (
	Receiving BizStep = "receiving"      // through a door inwards
	Shipping  BizStep = "shipping"       // through a door outwards
	Storing   BizStep = "storing"        // seen at a shelf, a cold room or a table
	Inspect   BizStep = "inspecting"     // put on a pad by a person
	Observe   BizStep = "cycle_counting" // presence or absence noticed by the running count
)

// Disposition is the state of the goods after a movement, a value of CBV 2.0, or "" for no change.
type Disposition string

// The dispositions that an edge decides.
const (
	InProgress Disposition = "in_progress"
	InTransit  Disposition = "in_transit"
	// Accessible: on its shelf, and seen.
	Accessible Disposition = "sellable_accessible"
	// Unknown: not seen for longer than the read point allows, while its readers were at work. The location stays what
	// it was until contradicted.
	Unknown Disposition = "unknown"
)

// Movement says that an object's business location, or whether it is seen there, changed.
type Movement struct {
	Tag         devices.Tag
	From        string // location code as the edge knew it; "" where it did not know
	To          string // location code; for Shipping the location that stands for "has left", for Unknown the same as From
	BizStep     BizStep
	Disposition Disposition
	ReadPoint   string
	Pass        string    // id of the Pass, for doors
	EventTime   time.Time // when it happened
	FirstRead   time.Time // the observation behind it
	LastRead    time.Time
	Reads       uint32
	HasRSSI     bool
	PeakRSSI    unit.DBm
	Confidence  uint16 // 0 to 1000 permille that the decision is right
	// ClockUnsynced: the gateway's clock was not set when it stamped the times.
	ClockUnsynced bool
}

// Direction is the way that a pass went.
type Direction string

// The directions of a pass. Undecided passes are for a person to settle.
const (
	In         Direction = "in"
	Out        Direction = "out"
	TurnedBack Direction = "turned_back"
	Undecided  Direction = "undecided"
)

// Pass is one crossing of a portal. It is sent when it opens (Closed zero) and again when it closes, under one ID.
type Pass struct {
	ID         string
	Door       string
	Direction  Direction // "" while open
	Opened     time.Time
	Closed     time.Time
	Tags       uint32 // different tags seen in it
	Moved      uint32 // of them, those that it moved
	Confidence uint16 // permille, of the direction
}

// Alarm is one transition of one alarm.
type Alarm struct {
	ID           string // one id per occurrence, from raise to Normal; a UUIDv7
	Rule         string // the rule's id in the edge's configuration
	Source       string // what it is about: a sensor's, reader's or room's id
	Location     string // location code, where there is one
	Class        string // cold_chain, device, store
	Priority     alarm.Priority
	From, To     alarm.State
	Action       alarm.Action
	At           time.Time
	Quantity     unit.Quantity // 0 where no value is behind it
	HasValue     bool
	Value        unit.Milli // the value that decided it
	HasLimit     bool
	Limit        unit.Milli
	Reason       string // a code such as high, low, no_data, sentinel, device_down, store_truncated, low_space
	Actor        string // who acknowledged or shelved it; "" for the edge itself
	Comment      string
	Command      string // id of the hub's command behind it, "" where there was none
	ShelvedUntil time.Time
}

// Sample is one measured value with its place.
type Sample struct {
	Device   string
	Channel  string
	Location string
	Quantity unit.Quantity
	Value    unit.Milli
	Quality  devices.Quality
	Reason   string
	At       time.Time
}

// Ack says what the hub has committed of an edge's streams.
type Ack struct {
	Edge        string
	Epoch       uint64
	Upto        uint64 // last main record committed; 0 = none
	Hash        Hash   // its chain hash
	SamplesUpto uint64
	Hub         string // id of the hub's database
	At          time.Time
}

// Status is what an edge says of itself, when it connects and every half minute.
type Status struct {
	Edge           string
	Site           string
	Online         bool // false in the MQTT will
	Epoch          uint64
	EpochStart     uint64
	Head           uint64 // last main record stored; 0 = none
	Acked          uint64
	SamplesHead    uint64
	SamplesThinned uint64 // samples given up for want of space, since the store was made
	FreeBytes      uint64
	At             time.Time
	Software       string
	ClockUnsynced  bool
	Devices        []Device
	Limits         []Limit
	Doors          []Door
	Config         ConfigStatus `json:",omitzero"`
}

// ConfigState is what became of the last configuration that a hub offered.
type ConfigState string

// The states of a configuration from the hub.
const (
	// ConfigOwn: no hub has offered one; the gateway works by its own file.
	ConfigOwn ConfigState = ""
	// ConfigTrial: it runs, and is given up again unless all goes well for a while.
	ConfigTrial ConfigState = "trial"
	// ConfigConfirmed: it has run well, and stays.
	ConfigConfirmed ConfigState = "confirmed"
	// ConfigRefused: it was never run; the gateway goes on as before.
	ConfigRefused ConfigState = "refused"
	// ConfigReverted: it ran badly, and the gateway went back to what it had before.
	ConfigReverted ConfigState = "reverted"
)

// ConfigStatus says which configuration runs, and what became of the last one that was offered.
type ConfigStatus struct {
	Version uint64      // of the hub's configuration that runs; 0 = none, the gateway's own file alone
	State   ConfigState // of Offered
	Reason  string      // why, where it was refused or reverted
	Offered uint64      // the version that State and Reason speak of; 0 = none
}

// Configuration is what a hub wants one gateway to work by, instead of those sections in the gateway's own file.
type Configuration struct {
	Edge      string
	Version   uint64 // a gateway never goes back to a lower one
	Text      string // YAML, at most MaxConfigBytes
	Signature []byte // of Signed, by the hub's configuration key
}

// Door is a portal with the readers that watch it.
type Door struct {
	ID       string
	Location string   // the floor behind it
	Devices  []string // ids of the readers, inside and outside
}

// Limit is what the edge's rules hold a quantity to at a place, the tightest where there are several.
type Limit struct {
	Location string
	Quantity unit.Quantity
	HasLow   bool
	Low      unit.Milli
	HasHigh  bool
	High     unit.Milli
}

// Device is a device's health as an edge's Status tells it.
type Device struct {
	ID       string
	Driver   string
	State    devices.HealthState
	Reason   string
	Since    time.Time
	Reads    uint64 // reads or samples since the edge started
	Lost     uint64
	Location string
}

// Command is what the hub asks of an edge. Exactly one of the pointers is set. An edge does a command id once and
// answers with the alarm transition that names it, or with an Answer where there is none.
type Command struct {
	ID                string
	At                time.Time
	Actor             string
	Acknowledge       *AlarmAcknowledge
	Shelve            *AlarmShelve
	Unshelve          *AlarmUnshelve
	RemoveFromService *AlarmOutOfService `json:",omitzero"`
	ReturnToService   *AlarmInService    `json:",omitzero"`
	Reset             *AlarmReset        `json:",omitzero"`
	ResetSum          *ResetSum          `json:",omitzero"`
	Expect            *Expect            `json:",omitzero"`
}

// AlarmAcknowledge takes note of an alarm.
type AlarmAcknowledge struct{ Alarm, Comment string }

// AlarmShelve hides an alarm until a time, for a reason.
type AlarmShelve struct {
	Alarm  string
	Until  time.Time
	Reason string
}

// AlarmUnshelve shows a shelved alarm again.
type AlarmUnshelve struct{ Alarm string }

// AlarmOutOfService takes an alarm out for maintenance, until AlarmInService.
type AlarmOutOfService struct{ Alarm, Reason string }

// AlarmInService brings an alarm back from maintenance.
type AlarmInService struct{ Alarm, Comment string }

// AlarmReset ends a latched alarm.
type AlarmReset struct{ Alarm, Comment string }

// ResetSum sets the sum or the kinetic temperature of a rule on a source back to nothing: a new recording period begins.
type ResetSum struct{ Rule, Source, Reason string }
