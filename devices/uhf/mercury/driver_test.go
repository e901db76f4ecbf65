package mercury_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf/mercury"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
	"github.com/tallydock/tallydock/devices/unit"
)

func TestConformance(t *testing.T) {
	devicetest.Run(t, func(*testing.T) devicetest.Bench {
		p := newPretender()
		return devicetest.Bench{
			Driver: p.driver(), Answer: p.Answer, Report: p.report, Babble: p.Say, Unplug: p.Unplug, Replug: p.Replug,
		}
	})
}

func TestNoiseOnTheLineCostsReadsAndMakesNone(t *testing.T) {
	readertest.Noise(t, func() readertest.Trial {
		p := newPretender()
		return readertest.Trial{Wire: p.Wire, Driver: p.driver(), Report: p.report, Least: 90}
	})
}

// run runs a driver in the time of a bubble for a while; do runs once it reads. The reader sends a status each second.
func run(t *testing.T, p *pretender, d *mercury.Driver, during time.Duration, do func(*devicetest.Sink)) (*devicetest.Sink, error) {
	t.Helper()
	sink := &devicetest.Sink{}
	p.Answer()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, sink) }()
	select {
	case <-p.begun:
		do(sink)
	case err := <-ended:
		return sink, err
	}
	for {
		select {
		case err := <-ended:
			return sink, err
		case <-time.After(time.Second):
			p.Say(status(mercury.NoTags))
		}
	}
}

func nothing(*devicetest.Sink) {}

func TestASightingBecomesARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender()
		sink, err := run(t, p, p.driver(), 5*time.Second, func(*devicetest.Sink) {
			s, _ := mercury.NewSighting(2, 923_200, readertest.EPC(1), -61)
			s.Phase, s.Count, s.Millis = 137, 3, 295
			p.Say(s.Frame().Append(nil))
		})
		tag, _ := devices.NewTag(devices.TagEPC, readertest.EPC(1))
		want := devices.Read{
			Device: "uhf-m1", Antenna: 2, Tag: tag, RSSI: -61_00, HasRSSI: true, Count: 3, Phase: unit.PhaseOf(137), HasPhase: true, ChannelKHz: 923_200,
		}
		got := sink.Reads()
		if err != nil || len(got) != 1 {
			t.Fatalf("%v %v", got, err)
		}
		if got[0].HostTime.IsZero() {
			t.Error("no time of the gateway's")
		}
		got[0].HostTime = time.Time{}
		if got[0] != want {
			t.Errorf("%+v, want %+v", got[0], want)
		}
	})
}

func TestTheReaderIsStoppedSetUpAndStartedAndStoppedAtTheEnd(t *testing.T) {
	for _, booted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretender()
			p.booted = booted
			d := p.driver(func(c *mercury.Config) { c.Power, c.Region, c.Antennas = 27_00, mercury.Europe, []uint8{1, 2} })
			if _, err := run(t, p, d, 5*time.Second, nothing); err != nil {
				t.Fatal(err)
			}
			want := []mercury.Op{
				mercury.Read, mercury.Version, mercury.Boot, mercury.SetRegion, mercury.SetProtocol, mercury.SetAntennas,
				mercury.SetParameters, mercury.SetPower, mercury.Read, mercury.Read,
			}
			if got := p.ops(); !slices.Equal(got, want) {
				t.Fatalf("asked %x, want %x", got, want)
			}
			if !p.asked[0].Stop || p.asked[8].Stop || !p.asked[9].Stop || p.asked[3].Region != mercury.Europe ||
				p.asked[7].Power != 27_00 || !slices.Equal(p.asked[5].Antennas, []uint8{1, 2}) {
				t.Errorf("%+v", p.asked)
			}
		})
	}
}

func TestWhatTheReaderSuffersFromIsToldAtOnceAndItsEndToo(t *testing.T) {
	for s, says := range map[mercury.Status]string{
		mercury.TooHot: "too hot", mercury.HighReturnLoss: "sends its power back", mercury.NoAntenna: "not connected", 0x7F00: "status 0x7f00",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretender()
			sink, err := run(t, p, p.driver(), time.Minute, func(sink *devicetest.Sink) {
				for range 5 {
					p.Say(status(s))
					time.Sleep(time.Second)
				}
				if sink.State() != devices.Degraded {
					t.Error("the reader is not degraded")
				}
			})
			states := ""
			for _, h := range sink.Healths() {
				states += h.State.String() + " "
				if h.State == devices.Degraded && !strings.Contains(h.Reason, says) {
					t.Errorf("reason %q", h.Reason)
				}
			}
			if err != nil || states != "up degraded degraded up " {
				t.Errorf("%v; %s", err, states)
			}
		})
	}
}

func TestAReaderThatRefusesIsAnErrorThatSaysWhat(t *testing.T) {
	for op, says := range map[mercury.Op]string{
		mercury.Version: "parameter", mercury.Boot: "firmware", mercury.SetRegion: "region 8", mercury.SetProtocol: "Gen2",
		mercury.SetAntennas: "antennas [1]", mercury.SetParameters: "sighting", mercury.SetPower: "20 dBm", mercury.Read: "is its region set",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretender()
			p.refuse[op] = mercury.BadParameter
			d := p.driver(func(c *mercury.Config) { c.Power, c.Region = 20_00, mercury.Europe })
			_, err := run(t, p, d, time.Minute, nothing)
			if err == nil || !strings.Contains(err.Error(), "reader uhf-m1") || !strings.Contains(err.Error(), says) {
				t.Errorf("operation 0x%02x: %v", byte(op), err)
			}
		})
	}
}

func TestAReaderThatFallsSilentIsSetUpAgainAndGivenUpWhenItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender()
		sink := &devicetest.Sink{}
		p.Answer()
		ended := make(chan error, 1)
		go func() { ended <- p.driver().Run(t.Context(), sink) }()
		for range 3 { // without a status the read is started again after 3 s
			<-p.begun
		}
		p.Mute()
		began := time.Now()
		err := <-ended
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "does not answer") || took > 10*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestRecordsThatAreOfNoTagAreNotReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender()
		sink, err := run(t, p, p.driver(), 30*time.Second, func(*devicetest.Sink) {
			p.Say(mercury.Reply(mercury.Record, mercury.OK, 0x10, 0, 0x1B, 1, 0xFF, 2, 0, 1, 0x20, 0x21).Append(nil)) // a temperature
			p.Say(mercury.Reply(mercury.Record, mercury.OK, 0x10, 0, 0x1B, 1, 0xFF, 1, 0, 1).Append(nil))             // cut
		})
		var reasons []string
		for _, h := range sink.Healths() {
			reasons = append(reasons, h.Reason)
		}
		if err != nil || len(sink.Reads()) != 0 || !strings.Contains(strings.Join(reasons, "|"), "1 sightings had a wrong CRC") {
			t.Errorf("%v; reads %v; health %q", err, sink.Keys(), reasons)
		}
	})
}
