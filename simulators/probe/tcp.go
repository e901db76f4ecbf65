package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"github.com/tallydock/tallydock/devices/modbus"
)

// Listen answers at a TCP port, in Modbus TCP or, as a serial device server, in RTU frames. It works until ctx ends, and
// closes the listener and all connections; then it gives nil.
func (b *Bus) Listen(ctx context.Context, l net.Listener, framing modbus.Framing) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			stop()
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		conns.Go(func() { b.talk(ctx, conn, framing) })
	}
}

// talk serves one connection.
func (b *Bus) talk(ctx context.Context, conn net.Conn, framing modbus.Framing) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	write := func(p []byte) { _, _ = conn.Write(p) }
	take := b.take
	if framing == modbus.TCP {
		take = b.takeTCP
	}
	var got []byte
	chunk := make([]byte, modbus.MaxTCPFrame)
	for {
		n, err := conn.Read(chunk)
		if err != nil {
			return
		}
		if got = take(ctx, append(got, b.pass(chunk[:n])...), write); len(got) > modbus.MaxTCPFrame {
			return
		}
	}
}

// headTCP is how long a frame's head is, with its unit and function.
const headTCP = 8

// takeTCP is take for Modbus TCP.
func (b *Bus) takeTCP(ctx context.Context, p []byte, write func([]byte)) []byte {
	for len(p) >= headTCP {
		transaction, r, n, err := modbus.DecodeTCPRequest(p)
		switch {
		case errors.Is(err, modbus.ErrShort):
			return p
		case err != nil && binary.BigEndian.Uint16(p[2:]) == 0 && int(binary.BigEndian.Uint16(p[4:])) <= len(p)-6:
			b.refuse(p, write)
			p = p[min(len(p), max(headTCP, 6+int(binary.BigEndian.Uint16(p[4:])))):]
		case err != nil:
			p = p[1:]
		default:
			b.obeyTCP(ctx, transaction, r, write)
			p = p[n:]
		}
	}
	return p
}

// refuse answers a frame that is sound but for what it asks.
func (b *Bus) refuse(p []byte, write func([]byte)) {
	if b.units[p[6]] == nil {
		return
	}
	r := modbus.Response{Unit: p[6], Function: modbus.Function(p[7] &^ 0x80), Exception: why(p[7])}
	if frame, err := modbus.EncodeTCPResponse(binary.BigEndian.Uint16(p), r); err == nil {
		write(frame)
	}
}

func (b *Bus) obeyTCP(ctx context.Context, transaction uint16, r modbus.Request, write func([]byte)) {
	u := b.units[r.Unit]
	if u == nil {
		return
	}
	a := u.obey(r)
	if a.silent || !b.wait(ctx, a.after) {
		return
	}
	if a.spoiled {
		transaction += 0x5A
	}
	if frame, err := modbus.EncodeTCPResponse(transaction, a.response); err == nil {
		write(append([]byte(a.before), frame...))
	}
}
