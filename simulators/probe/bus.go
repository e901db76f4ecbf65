package probe

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/simulators/line"
)

// thinks is how long a unit takes to answer.
const thinks = 8 * time.Millisecond

// Bus is one or several units on one line, or behind one TCP port.
type Bus struct {
	units map[byte]*Unit
	quick bool // units answer at once

	mu    sync.Mutex
	noise Noise
	stat  NoiseCount
}

// Noise spoils bytes of both directions of a line. Its zero value spoils none.
type Noise struct {
	Of     int        // one byte in so many; 0 = none
	Random *rand.Rand // which ones, and into what
}

// NoiseCount is what noise has done.
type NoiseCount struct {
	Bytes   int // that passed
	Spoiled int // of these
}

// NewBus makes a bus; Serve or Listen makes it work.
func NewBus(units ...*Unit) *Bus {
	b := &Bus{units: map[byte]*Unit{}}
	for _, u := range units {
		b.units[u.address] = u
	}
	return b
}

// Quick makes the units answer without thinking. Call it before Serve and Listen.
func (b *Bus) Quick() { b.quick = true }

// Disturb sets the noise from now on.
func (b *Bus) Disturb(n Noise) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noise = n
}

// Disturbed tells what the noise has done.
func (b *Bus) Disturbed() NoiseCount {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stat
}

// pass is what the far end gets of p, which it spoils in place.
func (b *Bus) pass(p []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stat.Bytes += len(p)
	if b.noise.Of == 0 {
		return p
	}
	for i := range p {
		if b.noise.Random.IntN(b.noise.Of) == 0 {
			p[i] ^= byte(1 + b.noise.Random.IntN(255))
			b.stat.Spoiled++
		}
	}
	return p
}

// Serve answers on a line until ctx ends, then gives nil, or until the line is closed.
func (b *Bus) Serve(ctx context.Context, l *line.Line) error {
	return l.Serve(ctx, func(ctx context.Context, input <-chan []byte) { b.work(ctx, input, l.Write) })
}

// work answers requests of RTU framing.
func (b *Bus) work(ctx context.Context, input <-chan []byte, write func([]byte)) {
	chatter := time.NewTicker(time.Second)
	defer chatter.Stop()
	var buf []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-chatter.C:
			for _, u := range b.units {
				if text := u.chat(); text != "" {
					write(b.pass([]byte(text)))
				}
			}
		case p, ok := <-input:
			if !ok {
				return
			}
			if len(p) == 0 { // silence ends a frame
				buf = buf[:0]
				continue
			}
			buf = b.take(ctx, append(buf, b.pass(p)...), write)
		}
	}
}

// take answers the requests in p and gives what must be kept: what could be the start of another.
func (b *Bus) take(ctx context.Context, p []byte, write func([]byte)) []byte {
	for len(p) > 0 {
		r, n, err := modbus.DecodeRequest(p)
		switch {
		case err == nil:
			b.obey(ctx, r, write)
			p = p[n:]
		case errors.Is(err, modbus.ErrShort) || len(p) < 8:
			return p
		case b.unknown(p[:8], write):
			p = p[8:]
		default:
			p = p[1:]
		}
	}
	return nil
}

// unknown answers a sound request for a function, or a count, that no unit has.
func (b *Bus) unknown(p []byte, write func([]byte)) bool {
	u := b.units[p[0]]
	if u == nil || modbus.CRC(p[:6]) != uint16(p[6])|uint16(p[7])<<8 {
		return false
	}
	b.send(modbus.Response{Unit: p[0], Function: modbus.Function(p[1] &^ 0x80), Exception: why(p[1])}, write)
	return true
}

// why tells why a request that is none of those that are known is refused.
func why(function byte) modbus.Exception {
	if _, known := tables[modbus.Function(function)]; known {
		return modbus.IllegalValue
	}
	return modbus.IllegalFunction
}

func (b *Bus) obey(ctx context.Context, r modbus.Request, write func([]byte)) {
	u := b.units[r.Unit]
	if u == nil {
		return
	}
	a := u.obey(r)
	if a.silent || !b.wait(ctx, a.after) {
		return
	}
	frame, err := modbus.EncodeResponse(a.response)
	if err != nil {
		return
	}
	if a.spoiled {
		frame[len(frame)-1] ^= 0x5A
	}
	write(b.pass(append([]byte(a.before), frame...)))
}

func (b *Bus) send(r modbus.Response, write func([]byte)) {
	if frame, err := modbus.EncodeResponse(r); err == nil {
		write(b.pass(frame))
	}
}

// wait is how long a unit takes for an answer; false where the bus ends meanwhile.
func (b *Bus) wait(ctx context.Context, late time.Duration) bool {
	if !b.quick {
		late += thinks
	}
	t := time.NewTimer(late)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
