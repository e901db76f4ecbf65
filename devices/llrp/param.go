package llrp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// ParamType says what a parameter is.
type ParamType uint16

// Parameters that are of one value (TV).
const (
	paramAntennaID       ParamType = 1
	paramFirstSeenUTC    ParamType = 2
	paramFirstSeenUptime ParamType = 3
	paramLastSeenUTC     ParamType = 4
	paramLastSeenUptime  ParamType = 5
	paramPeakRSSI        ParamType = 6
	paramChannelIndex    ParamType = 7
	paramTagSeenCount    ParamType = 8
	paramROSpecID        ParamType = 9
	paramInvParamSpecID  ParamType = 10
	paramC1G2CRC         ParamType = 11
	paramC1G2PC          ParamType = 12
	paramEPC96           ParamType = 13
	paramSpecIndex       ParamType = 14
	paramClientRequestOp ParamType = 15
	paramAccessSpecID    ParamType = 16
	paramOpSpecID        ParamType = 17
	paramSingulation     ParamType = 18
	paramXPCW1           ParamType = 19
	paramXPCW2           ParamType = 20
)

// Parameters with a length (TLV).
const (
	paramUTCTimestamp        ParamType = 128
	paramUptime              ParamType = 129
	paramGeneralCapabilities ParamType = 137
	paramReceiveSensitivity  ParamType = 139
	paramAirProtocol         ParamType = 140
	paramGPIOCapabilities    ParamType = 141
	paramLLRPCapabilities    ParamType = 142
	paramRegulatory          ParamType = 143
	paramUHFBand             ParamType = 144
	paramTransmitPower       ParamType = 145
	paramFrequencies         ParamType = 146
	paramHopTable            ParamType = 147
	paramFixedFrequencies    ParamType = 148
	paramROSpec              ParamType = 177
	paramROBoundary          ParamType = 178
	paramROStartTrigger      ParamType = 179
	paramROStopTrigger       ParamType = 182
	paramAISpec              ParamType = 183
	paramAIStopTrigger       ParamType = 184
	paramTagObservation      ParamType = 185
	paramInventorySpec       ParamType = 186
	paramAccessSpec          ParamType = 207
	paramAccessStopTrigger   ParamType = 208
	paramAccessCommand       ParamType = 209
	paramIdentification      ParamType = 218
	paramKeepaliveSpec       ParamType = 220
	paramAntennaProperties   ParamType = 221
	paramAntennaConfig       ParamType = 222
	paramRFReceiver          ParamType = 223
	paramRFTransmitter       ParamType = 224
	paramGPIState            ParamType = 225
	paramEventsAndReports    ParamType = 226
	paramROReportSpec        ParamType = 237
	paramTagReportContent    ParamType = 238
	paramAccessReportSpec    ParamType = 239
	paramTagReportData       ParamType = 240
	paramEPCData             ParamType = 241
	paramEventSpec           ParamType = 244
	paramEventState          ParamType = 245
	paramEventData           ParamType = 246
	paramHopEvent            ParamType = 247
	paramGPIEvent            ParamType = 248
	paramROSpecEvent         ParamType = 249
	paramBufferWarning       ParamType = 250
	paramBufferOverflow      ParamType = 251
	paramExceptionEvent      ParamType = 252
	paramAISpecEvent         ParamType = 254
	paramAntennaEvent        ParamType = 255
	paramConnectionAttempt   ParamType = 256
	paramConnectionClose     ParamType = 257
	paramStatus              ParamType = 287
	paramFieldError          ParamType = 288
	paramParameterError      ParamType = 289
	paramC1G2Capabilities    ParamType = 327
	paramRFModeTable         ParamType = 328
	paramRFMode              ParamType = 329
	paramInventoryCommand    ParamType = 330
	paramRFControl           ParamType = 335
	paramSingulationControl  ParamType = 336
	paramC1G2TagSpec         ParamType = 338
	paramC1G2TargetTag       ParamType = 339
	paramC1G2Read            ParamType = 341
	paramEPCMemorySelector   ParamType = 348
	paramCustom              ParamType = 1023
)

