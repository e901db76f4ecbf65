package mqttnode

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
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
	Overflow            *R700Lost      `json:"overflowEvent,omitempty"`
}

// R700Tag is one sighting. Only EPC, AntennaPort, PeakRSSI, Frequency and TransmitPower are on by default.
type R700Tag struct {
	EPC           string  `json:"epc,omitempty"`    // base64, URL alphabet
	EPCHex        string  `json:"epcHex,omitempty"` // preferred where present
	TID           string  `json:"tid,omitempty"`
	AntennaPort   int     `json:"antennaPort,omitempty"`
	PeakRSSI      *int    `json:"peakRssiCdbm,omitempty"`      // hundredths of dBm
	Frequency     int     `json:"frequency,omitempty"`         // kHz
	TransmitPower int     `json:"transmitPowerCdbm,omitempty"` // hundredths of dBm
	LastSeenTime  string  `json:"lastSeenTime,omitempty"`      // RFC 3339
	Phase         float64 `json:"phaseAngle,omitempty"`        // degrees
}

// R700Inventory tells whether the reader reads: "running", "armed" or "idle".
type R700Inventory struct {
	Status string `json:"inventoryStatus"`
}

// R700Antenna names an antenna port, counted from 1.
type R700Antenna struct {
	Port int    `json:"antennaPort"`
	Name string `json:"antennaName,omitempty"`
}

// R700Lost says how many events the reader threw away because its buffer was full.
type R700Lost struct {
	EventsPurged uint64 `json:"eventsPurged"`
}

// DecodeR700 reads what an R700 publishes: one event, several, or an array; a keep-alive is no event. The events that
// can be read come with the error about the others.
func DecodeR700(b []byte) ([]R700Event, error) { return each[R700Event](b) }

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

// Identity gives the tag's EPC. The reader writes base64 with and without padding, and some firmware the standard
// alphabet.
func (t R700Tag) Identity() (devices.Tag, error) {
	if t.EPCHex != "" {
		return tagOfHex(t.EPCHex)
	}
	text := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(t.EPC, "="))
	id, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return devices.Tag{}, fmt.Errorf("epc %q is no base64: %w", t.EPC, err)
	}
	return devices.NewTag(devices.TagEPC, id)
}

func tagOfHex(s string) (devices.Tag, error) {
	if len(s) > 2*devices.MaxTagBytes {
		return devices.Tag{}, fmt.Errorf("epc has %d digits; at most %d are possible", len(s), 2*devices.MaxTagBytes)
	}
	id, err := hex.DecodeString(s)
	if err != nil {
		return devices.Tag{}, fmt.Errorf("epc %q is no hexadecimal: %w", s, err)
	}
	return devices.NewTag(devices.TagEPC, id)
}

// NewR700 makes the driver of an Impinj R700 that publishes to d.Topic.
func NewR700(d Device) (*Listener, error) {
	return listen(d, []string{d.Topic}, func(m Message, now time.Time) (report, error) {
		events, err := DecodeR700(m.Payload)
		r := report{}
		for _, e := range events {
			if bad := r.addR700(d.ID, e, now); bad != nil {
				r.lost, r.lostWhy = r.lost+1, bad.Error()
			}
		}
		return r, err
	})
}

func (r *report) addR700(device string, e R700Event, now time.Time) error {
	switch {
	case e.TagInventory != nil:
		return r.addR700Tag(device, e, now)
	case e.AntennaDisconnected != nil:
		return r.addAntenna(e.AntennaDisconnected.Port, false)
	case e.AntennaConnected != nil:
		return r.addAntenna(e.AntennaConnected.Port, true)
	case e.Overflow != nil:
		r.lost += e.Overflow.EventsPurged
		r.lostWhy = fmt.Sprintf("the reader threw %d events away; give it a better network or fewer events per second",
			e.Overflow.EventsPurged)
	}
	return nil
}

func (r *report) addAntenna(port int, connected bool) error {
	if port < 1 || port > math.MaxUint8 {
		return fmt.Errorf("antenna port %d is not possible", port)
	}
	r.antennas = append(r.antennas, antennaState{uint8(port), connected})
	return nil
}

func (r *report) addR700Tag(device string, e R700Event, now time.Time) error {
	t := e.TagInventory
	tag, err := t.Identity()
	if err != nil {
		return err
	}
	if t.AntennaPort < 0 || t.AntennaPort > math.MaxUint8 {
		return fmt.Errorf("antenna port %d is not possible", t.AntennaPort)
	}
	read := devices.Read{
		Device: device, Antenna: uint8(t.AntennaPort), Tag: tag, HostTime: now, Count: 1,
		ReaderTime: deviceTime(t.LastSeenTime),
	}
	if read.ReaderTime.IsZero() {
		read.ReaderTime = deviceTime(e.Timestamp)
	}
	if t.PeakRSSI != nil && *t.PeakRSSI >= math.MinInt16 && *t.PeakRSSI <= math.MaxInt16 {
		read.RSSI, read.HasRSSI = unit.DBm(*t.PeakRSSI), true
	}
	r.reads = append(r.reads, read)
	return nil
}
