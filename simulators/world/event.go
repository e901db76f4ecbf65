package world

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Events is what came of a Step, each list in the order of time.
type Events struct {
	Reads    []Read
	Cards    []Card
	Weather  []Weather
	Troubles []Trouble
	Facts    []Fact
}

// Read is one sighting of a tag by an antenna; the reader may be down or not asked, then nobody hears of it.
type Read struct {
	At      time.Time
	Device  string
	Antenna uint8
	Tag     devices.Tag
	RSSI    unit.DBm
}

// Card is a card put on a pad or taken off it.
type Card struct {
	At     time.Time
	Device string
	Tag    devices.Tag
	On     bool
}

// Weather is what it is like in a cold room.
type Weather struct {
	At          time.Time
	Location    string
	Temperature unit.Milli // °C
	Humidity    unit.Milli // %RH
}

// Trouble is the begin or end of a device's fault; Kind is one of package scenario's.
type Trouble struct {
	At     time.Time
	Device string
	Kind   string
	On     bool
}
