package mqttnode

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// r700Event is one event as the reader writes it; its texts lie in the payload.
type r700Event struct {
	kind  string // one of R700…; "" for all others
	other []byte // the type then
	at    []byte // timestamp

	epc, epcHex, pc, seen []byte
	port                  int64 // the sighting's antenna, or that which was connected or disconnected
	rssi                  int64 // hundredths of dBm, where hasRSSI
	kHz                   int64
	phase                 float64 // degrees, where hasPhase
	hasRSSI, hasPhase     bool

	gpi        int64
	transition []byte
	status     []byte
	purged     uint64
}

// errNoDetails is the fault of an event without what its type announces.
var errNoDetails = errors.New("an event has a type but not what belongs to it")

// scan reads an event. What belongs to it tells its kind; firmware before 7.6 writes no eventType.
func (e *r700Event) scan(s *scanner) error {
	*e = r700Event{}
	if !s.object() {
		return errNoObject
	}
	for name, ok := s.member(); ok; name, ok = s.member() {
		switch string(name) {
		case "timestamp":
			e.at = s.word()
		case "eventType":
			e.other = s.word()
		case "tagInventoryEvent":
			e.details(s, R700TagInventory, (*r700Event).tagField)
		case "gpiTransitionEvent":
			e.details(s, R700GPITransition, (*r700Event).inputField)
		case "inventoryStatusEvent":
			e.details(s, R700InventoryStatus, (*r700Event).statusField)
		case "antennaConnectedEvent":
			e.details(s, R700AntennaConnected, (*r700Event).antennaField)
		case "antennaDisconnectedEvent":
			e.details(s, R700AntennaDisconnected, (*r700Event).antennaField)
		case "overflowEvent":
			e.details(s, R700Overflow, (*r700Event).overflowField)
		default:
			s.skip()
		}
	}
	if err := cmp.Or(s.cut, s.odd); err != nil {
		return err
	}
	return e.check()
}

// details reads the object that belongs to an event, a field at a time.
func (e *r700Event) details(s *scanner, kind string, field func(*r700Event, *scanner, []byte)) {
	if !s.object() {
		return
	}
	e.kind = kind
	for name, ok := s.member(); ok; name, ok = s.member() {
		field(e, s, name)
	}
}

func (e *r700Event) tagField(s *scanner, name []byte) {
	switch string(name) {
	case "epc":
		e.epc = s.word()
	case "epcHex":
		e.epcHex = s.word()
	case "pc":
		e.pc = s.word()
	case "lastSeenTime":
		e.seen = s.word()
	case "antennaPort":
		e.port, _ = s.whole(0, math.MaxUint8)
	case "peakRssiCdbm":
		e.rssi, e.hasRSSI = s.whole(math.MinInt32, math.MaxInt32)
	case "frequency":
		e.kHz, _ = s.whole(0, math.MaxUint32)
	case "phaseAngle":
		e.phase, e.hasPhase = s.number()
	default:
		s.skip()
	}
}

func (e *r700Event) inputField(s *scanner, name []byte) {
	switch string(name) {
	case "gpi":
		e.gpi, _ = s.whole(1, math.MaxUint8)
	case "transition":
		e.transition = s.word()
	default:
		s.skip()
	}
}

func (e *r700Event) statusField(s *scanner, name []byte) {
	if string(name) != "inventoryStatus" {
		s.skip()
		return
	}
	e.status = s.word()
}

func (e *r700Event) antennaField(s *scanner, name []byte) {
	if string(name) != "antennaPort" {
		s.skip()
		return
	}
	e.port, _ = s.whole(1, math.MaxUint8)
}

func (e *r700Event) overflowField(s *scanner, name []byte) {
	if string(name) != "eventsPurged" {
		s.skip()
		return
	}
	n, _ := s.whole(0, math.MaxUint32)
	e.purged = uint64(n)
}

// check finds what an event lacks.
func (e *r700Event) check() error {
	switch e.kind {
	case "":
		if len(e.other) == 0 {
			return errors.New("an event has no type")
		}
		if slices.Contains(r700Kinds, string(e.other)) {
			return fmt.Errorf("event %s: %w", e.other, errNoDetails)
		}
	case R700AntennaConnected, R700AntennaDisconnected:
		if e.port == 0 {
			return fmt.Errorf("event %s names no antenna", e.kind)
		}
	case R700InventoryStatus:
		if len(e.status) == 0 {
			return errors.New("event inventoryStatus gives no status")
		}
	}
	return nil
}

var r700Kinds = []string{
	R700TagInventory, R700InventoryStatus, R700AntennaConnected, R700AntennaDisconnected, R700GPITransition, R700Overflow,
}

// read gives the sighting, without Device and HostTime.
func (e *r700Event) read() (devices.Read, error) {
	tag, err := e.tag()
	if err != nil {
		return devices.Read{}, err
	}
	r := devices.Read{Tag: tag, Antenna: uint8(e.port), ReaderTime: moment(e.seen), Count: 1, ChannelKHz: uint32(e.kHz)}
	if r.ReaderTime.IsZero() {
		r.ReaderTime = moment(e.at)
	}
	if e.hasRSSI && e.rssi >= math.MinInt16 && e.rssi <= math.MaxInt16 {
		r.RSSI, r.HasRSSI = unit.DBm(e.rssi), true
	}
	if e.hasPhase {
		r.Phase, r.HasPhase = unit.PhaseOf(e.phase), true
	}
	return r, nil
}

func (e *r700Event) tag() (devices.Tag, error) {
	switch pc := pcOfBase64(e.pc); {
	case len(e.epcHex) > 0:
		return tagOfHex(e.epcHex, pc)
	case len(e.epc) > 0:
		return tagOfBase64(e.epc, pc)
	}
	return devices.Tag{}, errors.New("a sighting has neither epc nor epcHex; turn one of them on in the reader's event settings")
}

// input gives the change of an input, without Device and HostTime.
func (e *r700Event) input() (devices.GPI, error) {
	high := string(e.transition) == "low-to-high"
	if e.gpi == 0 || !high && string(e.transition) != "high-to-low" {
		return devices.GPI{}, fmt.Errorf("gpi %d made a transition %s; it has to be 1 to 255, low-to-high or high-to-low", e.gpi, clip(e.transition))
	}
	return devices.GPI{Port: uint8(e.gpi), High: high, ReaderTime: moment(e.at)}, nil
}
