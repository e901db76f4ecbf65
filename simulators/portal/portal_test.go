package portal_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/simulators/portal"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// bench is a reader at work and a driver for it.
type bench struct {
	*portal.Reader
	t      *testing.T
	driver *llrp.Driver
	conf   llrp.Config
	seen   uint64
}

func newBench(t *testing.T, c portal.Config) *bench {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Listener = l
	if c.Now == nil {
		c.Now = func() time.Time { return noon }
	}
	b := &bench{Reader: portal.New(c), t: t}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	b.conf = llrp.Config{ID: "gate-1", Now: func() time.Time { return noon }, Dial: func(ctx context.Context) (llrp.Port, error) {
		a, err := port.ParseAddress("tcp:" + b.Addr().String())
		if err != nil {
			return nil, err
		}
		o := port.Options{ReadTimeout: 5 * time.Millisecond}
		if c.TLS == nil {
			return port.Open(ctx, a, o)
		}
		return port.OpenTLS(ctx, a, o, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // a certificate of the test
	}}
	return b
}

// start runs the driver until it is up.
func (b *bench) start() (*devicetest.Sink, *devicetest.Running) {
	b.t.Helper()
	if b.driver == nil {
		b.driver = llrp.New(b.conf)
	}
	sink := &devicetest.Sink{}
	running := devicetest.Start(b.t, b.driver, sink)
	sink.Wait(b.t, "the reader is up", func() bool {
		return slices.ContainsFunc(sink.Healths(), func(h devices.Health) bool { return h.State == devices.Up })
	})
	return sink, running
}

// sight puts n new tags before an antenna and gives their keys.
func (b *bench) sight(n int, antenna uint8) (keys []string) {
	for range n {
		b.seen++
		tag, err := devices.NewTag(devices.TagEPC, binary.BigEndian.AppendUint64([]byte{0x30, 0x74, 0xBB, 0x7E}, b.seen))
		if err != nil {
			b.t.Fatal(err)
		}
		b.Sight(portal.Sighting{
			At: noon.Add(time.Duration(b.seen) * time.Millisecond), Antenna: antenna, Tag: tag, RSSI: -5525, Phase: 9000, Channel: 2,
		})
		keys = append(keys, tag.String())
	}
	return keys
}

func (b *bench) arrive(sink *devicetest.Sink, want []string) {
	b.t.Helper()
	sink.Wait(b.t, "all sightings arrive", func() bool { return len(sink.Keys()) >= len(want) })
	if got := sink.Keys(); !slices.Equal(got, want) {
		b.t.Errorf("%d reads arrived in another order or number; want %d", len(got), len(want))
	}
}

func TestEveryFlavourIsReadByTheDriver(t *testing.T) {
	for name, c := range map[string]struct {
		flavour portal.Flavour
		want    devices.Read
	}{
		"plain":  {portal.Plain, devices.Read{Antenna: 3, RSSI: -5500, HasRSSI: true, ChannelKHz: 920875}},
		"impinj": {portal.Impinj, devices.Read{Antenna: 3, RSSI: -5525, HasRSSI: true, ChannelKHz: 920875, Phase: 9000, HasPhase: true}},
		"zebra":  {portal.Zebra, devices.Read{ChannelKHz: 920875}},
		"uptime": {portal.Uptime, devices.Read{Antenna: 3, RSSI: -5500, HasRSSI: true, ChannelKHz: 920875}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, portal.Config{Flavour: c.flavour})
			sink, running := b.start()
			keys := b.sight(1, 3)
			b.arrive(sink, keys)
			got := sink.Reads()[0]
			c.want.Device, c.want.Tag, c.want.Count, c.want.HostTime = "gate-1", got.Tag, 1, noon
			c.want.ReaderTime = noon.Add(time.Millisecond)
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if !b.Ready() {
				t.Error("the reader is not at work")
			}
			running.Stop(t)
			b.sight(1, 3) // nobody hears of it
			if b.Ready() || !b.Lapsed() || b.Missed() != 0 || len(sink.Keys()) != 1 {
				t.Errorf("after the driver left the reader is ready: %t", b.Ready())
			}
		})
	}
}

func TestAPalletArrivesWholeAndInOrder(t *testing.T) {
	b := newBench(t, portal.Config{})
	sink, _ := b.start()
	want := b.sight(3025, 1)
	b.arrive(sink, want)
}

func TestWhatIsSeenWhileTheNetworkIsDownArrivesLater(t *testing.T) {
	b := newBench(t, portal.Config{})
	sink, running := b.start()
	before := b.sight(7, 1)
	b.arrive(sink, before)
	b.Drop()
	if err := running.End(t); err == nil || b.Ready() {
		t.Fatalf("error is %v", err)
	}
	during := b.sight(230, 1)
	b.Input(1, true)
	again, _ := b.start()
	b.arrive(again, during)
	again.Wait(t, "the input's change arrives", func() bool { return len(again.GPIs()) == 1 })
	b.arrive(again, append(during, b.sight(3, 2)...))
	if b.Missed() != 0 {
		t.Errorf("%d are missed", b.Missed())
	}
}

