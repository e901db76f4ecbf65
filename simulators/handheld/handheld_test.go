package handheld_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/uhf"
	"github.com/tallydock/tallydock/simulators/handheld"
	"github.com/tallydock/tallydock/simulators/line"
)

// start makes a reader at work and the gateway's driver for it.
func start(t *testing.T, baud line.Baud) (*handheld.Reader, *line.Line, *uhf.Driver) {
	t.Helper()
	l, err := line.Open(filepath.Join(t.TempDir(), "tty-uhf"))
	if err != nil {
		t.Fatal(err)
	}
	r := handheld.New(handheld.Config{Line: l, Baud: baud})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the reader ended with %v", err)
		}
		l.Close()
	})
	address, err := port.ParseAddress("serial:" + l.Where() + "?baud=115200")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context) (uhf.Port, error) { return port.Open(ctx, address, port.Options{}) }
	return r, l, uhf.New(uhf.Config{ID: "uhf-1", Dial: dial, Now: time.Now})
}

func tag(t *testing.T, n int) devices.Tag {
	t.Helper()
	tag, err := devices.ParseTag(fmt.Sprintf("epc:30361f4b3c0000400000%04x", n))
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not come to be", what)
		}
	}
}

func TestTheDriverReadsWhatComesBeforeTheAntenna(t *testing.T) {
	r, _, d := start(t, 0)
	r.Sight(tag(t, 1), -5500)
	if r.Ready() {
		t.Fatal("the reader is ready though nobody polls it")
	}
	sink := &devicetest.Sink{}
	running := devicetest.Start(t, d, sink)
	sink.WaitState(t, devices.Up)
	eventually(t, "ready", r.Ready)
	for i := range 100 {
		r.Sight(tag(t, i), -5500)
	}
	sink.Wait(t, "all reads", func() bool { return len(sink.Reads()) >= 100 })
	for i, got := range sink.Reads() {
		if got.Tag != tag(t, i) || !got.HasRSSI || got.RSSI != -5500 || got.Antenna != 0 {
			t.Fatalf("read %d is %+v", i, got)
		}
	}
	running.Stop(t)
	eventually(t, "the driver's stop is obeyed", func() bool { return !r.Ready() })
}

func TestTheReaderIsAsSlowAsItsLine(t *testing.T) {
	r, _, d := start(t, 9600)
	sink := &devicetest.Sink{}
	devicetest.Start(t, d, sink)
	eventually(t, "ready", r.Ready)
	sink.WaitState(t, devices.Up)
	began := time.Now()
	for i := range 40 { // 40 notices of 24 bytes take a second at 9600 baud
		r.Sight(tag(t, i), -5500)
	}
	sink.Wait(t, "all reads", func() bool { return len(sink.Reads()) >= 40 })
	if took := time.Since(began); took < 700*time.Millisecond {
		t.Errorf("960 bytes took %v at 9600 baud", took)
	}
	for i := range 1000 {
		r.Sight(tag(t, i), -5500)
	}
	if r.Missed() == 0 {
		t.Error("no sighting was missed though the line was full")
	}
}

func TestItSurvivesTheGatewayClosingThePort(t *testing.T) {
	r, _, d := start(t, 0)
	for i := range 3 {
		sink := &devicetest.Sink{}
		running := devicetest.Start(t, d, sink)
		sink.WaitState(t, devices.Up)
		eventually(t, "ready", r.Ready)
		r.Lapsed()
		if r.Lapsed() {
			t.Error("it lapsed while it was polled")
		}
		r.Sight(tag(t, i), -6000)
		sink.Wait(t, "the read", func() bool { return len(sink.Reads()) > 0 })
		if got := sink.Reads()[0].Tag; got != tag(t, i) {
			t.Errorf("time %d: the first read is %v", i, got)
		}
		running.Stop(t)
		eventually(t, "not ready", func() bool { return !r.Ready() })
		if !r.Lapsed() {
			t.Error("it did not notice that nobody polled it")
		}
	}
}

