package r2000_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf/r2000"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

func TestConformance(t *testing.T) {
	devicetest.Run(t, func(*testing.T) devicetest.Bench {
		p := newPretender()
		return devicetest.Bench{
			Driver: p.driver(), Answer: p.Answer, Report: p.report, Babble: p.Say, Unplug: p.Unplug, Replug: p.Replug,
		}
	})
}

func several(c *r2000.Config) { c.Antennas = []uint8{1, 2, 4} }

func TestNoiseOnTheLineCostsReadsAndMakesNone(t *testing.T) {
	for name, change := range map[string]func(*r2000.Config){"one antenna": func(*r2000.Config) {}, "several": several} {
		t.Run(name, func(t *testing.T) {
			readertest.Noise(t, func() readertest.Trial {
				p := newPretender()
				return readertest.Trial{Wire: p.Wire, Driver: p.driver(change), Report: p.report, Least: 95}
			})
		})
	}
}

// run runs a driver in the time of a bubble for a while, and gives what it reported and returned.
func run(t *testing.T, p *pretender, d *r2000.Driver, during time.Duration, do func(*devicetest.Sink)) (*devicetest.Sink, error) {
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
	synctest.Test(t, func(t *testing.T) {
		p := newPretender()
		p.report(6)
		sink, err := run(t, p, p.driver(several), time.Second, nothing)
		reads := sink.Reads()
		if err != nil || len(reads) != 6 {
			t.Fatalf("%v %v", err, sink.Keys())
		}
		for i, r := range reads {
			if r.Antenna != []uint8{1, 2, 4}[i%3] || r.RSSI != -60_00 || !r.HasRSSI || r.RSSIRelative || r.ChannelKHz != 920_000 ||
				r.Count != 1 || r.Device != "uhf-r1" || r.HostTime.IsZero() || !r.ReaderTime.IsZero() {
				t.Errorf("read %d is %+v", i, r)
			}
		}
	})
}

func TestWhatTheReaderKeepsIsSetOnlyWhereItIsOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*r2000.Config)
		want   []r2000.Code
	}{
		"left alone": {func(*r2000.Config) {}, nil},
		"as it is": {
			func(c *r2000.Config) { c.Power, c.Region = 30_00, r2000.China },
			[]r2000.Code{r2000.GetRegion, r2000.GetPower},
		},
		"otherwise": {
			func(c *r2000.Config) { c.Power, c.Region, c.Antennas = 26_00, r2000.ETSI, []uint8{3} },
			[]r2000.Code{r2000.GetRegion, r2000.SetRegion, r2000.GetPower, r2000.SetPower, r2000.SetAntenna},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPretender()
				if _, err := run(t, p, p.driver(c.change), time.Second, nothing); err != nil {
					t.Fatal(err)
				}
				got := []r2000.Code{}
				for _, asked := range p.commands() {
					got = append(got, asked.Code)
					if asked.Code == r2000.SetPower && asked.Power != 26 || asked.Code == r2000.SetRegion && asked.Region != r2000.ETSI ||
						asked.Code == r2000.SetAntenna && asked.Antenna != 3 {
						t.Errorf("%+v", asked)
					}
				}
				if want := append([]r2000.Code{r2000.Version}, c.want...); !slices.Equal(got, want) {
					t.Errorf("commands %x, want %x", got, want)
				}
			})
		})
	}
}

func TestAReaderThatRefusesIsAnErrorThatSaysWhat(t *testing.T) {
	for code, says := range map[r2000.Code]string{
		r2000.SetRegion: "cannot set region 2: the reader does not take the parameter", r2000.SetPower: "power to 20 dBm",
		r2000.SetAntenna: "cannot set antenna 1", r2000.Inventory: "no inventory", r2000.Version: "version",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretender()
			p.refuse[code] = 0x41
			d := p.driver(func(c *r2000.Config) { c.Power, c.Region, c.Antennas = 20_00, r2000.ETSI, []uint8{1} })
			_, err := run(t, p, d, time.Minute, nothing)
			if err == nil || !strings.Contains(err.Error(), "reader uhf-r1") || !strings.Contains(err.Error(), says) {
				t.Errorf("command 0x%02x: %v", byte(code), err)
			}
		})
	}
}

func TestALostRoundIsAskedAgainAndSixAreAnError(t *testing.T) {
	for lost, fails := range map[int]bool{5: false, 6: true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretender()
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
	for name, c := range map[string]struct {
		antennas []uint8
		gone     uint8
		says     string
	}{
		"one of several": {[]uint8{1, 2}, 2, "antenna 2 is not connected"},
		"the only one":   {[]uint8{1}, 1, "antenna 1 is not connected"},
		"not named":      {nil, 1, "the antenna is not connected"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPretender()
				set := func(gone bool) { p.mu.Lock(); p.gone[c.gone] = gone; p.mu.Unlock() }
				set(true)
				sink, err := run(t, p, p.driver(func(conf *r2000.Config) { conf.Antennas = c.antennas }), time.Minute, func(sink *devicetest.Sink) {
					time.Sleep(5 * time.Second)
					if sink.State() != devices.Degraded {
						t.Error("the reader is not degraded though its antenna is gone")
					}
					set(false)
					p.report(1)
				})
				states := ""
				for _, h := range sink.Healths() {
					states += h.State.String() + " "
					if h.State == devices.Degraded && !strings.Contains(h.Reason, c.says) {
						t.Errorf("reason %q", h.Reason)
					}
				}
				if err != nil || states != "up degraded degraded up " || len(sink.Reads()) != 1 {
					t.Errorf("%v; %s; %v", err, states, sink.Keys())
				}
			})
		})
	}
}
