package mercury

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/uhf/reader"
	"github.com/tallydock/tallydock/devices/unit"
)

// Status says how an operation went, or how the reader does.
type Status uint16

// The statuses that the driver or a simulator needs to know; there are more.
const (
	OK             Status = 0x0000
	UnknownOp      Status = 0x0101
	BadParameter   Status = 0x0105
	NoTags         Status = 0x0400 // while it reads: the time of a second is over; it is well
	NoAntenna      Status = 0x0503
	TooHot         Status = 0x0504
	HighReturnLoss Status = 0x0505
)

// statusTexts of the statuses, as the protocol lists them.
var statusTexts = map[Status]string{
	OK: "done", 0x0100: "wrong number of data", UnknownOp: "the operation is not known to what runs in the reader",
	0x0102: "the reader does not have this operation", 0x0103: "the power is too high", 0x0104: "the frequency is wrong",
	BadParameter: "a parameter is wrong", 0x0106: "the power is too low", 0x010B: "the reader does not have this region",
	NoTags: "no tag", NoAntenna: "an antenna is not connected: check its cable",
	TooHot:         "the reader is too hot and rests: give it air, or lower its power",
	HighReturnLoss: "an antenna sends its power back: check its cable and that it is not covered by metal",
}

// String says what the status means.
func (s Status) String() string {
	if text, ok := statusTexts[s]; ok {
		return text
	}
	return fmt.Sprintf("status 0x%04x", uint16(s))
}

// Reply gives the reply to an operation.
func Reply(op Op, s Status, data ...byte) Frame {
	return Frame{Op: op, Reply: true, Status: s, Data: data}
}

// The metadata of a record, in their order; each has a bit.
const (
	hasCount = 1 << iota
	hasRSSI
	hasAntenna
	hasFrequency
	hasTime
	hasPhase
	hasProtocol
	hasData
	hasGPIO
)

// Sighting is one record of a tag. A record tells of its metadata what was asked; Metadata has a bit for each.
type Sighting struct {
	Metadata uint16
	Count    uint8  // sightings folded into this one
	RSSI     int8   // dBm
	Antenna  uint8  // 1 to 15, the one that received; it transmitted too
	KHz      uint32 // 24 bits
	Millis   uint32 // since the status before
	Phase    uint16 // degrees, 0 to 180
	Protocol byte
	Memory   []byte // what was read of the tag's memory beside
	GPIO     byte
	PC       uint16
	EPC      []byte // with the words of an extended PC where PC tells them; of a parsed Sighting part of the frame
	CRC      uint16 // as the tag sent it
}

const (
	tagRecord = 1      // the kind of a record that is a sighting
	maxEPC    = 62     // bytes that a PC word can tell
	extended  = 0x0200 // of PC: a word of an extended PC comes before the EPC
	longer    = 0x8000 // of that word: another one comes
	maxKHz    = 1<<24 - 1
)

// NewSighting makes the Sighting of an EPC of 2 to 62 bytes, an even number, with all metadata, and the PC and CRC that a
// tag has for it.
func NewSighting(antenna uint8, kHz uint32, epc []byte, rssi int8) (Sighting, error) {
	if len(epc) == 0 || len(epc) > maxEPC || len(epc)%2 != 0 {
		return Sighting{}, fmt.Errorf("EPC has %d bytes; an even number from 2 to %d is possible", len(epc), maxEPC)
	}
	if antenna == 0 || antenna > maxAntenna || kHz > maxKHz {
		return Sighting{}, fmt.Errorf("antenna %d or frequency %d kHz cannot be told", antenna, kHz)
	}
	pc := uint16(len(epc)/2) << 11
	return Sighting{
		Metadata: allMetadata, Count: 1, RSSI: rssi, Antenna: antenna, KHz: kHz, Protocol: gen2, GPIO: 0x0F,
		PC: pc, EPC: epc, CRC: reader.TagCRC(pc, epc),
	}, nil
}

// Frame gives the record.
func (s Sighting) Frame() Frame {
	b := make([]byte, 0, 32+len(s.Memory)+len(s.EPC))
	b = append(b, metadataFlag, 0, searchFlags)
	b = binary.BigEndian.AppendUint16(b, s.Metadata)
	b = append(b, tagRecord)
	for bit, field := range s.fields() {
		if s.Metadata&(1<<bit) != 0 {
			b = append(b, field...)
		}
	}
	b = binary.BigEndian.AppendUint16(b, uint16(8*(len(s.EPC)+4)))
	b = binary.BigEndian.AppendUint16(b, s.PC)
	b = append(b, s.EPC...)
	return Reply(Record, OK, binary.BigEndian.AppendUint16(b, s.CRC)...)
}

