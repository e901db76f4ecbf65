package llrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// HeaderSize is how many bytes the header of a message takes.
const HeaderSize = 10

// MaxMessage is the longest message in bytes that is taken, header included. A report of 1,000 tags with all their fields
// takes about 100 kB; a longer length is a lie or no LLRP.
const MaxMessage = 1 << 20

// Version of the protocol, as the header says it.
type Version uint8

// The versions.
const (
	Version101 Version = 1 // 1.0.1
	Version11  Version = 2 // 1.1
)

// String gives the version as people write it.
func (v Version) String() string {
	switch v {
	case Version101:
		return "1.0.1"
	case Version11:
		return "1.1"
	default:
		return fmt.Sprintf("version %d", uint8(v))
	}
}

// MessageType says what a message is.
type MessageType uint16

// The messages.
const (
	GetReaderCapabilitiesType         MessageType = 1
	GetReaderConfigType               MessageType = 2
	SetReaderConfigType               MessageType = 3
	CloseConnectionResponseType       MessageType = 4
	GetReaderCapabilitiesResponseType MessageType = 11
	GetReaderConfigResponseType       MessageType = 12
	SetReaderConfigResponseType       MessageType = 13
	CloseConnectionType               MessageType = 14
	AddROSpecType                     MessageType = 20
	DeleteROSpecType                  MessageType = 21
	StartROSpecType                   MessageType = 22
	StopROSpecType                    MessageType = 23
	EnableROSpecType                  MessageType = 24
	DisableROSpecType                 MessageType = 25
	GetROSpecsType                    MessageType = 26
	AddROSpecResponseType             MessageType = 30
	DeleteROSpecResponseType          MessageType = 31
	StartROSpecResponseType           MessageType = 32
	StopROSpecResponseType            MessageType = 33
	EnableROSpecResponseType          MessageType = 34
	DisableROSpecResponseType         MessageType = 35
	GetROSpecsResponseType            MessageType = 36
	AddAccessSpecType                 MessageType = 40
	DeleteAccessSpecType              MessageType = 41
	EnableAccessSpecType              MessageType = 42
	DisableAccessSpecType             MessageType = 43
	GetAccessSpecsType                MessageType = 44
	ClientRequestOpType               MessageType = 45 // not looked into, nor is its answer
	GetSupportedVersionType           MessageType = 46
	SetProtocolVersionType            MessageType = 47
	AddAccessSpecResponseType         MessageType = 50
	DeleteAccessSpecResponseType      MessageType = 51
	EnableAccessSpecResponseType      MessageType = 52
	DisableAccessSpecResponseType     MessageType = 53
	GetAccessSpecsResponseType        MessageType = 54
	ClientRequestOpResponseType       MessageType = 55
	GetSupportedVersionResponseType   MessageType = 56
	SetProtocolVersionResponseType    MessageType = 57
	GetReportType                     MessageType = 60
	ROAccessReportType                MessageType = 61
	KeepAliveType                     MessageType = 62
	ReaderEventNotificationType       MessageType = 63
	EnableEventsAndReportsType        MessageType = 64
	KeepAliveAckType                  MessageType = 72
	ErrorMessageType                  MessageType = 100
	CustomMessageType                 MessageType = 1023
)

