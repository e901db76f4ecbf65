package influx_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy is a line to a server that can be cut.
type proxy struct {
	listener net.Listener
	target   string
	// What the next connection carries, towards the server and back, before it is cut; below 0 is without end.
	up, down atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]bool{}}
	p.cutAfter(-1, -1)
	var group sync.WaitGroup
	group.Go(func() { p.accept(&group) })
	t.Cleanup(func() {
		l.Close()
		p.cut()
		group.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// cutAfter cuts the connections that are there, and sets what the next one carries; those after it are whole.
func (p *proxy) cutAfter(up, down int64) {
	p.up.Store(up)
	p.down.Store(down)
	p.cut()
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
		delete(p.conns, c)
	}
}

func (p *proxy) accept(group *sync.WaitGroup) {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			near.Close()
			continue
		}
		p.mu.Lock()
		p.conns[near], p.conns[far] = true, true
		p.mu.Unlock()
		up, down := p.up.Swap(-1), p.down.Swap(-1)
		group.Go(func() { carry(far, near, up) })
		group.Go(func() { carry(near, far, down) })
	}
}

// carry copies until most bytes have passed, and cuts both ways.
func carry(to, from net.Conn, most int64) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 4096)
	for most != 0 {
		n, err := from.Read(b)
		if most > 0 {
			n = int(min(int64(n), most))
			most -= int64(n)
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
		if err != nil {
			return
		}
	}
}
