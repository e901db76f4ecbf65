// Package portal pretends to be a portal reader that speaks LLRP: it lives through ROSpecs as a real one does, reports
// what is put before its antennas, keeps that while nobody fetches it, and loses it when its buffer is full.
//
// The road of a sighting: Sight -> pending -> a report (when N tags wait, or GET_REPORT comes) -> kept, while there is no
// connection or events and reports are held -> the connection's queue -> the socket.
package portal

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/unit"
)

// Flavour is in which way a reader differs from what the protocol promises.
type Flavour uint8

// The flavours.
const (
	// Plain says all that it is asked for, and nothing where it saw nothing.
	Plain Flavour = iota
	// Impinj tells RSSI in hundredths of dBm and phase when it is asked for, reports also when it saw nothing, and knows
	// version 1.0.1 only.
	Impinj
	// Zebra tells neither antenna nor RSSI, and reports also when it saw nothing.
	Zebra
	// Uptime has no clock: its times count from when it was switched on. It says nothing where it saw nothing.
	Uptime
)

// Config says what the reader is.
type Config struct {
	Listener net.Listener // where it waits for a gateway; Run closes it
	TLS      *tls.Config  // nil: no TLS
	Flavour  Flavour
	Antennas uint16           // 0 = 4
	Inputs   uint16           // 0 = 4
	Now      func() time.Time // the reader's clock; nil = the machine's
	Buffer   int              // how many tags' reports it keeps; 0 = 10,000
}

// Sighting is a tag before an antenna for a moment.
type Sighting struct {
	At      time.Time
	Antenna uint8 // 1, 2, …
	Tag     devices.Tag
	RSSI    unit.DBm
	Phase   unit.Phase
	Channel uint16 // index of the hop table, from 1; 0 = 1
}

// Channels are the reader's radio channels in kHz: channel index 1 is the first.
var Channels = []uint32{920625, 920875, 921125, 921375, 921625, 921875, 922125, 922375}

// Reader is one simulated reader. Its methods are safe for use by several goroutines.
type Reader struct {
	cfg Config

	mu      sync.Mutex
	boot    time.Time
	specs   map[uint32]*llrp.ROSpec
	events  map[llrp.EventType]bool
	hold    bool            // events and reports wait on a new connection until they are enabled
	gone    map[uint16]bool // antennas that are disconnected
	inputs  map[uint16]bool // those that are high
	pending []llrp.TagReport
	kept    []entry
	waiting int // tags in kept and in the connection's queue
	full    bool
	life    int     // how often it was switched on
	client  *client // the connection there is
	lapsed  bool
	missed  uint64
}

// New makes a reader; Run makes it work.
func New(c Config) *Reader {
	if c.Antennas == 0 {
		c.Antennas = 4
	}
	if c.Inputs == 0 {
		c.Inputs = 4
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Buffer == 0 {
		c.Buffer = 10_000
	}
	r := &Reader{cfg: c, gone: map[uint16]bool{}, inputs: map[uint16]bool{}}
	r.forget()
	return r
}

// forget is what a reader does when it is switched on.
func (r *Reader) forget() {
	r.boot, r.specs, r.events, r.hold = r.cfg.Now(), map[uint32]*llrp.ROSpec{}, map[llrp.EventType]bool{}, false
	r.pending, r.kept, r.waiting, r.full = nil, nil, 0, false
	r.life++
}

// Addr gives where the reader waits for a gateway.
func (r *Reader) Addr() net.Addr { return r.cfg.Listener.Addr() }

// Run works until ctx ends, then gives nil, or until the listener fails.
func (r *Reader) Run(ctx context.Context) error {
	var clients sync.WaitGroup
	defer clients.Wait()
	stop := context.AfterFunc(ctx, func() {
		_ = r.cfg.Listener.Close()
		r.Drop()
	})
	defer stop()
	for {
		conn, err := r.cfg.Listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("portal: %w", err)
		case err != nil:
			continue
		}
		if r.cfg.TLS != nil {
			conn = tls.Server(conn, r.cfg.TLS)
		}
		clients.Go(func() { r.serve(ctx, conn) })
	}
}

