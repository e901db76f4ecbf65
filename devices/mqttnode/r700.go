package mqttnode

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// The event types of an Impinj R700's IoT interface that matter here.
const (
	R700TagInventory        = "tagInventory"
	R700InventoryStatus     = "inventoryStatus"
	R700AntennaConnected    = "antennaConnected"
	R700AntennaDisconnected = "antennaDisconnected"
	R700GPITransition       = "gpiTransition"
	R700Overflow            = "overflow"
)

// R700Event is one event of the Impinj IoT device interface, as the reader publishes it. Of the pointers the one of
// EventType is set.
type R700Event struct {
	Timestamp           string         `json:"timestamp"` // RFC 3339, nanoseconds
	Hostname            string         `json:"hostname,omitempty"`
	EventType           string         `json:"eventType"`
	TagInventory        *R700Tag       `json:"tagInventoryEvent,omitempty"`
	InventoryStatus     *R700Inventory `json:"inventoryStatusEvent,omitempty"`
	AntennaConnected    *R700Antenna   `json:"antennaConnectedEvent,omitempty"`
	AntennaDisconnected *R700Antenna   `json:"antennaDisconnectedEvent,omitempty"`
	GPITransition       *R700GPI       `json:"gpiTransitionEvent,omitempty"`
	Overflow            *R700Lost      `json:"overflowEvent,omitempty"`
}

// R700Tag is one sighting. Only EPC, AntennaPort, PeakRSSI, Frequency and TransmitPower are on by default.
type R700Tag struct {
	EPC           string  `json:"epc,omitempty"`    // base64, URL alphabet
	EPCHex        string  `json:"epcHex,omitempty"` // preferred where present
	TID           string  `json:"tid,omitempty"`
	PC            string  `json:"pc,omitempty"` // base64 of the two bytes of the protocol control word
	AntennaPort   int     `json:"antennaPort,omitempty"`
	AntennaName   string  `json:"antennaName,omitempty"`
	PeakRSSI      *int    `json:"peakRssiCdbm,omitempty"`      // hundredths of dBm
	Frequency     int     `json:"frequency,omitempty"`         // kHz
	TransmitPower int     `json:"transmitPowerCdbm,omitempty"` // hundredths of dBm
	LastSeenTime  string  `json:"lastSeenTime,omitempty"`      // RFC 3339
	Phase         float64 `json:"phaseAngle,omitempty"`        // degrees
}

// R700Inventory tells whether the reader reads: "running", "armed" (it waits for its start trigger) or "idle".
type R700Inventory struct {
	Status string `json:"inventoryStatus"`
}

// R700Antenna names an antenna port, counted from 1.
type R700Antenna struct {
	Port int    `json:"antennaPort"`
	Name string `json:"antennaName,omitempty"`
}

// R700GPI is a change of an input, counted from 1: "low-to-high" or "high-to-low".
type R700GPI struct {
	GPI        int    `json:"gpi"`
	Transition string `json:"transition"`
}

// R700Lost says how many events the reader threw away because its buffer was full.
type R700Lost struct {
	EventsPurged uint64 `json:"eventsPurged"`
}

// EncodeR700 writes an event as the reader publishes it.
func EncodeR700(e R700Event) ([]byte, error) { return json.Marshal(e) }

// R700Read makes the event of a sighting: epc is the tag's identity, antenna counts from 1.
func R700Read(at time.Time, epc []byte, antenna int, rssi unit.DBm) R700Event {
	level := int(rssi)
	return R700Event{
		Timestamp: at.UTC().Format(time.RFC3339Nano), EventType: R700TagInventory,
		TagInventory: &R700Tag{EPC: base64.URLEncoding.EncodeToString(epc), AntennaPort: antenna, PeakRSSI: &level},
	}
}

// r700 is the state of one reader's stream of events.
type r700 struct {
	device string
	purged string // the time stamp of the overflow that was counted last
}

