package llrp

import "fmt"

// ReaderEventNotification is a reader's word of what happened to it.
type ReaderEventNotification struct {
	Events Events
	Extra  Extra
}

// Kind implements Body.
func (*ReaderEventNotification) Kind() MessageType { return ReaderEventNotificationType }

func (m *ReaderEventNotification) code(c *coder) { c.params(need(&m.Events), extra(&m.Extra)) }

// Events are what happened at one moment; one of them is set as a rule.
type Events struct {
	UTC        *uint64 // µs since 1970
	Uptime     *uint64 // µs since the reader was switched on, where it has no clock
	Hop        *HopEvent
	GPI        *GPIEvent
	ROSpec     *ROSpecEvent
	Buffer     *BufferWarning
	Overflow   *BufferOverflow
	Exception  *ReaderException
	AISpec     *AISpecEvent
	Antenna    *AntennaEvent
	Connection *ConnectionAttempt
	Close      *ConnectionClose
	Extra      Extra
}

func (*Events) kind() ParamType { return paramEventData }

func (p *Events) code(c *coder) {
	c.params(value(paramUTCTimestamp, &p.UTC, u64[uint64]), value(paramUptime, &p.Uptime, u64[uint64]), maybe(&p.Hop),
		maybe(&p.GPI), maybe(&p.ROSpec), maybe(&p.Buffer), maybe(&p.Overflow), maybe(&p.Exception), maybe(&p.AISpec),
		maybe(&p.Antenna), maybe(&p.Connection), maybe(&p.Close), extra(&p.Extra))
}

// HopEvent tells that the reader hops to another channel.
type HopEvent struct {
	HopTable uint16
	Channel  uint16 // index of the next one
}

func (*HopEvent) kind() ParamType { return paramHopEvent }

func (p *HopEvent) code(c *coder) {
	u16(c, &p.HopTable)
	u16(c, &p.Channel)
}

// GPIEvent tells that an input changed.
type GPIEvent struct {
	Port uint16 // 1, 2, …
	High bool
}

func (*GPIEvent) kind() ParamType { return paramGPIEvent }

func (p *GPIEvent) code(c *coder) {
	u16(c, &p.Port)
	c.flags(&p.High)
}

// What a ROSpecEvent can tell.
const (
	ROSpecStarted   uint8 = 0
	ROSpecEnded     uint8 = 1
	ROSpecPreempted uint8 = 2
)

// ROSpecEvent tells that an ROSpec started or ended.
type ROSpecEvent struct {
	Event     uint8
	ROSpecID  uint32
	Preempter uint32 // the ROSpec that took its place
}

func (*ROSpecEvent) kind() ParamType { return paramROSpecEvent }

func (p *ROSpecEvent) code(c *coder) {
	u8(c, &p.Event)
	u32(c, &p.ROSpecID)
	u32(c, &p.Preempter)
}

// BufferWarning tells that the reader's buffer of reports fills.
type BufferWarning struct{ Percent uint8 }

func (*BufferWarning) kind() ParamType { return paramBufferWarning }

func (p *BufferWarning) code(c *coder) { u8(c, &p.Percent) }

// BufferOverflow tells that reports were lost, not how many.
type BufferOverflow struct{}

func (*BufferOverflow) kind() ParamType { return paramBufferOverflow }

func (*BufferOverflow) code(*coder) {}

// ReaderException tells that something went wrong in the reader, and where, as far as it knows.
type ReaderException struct {
	Text            string
	ROSpecID        *uint32
	SpecIndex       *uint16
	InventorySpecID *uint16
	Antenna         *uint16
	AccessSpecID    *uint32
	OpSpecID        *uint16
	Extra           Extra
}

func (*ReaderException) kind() ParamType { return paramExceptionEvent }

func (p *ReaderException) code(c *coder) {
	c.text(&p.Text)
	c.params(value(paramROSpecID, &p.ROSpecID, u32[uint32]), value(paramSpecIndex, &p.SpecIndex, u16[uint16]),
		value(paramInvParamSpecID, &p.InventorySpecID, u16[uint16]), value(paramAntennaID, &p.Antenna, u16[uint16]),
		value(paramAccessSpecID, &p.AccessSpecID, u32[uint32]), value(paramOpSpecID, &p.OpSpecID, u16[uint16]), extra(&p.Extra))
}

// AISpecEvent tells that an AISpec ended.
type AISpecEvent struct {
	Event     uint8
	ROSpecID  uint32
	SpecIndex uint16
	Extra     Extra
}

func (*AISpecEvent) kind() ParamType { return paramAISpecEvent }

func (p *AISpecEvent) code(c *coder) {
	u8(c, &p.Event)
	u32(c, &p.ROSpecID)
	u16(c, &p.SpecIndex)
	c.params(extra(&p.Extra))
}

// AntennaEvent tells that an antenna was connected or disconnected.
type AntennaEvent struct {
	Connected bool
	Antenna   uint16 // 1, 2, …
}

func (*AntennaEvent) kind() ParamType { return paramAntennaEvent }

func (p *AntennaEvent) code(c *coder) {
	var event uint8
	if p.Connected {
		event = 1
	}
	u8(c, &event)
	p.Connected = event == 1
	u16(c, &p.Antenna)
}

// ConnectionStatus says how a connection came about.
type ConnectionStatus uint16

// The ways in which a connection comes about, or does not.
const (
	Connected            ConnectionStatus = 0
	ReaderInitiated      ConnectionStatus = 1
	ClientInitiated      ConnectionStatus = 2
	ConnectionFailed     ConnectionStatus = 3
	AnotherClientKnocked ConnectionStatus = 4
)

// String says it in words.
func (s ConnectionStatus) String() string {
	names := [...]string{
		"connected", "the reader has a connection that it opened itself", "another program is connected to the reader",
		"the reader refuses for a reason that it does not tell", "another program tries to connect to the reader",
	}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("connection status %d", uint16(s))
}

// ConnectionAttempt tells whether a connection came about; it is the first that a reader says on one.
type ConnectionAttempt struct{ Status ConnectionStatus }

func (*ConnectionAttempt) kind() ParamType { return paramConnectionAttempt }

func (p *ConnectionAttempt) code(c *coder) { u16(c, &p.Status) }

// ConnectionClose tells that the reader closes the connection.
type ConnectionClose struct{}

func (*ConnectionClose) kind() ParamType { return paramConnectionClose }

func (*ConnectionClose) code(*coder) {}
