package llrp

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/tallydock/tallydock/devices/unit"
)

// Fields says which fields of a TagReport were there.
type Fields uint32

// The fields of a TagReport. A reader may leave out every one of them.
const (
	HasEPC Fields = 1 << iota
	HasROSpecID
	HasSpecIndex
	HasInventorySpecID
	HasAntenna
	HasPeakRSSI
	HasChannel
	HasFirstSeenUTC
	HasFirstSeenUptime
	HasLastSeenUTC
	HasLastSeenUptime
	HasSeenCount
	HasPC
	HasXPC1
	HasXPC2
	HasCRC
	HasAccessSpecID
	HasRSSI    // Impinj
	HasPhase   // Impinj
	HasDoppler // Impinj
	HasTID     // Impinj
)

// TagReport is what a reader says of one tag: how often it saw it since its last report, and how.
type TagReport struct {
	Has             Fields
	EPC             []byte // (EPCBits+7)/8 bytes; of a TagScanner, part of the payload
	EPCBits         uint16
	Long            bool // the EPC has 96 bits, but not the short form of that
	ROSpecID        uint32
	SpecIndex       uint16
	InventorySpecID uint16
	Antenna         uint16 // 1, 2, …
	PeakRSSI        int8   // dBm
	Channel         uint16 // index of the hop table or of the fixed frequencies, from 1
	FirstSeenUTC    uint64 // µs since 1970
	FirstSeenUptime uint64 // µs since the reader was switched on
	LastSeenUTC     uint64
	LastSeenUptime  uint64
	SeenCount       uint16
	PC, XPC1, XPC2  uint16
	CRC             uint16
	AccessSpecID    uint32
	RSSI            unit.DBm // Impinj: peak, finer than PeakRSSI
	Phase           uint16   // Impinj: 4096 parts of a turn
	Doppler         int16    // Impinj: sixteenths of Hz
	TID             []byte   // Impinj: part of the payload, as EPC is
	Extra           Extra    // results of operations, other vendors' parameters
}

func (*TagReport) kind() ParamType { return paramTagReportData }

// code is for whole messages; TagScanner uses parse alone.
func (t *TagReport) code(c *coder) {
	if !c.reading {
		t.emit(c)
		return
	}
	if c.err = t.parse(c.b); c.err != nil {
		return
	}
	c.b = nil
	t.EPC, t.TID = bytes.Clone(t.EPC), bytes.Clone(t.TID)
	for i := range t.Extra {
		t.Extra[i].Body = bytes.Clone(t.Extra[i].Body)
	}
}

// parse reads the fields of a TagReport; EPC, TID and Extra lie in b. It does not allocate but for Extra, whose memory
// it uses again.
func (t *TagReport) parse(b []byte) error {
	*t = TagReport{Extra: t.Extra[:0]}
	for len(b) > 0 {
		if b[0]&0x80 == 0 {
			p, rest, err := split(b)
			if err != nil {
				return err
			}
			if err := t.long(p); err != nil {
				return err
			}
			b = rest
			continue
		}
		kind := ParamType(b[0] & 0x7F)
		size := int(tvSizes[kind])
		if size == 0 || size > len(b) {
			_, _, err := split(b) // says what is wrong
			return err
		}
		t.short(kind, b[1:size:size])
		b = b[size:]
	}
	return nil
}

// short takes a parameter of one value; v is as long as its type says.
func (t *TagReport) short(kind ParamType, v []byte) {
	switch kind {
	case paramEPC96:
		t.EPC, t.EPCBits, t.Long, t.Has = v, 96, false, t.Has|HasEPC
	case paramAntennaID:
		t.Antenna, t.Has = binary.BigEndian.Uint16(v), t.Has|HasAntenna
	case paramPeakRSSI:
		t.PeakRSSI, t.Has = int8(v[0]), t.Has|HasPeakRSSI
	case paramFirstSeenUTC:
		t.FirstSeenUTC, t.Has = binary.BigEndian.Uint64(v), t.Has|HasFirstSeenUTC
	case paramLastSeenUTC:
		t.LastSeenUTC, t.Has = binary.BigEndian.Uint64(v), t.Has|HasLastSeenUTC
	case paramTagSeenCount:
		t.SeenCount, t.Has = binary.BigEndian.Uint16(v), t.Has|HasSeenCount
	case paramChannelIndex:
		t.Channel, t.Has = binary.BigEndian.Uint16(v), t.Has|HasChannel
	default:
		t.seldom(kind, v)
	}
}

func (t *TagReport) seldom(kind ParamType, v []byte) {
	switch kind {
	case paramFirstSeenUptime:
		t.FirstSeenUptime, t.Has = binary.BigEndian.Uint64(v), t.Has|HasFirstSeenUptime
	case paramLastSeenUptime:
		t.LastSeenUptime, t.Has = binary.BigEndian.Uint64(v), t.Has|HasLastSeenUptime
	case paramROSpecID:
		t.ROSpecID, t.Has = binary.BigEndian.Uint32(v), t.Has|HasROSpecID
	case paramSpecIndex:
		t.SpecIndex, t.Has = binary.BigEndian.Uint16(v), t.Has|HasSpecIndex
	case paramInvParamSpecID:
		t.InventorySpecID, t.Has = binary.BigEndian.Uint16(v), t.Has|HasInventorySpecID
	case paramC1G2PC:
		t.PC, t.Has = binary.BigEndian.Uint16(v), t.Has|HasPC
	case paramXPCW1:
		t.XPC1, t.Has = binary.BigEndian.Uint16(v), t.Has|HasXPC1
	case paramXPCW2:
		t.XPC2, t.Has = binary.BigEndian.Uint16(v), t.Has|HasXPC2
	case paramC1G2CRC:
		t.CRC, t.Has = binary.BigEndian.Uint16(v), t.Has|HasCRC
	case paramAccessSpecID:
		t.AccessSpecID, t.Has = binary.BigEndian.Uint32(v), t.Has|HasAccessSpecID
	default:
		t.Extra = append(t.Extra, Parameter{kind, v})
	}
}

