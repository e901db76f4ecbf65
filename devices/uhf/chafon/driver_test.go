package chafon_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf/chafon"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

var dialects = map[string]chafon.Dialect{"UHFReader18": chafon.Reader18, "UHFReader288": chafon.Reader288}

func TestConformance(t *testing.T) {
	for name, dialect := range dialects {
		t.Run(name, func(t *testing.T) {
			devicetest.Run(t, func(*testing.T) devicetest.Bench {
				p := newPretender(dialect)
				return devicetest.Bench{
					Driver: p.driver(), Answer: p.Answer, Report: p.report, Babble: p.Say, Unplug: p.Unplug, Replug: p.Replug,
				}
			})
		})
	}
}

func TestNoiseOnTheLineCostsReadsAndMakesNone(t *testing.T) {
	for name, dialect := range dialects {
		t.Run(name, func(t *testing.T) {
			readertest.Noise(t, func() readertest.Trial {
				p := newPretender(dialect)
				return readertest.Trial{Wire: p.Wire, Driver: p.driver(), Report: p.report, Least: 95}
			})
		})
	}
}

// run runs a driver in the time of a bubble for a while, and gives what it reported and returned.
func run(t *testing.T, p *pretender, d *chafon.Driver, during time.Duration, do func(*devicetest.Sink)) (*devicetest.Sink, error) {
	t.Helper()
	sink := &devicetest.Sink{}
	p.Answer()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, sink) }()
	do(sink)
	return sink, <-ended
}

func nothing(*devicetest.Sink) {}

func TestASightingBecomesARead(t *testing.T) {
	for name, dialect := range dialects {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPretender(dialect)
				want := p.report(1)[0]
				sink, err := run(t, p, p.driver(), time.Second, nothing)
				if got := sink.Reads(); err != nil || len(got) != 1 || got[0].Tag.String() != want || got[0].Count != 1 ||
					got[0].Device != "uhf-c1" || got[0].HostTime.IsZero() || !got[0].ReaderTime.IsZero() {
					t.Fatalf("%+v %v", got, err)
				}
				r := sink.Reads()[0]
				if with := dialect == chafon.Reader288; r.HasRSSI != with || r.RSSIRelative != with || with != (r.Antenna == 1) ||
					with && r.RSSI != 100_00 {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

func TestAntennasAreAskedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(chafon.Reader288)
		d := p.driver(func(c *chafon.Config) { c.Antennas = []uint8{1, 3, 4} })
		sink, err := run(t, p, d, 10*time.Second, func(*devicetest.Sink) {
			for range 60 {
				p.report(1)
				time.Sleep(100 * time.Millisecond)
			}
		})
		by := map[uint8]int{}
		for _, r := range sink.Reads() {
			by[r.Antenna]++
		}
		if err != nil || len(by) != 3 || by[1]+by[3]+by[4] != 60 {
			t.Errorf("reads by antenna %v, %v", by, err)
		}
	})
}

func TestPowerAndBandAreSetOnlyWhereTheyAreOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		power devices.Read // only its RSSI counts: the power
		band  chafon.Band
		want  []chafon.Command
	}{
		"as they are": {devices.Read{RSSI: 30_00}, chafon.Europe, nil},
		"otherwise": {devices.Read{RSSI: 26_00}, chafon.China900, []chafon.Command{
			{Addr: 0xFF, Code: chafon.SetRegion, Band: chafon.China900}, {Addr: 0xFF, Code: chafon.SetPower, Power: 26},
		}},
		"left alone": {devices.Read{}, chafon.Band{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPretender(chafon.Reader288)
				d := p.driver(func(conf *chafon.Config) { conf.Power, conf.Band = c.power.RSSI, c.band })
				if _, err := run(t, p, d, time.Second, nothing); err != nil {
					t.Fatal(err)
				}
				want := append([]chafon.Command{{Addr: 0xFF, Code: chafon.GetInfo}}, c.want...)
				got := p.commands()
				if len(got) != len(want) {
					t.Fatalf("commands %+v, want %+v", got, want)
				}
				for i := range want {
					if got[i] != want[i] {
						t.Errorf("command %d is %+v, want %+v", i, got[i], want[i])
					}
				}
			})
		})
	}
}

func TestAReaderThatRefusesIsAnErrorThatSaysWhat(t *testing.T) {
	for code, says := range map[chafon.Code]string{
		chafon.GetInfo: "parameters", chafon.SetRegion: "cannot set band 1", chafon.SetPower: "power to 20 dBm", chafon.Inventory: "no inventory",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretender(chafon.Reader18)
			p.refuse[code] = chafon.BadArgument
			d := p.driver(func(c *chafon.Config) { c.Power, c.Band = 20_00, chafon.China900 })
			_, err := run(t, p, d, time.Minute, nothing)
			if err == nil || !strings.Contains(err.Error(), "reader uhf-c1") || !strings.Contains(err.Error(), says) {
				t.Errorf("command 0x%02x: %v", byte(code), err)
			}
		})
	}
}

func TestALostInventoryIsAskedAgainAndSixAreAnError(t *testing.T) {
	for lost, fails := range map[int]bool{5: false, 6: true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretender(chafon.Reader288)
			p.mute = lost
			p.report(1)
			sink, err := run(t, p, p.driver(), 20*time.Second, nothing)
			if (err != nil) != fails || (len(sink.Reads()) == 1) == fails {
				t.Errorf("%d lost: %v, reads %v", lost, err, sink.Keys())
			}
		})
	}
}

func TestAnAntennaThatIsGoneIsToldAtOnceAndItsReturnToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(chafon.Reader288)
		set := func(change func()) { p.mu.Lock(); change(); p.mu.Unlock() }
		set(func() { p.status[2] = chafon.NoAntenna })
		d := p.driver(func(c *chafon.Config) { c.Antennas = []uint8{1, 2} })
		sink, err := run(t, p, d, time.Minute, func(sink *devicetest.Sink) {
			time.Sleep(5 * time.Second)
			if sink.State() != devices.Degraded {
				t.Error("the reader is not degraded though antenna 2 is gone")
			}
			set(func() { delete(p.status, 2) })
			p.report(1)
		})
		states := ""
		for _, h := range sink.Healths() {
			states += h.State.String() + " "
			if h.State == devices.Degraded && !strings.Contains(h.Reason, "antenna 2 is not connected") {
				t.Errorf("reason %q", h.Reason)
			}
		}
		if err != nil || states != "up degraded degraded up " || len(sink.Reads()) != 1 {
			t.Errorf("%v; %s; %v", err, states, sink.Keys())
		}
	})
}

func TestAReaderThatReportsByItselfIsToldToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(chafon.Reader288)
		p.Say(chafon.Frame{Code: chafon.Live, Data: append([]byte{0, 1, 12}, append(readertest.EPC(9), 77)...)}.Append(nil))
		sink, err := run(t, p, p.driver(), time.Second, nothing)
		got := p.commands()
		if err != nil || len(got) != 2 || got[1].Code != chafon.SetMode || got[1].Live || len(sink.Reads()) != 0 {
			t.Errorf("%v; commands %+v, reads %v", err, got, sink.Keys())
		}
	})
}

func TestAnotherReaderOnTheLineIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(chafon.Reader18)
		d := p.driver(func(c *chafon.Config) { c.Addr = 5 })
		_, err := run(t, p, d, time.Minute, nothing)
		if err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("the answers of reader 0 were taken for those of reader 5: %v", err)
		}
	})
}
