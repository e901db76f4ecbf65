package port_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/port"
)

// listen gives a server's address and the connections that come to it.
func listen(t *testing.T) (port.Address, <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	conns := make(chan net.Conn, 4)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	a, err := port.ParseAddress("tcp:" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return a, conns
}

func TestTCPKeepsTheRulesOfAPort(t *testing.T) {
	a, conns := listen(t)
	p := open(t, a, port.Options{ReadTimeout: 20 * time.Millisecond})
	far := <-conns
	if n, err := p.Read(make([]byte, 4)); n != 0 || err != nil {
		t.Errorf("Read of nothing = %d, %v; want 0, nil", n, err)
	}
	if _, err := far.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got := readN(t, p, 5); string(got) != "hello" {
		t.Errorf("got %q", got)
	}
	_ = far.Close()
	if _, err := p.Read(make([]byte, 4)); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("Read after the far end closed: %v; want ErrUnplugged", err)
	}
	_ = p.Close()
	if _, err := p.Write([]byte("x")); !errors.Is(err, port.ErrClosed) {
		t.Errorf("Write after Close: %v; want ErrClosed", err)
	}
}

func TestTCPGivesABlockedWriteUp(t *testing.T) {
	a, conns := listen(t)
	p := open(t, a, port.Options{WriteTimeout: 50 * time.Millisecond})
	defer func() { _ = (<-conns).Close() }()
	var err error
	for range 1000 { // until the buffers of both ends are full
		if _, err = p.Write(make([]byte, 1<<20)); err != nil {
			break
		}
	}
	if !errors.Is(err, port.ErrWriteTimeout) {
		t.Errorf("Write: %v; want ErrWriteTimeout", err)
	}
	if _, err := p.Write([]byte("x")); !errors.Is(err, port.ErrClosed) {
		t.Errorf("next Write: %v; want ErrClosed", err)
	}
}

func TestNobodyListeningIsMissing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	_ = l.Close()
	_, err = port.Open(context.Background(), port.Address{Kind: port.TCP, Host: host}, port.Options{})
	if !errors.Is(err, port.ErrMissing) || !strings.Contains(err.Error(), host) {
		t.Errorf("error is %v; want ErrMissing that names %s", err, host)
	}
}
