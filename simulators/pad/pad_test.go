package pad_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/pn532"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/simulators/line"
	"github.com/tallydock/tallydock/simulators/pad"
)

func start(t *testing.T) (*pad.Pad, *line.Line, *pn532.Driver) {
	t.Helper()
	l, err := line.Open(filepath.Join(t.TempDir(), "tty-pad"))
	if err != nil {
		t.Fatal(err)
	}
	p := pad.New(pad.Config{Line: l})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the pad ended with %v", err)
		}
		l.Close()
	})
	dial := func(ctx context.Context) (pn532.Port, error) { return open(ctx, l) }
	return p, l, pn532.New(pn532.Config{ID: "pad-1", Dial: dial, Now: time.Now})
}

func open(ctx context.Context, l *line.Line) (port.Port, error) {
	address, err := port.ParseAddress("serial:" + l.Where() + "?baud=115200")
	if err != nil {
		return nil, err
	}
	return port.Open(ctx, address, port.Options{})
}

func card(t *testing.T, text string) devices.Tag {
	t.Helper()
	c, err := devices.ParseTag(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not come to be", what)
		}
	}
}

func TestTheDriverSeesCardsComeAndGo(t *testing.T) {
	p, _, d := start(t)
	sink := &devicetest.Sink{}
	running := devicetest.Start(t, d, sink)
	sink.WaitState(t, devices.Up)
	eventually(t, "ready", p.Ready)
	p.Lapsed()
	if p.Lapsed() {
		t.Error("it lapsed while it was polled")
	}
	if len(sink.Reads()) != 0 {
		t.Fatalf("an empty pad gave %v", sink.Keys())
	}
	for _, c := range []devices.Tag{card(t, "uid:9eb36e66"), card(t, "uid:04416d412b0289"), card(t, "uid:04010203040506070809")} {
		before := len(sink.Reads())
		p.Put(c, true)
		sink.Wait(t, "the card", func() bool { return len(sink.Reads()) > before })
		if got := sink.Reads()[before]; got.Tag != c || got.HasRSSI {
			t.Errorf("put %v, read %+v", c, got)
		}
		p.Put(c, false)
	}
	both := len(sink.Reads())
	p.Put(card(t, "uid:01020304"), true)
	p.Put(card(t, "uid:05060708"), true)
	sink.Wait(t, "two cards", func() bool { return len(sink.Reads()) > both+1 })
	running.Stop(t)
	eventually(t, "not ready", func() bool { return !p.Ready() })
	if !p.Lapsed() {
		t.Error("it did not notice that nobody looked")
	}
}

func TestASearchWithoutEndIsAnsweredWhenACardComes(t *testing.T) {
	p, l, _ := start(t)
	gate, err := open(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	frames := make(chan pn532.Frame, 10)
	go collect(gate, frames)
	send(t, gate, pn532.Command{Code: pn532.InListPassiveTarget, Targets: 1}.Frame())
	if f := next(t, frames); f.Kind != pn532.ACK {
		t.Fatalf("first came %+v", f)
	}
	select {
	case f := <-frames:
		t.Fatalf("without a card came %+v", f)
	case <-time.After(200 * time.Millisecond):
	}
	if !p.Ready() {
		t.Error("it is not ready while it looks for a card")
	}
	send(t, gate, pn532.Frame{Kind: pn532.ACK}) // gives the search up
	time.Sleep(50 * time.Millisecond)
	p.Put(card(t, "uid:9eb36e66"), true)
	select {
	case f := <-frames:
		t.Fatalf("after the search was given up came %+v", f)
	case <-time.After(100 * time.Millisecond):
	}
	send(t, gate, pn532.Command{Code: pn532.InListPassiveTarget, Targets: 1}.Frame())
	next(t, frames)
	targets, err := pn532.ParseTargets(next(t, frames))
	if err != nil || len(targets) != 1 {
		t.Fatal(targets, err)
	}
	send(t, gate, pn532.Frame{Kind: pn532.NACK})
	if again, err := pn532.ParseTargets(next(t, frames)); err != nil || len(again) != 1 {
		t.Errorf("asked again: %v %v", again, err)
	}
	send(t, gate, pn532.Frame{Kind: pn532.Data, Direction: pn532.ToChip, Code: 0x60})
	if f := next(t, frames); f.Kind != pn532.SyntaxError {
		t.Errorf("to an unknown command came %+v", f)
	}
}

func send(t *testing.T, p port.Port, f pn532.Frame) {
	t.Helper()
	if _, err := p.Write(f.Append(nil)); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, frames <-chan pn532.Frame) pn532.Frame {
	t.Helper()
	select {
	case f := <-frames:
		return f
	case <-time.After(3 * time.Second):
		t.Fatal("no frame came")
		return pn532.Frame{}
	}
}

func collect(p port.Port, to chan<- pn532.Frame) {
	var buf []byte
	for {
		b := make([]byte, 100)
		n, err := p.Read(b)
		if err != nil {
			return
		}
		buf = append(buf, b[:n]...)
		for f, rest, _, err := pn532.NextFrame(buf); err == nil; f, rest, _, err = pn532.NextFrame(buf) {
			buf = append([]byte(nil), rest...)
			to <- f
		}
	}
}
