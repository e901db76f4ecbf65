// Package scenario says what a simulated warehouse has and what happens in it, as a strict YAML file: goods, places,
// readers, doors, suppliers, demand, weather and faults. Package world plays it.
//
// Times of day are those of the start's own zone. The built-in scenarios are Builtin("day") and Builtin("hour").
package scenario

import (
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// Scenario is one checked scenario.
type Scenario struct {
	Name  string    `yaml:"name"`
	Seed  uint64    `yaml:"seed"`
	Start time.Time `yaml:"start"` // the world's first moment
	// End is when no new work begins any more: what is in hand is finished, shelves and probes go on being read.
	// Zero = never.
	End         time.Time    `yaml:"end"`
	Site        Site         `yaml:"site"`
	Locations   []Location   `yaml:"locations"`
	Readers     []Reader     `yaml:"readers"`
	Pads        []Pad        `yaml:"pads"`
	Probes      []Probe      `yaml:"probes"`
	Doors       []Door       `yaml:"doors"`
	ColdRooms   []ColdRoom   `yaml:"cold_rooms"`
	Suppliers   []Supplier   `yaml:"suppliers"`
	Items       []Item       `yaml:"items"`
	Totes       []Tote       `yaml:"totes"`
	Deliveries  []Delivery   `yaml:"deliveries"`
	Inspections []Inspection `yaml:"inspections"`
	Work        Work         `yaml:"work"`
	Radio       Radio        `yaml:"radio"`
	Faults      []Fault      `yaml:"faults"`
}

// Text is a name in the console's languages.
type Text struct {
	EN string `yaml:"en"`
	ZH string `yaml:"zh"`
}

// Site is the building and the gateway in it.
type Site struct {
	Code          string `yaml:"code"`
	Edge          string `yaml:"edge"` // id of the gateway
	Name          Text   `yaml:"name"`
	CompanyPrefix int    `yaml:"company_prefix_digits"` // digits of the GS1 company prefix in the items' GTINs
}

// Location is a place of the site; the site itself is not listed.
type Location struct {
	Code   string `yaml:"code"`
	Parent string `yaml:"parent"` // "" = the site
	Kind   string `yaml:"kind"`   // zone, cold_room, bay, dock, table
	Name   Text   `yaml:"name"`
	Plan   Plan   `yaml:"plan"`
}

// Plan is a rectangle on the floor plan, in decimetres.
type Plan struct {
	X int `yaml:"x"`
	Y int `yaml:"y"`
	W int `yaml:"w"`
	H int `yaml:"h"`
}

// The drivers by which a gateway speaks with the simulated devices.
const (
	UHF     = "uhf"     // serial UHF reader, one antenna with number 0
	R700    = "r700"    // portal reader over MQTT, antennas 1 to 4
	PN532   = "pn532"   // NFC pad on a serial line
	Modbus  = "modbus"  // probe on a serial line
	Tasmota = "tasmota" // sensor node over MQTT
)

// Reader is one UHF reader and the bays that its antennas look at; a door's readers have none.
type Reader struct {
	ID     string           `yaml:"id"`
	Driver string           `yaml:"driver"`
	Bays   map[uint8]string `yaml:"bays"`
}

// Pad is a card reader on a table.
type Pad struct {
	ID       string `yaml:"id"`
	Location string `yaml:"location"`
}

// Probe measures a cold room.
type Probe struct {
	ID       string        `yaml:"id"`
	Driver   string        `yaml:"driver"`
	Location string        `yaml:"location"`
	Model    string        `yaml:"model"`  // a model of devices/catalog, for modbus
	Period   time.Duration `yaml:"period"` // how often it is asked or reports
	Channel  string        `yaml:"channel"`
	// Offset is how much too high it measures.
	Offset unit.Milli `yaml:"offset"`
}

// Antenna is one antenna of one reader.
type Antenna struct {
	Device string `yaml:"device"`
	Number uint8  `yaml:"antenna"`
}

// Door is a dock door with an antenna on either side.
type Door struct {
	ID        string  `yaml:"id"`
	Name      Text    `yaml:"name"`
	Floor     string  `yaml:"floor"` // the dock floor behind it
	Inside    Antenna `yaml:"inside"`
	Outside   Antenna `yaml:"outside"`
	PassUnits int     `yaml:"pass_units"` // most units that go through in one pass
	Strays    int     `yaml:"strays"`     // foreign tags that lie near it for good
}

// ColdRoom is a room with temperature limits.
type ColdRoom struct {
	Location string     `yaml:"location"`
	Low      unit.Milli `yaml:"low"`  // °C
	High     unit.Milli `yaml:"high"` // °C
	Set      unit.Milli `yaml:"set"`  // what the cooling aims at, °C
	Ambient  unit.Milli `yaml:"ambient"`
	DoorOpen []Span     `yaml:"door_open"` // each day
}

// Span is a part of each day.
type Span struct {
	From TimeOfDay `yaml:"from"`
	To   TimeOfDay `yaml:"to"`
}

// Supplier delivers items.
type Supplier struct {
	ID         string  `yaml:"id"`
	Name       Text    `yaml:"name"`
	LeadTime   float64 `yaml:"lead_time_days"`
	LeadTimeSD float64 `yaml:"lead_time_sd_days"`
}

// Item is one article.
type Item struct {
	ID       string   `yaml:"id"`
	GTIN     string   `yaml:"gtin"` // 14 digits; "" = it has no UHF tags
	Name     Text     `yaml:"name"`
	Category string   `yaml:"category"`
	Unit     string   `yaml:"unit"`  // UN/ECE Recommendation 20 code
	Cost     Money    `yaml:"cost"`  // of one unit
	Price    Money    `yaml:"price"` // what the supplier asks for one unit
	Supplier string   `yaml:"supplier"`
	MOQ      int      `yaml:"moq"`
	Pack     int      `yaml:"pack"`
	Bays     []string `yaml:"bays"`  // where it is kept: the first is its home, others take relocated stock
	Stock    int      `yaml:"stock"` // tagged units at the start
	Min      int      `yaml:"min"`   // of the home bay
	Max      int      `yaml:"max"`
	Demand   Demand   `yaml:"demand"`
}

// Demand is how an item sells.
type Demand struct {
	Kind  string  `yaml:"kind"`  // smooth, intermittent, erratic, lumpy or none
	Daily float64 `yaml:"daily"` // mean units a day
}

// Tote is a box with an NFC card, brought to a table for inspection.
type Tote struct {
	UID  string `yaml:"uid"` // hexadecimal, 4, 7 or 10 bytes
	Item string `yaml:"item"`
	Lot  string `yaml:"lot"`
}

// Delivery is a supplier's lorry, each day.
type Delivery struct {
	At       TimeOfDay `yaml:"at"`
	Supplier string    `yaml:"supplier"`
	Door     string    `yaml:"door"`
	Most     int       `yaml:"most"` // units at most; what comes fills the homes to Fill percent of Max
	Fill     int       `yaml:"fill"` // percent
}

// Inspection is a visit of the next tote at a pad, each day.
type Inspection struct {
	At  TimeOfDay `yaml:"at"`
	Pad string    `yaml:"pad"`
}

// Work is how the staff works.
type Work struct {
	From        TimeOfDay     `yaml:"from"`
	To          TimeOfDay     `yaml:"to"`
	Wave        time.Duration `yaml:"wave"`               // time between two picking rounds
	Doors       []string      `yaml:"doors"`              // where picked goods leave, in turn
	TurnBack    int           `yaml:"turn_back_permille"` // loads that first turn back in the door
	Relocations int           `yaml:"relocations"`        // moves from bay to bay in a day
}

// Radio is how well readers see.
type Radio struct {
	ShelfEvery time.Duration `yaml:"shelf_every"`         // mean time between two reads of a tag at rest
	Unreadable int           `yaml:"unreadable_permille"` // tags that no reader ever sees
	CrossRead  int           `yaml:"cross_read_permille"` // reads of a tag at rest that a neighbour's antenna makes
	// DockStray is the mean time between two reads of a tag on the dock floor by a door's inner antenna; 0 = never.
	DockStray time.Duration `yaml:"dock_stray_every"`
}

// The kinds of fault.
const (
	Silence = "silence"  // it does not answer
	Garbage = "garbage"  // it mixes text lines into its answers
	PowerOn = "power_on" // it reports the value of a probe that was just powered, 85 °C
)

// Fault is a device's bad time, each day.
type Fault struct {
	Device string    `yaml:"device"`
	Kind   string    `yaml:"kind"`
	From   TimeOfDay `yaml:"from"`
	To     TimeOfDay `yaml:"to"`
}
