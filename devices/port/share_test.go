package port_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tallydock/tallydock/devices/port"
)

func opener(t *testing.T) *port.Opener {
	t.Helper()
	o, err := port.NewOpener(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

func share(t *testing.T, o *port.Opener, a port.Address) *port.Shared {
	t.Helper()
	s, err := o.Share(a, port.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOneDeviceAtATimeUsesASharedLine(t *testing.T) {
	a, conns := listen(t)
	o := opener(t)
	var using, most, uses atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		s := share(t, o, a)
		wg.Go(func() {
			defer s.Leave()
			for range 20 {
				if err := s.Do(context.Background(), func(port.Port) error {
					most.Store(max(most.Load(), using.Add(1)))
					uses.Add(1)
					using.Add(-1)
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 || uses.Load() != 80 {
		t.Errorf("%d used the line at once, %d in all; want 1 and 80", most.Load(), uses.Load())
	}
	<-conns
	if n := len(conns); n > 3 {
		t.Errorf("%d more connections were made", n)
	}
}

func TestTheLastToLeaveClosesTheLine(t *testing.T) {
	c := newCable(t)
	o := opener(t)
	first, second := share(t, o, c.address(t)), share(t, o, c.address(t))
	nothing := func(port.Port) error { return nil }
	if err := first.Do(context.Background(), nothing); err != nil {
		t.Fatal(err)
	}
	first.Leave()
	first.Leave()
	if err := first.Do(context.Background(), nothing); !errors.Is(err, port.ErrClosed) {
		t.Errorf("Do after Leave: %v; want ErrClosed", err)
	}
	if _, err := port.Open(context.Background(), c.address(t), port.Options{}); !errors.Is(err, port.ErrBusy) {
		t.Errorf("the line is not held any more: %v", err)
	}
	if err := second.Do(context.Background(), nothing); err != nil {
		t.Error(err)
	}
	second.Leave()
	_ = open(t, c.address(t), port.Options{}).Close()
}

func TestDevicesOnOneLineHaveToAgree(t *testing.T) {
	c := newCable(t)
	o := opener(t)
	defer share(t, o, c.address(t)).Leave()
	link := filepath.Join(t.TempDir(), "by-id")
	if err := os.Symlink(c.link, link); err != nil {
		t.Fatal(err)
	}
	other := c.address(t)
	other.Path = link
	defer share(t, o, other).Leave()
	other.Baud = 9600
	if _, err := o.Share(other, port.Options{}); err == nil {
		t.Error("one line was shared at two baud rates")
	}
}

func TestASharedLineIsOpenedAnewAfterAnUnplug(t *testing.T) {
	c := newCable(t)
	s := share(t, opener(t), c.address(t))
	defer s.Leave()
	read := func(p port.Port) error {
		_, err := p.Read(make([]byte, 1))
		return err
	}
	if err := s.Do(context.Background(), read); err != nil {
		t.Fatal(err)
	}
	c.unplug()
	if err := s.Do(context.Background(), read); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("Do: %v; want ErrUnplugged", err)
	}
	if err := s.Do(context.Background(), read); !errors.Is(err, port.ErrMissing) {
		t.Errorf("next Do: %v; want ErrMissing", err)
	}
	c.plug(t)
	if err := s.Do(context.Background(), read); err != nil {
		t.Errorf("Do after the replug: %v", err)
	}
}

func TestWaitingForTheTurnEndsWithItsContext(t *testing.T) {
	a, _ := listen(t)
	o := opener(t)
	busy, waiting := share(t, o, a), share(t, o, a)
	ctx, cancel := context.WithCancel(context.Background())
	err := busy.Do(context.Background(), func(port.Port) error {
		cancel()
		return waiting.Do(ctx, func(port.Port) error { return nil })
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Do: %v; want context.Canceled", err)
	}
}
