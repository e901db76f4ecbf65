package llrp

import (
	"fmt"
)

// Body is what a message says: a pointer to one of the structures of this package, e.g. *ROAccessReport.
type Body interface {
	// Kind tells the type of the message.
	Kind() MessageType
	code(c *coder)
}

// Message is a body and whose it is.
type Message struct {
	Version Version // 0 is taken for 1.0.1
	ID      uint32
	Body    Body
}

// Append appends the message to b. It fails where something in it is longer than the protocol can say.
func (m Message) Append(b []byte) ([]byte, error) {
	start := len(b)
	c := coder{b: append(b, make([]byte, HeaderSize)...)}
	m.Body.code(&c)
	size := len(c.b) - start
	if c.err == nil && size > MaxMessage {
		c.fail("%d bytes are more than %d", size, MaxMessage)
	}
	if c.err != nil {
		return b, fmt.Errorf("cannot write %s: %w", m.Body.Kind(), c.err)
	}
	Header{Version: max(m.Version, Version101), Type: m.Body.Kind(), Length: uint32(size), ID: m.ID}.put(c.b[start:])
	return c.b, nil
}

// Next takes the first message off b, gives its header and its payload, which lies in b, and what follows it.
func Next(b []byte) (h Header, payload, rest []byte, err error) {
	if h, err = ParseHeader(b); err != nil {
		return h, nil, b, err
	}
	if uint64(len(b)) < uint64(h.Length) {
		return h, nil, b, fmt.Errorf("%w: %s has %d bytes; %d are there", errShort, h.Type, h.Length, len(b))
	}
	return h, b[HeaderSize:h.Length:h.Length], b[h.Length:], nil
}

// ParseBody reads what a message says from the bytes after its header. It keeps nothing of payload.
func ParseBody(t MessageType, payload []byte) (Body, error) {
	body := newBody(t)
	if body == nil {
		return nil, fmt.Errorf("%s cannot be read here", t)
	}
	c := coder{b: payload, reading: true}
	body.code(&c)
	if c.err == nil && len(c.b) > 0 {
		c.fail("%d bytes are too many", len(c.b))
	}
	if c.err != nil {
		return nil, fmt.Errorf("%s: %w", t, c.err)
	}
	return body, nil
}

// ParseMessage reads a message that b starts with, and gives what follows it.
func ParseMessage(b []byte) (m Message, rest []byte, err error) {
	h, payload, rest, err := Next(b)
	if err != nil {
		return m, b, err
	}
	m = Message{Version: h.Version, ID: h.ID}
	if m.Body, err = ParseBody(h.Type, payload); err != nil {
		return m, b, err
	}
	return m, rest, nil
}

func newBody(t MessageType) Body {
	switch t {
	case GetReaderCapabilitiesType:
		return &GetReaderCapabilities{}
	case GetReaderCapabilitiesResponseType:
		return &GetReaderCapabilitiesResponse{}
	case GetReaderConfigType:
		return &GetReaderConfig{}
	case GetReaderConfigResponseType:
		return &GetReaderConfigResponse{}
	case SetReaderConfigType:
		return &SetReaderConfig{}
	case AddROSpecType:
		return &AddROSpec{}
	case GetROSpecsResponseType:
		return &GetROSpecsResponse{}
	case AddAccessSpecType:
		return &AddAccessSpec{}
	case GetAccessSpecsResponseType:
		return &GetAccessSpecsResponse{}
	case ROAccessReportType:
		return &ROAccessReport{}
	case ReaderEventNotificationType:
		return &ReaderEventNotification{}
	case GetSupportedVersionResponseType:
		return &GetSupportedVersionResponse{}
	case SetProtocolVersionType:
		return &SetProtocolVersion{}
	case CustomMessageType:
		return &CustomMessage{}
	case GetROSpecsType, GetAccessSpecsType, GetSupportedVersionType, GetReportType, KeepAliveType, KeepAliveAckType,
		EnableEventsAndReportsType, CloseConnectionType:
		return &Bare{Type: t}
	case DeleteROSpecType, StartROSpecType, StopROSpecType, EnableROSpecType, DisableROSpecType, DeleteAccessSpecType,
		EnableAccessSpecType, DisableAccessSpecType:
		return &SpecCommand{Type: t}
	case SetReaderConfigResponseType, CloseConnectionResponseType, AddROSpecResponseType, DeleteROSpecResponseType,
		StartROSpecResponseType, StopROSpecResponseType, EnableROSpecResponseType, DisableROSpecResponseType,
		AddAccessSpecResponseType, DeleteAccessSpecResponseType, EnableAccessSpecResponseType,
		DisableAccessSpecResponseType, SetProtocolVersionResponseType, ErrorMessageType:
		return &Response{Type: t}
	}
	return nil
}

// Bare is a message that says no more than its type: KEEPALIVE, KEEPALIVE_ACK, GET_REPORT, ENABLE_EVENTS_AND_REPORTS,
// CLOSE_CONNECTION, GET_ROSPECS, GET_ACCESSSPECS or GET_SUPPORTED_VERSION.
type Bare struct{ Type MessageType }

// Kind implements Body.
func (m *Bare) Kind() MessageType { return m.Type }

func (m *Bare) code(*coder) {}

// SpecCommand deletes, starts, stops, enables or disables an ROSpec, or deletes, enables or disables an AccessSpec.
type SpecCommand struct {
	Type MessageType
	Spec uint32 // 0 means all of them, but where one is started or stopped
}

// Kind implements Body.
func (m *SpecCommand) Kind() MessageType { return m.Type }

func (m *SpecCommand) code(c *coder) { u32(c, &m.Spec) }

// Response answers a command by a status only; ERROR_MESSAGE is one too.
type Response struct {
	Type   MessageType
	Status Status
	Extra  Extra
}

// Kind implements Body.
func (m *Response) Kind() MessageType { return m.Type }

func (m *Response) code(c *coder) { c.params(need(&m.Status), extra(&m.Extra)) }

// GetSupportedVersionResponse tells which versions of the protocol a reader knows; the message is of version 1.1.
type GetSupportedVersionResponse struct {
	Current, Supported Version
	Status             Status
	Extra              Extra
}

// Kind implements Body.
func (*GetSupportedVersionResponse) Kind() MessageType { return GetSupportedVersionResponseType }

func (m *GetSupportedVersionResponse) code(c *coder) {
	u8(c, &m.Current)
	u8(c, &m.Supported)
	c.params(need(&m.Status), extra(&m.Extra))
}

// SetProtocolVersion chooses the version that the connection speaks from then on.
type SetProtocolVersion struct{ Version Version }

// Kind implements Body.
func (*SetProtocolVersion) Kind() MessageType { return SetProtocolVersionType }

func (m *SetProtocolVersion) code(c *coder) { u8(c, &m.Version) }

// CustomMessage is a vendor's own.
type CustomMessage struct {
	Vendor  uint32 // its IANA private enterprise number
	Subtype uint8
	Data    []byte
}

// Kind implements Body.
func (*CustomMessage) Kind() MessageType { return CustomMessageType }

func (m *CustomMessage) code(c *coder) {
	u32(c, &m.Vendor)
	u8(c, &m.Subtype)
	c.rest(&m.Data)
}
