package mqttnode

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// ZebraEvent is one event of Zebra's IoT Connector (FX7500, FX9600, FXR90, ATR7000; handhelds RFD40 and RFD90 in batches).
type ZebraEvent struct {
	Type      string    `json:"type"`                // SIMPLE, INVENTORY, PORTAL, DIRECTIONALITY, CONVEYOR, CUSTOM, or gpi, heartbeat, error, …
	Timestamp string    `json:"timestamp,omitempty"` // ISO 8601, the offset without a colon
	Component string    `json:"component,omitempty"` // "RG" or "RC" in what a reader tells of itself
	EventNum  uint64    `json:"eventNum,omitempty"`  // counts what the reader tells of itself; sightings have their own count
	Data      ZebraData `json:"data"`

	// An alert of a handheld has these instead of data.
	ID       string `json:"id,omitempty"`       // BATTERY, POWER, NETWORK_EVENT, …
	State    string `json:"state,omitempty"`    // SET, CLEAR or ONESHOT
	Priority string `json:"priority,omitempty"` // CRITICAL, HIGH or LOW
}

// ZebraData is a sighting, or a batch of them in TagData, or what belongs to an event of another type.
type ZebraData struct {
	ZebraTag
	TagData      []ZebraTag  `json:"tagData,omitzero"`
	Pin          int         `json:"pin,omitempty"`   // of a gpi event, counted from 1
	State        string      `json:"state,omitempty"` // of a gpi event: HIGH or LOW
	Message      string      `json:"message,omitempty"`
	RadioControl *ZebraRadio `json:"radio_control,omitempty"` // of a heartbeat
}

// ZebraTag is one sighting; every field but the identity may be missing.
type ZebraTag struct {
	IDHex     string   `json:"idHex,omitempty"`
	EPCID     string   `json:"EPCid,omitempty"` // handhelds say it so
	PC        string   `json:"PC,omitempty"`    // the protocol control word in hexadecimal digits
	Antenna   int      `json:"antenna,omitempty"`
	EventNum  uint64   `json:"eventNum,omitempty"` // the reader's own count of its sightings
	PeakRSSI  *float64 `json:"peakRssi,omitempty"` // dBm
	Channel   float64  `json:"channel,omitempty"`  // MHz
	Phase     *float64 `json:"phase,omitempty"`    // degrees
	Reads     int64    `json:"reads,omitempty"`
	SeenCount int64    `json:"seenCount,omitempty"` // handhelds say it so
	Format    string   `json:"format,omitempty"`    // "epc" or "uii", which is the same
}

// ZebraRadio is what a heartbeat tells of the radio.
type ZebraRadio struct {
	Antennas        map[string]string `json:"antennas,omitempty"`        // by number: "connected" or "disconnected"
	RadioConnection string            `json:"radioConnection,omitempty"` // "connected" or "disconnected"
}

// EncodeZebra writes an event as the reader publishes it.
func EncodeZebra(e ZebraEvent) ([]byte, error) { return json.Marshal(e) }

// ZebraTime is the layout of Timestamp.
const ZebraTime = "2006-01-02T15:04:05.000-0700"

// ZebraRead makes the event of a sighting: number is the reader's count of its sightings, antenna counts from 1.
func ZebraRead(at time.Time, number uint64, tag devices.Tag, antenna int, rssi unit.DBm) ZebraEvent {
	level := float64(rssi) / 100
	return ZebraEvent{Type: "SIMPLE", Timestamp: at.Format(ZebraTime), Data: ZebraData{ZebraTag: ZebraTag{
		IDHex: fmt.Sprintf("%x", tag.Bytes()), Antenna: antenna, EventNum: number, PeakRSSI: &level, Reads: 1, Format: "epc",
	}}}
}

// zebra is the state of one reader's stream of events.
type zebra struct {
	device string
	count  sequence
	wired  [256]bool // antennas that the reader has found connected at some time
}

