package mqttnode

import (
	"cmp"
	"math"
	"strconv"
)

// scan reads an event, in whatever order its members stand.
func (e *zebraEvent) scan(s *scanner) error {
	*e = zebraEvent{tags: e.tags[:0], antennas: e.antennas[:0]}
	if !s.object() {
		return errNoObject
	}
	for name, ok := s.member(); ok; name, ok = s.member() {
		switch string(name) {
		case "type", "eventName":
			e.named = s.word()
		case "timestamp":
			e.at = s.word()
		case "data":
			e.scanData(s)
		case "pin":
			e.pin, _ = s.whole(0, math.MaxUint8)
		case "state":
			e.state = s.maybe()
		case "id":
			e.id = s.maybe()
		case "priority":
			e.priority = s.maybe()
		default:
			s.skip()
		}
	}
	return cmp.Or(s.cut, s.odd)
}

func (e *zebraEvent) scanData(s *scanner) {
	if !s.object() {
		return
	}
	var own zebraSight
	for name, ok := s.member(); ok; name, ok = s.member() {
		switch string(name) {
		case "tagData":
			e.scanBatch(s)
		case "barcodeData":
			e.batch = true
			s.skip()
		case "pin":
			e.pin, _ = s.whole(0, math.MaxUint8)
		case "state":
			e.state = s.maybe()
		case "message":
			e.message = s.value()
		case "radio_control":
			e.scanRadio(s)
		case "system":
			e.scanSystem(s)
		case "batteryAlert":
			e.scanBattery(s)
		default:
			own.scan(s, name)
		}
	}
	if own.identity() != nil {
		e.tags = append(e.tags, own)
	}
	e.blank = own.identity() == nil && (own.number > 0 || own.hasRSSI)
}

func (e *zebraEvent) scanBatch(s *scanner) {
	if !s.array() {
		return
	}
	e.batch = true
	before := s.odd
	for s.element() {
		var t zebraSight
		if !s.object() {
			s.wrong("has an element that is no object")
		} else {
			for name, ok := s.member(); ok; name, ok = s.member() {
				t.scan(s, name)
			}
		}
		t.odd, s.odd = s.odd, nil // of this one, the others may be sound
		e.tags = append(e.tags, t)
	}
	s.odd = before
}

// scan reads one field of a sighting.
func (t *zebraSight) scan(s *scanner, name []byte) {
	switch string(name) {
	case "idHex":
		t.idHex = s.word()
	case "EPCid":
		t.epcID = s.word()
	case "EPC":
		t.epc = s.word()
	case "PC":
		t.pc = s.word()
	case "antenna":
		t.antenna, _ = s.whole(0, math.MaxUint8)
	case "eventNum":
		n, _ := s.whole(0, math.MaxInt64)
		t.number = uint64(n)
	case "reads":
		t.reads, _ = s.whole(0, math.MaxInt64)
	case "seenCount":
		t.seen, _ = s.whole(0, math.MaxInt64)
	case "peakRssi":
		t.rssi, t.hasRSSI = s.number()
	case "channel":
		t.mhz, t.hasMHz = s.number()
	case "phase":
		t.phase, t.hasPhase = s.number()
	default:
		s.skip()
	}
}

func (e *zebraEvent) scanRadio(s *scanner) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	s.object()
	for name, ok := s.member(); ok; name, ok = s.member() {
		switch string(name) {
		case "radioConnection":
			e.radio = s.maybe()
		case "antennas":
			e.scanAntennas(s)
		default:
			s.skip()
		}
	}
}

// scanAntennas reads {"1":"connected","2":"disconnected"}.
func (e *zebraEvent) scanAntennas(s *scanner) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	s.object()
	for name, ok := s.member(); ok; name, ok = s.member() {
		port, err := strconv.ParseUint(string(name), 10, 8)
		word := s.maybe()
		if known := string(word) == "connected" || string(word) == "disconnected"; err == nil && port > 0 && known {
			e.antennas = append(e.antennas, antennaState{uint8(port), string(word) == "connected"})
		}
	}
}

func (e *zebraEvent) scanSystem(s *scanner) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	s.object()
	for name, ok := s.member(); ok; name, ok = s.member() {
		if string(name) != "temperature" || s.peek() != '{' {
			s.skip()
			continue
		}
		s.object()
		for name, ok := s.member(); ok; name, ok = s.member() {
			if c := s.peek(); string(name) == "ambient" && (c == '-' || c >= '0' && c <= '9') {
				e.ambient, e.hasAmbient = s.number()
			} else {
				s.skip()
			}
		}
	}
}

func (e *zebraEvent) scanBattery(s *scanner) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	s.object()
	for name, ok := s.member(); ok; name, ok = s.member() {
		if string(name) == "status" {
			e.battery = s.maybe()
		} else {
			s.skip()
		}
	}
}
