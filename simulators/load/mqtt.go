package load

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The packets of MQTT 3.1.1 (OASIS standard, 29 October 2014) that an edge needs.
const (
	packetConnect    = 1
	packetConnack    = 2
	packetPublish    = 3
	packetPuback     = 4
	packetSubscribe  = 8
	packetSuback     = 9
	packetPingreq    = 12
	packetPingresp   = 13
	packetDisconnect = 14
)

const (
	subackRefused = 0x80
	// maxPacket is the longest packet that is taken from a broker; no message of the hub is longer.
	maxPacket = 2 << 20
	// maxHeard is the longest payload that is kept; the rest, such as catalogues, is read and thrown away.
	maxHeard = 32 << 10
)

// hello is what a CONNECT says. The session is clean.
type hello struct {
	client, user, password string
	keepAlive              uint16 // seconds
	willTopic              string // its message is retained, QoS 1
	will                   []byte
}

func (h hello) append(b []byte) []byte {
	flags := byte(1<<1 | 1<<2 | 1<<3 | 1<<5) // clean session; will, QoS 1, retained
	body := appendText(nil, "MQTT")
	if h.user != "" {
		flags |= 1<<7 | 1<<6
	}
	body = append(body, 4, flags)
	body = binary.BigEndian.AppendUint16(body, h.keepAlive)
	body = appendText(body, h.client)
	body = appendText(body, h.willTopic)
	body = appendText(body, string(h.will))
	if h.user != "" {
		body = appendText(body, h.user)
		body = appendText(body, h.password)
	}
	return append(appendHead(b, packetConnect<<4, len(body)), body...)
}

// appendHead appends a fixed header.
func appendHead(b []byte, first byte, length int) []byte {
	return binary.AppendUvarint(append(b, first), uint64(length)) // MQTT counts lengths as protobuf does
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// appendPublish appends a PUBLISH of QoS 1.
func appendPublish(b []byte, id uint16, topic string, retained bool, payload []byte) []byte {
	first := byte(packetPublish<<4 | 1<<1)
	if retained {
		first |= 1
	}
	b = appendText(appendHead(b, first, 2+len(topic)+2+len(payload)), topic)
	return append(binary.BigEndian.AppendUint16(b, id), payload...)
}

func appendSubscribe(b []byte, id uint16, topic string, qos byte) []byte {
	b = appendHead(b, packetSubscribe<<4|2, 2+2+len(topic)+1)
	b = appendText(binary.BigEndian.AppendUint16(b, id), topic)
	return append(b, qos)
}

func appendPuback(b []byte, id uint16) []byte {
	return binary.BigEndian.AppendUint16(appendHead(b, packetPuback<<4, 2), id)
}

// packet is one that a broker sent.
type packet struct {
	kind     byte
	retained bool
	qos      byte
	id       uint16
	code     byte // of a CONNACK or SUBACK
	topic    string
	payload  []byte // nil where it was longer than maxHeard
}

// readPacket reads the next packet, whole.
func readPacket(r *bufio.Reader) (packet, error) {
	first, err := r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	length, err := readLength(r)
	if err != nil {
		return packet{}, err
	}
	p := packet{kind: first >> 4}
	if p.kind == packetPublish {
		p.retained, p.qos = first&1 != 0, first>>1&3
		return p, p.readPublish(r, length)
	}
	if length > 4 {
		return p, fmt.Errorf("broker sent a packet of kind %d with %d bytes", p.kind, length)
	}
	var body [4]byte
	if _, err := io.ReadFull(r, body[:length]); err != nil {
		return p, err
	}
	switch p.kind {
	case packetConnack:
		p.code = body[1]
	case packetPuback:
		p.id = binary.BigEndian.Uint16(body[:])
	case packetSuback:
		p.id, p.code = binary.BigEndian.Uint16(body[:]), body[2]
	case packetPingresp:
	default:
		return p, fmt.Errorf("broker sent a packet of kind %d, which no client gets", p.kind)
	}
	return p, nil
}

// readLength reads a remaining length: at most four bytes.
func readLength(r *bufio.Reader) (int, error) {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			if n > maxPacket {
				return 0, fmt.Errorf("broker sent a packet of %d bytes; at most %d are possible", n, maxPacket)
			}
			return n, nil
		}
	}
	return 0, errors.New("broker sent a length of more than four bytes")
}

func (p *packet) readPublish(r *bufio.Reader, length int) error {
	var two [2]byte
	if _, err := io.ReadFull(r, two[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(two[:]))
	rest := length - 2 - n
	if p.qos > 0 {
		rest -= 2
	}
	if rest < 0 || p.qos > 1 {
		return fmt.Errorf("broker sent a message of %d bytes with a topic of %d and QoS %d", length, n, p.qos)
	}
	topic := make([]byte, n)
	if _, err := io.ReadFull(r, topic); err != nil {
		return err
	}
	p.topic = string(topic)
	if p.qos > 0 {
		if _, err := io.ReadFull(r, two[:]); err != nil {
			return err
		}
		p.id = binary.BigEndian.Uint16(two[:])
	}
	if rest > maxHeard {
		_, err := r.Discard(rest)
		return err
	}
	p.payload = make([]byte, rest)
	_, err := io.ReadFull(r, p.payload)
	return err
}