// fields gives the bytes of all metadata in their order.
func (s Sighting) fields() [][]byte {
	u16, u32 := binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	return [][]byte{
		{s.Count},
		{byte(s.RSSI)},
		{s.Antenna<<4 | s.Antenna},
		{byte(s.KHz >> 16), byte(s.KHz >> 8), byte(s.KHz)},
		u32(nil, s.Millis),
		u16(nil, s.Phase),
		{s.Protocol},
		append(u16(nil, uint16(8*len(s.Memory))), s.Memory...),
		{s.GPIO},
	}
}

// cursor takes fields off the front of a record; short is set once there were too few bytes.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.b, c.short = nil, true
		return make([]byte, min(n, 4)) // zeros, so that numbers can be read
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) u8() byte    { return c.take(1)[0] }
func (c *cursor) u16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cursor) u24() uint32 {
	b := c.take(3)
	return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
}

// errOther says that a record is none of a tag: a temperature or a statistic.
var errOther = errors.New("record is not that of a tag")

// ParseSighting reads the record of a tag.
func ParseSighting(f Frame) (Sighting, error) {
	if !f.Reply || f.Op != Record || f.Status != OK || len(f.Data) < 6 || f.Data[0]&metadataFlag == 0 || f.Data[5] != tagRecord {
		return Sighting{}, errOther
	}
	s := Sighting{Metadata: binary.BigEndian.Uint16(f.Data[3:])}
	if s.Metadata&^allMetadata != 0 {
		return s, fmt.Errorf("record has metadata %04x, of which only %04x are known", s.Metadata, allMetadata)
	}
	c := &cursor{b: f.Data[6:]}
	s.parseMetadata(c)
	bits := c.u16()
	size := (int(bits) + 7) / 8
	if !c.short && size < 4 {
		return s, fmt.Errorf("record tells %d bits of PC, EPC and CRC; 32 are the least", bits)
	}
	s.PC = c.u16()
	s.EPC = c.take(max(size-4, 0))
	s.CRC = c.u16()
	if c.short {
		return s, fmt.Errorf("record of %d bytes ends within a field", len(f.Data))
	}
	if len(c.b) > 0 {
		return s, fmt.Errorf("%d bytes of the record are left over", len(c.b))
	}
	return s, nil
}

func (s *Sighting) parseMetadata(c *cursor) {
	has := func(bit uint16) bool { return s.Metadata&bit != 0 }
	if has(hasCount) {
		s.Count = c.u8()
	}
	if has(hasRSSI) {
		s.RSSI = int8(c.u8())
	}
	if has(hasAntenna) {
		s.Antenna = c.u8() & maxAntenna
	}
	if has(hasFrequency) {
		s.KHz = c.u24()
	}
	if has(hasTime) {
		s.Millis = c.u32()
	}
	if has(hasPhase) {
		s.Phase = c.u16()
	}
	if has(hasProtocol) {
		s.Protocol = c.u8()
	}
	if has(hasData) {
		s.Memory = c.take((int(c.u16()) + 7) / 8)
	}
	if has(hasGPIO) {
		s.GPIO = c.u8()
	}
}

// epc gives the EPC without the words of an extended PC.
func (s Sighting) epc() []byte {
	epc := s.EPC
	if s.PC&extended == 0 || len(epc) < 2 {
		return epc
	}
	if binary.BigEndian.Uint16(epc)&longer != 0 && len(epc) >= 4 {
		return epc[4:]
	}
	return epc[2:]
}

// Read gives the Read of a sighting. It fails where the EPC is empty or too long.
func (s Sighting) Read() (devices.Read, error) {
	tag, err := devices.NewTag(devices.TagEPC, s.epc())
	if err != nil {
		return devices.Read{}, err
	}
	r := devices.Read{Tag: tag, Antenna: s.Antenna, ChannelKHz: s.KHz, Count: max(uint32(s.Count), 1)}
	if s.Metadata&hasRSSI != 0 {
		r.RSSI, r.HasRSSI = unit.DBm(s.RSSI)*100, true
	}
	if s.Metadata&hasPhase != 0 {
		r.Phase, r.HasPhase = unit.PhaseOf(float64(s.Phase)), true
	}
	return r, nil
}
