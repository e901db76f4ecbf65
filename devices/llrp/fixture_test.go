package llrp_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/port"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// utc is a time of the protocol.
func utc(t time.Time) *uint64 {
	us := uint64(t.UnixMicro())
	return &us
}

// capabilities of a reader with four antennas, three powers and two channels.
func capabilities(vendor uint32, clock bool) *llrp.GetReaderCapabilitiesResponse {
	return &llrp.GetReaderCapabilitiesResponse{
		General: &llrp.GeneralCapabilities{MaxAntennas: 4, HasUTCClock: clock, Manufacturer: vendor, Firmware: "1.2.3"},
		LLRP:    &llrp.ProtocolCapabilities{MaxROSpecs: 1, MaxSpecsPerROSpec: 32, CanHoldEventsAndReports: true},
		Regulatory: &llrp.RegulatoryCapabilities{Country: 156, UHF: &llrp.UHFBand{
			Powers:      []llrp.TransmitPower{{Index: 1, Power: 1000}, {Index: 2, Power: 2000}, {Index: 3, Power: 3000}},
			Frequencies: &llrp.Frequencies{Hopping: true, Hops: []llrp.HopTable{{ID: 7, KHz: []uint32{920625, 920875}}}},
		}},
	}
}

// pretender is a reader: what it answers can be changed by the test.
type pretender struct {
	t     *testing.T
	heard chan llrp.Message // what came, but questions for reports

	mu       sync.Mutex
	listener net.Listener
	secure   *tls.Config
	conn     net.Conn
	ready    chan struct{} // closed when it speaks
	caps     *llrp.GetReaderCapabilitiesResponse
	props    []llrp.AntennaProperties
	hello    llrp.Events
	refuses  map[llrp.MessageType]llrp.StatusCode
	held     []llrp.Body // sent when events and reports are enabled
	polls    int
	tags     uint64
	replies  func(llrp.Message) (llrp.Body, bool) // before everything else
}

func newPretender(t *testing.T) *pretender {
	return &pretender{
		t: t, heard: make(chan llrp.Message, 1000), ready: make(chan struct{}), caps: capabilities(161, true),
		hello:   llrp.Events{UTC: utc(noon), Connection: &llrp.ConnectionAttempt{Status: llrp.Connected}},
		refuses: map[llrp.MessageType]llrp.StatusCode{},
	}
}

// listen puts the reader on the network.
func (p *pretender) listen() *pretender {
	p.t.Helper()
	p.plug("127.0.0.1:0")
	p.t.Cleanup(p.unplug)
	return p
}

func (p *pretender) plug(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = l
	secure := p.secure
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if secure != nil {
				conn = tls.Server(conn, secure)
			}
			go p.serve(conn)
		}
	}()
}

func (p *pretender) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listener.Addr().String()
}

func (p *pretender) unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

func (p *pretender) answer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.ready)
}

func (p *pretender) mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = make(chan struct{})
}

// serve is one connection.
func (p *pretender) serve(conn net.Conn) {
	defer conn.Close()
	p.mu.Lock()
	p.conn = conn
	ready, hello := p.ready, p.hello
	p.mu.Unlock()
	gone := make(chan struct{})
	in := make(chan llrp.Message)
	go func() {
		defer close(gone)
		receive(conn, in)
	}()
	select {
	case <-ready:
	case <-gone:
		return
	}
	p.say(0, &llrp.ReaderEventNotification{Events: hello})
	for {
		select {
		case m := <-in:
			p.obey(m)
		case <-gone:
			return
		}
	}
}

func receive(conn net.Conn, in chan<- llrp.Message) {
	for {
		head := make([]byte, llrp.HeaderSize)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		h, err := llrp.ParseHeader(head)
		if err != nil {
			return
		}
		payload := make([]byte, h.Length-llrp.HeaderSize)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return
		}
		body, err := llrp.ParseBody(h.Type, payload)
		if err != nil {
			return
		}
		select {
		case in <- llrp.Message{Version: h.Version, ID: h.ID, Body: body}:
		case <-time.After(10 * time.Second): // nobody obeys any more
			return
		}
	}
}