// NewZebra makes the driver of a Zebra reader whose IoT Connector publishes tag events to d.Topic and, in most
// configurations, its management events to d.Events.
//
// Numbers that are missing in the reader's count of sightings are Health.Lost, and it is Degraded for a minute; so is an
// event that cannot be read. Its errors and warnings degrade it for a minute. It is Degraded while its radio is not
// connected, and while an antenna is not that once was: a reader lists its empty ports too.
//
// An input's GPI.High is the level that the reader tells. A closed contact, or a photocell that conducts, pulls the input
// down: LOW is its active state.
func NewZebra(d Device) (*Listener, error) {
	z := &zebra{device: d.ID}
	return listen(d, []string{d.Topic}, z.decode)
}

func (z *zebra) decode(m Message, now time.Time) (report, error) {
	var said report
	var e zebraEvent
	err := walk(m.Payload, func(s *scanner) error {
		err := e.scan(s)
		if err == nil {
			err = z.add(&said, s, &e, m, now)
		}
		return said.drop(s, err)
	})
	if m.Retained {
		said.forget()
	}
	return said, err
}

func (z *zebra) add(said *report, s *scanner, e *zebraEvent, m Message, now time.Time) error {
	switch e.kind() {
	case zebraSighting:
		at := moment(e.at)
		for i := range e.tags {
			if !m.Retained {
				z.countOn(said, e.tags[i].number, at, m.Again)
			}
			read, err := e.tags[i].read()
			if err != nil {
				_ = said.drop(s, err)
				continue
			}
			read.Device, read.ReaderTime, read.HostTime = z.device, at, now
			said.reads = append(said.reads, read)
		}
	case zebraInput:
		input, err := e.input()
		if err != nil {
			return err
		}
		input.Device, input.HostTime = z.device, now
		said.addInput(input)
	case zebraHeartbeat:
		z.addHeartbeat(said, e)
	case zebraFault:
		said.troubles = append(said.troubles, trouble{why: e.fault()})
	case zebraAlert:
		said.troubles = append(said.troubles, e.alert()...)
	case zebraUnknown:
		return e.lacks()
	}
	return nil
}

func (z *zebra) countOn(said *report, number uint64, at time.Time, again bool) {
	if missed := z.count.missed(number, at, again); missed > 0 {
		said.lost += missed
		said.lostWhy = fmt.Sprintf("%d events of the reader are missing before number %d; check its network", missed, number)
	}
}

func (z *zebra) addHeartbeat(said *report, e *zebraEvent) {
	for _, a := range e.antennas {
		z.wired[a.port] = z.wired[a.port] || a.connected
		if z.wired[a.port] {
			said.antennas = append(said.antennas, a)
		}
	}
	switch string(e.radio) {
	case "connected":
		said.troubles = append(said.troubles, trouble{name: "radio"})
	case "disconnected":
		said.troubles = append(said.troubles, trouble{"radio", "the reader has lost its own radio; restart it"})
	}
	said.troubles = append(said.troubles, e.batteryTrouble()...)
}

// farApart is how far two numbers of one count may lie from one another; more is another count.
const farApart = 1 << 31

// sequence is the count of a reader's events, by which gaps are found.
type sequence struct {
	last uint64    // 0 = none yet
	at   time.Time // the latest time stamp, by the reader's clock
}

// missed tells how many events are missing before number n, which the reader stamped with at; n is 0 where it has no
// number. A number that is not higher is either an event that comes again, and then not stamped later than others were; or
// the reader has begun to count anew, after it was started or because its counter is full. Neither is a loss.
func (q *sequence) missed(n uint64, at time.Time, again bool) uint64 {
	last := q.last
	switch {
	case n == 0:
		return 0
	case last == 0 || n > last:
		*q = sequence{n, q.later(at)}
		if last == 0 || n-last > farApart {
			return 0
		}
		return n - last - 1
	case again || n == last || !at.IsZero() && !at.After(q.at):
		return 0
	}
	*q = sequence{n, q.later(at)}
	return 0
}

func (q *sequence) later(at time.Time) time.Time {
	if at.After(q.at) {
		return at
	}
	return q.at
}