func TestAFullBufferLosesAndSaysSo(t *testing.T) {
	b := newBench(t, portal.Config{Buffer: 200})
	_, running := b.start()
	b.Drop()
	if err := running.End(t); err == nil {
		t.Fatal("no error")
	}
	kept := b.sight(300, 1)[:200]
	again, _ := b.start()
	b.arrive(again, kept)
	again.Wait(t, "the loss is told", func() bool { return again.State() == devices.Degraded })
	h := again.Healths()
	if last := h[len(h)-1]; last.Lost != 1 || !strings.Contains(last.Reason, "lost reports") || b.Missed() != 100 {
		t.Errorf("health is %+v, %d missed", last, b.Missed())
	}
	b.arrive(again, append(kept, b.sight(1, 1)...)) // there is room again
}

func TestARebootInAPassCostsOnlyWhatIsNotReportedYet(t *testing.T) {
	for _, flavour := range []portal.Flavour{portal.Impinj, portal.Uptime} {
		b := newBench(t, portal.Config{Flavour: flavour})
		sink, running := b.start()
		b.arrive(sink, b.sight(120, 1))
		b.Reboot()
		b.sight(5, 1) // it has forgotten what to do
		if err := running.End(t); err == nil {
			t.Fatal("no error")
		}
		again, _ := b.start()
		b.arrive(again, b.sight(50, 1))
	}
}

func TestInputsAntennasAndFaultsAreTold(t *testing.T) {
	b := newBench(t, portal.Config{})
	b.conf.Antennas, b.conf.Inputs = []uint16{1, 2}, []uint16{1, 2}
	b.Antenna(2, false)
	sink, _ := b.start()
	sink.Wait(t, "the antenna is missed", func() bool { return told(sink, "antenna 2 is disconnected") })
	b.sight(1, 2) // there is none
	b.sight(1, 3) // it is not used
	b.Input(2, true)
	b.Input(2, true)
	b.Input(9, true) // there is none
	b.Input(2, false)
	sink.Wait(t, "inputs arrive", func() bool { return len(sink.GPIs()) == 2 })
	want := devices.GPI{Device: "gate-1", Port: 2, High: true, ReaderTime: noon, HostTime: noon}
	if got := sink.GPIs(); got[0] != want || got[1].High {
		t.Errorf("inputs are %+v", got)
	}
	b.Fault("high return loss")
	sink.Wait(t, "the fault is told", func() bool { return told(sink, "high return loss") })
	b.Antenna(2, true)
	sink.Wait(t, "an antenna that is back is used again", func() bool {
		b.sight(1, 2)
		return len(sink.Reads()) > 0
	})
}

func told(s *devicetest.Sink, part string) bool {
	return slices.ContainsFunc(s.Healths(), func(h devices.Health) bool { return strings.Contains(h.Reason, part) })
}

func TestAnROSpecThatEndsByItselfIsStartedAgain(t *testing.T) {
	b := newBench(t, portal.Config{})
	sink, _ := b.start()
	b.End()
	if b.Ready() {
		t.Error("it still reads")
	}
	for deadline := time.Now().Add(15 * time.Second); !b.Ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it was not started again")
		}
	}
	b.arrive(sink, b.sight(2, 1))
}

func TestOnlyOneGatewayAtATime(t *testing.T) {
	b := newBench(t, portal.Config{})
	sink, _ := b.start()
	err := llrp.New(b.conf).Run(t.Context(), &devicetest.Sink{})
	if err == nil || !strings.Contains(err.Error(), "another program is connected") {
		t.Errorf("error is %v", err)
	}
	sink.Wait(t, "the first one is told", func() bool { return told(sink, "another program tries") })
	b.arrive(sink, b.sight(1, 1))
}

func TestTheBestCommonVersionIsSpoken(t *testing.T) {
	for _, flavour := range []portal.Flavour{portal.Plain, portal.Impinj} {
		b := newBench(t, portal.Config{Flavour: flavour})
		b.conf.Version, b.conf.Power = llrp.Version11, unit.DBm(2510)
		sink, running := b.start()
		b.arrive(sink, b.sight(10, 1))
		running.Stop(t)
	}
}

func TestASecretReader(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, portal.Config{TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}})
	sink, running := b.start()
	b.arrive(sink, b.sight(10, 1))
	running.Stop(t)
}

func TestGarbageEndsTheConnectionAndNotTheReader(t *testing.T) {
	b := newBench(t, portal.Config{})
	conn, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 100); err == nil; {
		_, err = conn.Read(buf)
	}
	sink, _ := b.start()
	b.arrive(sink, b.sight(1, 1))
}