func (p *pretender) obey(m llrp.Message) {
	p.mu.Lock()
	b, done := p.reply(m)
	held := p.held
	switch m.Body.Kind() {
	case llrp.GetReportType:
		p.polls++
	case llrp.EnableEventsAndReportsType:
		p.held = nil
		fallthrough
	default:
		p.heard <- m
	}
	p.mu.Unlock()
	if done && b != nil {
		p.say(m.ID, b)
	}
	if m.Body.Kind() == llrp.EnableEventsAndReportsType {
		for _, b := range held {
			p.say(0, b)
		}
	}
	if m.Body.Kind() == llrp.CloseConnectionType {
		_ = p.conn.Close()
	}
}

// reply gives the answer to a message, if there is one.
func (p *pretender) reply(m llrp.Message) (llrp.Body, bool) {
	if p.replies != nil {
		if b, ok := p.replies(m); ok {
			return b, true
		}
	}
	kind := m.Body.Kind()
	status := llrp.Status{Code: p.refuses[kind]}
	switch kind {
	case llrp.GetReaderCapabilitiesType:
		return p.caps, true
	case llrp.GetReaderConfigType:
		return &llrp.GetReaderConfigResponse{Status: status, Properties: p.props}, true
	case llrp.CustomMessageType:
		return llrp.ImpinjExtensionsEnabled(status), true
	case llrp.GetSupportedVersionType:
		return &llrp.GetSupportedVersionResponse{Current: llrp.Version101, Supported: llrp.Version11}, true
	case llrp.KeepAliveAckType, llrp.EnableEventsAndReportsType:
		return nil, false
	case llrp.GetReportType:
		if status.Code != llrp.Success {
			return &llrp.Response{Type: llrp.ErrorMessageType, Status: status}, true
		}
		return &llrp.ROAccessReport{}, true
	}
	return &llrp.Response{Type: kind.Answer(), Status: status}, true
}

// say sends a message.
func (p *pretender) say(id uint32, b llrp.Body) {
	out, err := llrp.Message{ID: id, Body: b}.Append(nil)
	if err != nil {
		p.t.Error(err)
	}
	p.send(out)
}

func (p *pretender) send(b []byte) {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	_, _ = conn.Write(b)
}

// event sends an event.
func (p *pretender) event(e llrp.Events) { p.say(0, &llrp.ReaderEventNotification{Events: e}) }

// report sends sightings of n new tags, in reports of up to 25.
func (p *pretender) report(n int) (keys []string) {
	r := &llrp.ROAccessReport{}
	for i := range n {
		p.tags++
		epc := binary.BigEndian.AppendUint64([]byte{0x30, 0x74, 0xBB, 0x7E}, p.tags)
		r.Tags = append(r.Tags, llrp.TagReport{Has: llrp.HasEPC, EPC: epc, EPCBits: 96})
		tag, _ := devices.NewTag(devices.TagEPC, epc)
		keys = append(keys, tag.String())
		if len(r.Tags) == 25 || i == n-1 {
			p.say(0, r)
			r = &llrp.ROAccessReport{}
		}
	}
	return keys
}

// await waits for the driver to send a message of a type.
func (p *pretender) await(kind llrp.MessageType) llrp.Message {
	p.t.Helper()
	limit := time.After(20 * time.Second)
	var others []llrp.MessageType
	for {
		select {
		case m := <-p.heard:
			if m.Body.Kind() == kind {
				return m
			}
			others = append(others, m.Body.Kind())
		case <-limit:
			p.t.Fatalf("%s did not come; there came %v", kind, others)
		}
	}
}

// dial opens the port as a gateway does.
func (p *pretender) dial(ctx context.Context) (llrp.Port, error) {
	a, err := port.ParseAddress("tcp:" + p.address())
	if err != nil {
		return nil, err
	}
	return port.Open(ctx, a, port.Options{ReadTimeout: 10 * time.Millisecond})
}

// config is that of a driver of the pretender.
func (p *pretender) config() llrp.Config {
	return llrp.Config{ID: "gate-1", Dial: p.dial, Now: func() time.Time { return noon }}
}

// pipe is a port without a network, for tests whose time is not the machine's.
type pipe struct{ net.Conn }

func (p pipe) Read(b []byte) (int, error) {
	_ = p.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	n, err := p.Conn.Read(b)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		err = nil
	}
	return n, err
}

// piped is a config whose port is a pipe to the pretender.
func (p *pretender) piped() llrp.Config {
	c := p.config()
	c.Dial = func(context.Context) (llrp.Port, error) {
		near, far := net.Pipe()
		go p.serve(far)
		return pipe{near}, nil
	}
	return c
}
