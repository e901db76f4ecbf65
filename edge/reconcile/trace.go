package reconcile

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// Trace is a pass as it was read, for a technician who tunes a door. It is told with a pass's end.
type Trace struct {
	Pass, Door string
	Direction  wire.Direction
	Confidence uint16 // permille
	From, To   time.Time
	GateOn     time.Time // when the first beam was broken; zero without photocells
	GateOff    time.Time
	Tags       []TagTrace
}

// TagTrace is one tag of a Trace.
type TagTrace struct {
	Tag    devices.Tag
	Member bool    // it counts as having passed
	Score  float64 // what speaks for that, in units of log odds; more than 0 for members
	Why    string  // one line for people
	Reads  []ReadTrace
}

// ReadTrace is one read of a TagTrace.
type ReadTrace struct {
	At      time.Time
	Device  string
	Antenna uint8
	Side    string // inside, outside or middle
	RSSI    unit.DBm
	HasRSSI bool
	Foreign bool // another door heard the tag better
}

// maxTraced bounds the tags of a Trace; those that passed come first.
const maxTraced = 300