// tvSizes are the sizes of TV parameters in bytes, with the byte of their type; 0 where there is no such one.
var tvSizes = [128]uint8{
	paramAntennaID: 3, paramFirstSeenUTC: 9, paramFirstSeenUptime: 9, paramLastSeenUTC: 9, paramLastSeenUptime: 9,
	paramPeakRSSI: 2, paramChannelIndex: 3, paramTagSeenCount: 3, paramROSpecID: 5, paramInvParamSpecID: 3, paramC1G2CRC: 3,
	paramC1G2PC: 3, paramEPC96: 13, paramSpecIndex: 3, paramClientRequestOp: 3, paramAccessSpecID: 5, paramOpSpecID: 3,
	paramSingulation: 5, paramXPCW1: 3, paramXPCW2: 3,
}

// Parameter is one that this package does not look into.
type Parameter struct {
	Type ParamType
	Body []byte // what follows its type and length
}

// Extra are the parameters of a structure that this package does not look into, vendors' own among them, in their order.
type Extra []Parameter

// NewCustom makes a vendor's parameter.
func NewCustom(vendor, subtype uint32, data []byte) Parameter {
	b := binary.BigEndian.AppendUint32(nil, vendor)
	b = binary.BigEndian.AppendUint32(b, subtype)
	return Parameter{Type: paramCustom, Body: append(b, data...)}
}

// Custom gives what a vendor's parameter says; ok is false where p is none.
func (p Parameter) Custom() (vendor, subtype uint32, data []byte, ok bool) {
	if p.Type != paramCustom || len(p.Body) < 8 {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint32(p.Body), binary.BigEndian.Uint32(p.Body[4:]), p.Body[8:], true
}

// append writes the parameter; it fails where its body cannot be that of its type.
func (p Parameter) append(b []byte) ([]byte, error) {
	if p.Type < 128 {
		if size := int(tvSizes[p.Type]); size != len(p.Body)+1 {
			return b, fmt.Errorf("parameter %d has %d bytes", p.Type, len(p.Body))
		}
		return append(append(b, 0x80|byte(p.Type)), p.Body...), nil
	}
	if p.Type > paramCustom || len(p.Body) > math.MaxUint16-4 {
		return b, fmt.Errorf("parameter %d with %d bytes is not possible", p.Type, len(p.Body))
	}
	b = binary.BigEndian.AppendUint16(b, uint16(p.Type))
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.Body)+4))
	return append(b, p.Body...), nil
}

// split takes the first parameter off b; its body lies in b.
func split(b []byte) (p Parameter, rest []byte, err error) {
	if b[0]&0x80 != 0 {
		kind := b[0] & 0x7F
		size := int(tvSizes[kind])
		if size == 0 {
			return p, nil, fmt.Errorf("parameter %d of one value is not known, nor is its size", kind)
		}
		if size > len(b) {
			return p, nil, fmt.Errorf("parameter %d has %d bytes; %d are left", kind, size, len(b))
		}
		return Parameter{ParamType(kind), b[1:size:size]}, b[size:], nil
	}
	if len(b) < 4 {
		return p, nil, fmt.Errorf("%d bytes are left; a parameter has 4 and more", len(b))
	}
	kind := ParamType(binary.BigEndian.Uint16(b) & 0x3FF)
	size := int(binary.BigEndian.Uint16(b[2:]))
	if size < 4 || size > len(b) {
		return p, nil, fmt.Errorf("parameter %d says that it has %d bytes; 4 to %d are possible", kind, size, len(b))
	}
	if kind < 128 {
		return p, nil, fmt.Errorf("parameter %d is of one value and cannot have a length", kind)
	}
	return Parameter{kind, b[4:size:size]}, b[size:], nil
}

// param is a structure that is a parameter.
type param interface {
	kind() ParamType
	code(c *coder)
}

// paramOf is a pointer to a structure that is a parameter.
type paramOf[T any] interface {
	*T
	param
}

// slot is a place for parameters of one type in another structure.
type slot struct {
	kind  ParamType // 0: for those that no other slot takes
	must  bool
	many  bool
	seen  bool
	read  func(Parameter) error
	write func(*coder)
}