func TestUnpluggingMakesTheDriverFailAndReplugBringsItBack(t *testing.T) {
	r, l, d := start(t, 0)
	sink := &devicetest.Sink{}
	running := devicetest.Start(t, d, sink)
	eventually(t, "ready", r.Ready)
	l.Unplug()
	if err := running.End(t); err == nil {
		t.Error("the driver ended without an error")
	}
	eventually(t, "not ready", func() bool { return !r.Ready() })
	if err := devicetest.Start(t, d, sink).End(t); err == nil {
		t.Error("an unplugged port was opened")
	}
	if err := l.Replug(); err != nil {
		t.Fatal(err)
	}
	again := &devicetest.Sink{}
	devicetest.Start(t, d, again)
	again.WaitState(t, devices.Up)
	eventually(t, "ready", r.Ready)
	r.Sight(tag(t, 7), -6000)
	again.Wait(t, "the read", func() bool { return len(again.Reads()) > 0 })
}

// ask sends commands over an own port and gives the first frames that come back.
func ask(t *testing.T, l *line.Line, n int, send ...uhf.Frame) []uhf.Frame {
	t.Helper()
	address, err := port.ParseAddress("serial:" + l.Where())
	if err != nil {
		t.Fatal(err)
	}
	p, err := port.Open(t.Context(), address, port.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, f := range send {
		if _, err := p.Write(f.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	var buf []byte
	var got []uhf.Frame
	for deadline := time.Now().Add(3 * time.Second); len(got) < n && time.Now().Before(deadline); {
		b := make([]byte, 100)
		m, err := p.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		buf = append(buf, b[:m]...)
		for f, rest, _, err := uhf.Decode(buf); err == nil; f, rest, _, err = uhf.Decode(buf) {
			got, buf = append(got, f), rest
		}
	}
	return got
}

func TestCommandsAreAnswered(t *testing.T) {
	_, l, _ := start(t, 0)
	tests := []struct {
		name string
		send uhf.Frame
		want uhf.Code
	}{
		{"version", uhf.Command{Code: uhf.Version, Part: uhf.Software}.Frame(), uhf.Version},
		{"power", uhf.Command{Code: uhf.SetPower, Power: 2600}.Frame(), uhf.SetPower},
		{"region", uhf.Command{Code: uhf.GetRegion}.Frame(), uhf.GetRegion},
		{"stop", uhf.Command{Code: uhf.Stop}.Frame(), uhf.Stop},
		{"unknown", uhf.Frame{Type: uhf.CommandFrame, Code: 0x77}, uhf.Failure},
		{"single poll of an empty field", uhf.Command{Code: uhf.Poll}.Frame(), uhf.Failure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(t, l, 1, tt.send)
			if len(got) != 1 || got[0].Type != uhf.ResponseFrame || got[0].Code != tt.want {
				t.Errorf("got %+v", got)
			}
		})
	}
	got := ask(t, l, 2, uhf.Command{Code: uhf.SetPower, Power: 1850}.Frame(), uhf.Command{Code: uhf.GetPower}.Frame())
	if len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	if power, err := uhf.ParsePower(got[1]); err != nil || power != 1850 {
		t.Errorf("power is %v %v", power, err)
	}
}

func TestAPollEndsWithItsRounds(t *testing.T) {
	r, l, _ := start(t, 0)
	got := ask(t, l, 4, uhf.Command{Code: uhf.MultiPoll, Rounds: 8}.Frame())
	eventually(t, "the poll ends", func() bool { return !r.Ready() })
	if len(got) > 3 {
		t.Errorf("8 rounds of 25 ms said %d times that there is no tag", len(got))
	}
}

func TestGarbageBetweenCommandsIsPassedOver(t *testing.T) {
	_, l, _ := start(t, 0)
	address, _ := port.ParseAddress("serial:" + l.Where())
	p, err := port.Open(t.Context(), address, port.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("\xbb\x00\x03\x01\xffgarbage\xbb\xbb\x00")); err != nil {
		t.Fatal(err)
	}
	p.Close()
	time.Sleep(100 * time.Millisecond) // a pause on the line ends the false frame
	if got := ask(t, l, 1, uhf.Command{Code: uhf.Version}.Frame()); len(got) != 1 || got[0].Code != uhf.Version {
		t.Errorf("got %+v", got)
	}
}