// NewR700 makes the driver of an Impinj R700 that publishes to d.Topic.
//
// Events that the reader purged are Health.Lost, and it is Degraded for a minute; so is an event that cannot be read. It is
// Degraded while an antenna is not connected, until it says that it is or reads by it, and while its inventory is idle: then
// it reads nothing, and that it does not report a tag says nothing of the tag.
func NewR700(d Device) (*Listener, error) {
	reader := &r700{device: d.ID}
	return listen(d, []string{d.Topic}, reader.decode)
}

func (r *r700) decode(m Message, now time.Time) (report, error) {
	var said report
	var e r700Event
	err := walk(m.Payload, func(s *scanner) error {
		err := e.scan(s)
		if err == nil {
			err = r.add(&said, &e, now)
		}
		return said.drop(s, err)
	})
	if m.Retained {
		said.forget()
	}
	return said, err
}

func (r *r700) add(said *report, e *r700Event, now time.Time) error {
	switch e.kind {
	case R700TagInventory:
		read, err := e.read()
		if err != nil {
			return err
		}
		read.Device, read.HostTime = r.device, now
		said.reads = append(said.reads, read)
	case R700GPITransition:
		input, err := e.input()
		if err != nil {
			return err
		}
		input.Device, input.HostTime = r.device, now
		said.addInput(input)
	case R700AntennaConnected, R700AntennaDisconnected:
		said.antennas = append(said.antennas, antennaState{uint8(e.port), e.kind == R700AntennaConnected})
	case R700InventoryStatus:
		said.troubles = append(said.troubles, trouble{inventory, e.inventoryTrouble()})
	case R700Overflow:
		r.addOverflow(said, e)
	}
	return nil
}

// addOverflow counts what was purged, once: the message may come twice.
func (r *r700) addOverflow(said *report, e *r700Event) {
	if len(e.at) > 0 && string(e.at) == r.purged {
		return
	}
	r.purged = string(e.at)
	said.lost += e.purged
	said.lostWhy = fmt.Sprintf("the reader threw %d events away; give it a better network or fewer events per second", e.purged)
}

// inventory is the trouble of a reader that does not read.
const inventory = "inventory"

func (e *r700Event) inventoryTrouble() string {
	if string(e.status) != "idle" {
		return ""
	}
	return "its inventory is idle, so it reads nothing; start an inventory preset"
}

// DecodeR700 is the devices.Decoder of what an R700 says by MQTT, in its data stream (NDJSON, with line ends as
// keep-alives) and to a webhook (an array), and of lines {"topic":…,"payload":…}. Source: Impinj IoT device interface,
// schema ReaderEvent.
func DecodeR700(data []byte) ([]devices.Report, error) {
	var e r700Event
	return decode(data, func(s *scanner, reports []devices.Report) ([]devices.Report, error) {
		if err := e.scan(s); err != nil {
			return reports, err
		}
		r, err := e.report()
		if err != nil {
			return reports, err
		}
		return append(reports, r), nil
	})
}

func (e *r700Event) report() (devices.Report, error) {
	switch e.kind {
	case R700TagInventory:
		read, err := e.read()
		return devices.Report{Read: &read}, err
	case R700GPITransition:
		input, err := e.input()
		return devices.Report{GPI: &input}, err
	case R700AntennaConnected:
		return notice("antenna_connected", "antenna %d", e.port), nil
	case R700AntennaDisconnected:
		return notice("antenna_disconnected", "antenna %d; check the cable", e.port), nil
	case R700InventoryStatus:
		return notice("inventory_status", "%s", printable(e.status)), nil
	case R700Overflow:
		return notice("overflow", "the reader threw %d events away", e.purged), nil
	}
	if slices.Contains(r700Others, string(e.other)) {
		return notice("other_event", "%s", e.other), nil
	}
	return devices.Report{}, fmt.Errorf("event type %s is not known", clip(e.other))
}

// r700Others are event types of which nothing is made.
var r700Others = []string{
	"inventoryTerminated", "antennaActivation", "diagnostic", "tagLocationEntry", "tagLocationUpdate", "tagLocationExit",
}