// messageNames are the protocol's own.
var messageNames = map[MessageType]string{
	GetReaderCapabilitiesType: "GET_READER_CAPABILITIES", GetReaderCapabilitiesResponseType: "GET_READER_CAPABILITIES_RESPONSE",
	GetReaderConfigType: "GET_READER_CONFIG", GetReaderConfigResponseType: "GET_READER_CONFIG_RESPONSE",
	SetReaderConfigType: "SET_READER_CONFIG", SetReaderConfigResponseType: "SET_READER_CONFIG_RESPONSE",
	CloseConnectionType: "CLOSE_CONNECTION", CloseConnectionResponseType: "CLOSE_CONNECTION_RESPONSE",
	AddROSpecType: "ADD_ROSPEC", AddROSpecResponseType: "ADD_ROSPEC_RESPONSE",
	DeleteROSpecType: "DELETE_ROSPEC", DeleteROSpecResponseType: "DELETE_ROSPEC_RESPONSE",
	StartROSpecType: "START_ROSPEC", StartROSpecResponseType: "START_ROSPEC_RESPONSE",
	StopROSpecType: "STOP_ROSPEC", StopROSpecResponseType: "STOP_ROSPEC_RESPONSE",
	EnableROSpecType: "ENABLE_ROSPEC", EnableROSpecResponseType: "ENABLE_ROSPEC_RESPONSE",
	DisableROSpecType: "DISABLE_ROSPEC", DisableROSpecResponseType: "DISABLE_ROSPEC_RESPONSE",
	GetROSpecsType: "GET_ROSPECS", GetROSpecsResponseType: "GET_ROSPECS_RESPONSE",
	AddAccessSpecType: "ADD_ACCESSSPEC", AddAccessSpecResponseType: "ADD_ACCESSSPEC_RESPONSE",
	DeleteAccessSpecType: "DELETE_ACCESSSPEC", DeleteAccessSpecResponseType: "DELETE_ACCESSSPEC_RESPONSE",
	EnableAccessSpecType: "ENABLE_ACCESSSPEC", EnableAccessSpecResponseType: "ENABLE_ACCESSSPEC_RESPONSE",
	DisableAccessSpecType: "DISABLE_ACCESSSPEC", DisableAccessSpecResponseType: "DISABLE_ACCESSSPEC_RESPONSE",
	GetAccessSpecsType: "GET_ACCESSSPECS", GetAccessSpecsResponseType: "GET_ACCESSSPECS_RESPONSE",
	GetSupportedVersionType: "GET_SUPPORTED_VERSION", GetSupportedVersionResponseType: "GET_SUPPORTED_VERSION_RESPONSE",
	SetProtocolVersionType: "SET_PROTOCOL_VERSION", SetProtocolVersionResponseType: "SET_PROTOCOL_VERSION_RESPONSE",
	ClientRequestOpType: "CLIENT_REQUEST_OP", ClientRequestOpResponseType: "CLIENT_REQUEST_OP_RESPONSE",
	GetReportType: "GET_REPORT", ROAccessReportType: "RO_ACCESS_REPORT",
	KeepAliveType: "KEEPALIVE", KeepAliveAckType: "KEEPALIVE_ACK",
	ReaderEventNotificationType: "READER_EVENT_NOTIFICATION", EnableEventsAndReportsType: "ENABLE_EVENTS_AND_REPORTS",
	ErrorMessageType: "ERROR_MESSAGE", CustomMessageType: "CUSTOM_MESSAGE",
}

// String gives the message's name in the protocol, e.g. "RO_ACCESS_REPORT".
func (t MessageType) String() string {
	if name, ok := messageNames[t]; ok {
		return name
	}
	return fmt.Sprintf("message type %d", uint16(t))
}

// code is the name as a Notice has it.
func (t MessageType) code() string { return strings.ToLower(t.String()) }

// Answer gives the type of message that answers t; 0 where none does.
func (t MessageType) Answer() MessageType {
	switch {
	case t == CloseConnectionType:
		return CloseConnectionResponseType
	case t == KeepAliveType:
		return KeepAliveAckType
	case t == GetReportType:
		return ROAccessReportType
	case t == CustomMessageType:
		return CustomMessageType
	case strings.HasSuffix(messageNames[t+10], "_RESPONSE"):
		return t + 10
	}
	return 0
}

// Header is the start of a message.
type Header struct {
	Version Version
	Type    MessageType
	Length  uint32 // of the whole message, with these 10 bytes
	ID      uint32 // chosen by who asks; the answer has the same
}

// errShort says that a message is not whole yet.
var errShort = errors.New("the message is cut")

// ParseHeader reads the header of a message. It fails where the bytes cannot be the start of one: a version, a type or a
// length that is not possible.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize {
		return Header{}, fmt.Errorf("%w: %d bytes; a header has %d", errShort, len(b), HeaderSize)
	}
	first := binary.BigEndian.Uint16(b)
	h := Header{
		Version: Version(first >> 10 & 7), Type: MessageType(first & 0x3FF),
		Length: binary.BigEndian.Uint32(b[2:]), ID: binary.BigEndian.Uint32(b[6:]),
	}
	switch {
	case first>>13 != 0 || h.Version != Version101 && h.Version != Version11:
		return Header{}, fmt.Errorf("0x%04x starts no LLRP message of version 1.0.1 or 1.1", first)
	case messageNames[h.Type] == "":
		return Header{}, fmt.Errorf("%s is not known", h.Type)
	case h.Length < HeaderSize || h.Length > MaxMessage:
		return Header{}, fmt.Errorf("%s says that it has %d bytes; %d to %d are possible", h.Type, h.Length, HeaderSize, MaxMessage)
	}
	return h, nil
}

// put writes the header to the first bytes of b.
func (h Header) put(b []byte) {
	binary.BigEndian.PutUint16(b, uint16(h.Version&7)<<10|uint16(h.Type)&0x3FF)
	binary.BigEndian.PutUint32(b[2:], h.Length)
	binary.BigEndian.PutUint32(b[6:], h.ID)
}
