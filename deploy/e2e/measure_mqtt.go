package e2e

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
)

// MQTT is a client of MQTT 3.1.1 that does no more than a measurement needs, so that it takes little of the machine: QoS
// 1 with a bound of messages on their way, a clean session, no keep-alive, no reconnecting.
type MQTT struct {
	conn   net.Conn
	window chan struct{} // a token for each message that may still be sent
	heard  func(topic string, payload []byte)
	failed chan struct{}

	mu  sync.Mutex // of writing and id
	id  uint16
	err error
}

// Control packets of MQTT 3.1.1 (§2.2.1), with the flags that they must have.
const (
	mqttConnect   = 0x10
	mqttConnAck   = 0x20
	mqttPublish   = 0x30 // QoS 0
	mqttPublish1  = 0x32 // QoS 1
	mqttPubAck    = 0x40
	mqttSubscribe = 0x82
)

// DialMQTT connects, with a client id of its own that the hub's broker lets the user have. At most window messages are on their way; heard, which may be nil, gets what is subscribed to, from
// one goroutine, and must not block.
func DialMQTT(address, user, password string, window int, heard func(topic string, payload []byte)) (*MQTT, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	m := &MQTT{conn: conn, window: make(chan struct{}, window), heard: heard, failed: make(chan struct{})}
	for range window {
		m.window <- struct{}{}
	}
	body := append(mqttText("MQTT"), 4, 0xC2, 0, 0) // level 4; user name, password, clean session; no keep-alive
	for _, s := range []string{"bench-" + user, user, password} {
		body = append(body, mqttText(s)...)
	}
	in := bufio.NewReaderSize(conn, 64<<10)
	if err := m.write(mqttConnect, body); err != nil {
		conn.Close()
		return nil, err
	}
	answer, err := readPacket(in)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("broker does not answer user %s: %w", user, err)
	}
	if len(answer) != 4 || answer[0] != mqttConnAck || answer[3] != 0 {
		conn.Close()
		return nil, fmt.Errorf("broker refuses user %s: % x", user, answer)
	}
	go m.read(in)
	return m, nil
}

// Close ends the connection.
func (m *MQTT) Close() error { return m.conn.Close() }

// Publish sends a message at QoS 1; it waits while the window is full.
func (m *MQTT) Publish(topic string, payload []byte) error {
	select {
	case <-m.window:
	case <-m.failed:
		return m.err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	body := binary.BigEndian.AppendUint16(mqttText(topic), m.next())
	return m.write(mqttPublish1, append(body, payload...))
}

// Subscribe asks for what the filter covers, at QoS 0.
func (m *MQTT) Subscribe(filter string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	body := append(binary.BigEndian.AppendUint16(nil, m.next()), mqttText(filter)...)
	return m.write(mqttSubscribe, append(body, 0))
}

func (m *MQTT) next() uint16 {
	m.id++
	if m.id == 0 {
		m.id = 1
	}
	return m.id
}

func (m *MQTT) write(kind byte, body []byte) error {
	packet := []byte{kind}
	for n := len(body); ; {
		b := byte(n & 0x7f)
		if n >>= 7; n == 0 {
			packet = append(packet, b)
			break
		}
		packet = append(packet, b|0x80)
	}
	_, err := m.conn.Write(append(packet, body...))
	return err
}

// read takes what the broker sends until the connection ends.
func (m *MQTT) read(in *bufio.Reader) {
	defer close(m.failed)
	for {
		p, err := readPacket(in)
		if err != nil {
			m.err = errors.Join(errors.New("connection to the broker ended"), err)
			return
		}
		switch p[0] & 0xF0 {
		case mqttPubAck:
			m.window <- struct{}{}
		case mqttPublish:
			if m.heard != nil {
				m.hear(p)
			}
		}
	}
}

// hear hands a message of QoS 0 on.
func (m *MQTT) hear(p []byte) {
	at := 1
	for p[at]&0x80 != 0 {
		at++
	}
	rest := p[at+1:]
	if p[0]&0x06 != 0 || len(rest) < 2 {
		return
	}
	n := int(binary.BigEndian.Uint16(rest))
	if len(rest) < 2+n {
		return
	}
	m.heard(string(rest[2:2+n]), rest[2+n:])
}

func mqttText(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}
