// Package e2e tests the whole house: hub, edge and simulators joined by real serial lines and a real broker, in process
// and as processes, undisturbed and under faults.
package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
)

// Chaos is a TCP proxy before an MQTT broker that knows the protocol well enough to be a nuisance: it sends every PUBLISH
// of a client twice, swaps some neighbours, and cuts all connections on demand.
type Chaos struct {
	listener net.Listener
	broker   string

	mu    sync.Mutex
	conns map[net.Conn]bool
	rand  *rand.Rand

	Duplicated, Swapped, Cuts atomic.Int64
}

// NewChaos listens on a free loopback port before a broker; Swap is the share of messages that change places with the next.
func NewChaos(broker string, seed uint64) (*Chaos, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &Chaos{listener: l, broker: broker, conns: map[net.Conn]bool{}, rand: rand.New(rand.NewPCG(seed, 1))}, nil
}

// Addr is where clients connect.
func (c *Chaos) Addr() string { return c.listener.Addr().String() }

// Run proxies until ctx ends.
func (c *Chaos) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { c.listener.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer c.Cut()
	for {
		client, err := c.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		} else if err != nil {
			return err
		}
		wg.Go(func() { c.serve(client) })
	}
}

// Cut closes every connection, as a pulled network cable would.
func (c *Chaos) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		conn.Close()
	}
	c.Cuts.Add(1)
}

func (c *Chaos) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.broker)
	if err != nil {
		return
	}
	defer server.Close()
	c.track(client, server, true)
	defer c.track(client, server, false)
	go func() {
		io.Copy(client, server)
		client.Close()
	}()
	c.forward(bufio.NewReader(client), server)
}

func (c *Chaos) track(client, server net.Conn, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range []net.Conn{client, server} {
		if on {
			c.conns[conn] = true
		} else {
			delete(c.conns, conn)
		}
	}
}

// forward copies packets from client to broker with the mischief.
func (c *Chaos) forward(from *bufio.Reader, to net.Conn) {
	var held []byte // a PUBLISH that waits for the next packet to overtake it
	for {
		packet, err := readPacket(from)
		if err != nil {
			return
		}
		out := packet
		publish := packet[0]>>4 == 3 && packet[0]&0x06 == 0x02 // QoS 1
		if publish {
			c.Duplicated.Add(1)
			again := append([]byte(nil), packet...)
			again[0] |= 0x08 // DUP
			out = append(append([]byte(nil), packet...), again...)
		}
		switch {
		case held != nil:
			out = append(append([]byte(nil), out...), held...)
			held = nil
			c.Swapped.Add(1)
		case publish && from.Buffered() > 0 && c.chance(0.3):
			held = out
			continue
		}
		if _, err := to.Write(out); err != nil {
			return
		}
	}
}

func (c *Chaos) chance(p float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.Float64() < p
}

// readPacket reads one MQTT control packet: a type byte, a length of one to four bytes, the rest.
func readPacket(r *bufio.Reader) ([]byte, error) {
	head, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	packet, length := []byte{head}, 0
	for shift := 0; ; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		packet = append(packet, b)
		length |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			break
		}
		if shift == 21 {
			return nil, fmt.Errorf("packet length is malformed")
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return append(packet, body...), nil
}