// long takes a parameter with a length.
func (t *TagReport) long(p Parameter) error {
	switch {
	case p.Type == paramEPCData:
		return t.data(p.Body)
	case p.Type == paramCustom && t.impinj(p):
	default:
		t.Extra = append(t.Extra, p)
	}
	return nil
}

func (t *TagReport) data(b []byte) error {
	if len(b) < 2 {
		return fmt.Errorf("an EPC has %d bytes, not even its length", len(b))
	}
	bits := binary.BigEndian.Uint16(b)
	size := (int(bits) + 7) / 8
	if size > len(b)-2 {
		return fmt.Errorf("an EPC of %d bits has %d bytes", bits, len(b)-2)
	}
	t.EPC, t.EPCBits, t.Long, t.Has = b[2:2+size:2+size], bits, bits == 96, t.Has|HasEPC
	return nil
}

// number writes a parameter of one value where the report has it.
func number[T any](c *coder, t *TagReport, has Fields, kind ParamType, v *T, field func(*coder, *T)) {
	if t.Has&has != 0 {
		c.b = append(c.b, 0x80|byte(kind))
		field(c, v)
	}
}

func (t *TagReport) emit(c *coder) {
	t.emitEPC(c)
	number(c, t, HasROSpecID, paramROSpecID, &t.ROSpecID, u32)
	number(c, t, HasSpecIndex, paramSpecIndex, &t.SpecIndex, u16)
	number(c, t, HasInventorySpecID, paramInvParamSpecID, &t.InventorySpecID, u16)
	number(c, t, HasAntenna, paramAntennaID, &t.Antenna, u16)
	number(c, t, HasPeakRSSI, paramPeakRSSI, &t.PeakRSSI, u8)
	number(c, t, HasChannel, paramChannelIndex, &t.Channel, u16)
	number(c, t, HasFirstSeenUTC, paramFirstSeenUTC, &t.FirstSeenUTC, u64)
	number(c, t, HasFirstSeenUptime, paramFirstSeenUptime, &t.FirstSeenUptime, u64)
	number(c, t, HasLastSeenUTC, paramLastSeenUTC, &t.LastSeenUTC, u64)
	number(c, t, HasLastSeenUptime, paramLastSeenUptime, &t.LastSeenUptime, u64)
	number(c, t, HasSeenCount, paramTagSeenCount, &t.SeenCount, u16)
	number(c, t, HasPC, paramC1G2PC, &t.PC, u16)
	number(c, t, HasXPC1, paramXPCW1, &t.XPC1, u16)
	number(c, t, HasXPC2, paramXPCW2, &t.XPC2, u16)
	number(c, t, HasCRC, paramC1G2CRC, &t.CRC, u16)
	number(c, t, HasAccessSpecID, paramAccessSpecID, &t.AccessSpecID, u32)
	for _, p := range t.Extra {
		c.extra(p)
	}
	t.emitImpinj(c)
}

func (t *TagReport) emitEPC(c *coder) {
	switch {
	case t.Has&HasEPC == 0:
	case len(t.EPC) != (int(t.EPCBits)+7)/8:
		c.fail("an EPC of %d bits has %d bytes", t.EPCBits, len(t.EPC))
	case t.EPCBits == 96 && !t.Long:
		c.extra(Parameter{paramEPC96, t.EPC})
	default:
		c.extra(Parameter{paramEPCData, append(binary.BigEndian.AppendUint16(nil, t.EPCBits), t.EPC...)})
	}
}

// ROAccessReport is what a reader saw; it may be empty.
type ROAccessReport struct {
	Tags  []TagReport
	Extra Extra
}

// Kind implements Body.
func (*ROAccessReport) Kind() MessageType { return ROAccessReportType }

func (m *ROAccessReport) code(c *coder) { c.params(many(&m.Tags), extra(&m.Extra)) }

// TagScanner goes over the tags of a RO_ACCESS_REPORT one by one, in their order, without allocation:
//
//	for s.Reset(payload); s.Next(); {
//		use(s.Tag())
//	}
//	if s.Err() != nil { … }
//
// Parameters of the report that are no tag are passed over. Its zero value is ready.
type TagScanner struct {
	rest []byte
	tag  TagReport
	err  error
}

// Reset starts again with the payload of another report, which is what follows the message's header.
func (s *TagScanner) Reset(payload []byte) { s.rest, s.err = payload, nil }

// Next goes to the next tag, and reports whether there is one.
func (s *TagScanner) Next() bool {
	for len(s.rest) > 0 && s.err == nil {
		p, rest, err := split(s.rest)
		if err != nil {
			s.err = err
			return false
		}
		s.rest = rest
		if p.Type == paramTagReportData {
			s.err = s.tag.parse(p.Body)
			return s.err == nil
		}
	}
	return false
}

// Tag gives the tag at which the scanner is. It holds until Next or Reset, and so does what it points to.
func (s *TagScanner) Tag() *TagReport { return &s.tag }

// Err tells what was wrong with the report, where Next ended before its end. The tags before that are good.
func (s *TagScanner) Err() error { return s.err }
