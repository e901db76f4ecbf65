package mqttnode

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// zebraKind is what an event is about.
type zebraKind uint8

const (
	zebraUnknown   zebraKind = iota // nobody knows
	zebraOther                      // something of which nothing is made
	zebraSighting                   // tags
	zebraInput                      // a general purpose input
	zebraHeartbeat                  // the reader lives
	zebraFault                      // an error or a warning, once
	zebraAlert                      // a condition of a handheld, set or cleared
)

// zebraKinds are the types of events that need no tag, in lower case. All other types name the reader's operating mode, or a
// handheld's profile.
var zebraKinds = map[string]zebraKind{
	"gpi":       zebraInput,
	"heartbeat": zebraHeartbeat, "heartbeatevt": zebraHeartbeat,
	"error": zebraFault, "warning": zebraFault, "exception": zebraFault, "exceptionevt": zebraFault,
	"alert": zebraAlert,
	"gpo":   zebraOther, "notification": zebraOther, "firmwareupdateprogress": zebraOther,
	"userapp_event": zebraOther, "userapp": zebraOther, "ble_data": zebraOther, "mqttconnevt": zebraOther,
}

// zebraEvent is one event as the reader writes it; its texts lie in the payload.
type zebraEvent struct {
	named []byte // type, or eventName
	at    []byte // timestamp
	tags  []zebraSight
	batch bool // there was a list of sightings, or of bar codes
	blank bool // there was a sighting without an identity

	pin          int64
	state        []byte // of an input or an alert
	message      []byte
	id, priority []byte // of an alert
	radio        []byte
	antennas     []antennaState
	battery      []byte
	ambient      float64 // °C, where hasAmbient
	hasAmbient   bool
}

// zebraSight is one sighting.
type zebraSight struct {
	idHex, epcID, epc, pc     []byte
	antenna                   int64
	number                    uint64
	reads, seen               int64
	rssi, mhz, phase          float64
	hasRSSI, hasMHz, hasPhase bool
	odd                       error // a field is not what it should be
}

func (t *zebraSight) identity() []byte {
	for _, id := range [...][]byte{t.idHex, t.epcID, t.epc} {
		if len(id) > 0 {
			return id
		}
	}
	return nil
}

// kind tells what the event is about: of tags where it names some, whatever its type.
func (e *zebraEvent) kind() zebraKind {
	if len(e.tags) > 0 {
		return zebraSighting
	}
	return zebraKinds[strings.ToLower(string(e.named[:min(len(e.named), shown)]))]
}

// zebraModes are the operating modes of fixed readers.
var zebraModes = []string{"SIMPLE", "INVENTORY", "PORTAL", "DIRECTIONALITY", "CONVEYOR", "CUSTOM"}

var errNoID = errors.New("a sighting has no identity (idHex, EPCid); turn EPC on in the reader's tag metadata")

// lacks tells what an unknown event should have; nil where it may be of something that came later than this package.
func (e *zebraEvent) lacks() error {
	switch {
	case e.batch:
		return nil
	case e.blank || slices.Contains(zebraModes, string(e.named)):
		return errNoID
	case len(e.named) == 0:
		return errors.New("an event has neither a type nor a tag")
	}
	return nil
}

// read gives the sighting, without what stands around it.
func (t *zebraSight) read() (devices.Read, error) {
	id := t.identity()
	if t.odd != nil || id == nil {
		return devices.Read{}, cmp.Or(t.odd, errNoID)
	}
	tag, err := tagOfHex(id, pcOfHex(t.pc))
	if err != nil {
		return devices.Read{}, err
	}
	r := devices.Read{
		Antenna: uint8(t.antenna), Tag: tag, Seq: t.number,
		Count: uint32(min(max(t.reads, t.seen, 1), math.MaxUint32)),
	}
	if t.hasRSSI && math.Abs(t.rssi) <= 300 {
		r.RSSI, r.HasRSSI = unit.DBm(math.Round(t.rssi*100)), true
	}
	if t.hasMHz && t.mhz > 0 && t.mhz < 10_000 {
		r.ChannelKHz = uint32(math.Round(t.mhz * 1000))
	}
	if t.hasPhase {
		r.Phase, r.HasPhase = unit.PhaseOf(t.phase), true
	}
	return r, nil
}

// input gives the change of an input, without Device and HostTime.
func (e *zebraEvent) input() (devices.GPI, error) {
	high := bytes.EqualFold(e.state, []byte("HIGH"))
	if e.pin == 0 || !high && !bytes.EqualFold(e.state, []byte("LOW")) {
		return devices.GPI{}, fmt.Errorf("gpi pin %d became %s; it has to be 1 to 255, HIGH or LOW", e.pin, clip(e.state))
	}
	return devices.GPI{Port: uint8(e.pin), High: high, ReaderTime: moment(e.at)}, nil
}

func (e *zebraEvent) fault() string {
	what := printable(e.message)
	if what == "" || what == "null" {
		what = "without a message"
	}
	return fmt.Sprintf("the reader reports %s: %s", bytes.ToLower(e.named), what)
}

// DecodeZebra is the devices.Decoder of what a Zebra IoT Connector says of tags and of itself, of the batches of RFD40 and
// RFD90 handhelds, and of lines {"topic":…,"payload":…}. Sources: Zebra IoT Connector, tag data events and management
// events; RFD40/90 MQTT API, dataEVT, heartBeatEVT and alerts.
func DecodeZebra(data []byte) ([]devices.Report, error) {
	var e zebraEvent
	return decode(data, func(s *scanner, reports []devices.Report) ([]devices.Report, error) {
		if err := e.scan(s); err != nil {
			return reports, err
		}
		return e.reports(reports)
	})
}

func (e *zebraEvent) reports(reports []devices.Report) ([]devices.Report, error) {
	switch e.kind() {
	case zebraSighting:
		for i := range e.tags {
			read, err := e.tags[i].read()
			if err != nil {
				return reports, err
			}
			read.ReaderTime = moment(e.at)
			reports = append(reports, devices.Report{Read: &read})
		}
		return reports, nil
	case zebraInput:
		input, err := e.input()
		if err != nil {
			return reports, err
		}
		return append(reports, devices.Report{GPI: &input}), nil
	case zebraHeartbeat:
		return append(reports, notice("heartbeat", "%s", e.heartbeat())), nil
	case zebraFault:
		return append(reports, notice("reader_fault", "%s", e.fault())), nil
	case zebraAlert:
		return append(reports, notice("alert", "%s", e.alertText())), nil
	}
	return e.rest(reports)
}

func (e *zebraEvent) rest(reports []devices.Report) ([]devices.Report, error) {
	switch {
	case e.kind() == zebraOther:
		return append(reports, notice("other_event", "%s", printable(e.named))), nil
	case e.batch:
		return append(reports, notice("no_tag", "")), nil
	}
	return reports, cmp.Or(e.lacks(), fmt.Errorf("event type %s is not known, and it names no tag", clip(e.named)))
}

// heartbeat tells what a heartbeat says.
func (e *zebraEvent) heartbeat() string {
	var b bytes.Buffer
	if e.radio != nil {
		fmt.Fprintf(&b, "radio %s; ", printable(e.radio))
	}
	for _, a := range e.antennas {
		if a.connected {
			fmt.Fprintf(&b, "antenna %d connected; ", a.port)
		}
	}
	if e.battery != nil {
		fmt.Fprintf(&b, "battery %s; ", printable(e.battery))
	}
	if e.hasAmbient {
		fmt.Fprintf(&b, "%g °C; ", e.ambient)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("; ")))
}
