// Package probe pretends to be an XY-MD02 temperature and humidity transmitter: Modbus RTU on a pseudo terminal.
package probe

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/line"
)

// thinks is how long the transmitter takes to answer.
const thinks = 8 * time.Millisecond

// Config says what the probe is.
type Config struct {
	Line *line.Line
	Unit byte // bus address; 0 = 1
}

// Probe is one simulated transmitter.
type Probe struct {
	cfg Config

	mu      sync.Mutex
	input   map[uint16]uint16 // input registers
	holding map[uint16]uint16
	silent  bool
	garbage bool
	asked   uint64
}

// Registers of the XY-MD02, after its vendor's manual.
const (
	temperatureRegister = 0x0001 // input: °C/10, signed
	humidityRegister    = 0x0002 // input: %RH/10
	unitRegister        = 0x0101
	baudRegister        = 0x0102
	temperatureOffset   = 0x0103
	humidityOffset      = 0x0104
)

// New makes a probe; Run makes it work.
func New(c Config) *Probe {
	if c.Unit == 0 {
		c.Unit = 1
	}
	return &Probe{
		cfg:   c,
		input: map[uint16]uint16{temperatureRegister: 0, humidityRegister: 0},
		holding: map[uint16]uint16{
			unitRegister: uint16(c.Unit), baudRegister: 9600, temperatureOffset: 0, humidityOffset: 0,
		},
	}
}

// Set puts the probe in an air of that temperature (°C) and humidity (%RH).
func (p *Probe) Set(temperature, humidity unit.Milli) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.input[temperatureRegister] = uint16(int16(tenths(temperature)))
	p.input[humidityRegister] = uint16(max(0, tenths(humidity)))
}

func tenths(v unit.Milli) int64 {
	if v < 0 {
		return -tenths(-v)
	}
	return int64(v+50) / 100
}

// Silence makes the probe deaf, as if its power had gone.
func (p *Probe) Silence(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = on
}

// Garbage makes the probe send its readings as text by itself, as it does in its "ordinary protocol", between the frames.
func (p *Probe) Garbage(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.garbage = on
}

// Asked counts the requests that were for this probe.
func (p *Probe) Asked() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// Run works until ctx ends, then gives nil, or until the line is closed.
func (p *Probe) Run(ctx context.Context) error { return p.cfg.Line.Serve(ctx, p.work) }

func (p *Probe) work(ctx context.Context, input <-chan []byte) {
	chatter := time.NewTicker(time.Second)
	defer chatter.Stop()
	var buf []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-chatter.C:
			p.chat()
		case b, ok := <-input:
			if !ok {
				return
			}
			if len(b) == 0 { // silence ends a frame
				buf = buf[:0]
				continue
			}
			buf = p.take(append(buf, b...))
		}
	}
}

// take answers the requests in b and gives what must be kept: what could be the start of another.
func (p *Probe) take(b []byte) []byte {
	for len(b) > 0 {
		r, n, err := modbus.DecodeRequest(b)
		switch {
		case err == nil:
			p.obey(r)
			b = b[n:]
		case len(b) < 8:
			return b
		case p.unknown(b[:8]):
			b = b[8:]
		default:
			b = b[1:]
		}
	}
	return nil
}

// unknown answers a sound request for a function, or a count, that the probe does not have.
func (p *Probe) unknown(b []byte) bool {
	if b[0] != p.cfg.Unit || modbus.CRC(b[:6]) != uint16(b[6])|uint16(b[7])<<8 {
		return false
	}
	why := modbus.IllegalFunction
	if f := modbus.Function(b[1]); f == modbus.ReadInput || f == modbus.ReadHolding {
		why = modbus.IllegalValue
	}
	p.reply(modbus.Response{Unit: p.cfg.Unit, Function: modbus.Function(b[1]), Exception: why})
	return true
}

func (p *Probe) obey(r modbus.Request) {
	if r.Unit != p.cfg.Unit {
		return
	}
	p.mu.Lock()
	p.asked++
	answer := p.answer(r)
	p.mu.Unlock()
	p.reply(answer)
}

func (p *Probe) answer(r modbus.Request) modbus.Response {
	out := modbus.Response{Unit: r.Unit, Function: r.Function}
	if r.Function == modbus.WriteSingle {
		if _, ok := p.holding[r.Register]; !ok {
			out.Exception = modbus.IllegalAddress
			return out
		}
		p.holding[r.Register] = r.Value
		out.Registers = []uint16{r.Register, r.Value}
		return out
	}
	table := p.holding
	if r.Function == modbus.ReadInput {
		table = p.input
	}
	for i := range r.Count {
		v, ok := table[r.Register+i]
		if !ok {
			return modbus.Response{Unit: r.Unit, Function: r.Function, Exception: modbus.IllegalAddress}
		}
		out.Registers = append(out.Registers, v)
	}
	return out
}

func (p *Probe) reply(r modbus.Response) {
	p.mu.Lock()
	silent, garbage := p.silent, p.garbage
	p.mu.Unlock()
	b, err := modbus.EncodeResponse(r)
	if silent || err != nil {
		return
	}
	time.Sleep(thinks)
	if garbage {
		b = append([]byte(p.text()), b...)
	}
	p.cfg.Line.Write(b)
}

// chat is the text that the probe sends by itself.
func (p *Probe) chat() {
	p.mu.Lock()
	on := p.garbage && !p.silent
	p.mu.Unlock()
	if on {
		p.cfg.Line.Write([]byte(p.text()))
	}
}

func (p *Probe) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%.1f°C,%.1f%%\r\n",
		float64(int16(p.input[temperatureRegister]))/10, float64(p.input[humidityRegister])/10)
}