// Sight puts a tag before an antenna. Nobody hears of it unless an ROSpec is active that uses the antenna.
func (r *Reader) Sight(s Sighting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	spec := r.active(uint16(s.Antenna))
	if spec == nil {
		return
	}
	if r.waiting+len(r.pending) >= r.cfg.Buffer || r.client == nil && !r.hold {
		r.lose()
		return
	}
	r.pending = append(r.pending, r.report(spec, s))
	if n := trigger(spec); n > 0 && len(r.pending) >= n {
		r.flush(false)
	}
}

// active gives the ROSpec that uses an antenna now, if there is one.
func (r *Reader) active(antenna uint16) *llrp.ROSpec {
	if antenna == 0 || antenna > r.cfg.Antennas || r.gone[antenna] {
		return nil
	}
	for _, s := range r.specs {
		if s.State == llrp.ROSpecActive && uses(s, antenna) {
			return s
		}
	}
	return nil
}

func uses(s *llrp.ROSpec, antenna uint16) bool {
	for _, ai := range s.AISpecs {
		for _, a := range ai.Antennas {
			if a == 0 || a == antenna {
				return true
			}
		}
	}
	return false
}

// trigger is how many tags make a report; 0 = any number waits for GET_REPORT.
func trigger(s *llrp.ROSpec) int {
	if s.Report == nil || s.Report.Trigger == llrp.ReportOnRequest {
		return 0
	}
	return int(s.Report.N)
}

// lose counts a sighting that found no room, and tells of the first one.
func (r *Reader) lose() {
	r.missed++
	if !r.full {
		r.full = true
		r.emit(r.event(llrp.Events{Overflow: &llrp.BufferOverflow{}}), 0)
	}
}

// flush makes a report of what is pending, even where that is nothing.
func (r *Reader) flush(even bool) {
	if len(r.pending) == 0 && !even {
		return
	}
	r.emit(&llrp.ROAccessReport{Tags: r.pending}, len(r.pending))
	r.pending = nil
}

// Input changes a general purpose input, counted from 1.
func (r *Reader) Input(port uint8, high bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if uint16(port) > r.cfg.Inputs || r.inputs[uint16(port)] == high {
		return
	}
	r.inputs[uint16(port)] = high
	r.tell(llrp.GPIEvents, llrp.Events{GPI: &llrp.GPIEvent{Port: uint16(port), High: high}})
}

// Antenna connects or disconnects an antenna, counted from 1.
func (r *Reader) Antenna(n uint8, connected bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone[uint16(n)] == !connected {
		return
	}
	r.gone[uint16(n)] = !connected
	r.tell(llrp.AntennaEvents, llrp.Events{Antenna: &llrp.AntennaEvent{Antenna: uint16(n), Connected: connected}})
}

// Fault tells of an exception.
func (r *Reader) Fault(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell(llrp.ExceptionEvents, llrp.Events{Exception: &llrp.ReaderException{Text: text}})
}

// Drop cuts the connection, as a switch that fails does; the reader goes on with what it has to do.
func (r *Reader) Drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut()
}

// Reboot switches the reader off and on: the connection is cut, and everything that it was told and that it kept is gone.
func (r *Reader) Reboot() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut()
	r.forget()
}

func (r *Reader) cut() {
	if r.client != nil {
		_ = r.client.conn.Close()
		r.part(r.client)
	}
}

// Missed counts the sightings that were lost because nobody fetched them.
func (r *Reader) Missed() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missed
}

// Ready reports whether a gateway hears the reader now.
func (r *Reader) Ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready()
}

func (r *Reader) ready() bool {
	if r.client == nil || r.client.held {
		return false
	}
	for _, s := range r.specs {
		if s.State == llrp.ROSpecActive {
			return true
		}
	}
	return false
}

// Lapsed reports whether the reader was not ready at some moment since it was asked last.
func (r *Reader) Lapsed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := r.lapsed
	r.lapsed = false
	return gone || !r.ready()
}
