package llrp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/unit"
)

// Impinj is the IANA private enterprise number of Impinj.
const Impinj uint32 = 25882

// Subtypes of Impinj's messages.
const (
	impinjEnableExtensions         uint8 = 21
	impinjEnableExtensionsResponse uint8 = 22
)

// Subtypes of Impinj's parameters.
const (
	impinjSearchMode  uint32 = 23
	impinjContent     uint32 = 50
	impinjEnablePhase uint32 = 52
	impinjEnableRSSI  uint32 = 53
	impinjTID         uint32 = 55
	impinjPhase       uint32 = 56
	impinjRSSI        uint32 = 57
	impinjDoppler     uint32 = 68
)

// impinj takes a vendor's parameter of a TagReport that is Impinj's and as long as it should be.
func (t *TagReport) impinj(p Parameter) bool {
	vendor, subtype, v, ok := p.Custom()
	if !ok || vendor != Impinj {
		return false
	}
	if subtype == impinjTID {
		return t.setTID(v)
	}
	if len(v) != 2 {
		return false
	}
	switch number := binary.BigEndian.Uint16(v); subtype {
	case impinjRSSI:
		t.RSSI, t.Has = unit.DBm(number), t.Has|HasRSSI
	case impinjPhase:
		t.Phase, t.Has = number, t.Has|HasPhase
	case impinjDoppler:
		t.Doppler, t.Has = int16(number), t.Has|HasDoppler
	default:
		return false
	}
	return true
}

// setTID takes a serialized TID, which is a counted list of words.
func (t *TagReport) setTID(v []byte) bool {
	if len(v) < 2 || int(binary.BigEndian.Uint16(v))*2 != len(v)-2 {
		return false
	}
	t.TID, t.Has = v[2:], t.Has|HasTID
	return true
}

func (t *TagReport) emitImpinj(c *coder) {
	add := func(has Fields, subtype uint32, data []byte) {
		if t.Has&has != 0 {
			c.extra(NewCustom(Impinj, subtype, data))
		}
	}
	if len(t.TID)%2 != 0 {
		c.fail("a TID has %d bytes; it should have whole words", len(t.TID))
	}
	add(HasTID, impinjTID, append(word(uint16(len(t.TID)/2)), t.TID...))
	add(HasPhase, impinjPhase, word(t.Phase))
	add(HasRSSI, impinjRSSI, word(uint16(t.RSSI)))
	add(HasDoppler, impinjDoppler, word(uint16(t.Doppler)))
}

func word(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

// EnableImpinjExtensions is the message without which an Impinj reader takes none of the parameters below.
func EnableImpinjExtensions() *CustomMessage {
	return &CustomMessage{Vendor: Impinj, Subtype: impinjEnableExtensions, Data: make([]byte, 4)}
}

// ImpinjExtensionsEnabled answers it.
func ImpinjExtensionsEnabled(s Status) *CustomMessage {
	c := coder{}
	emit(&c, &s)
	return &CustomMessage{Vendor: Impinj, Subtype: impinjEnableExtensionsResponse, Data: c.b}
}

// AsksForImpinjExtensions reports whether a message is EnableImpinjExtensions.
func AsksForImpinjExtensions(m *CustomMessage) bool {
	return m.Vendor == Impinj && m.Subtype == impinjEnableExtensions
}

// ParseImpinjExtensionsEnabled reads the answer to EnableImpinjExtensions.
func ParseImpinjExtensionsEnabled(m *CustomMessage) (Status, error) {
	if m.Vendor != Impinj || m.Subtype != impinjEnableExtensionsResponse {
		return Status{}, errors.New("the message is no answer to a wish for Impinj's extensions")
	}
	var status Status
	c := coder{b: m.Data, reading: true}
	c.params(need(&status))
	if c.err != nil {
		return Status{}, fmt.Errorf("answer of Impinj: %w", c.err)
	}
	return status, nil
}

// ImpinjContent is the parameter of an ROReportSpec that asks for the phase and for the RSSI in hundredths of dBm.
func ImpinjContent() Parameter {
	on := word(1)
	var body []byte
	for _, p := range []Parameter{NewCustom(Impinj, impinjEnablePhase, on), NewCustom(Impinj, impinjEnableRSSI, on)} {
		body, _ = p.append(body) // a parameter of 14 bytes always can be written
	}
	return NewCustom(Impinj, impinjContent, body)
}

// WantsImpinjContent reports whether the extra parameters of an ROReportSpec have an ImpinjContent, of whatever kind.
func WantsImpinjContent(e Extra) bool {
	for _, p := range e {
		if vendor, subtype, _, ok := p.Custom(); ok && vendor == Impinj && subtype == impinjContent {
			return true
		}
	}
	return false
}

// ImpinjSearch is how an Impinj reader looks for tags.
type ImpinjSearch uint16

// The ways to look for tags.
const (
	// SearchSingle reads a tag once, and again when it has forgotten that: for many tags that stand still.
	SearchSingle ImpinjSearch = 1
	// SearchDual reads every tag again and again: for direction and position.
	SearchDual ImpinjSearch = 2
	// SearchFocus is SearchSingle that keeps tags which were read silent for as long as they have power.
	SearchFocus ImpinjSearch = 3
)

// Parameter gives the parameter of an InventoryCommand.
func (s ImpinjSearch) Parameter() Parameter {
	return NewCustom(Impinj, impinjSearchMode, word(uint16(s)))
}
