package handheld_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/uhf/chafon"
	"github.com/tallydock/tallydock/devices/uhf/mercury"
	"github.com/tallydock/tallydock/devices/uhf/r2000"
	"github.com/tallydock/tallydock/devices/uhf/reader"
	"github.com/tallydock/tallydock/simulators/handheld"
	"github.com/tallydock/tallydock/simulators/line"
)

type dial func(context.Context) (reader.Port, error)

// family is what the tests know of a family.
type family struct {
	driver   func(dial) devices.Driver
	antennas []uint8 // that the driver is told to read with; none where a read does not tell its antenna
	rssi     int     // of a read in dBm or the reader's own steps, where the tag is heard at -55 dBm
	gone     string  // what the driver says of an antenna that is off; "" where the reader does not notice
}

var families = map[handheld.Family]family{
	handheld.Chafon18: {
		driver: func(d dial) devices.Driver {
			return chafon.New(chafon.Config{ID: "r", Dialect: chafon.Reader18, Dial: d, Now: time.Now, Addr: chafon.AnyAddress, Power: 20_00, Band: chafon.Europe})
		},
	},
	handheld.Chafon288: {
		driver: func(d dial) devices.Driver {
			return chafon.New(chafon.Config{ID: "r", Dialect: chafon.Reader288, Dial: d, Now: time.Now, Antennas: []uint8{1, 2, 4}, Power: 20_00, Band: chafon.US})
		},
		antennas: []uint8{1, 2, 4}, rssi: 75, gone: "antenna 2 is not connected",
	},
	handheld.R2000: {
		driver: func(d dial) devices.Driver {
			return r2000.New(r2000.Config{ID: "r", Dial: d, Now: time.Now, Addr: r2000.AnyAddress, Antennas: []uint8{1, 2, 4}, Power: 20_00, Region: r2000.FCC})
		},
		antennas: []uint8{1, 2, 4}, rssi: -55, gone: "antenna 2 is not connected",
	},
	handheld.M6e: {
		driver: func(d dial) devices.Driver {
			return mercury.New(mercury.Config{ID: "r", Dial: d, Now: time.Now, Antennas: []uint8{1, 2, 4}, Power: 20_00, Region: mercury.China})
		},
		antennas: []uint8{1, 2, 4}, rssi: -55, gone: "sends its power back",
	},
}

// plugIn makes a reader of a family at work and the gateway's driver for it.
func plugIn(t *testing.T, name handheld.Family) (*handheld.Reader, *line.Line, devices.Driver) {
	t.Helper()
	l, err := line.Open(filepath.Join(t.TempDir(), "tty-uhf"))
	if err != nil {
		t.Fatal(err)
	}
	r := handheld.New(handheld.Config{Line: l, Family: name})
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
	return r, l, families[name].driver(func(ctx context.Context) (reader.Port, error) { return port.Open(ctx, address, port.Options{}) })
}

// each runs a test for each family with its driver at work and its reader polled.
func each(t *testing.T, test func(t *testing.T, f family, r *handheld.Reader, l *line.Line, d devices.Driver)) {
	for name, f := range families {
		t.Run(string(name), func(t *testing.T) {
			r, l, d := plugIn(t, name)
			test(t, f, r, l, d)
		})
	}
}

func TestEachFamilysDriverReadsWhatComesBeforeItsAntennas(t *testing.T) {
	each(t, func(t *testing.T, f family, r *handheld.Reader, _ *line.Line, d devices.Driver) {
		sink := &devicetest.Sink{}
		running := devicetest.Start(t, d, sink)
		sink.WaitState(t, devices.Up)
		eventually(t, "ready", r.Ready)
		at := map[devices.Tag]uint8{}
		for i := range 60 {
			antenna := uint8(1)
			if len(f.antennas) > 0 {
				antenna = f.antennas[i%len(f.antennas)]
			}
			at[tag(t, i)] = antenna
			r.SightAt(antenna, tag(t, i), -55_00)
		}
		sink.Wait(t, "all reads", func() bool { return len(sink.Reads()) >= 60 })
		for _, got := range sink.Reads() {
			want, sighted := at[got.Tag]
			if len(f.antennas) == 0 {
				want = 0
			}
			if !sighted || got.Antenna != want || got.HasRSSI != (f.rssi != 0) || int(got.RSSI) != f.rssi*100 || got.RSSIRelative != (f.rssi > 0) {
				t.Errorf("%+v; it was sighted at antenna %d", got, want)
			}
		}
		running.Stop(t)
		eventually(t, "the reader is not polled any more", func() bool { return !r.Ready() })
	})
}

func TestEachFamilyTellsThatAnAntennaIsOff(t *testing.T) {
	each(t, func(t *testing.T, f family, r *handheld.Reader, _ *line.Line, d devices.Driver) {
		if f.gone == "" {
			t.Skip("this family does not notice")
		}
		sink := &devicetest.Sink{}
		devicetest.Start(t, d, sink)
		sink.WaitState(t, devices.Up)
		eventually(t, "ready", r.Ready)
		r.Disconnect(2, true)
		sink.WaitState(t, devices.Degraded)
		h := sink.Healths()
		if reason := h[len(h)-1].Reason; !strings.Contains(reason, f.gone) {
			t.Errorf("reason %q", reason)
		}
		r.SightAt(2, tag(t, 1), -55_00)
		r.SightAt(1, tag(t, 2), -55_00)
		sink.Wait(t, "a read at the other antenna", func() bool { return len(sink.Reads()) > 0 })
		if got := sink.Reads()[0]; got.Tag != tag(t, 2) {
			t.Errorf("%+v", got)
		}
	})
}

func TestAHotReaderSaysSo(t *testing.T) {
	r, _, d := plugIn(t, handheld.M6e)
	sink := &devicetest.Sink{}
	devicetest.Start(t, d, sink)
	eventually(t, "ready", r.Ready)
	r.Overheat(true)
	sink.WaitState(t, devices.Degraded)
	if h := sink.Healths(); !strings.Contains(h[len(h)-1].Reason, "too hot") {
		t.Errorf("%+v", h)
	}
}

func TestEachFamilyComesBackAfterUnplugging(t *testing.T) {
	each(t, func(t *testing.T, _ family, r *handheld.Reader, l *line.Line, d devices.Driver) {
		running := devicetest.Start(t, d, &devicetest.Sink{})
		eventually(t, "ready", r.Ready)
		l.Unplug()
		if err := running.End(t); err == nil {
			t.Error("the driver ended without an error")
		}
		eventually(t, "not ready", func() bool { return !r.Ready() })
		if err := l.Replug(); err != nil {
			t.Fatal(err)
		}
		again := &devicetest.Sink{}
		devicetest.Start(t, d, again)
		again.WaitState(t, devices.Up)
		eventually(t, "ready", r.Ready)
		r.Sight(tag(t, 7), -60_00)
		again.Wait(t, "the read", func() bool { return len(again.Reads()) > 0 })
	})
}

func TestAnUnknownFamilyIsAnError(t *testing.T) {
	l, err := line.Open(filepath.Join(t.TempDir(), "tty-uhf"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := handheld.New(handheld.Config{Line: l, Family: "x"}).Run(t.Context()); err == nil {
		t.Error("a reader of an unknown family works")
	}
}