// params goes over the parameters of a structure. When it reads they may come in any order.
func (c *coder) params(slots ...*slot) {
	if !c.reading {
		for _, s := range slots {
			s.write(c)
		}
		return
	}
	for len(c.b) > 0 && c.err == nil {
		p, rest, err := split(c.b)
		if err == nil {
			err = place(p, slots)
		}
		c.b, c.err = rest, err
	}
	for _, s := range slots {
		if s.must && !s.seen {
			c.fail("parameter %d is missing", s.kind)
		}
	}
}

func place(p Parameter, slots []*slot) error {
	for _, s := range slots {
		if s.kind != p.Type && s.kind != 0 {
			continue
		}
		if s.seen && !s.many {
			return fmt.Errorf("parameter %d comes twice", p.Type)
		}
		s.seen = true
		return s.read(p)
	}
	return fmt.Errorf("parameter %d does not belong there", p.Type)
}

// parse reads a structure from a parameter's body.
func parse(p Parameter, into param) error {
	c := coder{b: p.Body, reading: true}
	into.code(&c)
	if c.err == nil && len(c.b) > 0 {
		c.fail("%d bytes are too many", len(c.b))
	}
	if c.err != nil {
		return fmt.Errorf("parameter %d: %w", p.Type, c.err)
	}
	return nil
}

// emit writes a structure with its type and length.
func emit(c *coder, p param) {
	start := len(c.b)
	c.b = binary.BigEndian.AppendUint16(c.b, uint16(p.kind()))
	c.b = append(c.b, 0, 0)
	p.code(c)
	size := len(c.b) - start
	if size > math.MaxUint16 {
		c.fail("parameter %d has %d bytes; %d are possible", p.kind(), size, math.MaxUint16)
	}
	if c.err == nil {
		binary.BigEndian.PutUint16(c.b[start+2:], uint16(size))
	}
}

// need is a slot for exactly one parameter.
func need[T any, P paramOf[T]](v *T) *slot {
	return &slot{
		kind: P(nil).kind(), must: true,
		read:  func(p Parameter) error { return parse(p, P(v)) },
		write: func(c *coder) { emit(c, P(v)) },
	}
}

// maybe is a slot for at most one parameter.
func maybe[T any, P paramOf[T]](v **T) *slot {
	return &slot{
		kind: P(nil).kind(),
		read: func(p Parameter) error {
			*v = new(T)
			return parse(p, P(*v))
		},
		write: func(c *coder) {
			if *v != nil {
				emit(c, P(*v))
			}
		},
	}
}

// many is a slot for any number of parameters.
func many[T any, P paramOf[T]](v *[]T) *slot {
	return &slot{
		kind: P(nil).kind(), many: true,
		read: func(p Parameter) error {
			var one T
			err := parse(p, P(&one))
			*v = append(*v, one)
			return err
		},
		write: func(c *coder) {
			for i := range *v {
				emit(c, P(&(*v)[i]))
			}
		},
	}
}

// value is a slot for at most one parameter that is one number: field writes or reads it.
func value[T any](kind ParamType, v **T, field func(*coder, *T)) *slot {
	return &slot{
		kind: kind,
		read: func(p Parameter) error {
			*v = new(T)
			c := coder{b: p.Body, reading: true}
			field(&c, *v)
			if c.err == nil && len(c.b) > 0 {
				c.fail("parameter %d: %d bytes are too many", p.Type, len(c.b))
			}
			return c.err
		},
		write: func(c *coder) {
			if *v == nil {
				return
			}
			body := coder{}
			field(&body, *v)
			c.extra(Parameter{kind, body.b})
		},
	}
}

// extra is the slot for all parameters that have none of their own; it comes last.
func extra(v *Extra) *slot {
	return &slot{
		many: true,
		read: func(p Parameter) error {
			*v = append(*v, Parameter{p.Type, bytes.Clone(p.Body)})
			return nil
		},
		write: func(c *coder) {
			for _, p := range *v {
				c.extra(p)
			}
		},
	}
}

func (c *coder) extra(p Parameter) {
	b, err := p.append(c.b)
	c.b = b
	if err != nil {
		c.fail("%w", err)
	}
}
