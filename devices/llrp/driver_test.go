package llrp_test

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/port"
)

func TestConformance(t *testing.T) {
	devicetest.Run(t, func(t *testing.T) devicetest.Bench {
		p := newPretender(t).listen()
		address := p.address()
		return devicetest.Bench{
			Driver: llrp.New(p.config()),
			Answer: p.answer,
			Report: p.report,
			Babble: p.send,
			Unplug: func() { p.mute(); p.unplug() },
			Replug: func() { p.plug(address) },
		}
	})
}

// start runs a driver of a pretender that answers.
func start(t *testing.T, p *pretender, c llrp.Config) (*devicetest.Sink, *devicetest.Running) {
	t.Helper()
	sink := &devicetest.Sink{}
	p.answer()
	return sink, devicetest.Start(t, llrp.New(c), sink)
}

func TestTheReaderIsSetUpInOrderAndLeftQuiet(t *testing.T) {
	p := newPretender(t).listen()
	sink, running := start(t, p, p.config())
	sink.WaitState(t, devices.Up)
	running.Stop(t)
	want := []llrp.MessageType{
		llrp.GetReaderCapabilitiesType, llrp.GetReaderConfigType, llrp.SetReaderConfigType, llrp.EnableEventsAndReportsType,
		llrp.DeleteROSpecType, llrp.AddROSpecType, llrp.EnableROSpecType, llrp.StartROSpecType,
		llrp.DeleteROSpecType, llrp.CloseConnectionType,
	}
	for i, kind := range want {
		m := <-p.heard
		if m.Body.Kind() != kind {
			t.Fatalf("message %d is %s, want %s", i, m.Body.Kind(), kind)
		}
		if c, ok := m.Body.(*llrp.SetReaderConfig); ok {
			if !c.KeepAlive.Periodic || c.KeepAlive.Period != 10_000 || !c.Holding.Hold || c.Reset {
				t.Errorf("settings are %+v", c)
			}
		}
	}
}

func TestAReaderThatCannotHoldReportsIsNotAskedTo(t *testing.T) {
	p := newPretender(t).listen()
	p.caps.LLRP.CanHoldEventsAndReports = false
	start(t, p, p.config())
	if c := p.await(llrp.SetReaderConfigType).Body.(*llrp.SetReaderConfig); c.Holding != nil {
		t.Errorf("settings are %+v", c)
	}
}

func TestASightingBecomesARead(t *testing.T) {
	p := newPretender(t).listen()
	p.caps = capabilities(llrp.Impinj, true)
	sink, _ := start(t, p, p.config())
	sink.WaitState(t, devices.Up)
	seen := noon.Add(-time.Second)
	epc := devicetest.Unhex(t, "30751feb705c5904e3d50d70")
	p.say(0, &llrp.ROAccessReport{Tags: []llrp.TagReport{{
		Has: llrp.HasEPC | llrp.HasAntenna | llrp.HasPeakRSSI | llrp.HasChannel | llrp.HasFirstSeenUTC | llrp.HasLastSeenUTC |
			llrp.HasSeenCount | llrp.HasRSSI | llrp.HasPhase,
		EPC: epc, EPCBits: 96, Antenna: 3, PeakRSSI: -55, Channel: 2, FirstSeenUTC: *utc(seen.Add(-time.Minute)),
		LastSeenUTC: *utc(seen), SeenCount: 7, RSSI: -5525, Phase: 1024,
	}}})
	sink.Wait(t, "the sighting is a read", func() bool { return len(sink.Reads()) == 1 })
	tag, _ := devices.NewTag(devices.TagEPC, epc)
	want := devices.Read{
		Device: "gate-1", Antenna: 3, Tag: tag, RSSI: -5525, HasRSSI: true, ReaderTime: seen, HostTime: noon, Count: 7,
		Phase: 9000, HasPhase: true, ChannelKHz: 920875,
	}
	if got := sink.Reads()[0]; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestEveryFieldOfASightingIsOptional(t *testing.T) {
	p := newPretender(t).listen()
	sink, _ := start(t, p, p.config())
	sink.WaitState(t, devices.Up)
	p.send(devicetest.Unhex(t, "043d0000000a00000000")) // a Zebra that saw nothing
	p.send(devicetest.Unhex(t, "043d0000002a000001be00f000208de2005037590701270270edaf87001884000591e2f0b6d69a8814fe"))
	p.say(0, &llrp.ROAccessReport{Tags: []llrp.TagReport{
		{Has: llrp.HasAntenna, Antenna: 1}, // no EPC
		{Has: llrp.HasEPC},                 // an empty one
		{Has: llrp.HasEPC, EPC: make([]byte, devices.MaxTagBytes+1), EPCBits: 8 * (devices.MaxTagBytes + 1)},
		{Has: llrp.HasEPC | llrp.HasAntenna, EPC: []byte{1}, EPCBits: 8, Antenna: 256},
		{Has: llrp.HasEPC, EPC: []byte{0xAB, 0xFF}, EPCBits: 12},
		{Has: llrp.HasEPC | llrp.HasSeenCount | llrp.HasChannel, EPC: []byte{1, 2}, EPCBits: 16, Channel: 99},
	}})
	sink.Wait(t, "the sightings are reads", func() bool { return len(sink.Reads()) == 3 })
	poor := sink.Reads()[0]
	if poor.Antenna != 0 || poor.HasRSSI || poor.Count != 0x14fe || poor.ReaderTime.IsZero() || poor.ChannelKHz != 0 {
		t.Errorf("read is %+v", poor)
	}
	if keys := sink.Keys(); !slices.Equal(keys, []string{"epc:e2005037590701270270edaf", "epc:abf0", "epc:0102"}) {
		t.Errorf("reads are %v", keys)
	}
	if r := sink.Reads()[2]; r.Count != 1 || r.ChannelKHz != 0 {
		t.Errorf("read is %+v", r)
	}
	sink.WaitState(t, devices.Degraded)
	if h := last(sink); h.Lost != 4 {
		t.Errorf("health is %+v", h)
	}
}

func last(s *devicetest.Sink) devices.Health {
	all := s.Healths()
	return all[len(all)-1]
}

func TestAReaderWithoutAClockKeepsItsDistances(t *testing.T) {
	p := newPretender(t).listen()
	p.caps = capabilities(161, false)
	hour := uint64(time.Hour.Microseconds())
	p.hello = llrp.Events{Uptime: &hour, Connection: &llrp.ConnectionAttempt{}}
	sink, _ := start(t, p, p.config())
	sink.WaitState(t, devices.Up)
	var tags []llrp.TagReport
	for i, has := range []llrp.Fields{llrp.HasLastSeenUptime, llrp.HasFirstSeenUptime, llrp.HasLastSeenUptime} {
		at := hour + uint64(i)*250_000
		if i == 2 {
			at = 1 << 63 // nonsense
		}
		tags = append(tags, llrp.TagReport{
			Has: llrp.HasEPC | has, EPC: []byte{1, byte(i)}, EPCBits: 16, LastSeenUptime: at, FirstSeenUptime: at,
		})
	}
	p.say(0, &llrp.ROAccessReport{Tags: tags})
	at := hour + 500_000
	p.event(llrp.Events{Uptime: &at, GPI: &llrp.GPIEvent{Port: 1, High: true}})
	sink.Wait(t, "an input", func() bool { return len(sink.GPIs()) == 1 })
	reads := sink.Reads()
	if !reads[0].ReaderTime.Equal(noon) || !reads[1].ReaderTime.Equal(noon.Add(250*time.Millisecond)) || !reads[2].ReaderTime.IsZero() {
		t.Errorf("times are %s, %s and %s", reads[0].ReaderTime, reads[1].ReaderTime, reads[2].ReaderTime)
	}
	want := devices.GPI{Device: "gate-1", Port: 1, High: true, ReaderTime: noon.Add(500 * time.Millisecond), HostTime: noon}
	if got := sink.GPIs()[0]; got != want {
		t.Errorf("input is %+v, want %+v", got, want)
	}
}

func TestAfterALostConnectionTheROSpecIsGivenAgainAndWhatWasKeptArrives(t *testing.T) {
	p := newPretender(t).listen()
	address := p.address()
	driver := llrp.New(p.config())
	p.answer()
	sink := &devicetest.Sink{}
	first := devicetest.Start(t, driver, sink)
	p.await(llrp.StartROSpecType)
	sink.WaitState(t, devices.Up)
	p.unplug()
	if err := first.End(t); err == nil || !strings.Contains(err.Error(), "reader gate-1") {
		t.Errorf("error is %v", err)
	}
	p.held = []llrp.Body{
		&llrp.ROAccessReport{Tags: []llrp.TagReport{{Has: llrp.HasEPC, EPC: []byte{0xCA, 0xFE}, EPCBits: 16}}},
		&llrp.ReaderEventNotification{Events: llrp.Events{UTC: utc(noon), GPI: &llrp.GPIEvent{Port: 2, High: true}}},
	}
	p.plug(address)
	again := &devicetest.Sink{}
	devicetest.Start(t, driver, again)
	p.await(llrp.EnableEventsAndReportsType)
	for _, kind := range []llrp.MessageType{llrp.DeleteROSpecType, llrp.AddROSpecType, llrp.EnableROSpecType, llrp.StartROSpecType} {
		p.await(kind)
	}
	again.WaitState(t, devices.Up)
	if keys := again.Keys(); !slices.Equal(keys, []string{"epc:cafe"}) || len(again.GPIs()) != 1 {
		t.Errorf("reads are %v, inputs %v", keys, again.GPIs())
	}
}

func TestAnImpinjIsAskedForRSSIAndPhase(t *testing.T) {
	p := newPretender(t).listen()
	p.caps = capabilities(llrp.Impinj, true)
	mode := uint16(1002)
	c := p.config()
	c.Antennas, c.Power, c.Session, c.Population, c.Mode, c.Search = []uint16{1, 4}, 2550, 2, 300, &mode, llrp.SearchDual
	start(t, p, c)
	p.await(llrp.CustomMessageType)
	spec := p.await(llrp.AddROSpecType).Body.(*llrp.AddROSpec).Spec
	if !llrp.WantsImpinjContent(spec.Report.Extra) || spec.Report.N != 100 || spec.Report.Trigger != llrp.ReportTagsOrROSpecEnd {
		t.Errorf("reports are %+v", spec.Report)
	}
	if !slices.Equal(spec.AISpecs[0].Antennas, []uint16{1, 4}) {
		t.Errorf("antennas are %v", spec.AISpecs[0].Antennas)
	}
	a := spec.AISpecs[0].Inventories[0].Antennas[0]
	i := a.Inventory[0]
	if *a.Transmitter != (llrp.RFTransmitter{HopTable: 7, Power: 2}) || i.RFControl.Mode != 1002 ||
		i.Singulation.Session != 2 || i.Singulation.Population != 300 || len(i.Extra) != 1 {
		t.Errorf("antennas are %+v, inventory %+v", a, i)
	}
}

func TestAReaderThatDoesNotHopGetsItsFirstChannelAndTellsChannels(t *testing.T) {
	p := newPretender(t).listen()
	p.caps.Regulatory.UHF.Frequencies = &llrp.Frequencies{Fixed: &llrp.FixedFrequencies{KHz: []uint32{865700, 866300}}}
	c := p.config()
	c.Power = 3300
	sink, _ := start(t, p, c)
	a := p.await(llrp.AddROSpecType).Body.(*llrp.AddROSpec).Spec.AISpecs[0].Inventories[0].Antennas[0]
	if *a.Transmitter != (llrp.RFTransmitter{Channel: 1, Power: 3}) {
		t.Errorf("transmitter is %+v", a.Transmitter)
	}
	sink.WaitState(t, devices.Up)
	p.say(0, &llrp.ROAccessReport{Tags: []llrp.TagReport{{Has: llrp.HasEPC | llrp.HasChannel, EPC: []byte{1, 2}, EPCBits: 16, Channel: 2}}})
	sink.Wait(t, "a read", func() bool { return len(sink.Reads()) == 1 })
	if r := sink.Reads()[0]; r.ChannelKHz != 866300 {
		t.Errorf("channel is %d kHz", r.ChannelKHz)
	}
}

func TestAnImpinjThatRefusesItsExtensionsIsUsedWithout(t *testing.T) {
	p := newPretender(t).listen()
	p.caps = capabilities(llrp.Impinj, true)
	p.refuses[llrp.CustomMessageType] = llrp.UnsupportedMessage
	sink, _ := start(t, p, p.config())
	sink.WaitState(t, devices.Up)
	if spec := p.await(llrp.AddROSpecType).Body.(*llrp.AddROSpec).Spec; spec.Report.Extra != nil {
		t.Errorf("reports are %+v", spec.Report)
	}
}

func TestVersionsAreAgreedOn(t *testing.T) {
	for name, c := range map[string]struct {
		refused llrp.MessageType
		want    llrp.Version
	}{
		"both know 1.1":             {0, llrp.Version11},
		"the question is not known": {llrp.GetSupportedVersionType, llrp.Version101},
		"the change is refused":     {llrp.SetProtocolVersionType, llrp.Version101},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPretender(t).listen()
			p.replies = func(m llrp.Message) (llrp.Body, bool) {
				if m.Body.Kind() == llrp.GetSupportedVersionType && c.refused == llrp.GetSupportedVersionType {
					return &llrp.Response{Type: llrp.ErrorMessageType, Status: llrp.Status{Code: llrp.UnsupportedVersion}}, true
				}
				return nil, false
			}
			p.refuses[c.refused] = llrp.UnsupportedVersion
			conf := p.config()
			conf.Version = llrp.Version11
			start(t, p, conf)
			if m := p.await(llrp.AddROSpecType); m.Version != c.want {
				t.Errorf("version is %s, want %s", m.Version, c.want)
			}
		})
	}
}

func TestARefusalIsAnErrorThatSaysWhat(t *testing.T) {
	for refused, says := range map[llrp.MessageType]string{
		llrp.SetReaderConfigType: "refuses SET_READER_CONFIG: value is out of range",
		llrp.AddROSpecType:       "refuses ADD_ROSPEC",
		llrp.StartROSpecType:     "refuses START_ROSPEC",
	} {
		p := newPretender(t).listen()
		p.refuses[refused] = llrp.FieldOutOfRange
		_, running := start(t, p, p.config())
		if err := running.End(t); err == nil || !strings.Contains(err.Error(), "reader gate-1: it "+says) {
			t.Errorf("%s refused: %v", refused, err)
		}
	}
}

func TestAReaderThatRefusesOurInventoryGetsAPlainOne(t *testing.T) {
	p := newPretender(t).listen()
	p.replies = func(m llrp.Message) (llrp.Body, bool) {
		add, ok := m.Body.(*llrp.AddROSpec)
		if !ok || add.Spec.AISpecs[0].Inventories[0].Antennas == nil {
			return nil, false
		}
		return &llrp.Response{Type: llrp.AddROSpecResponseType, Status: llrp.Status{Code: 209}}, true
	}
	sink, _ := start(t, p, p.config())
	sink.WaitState(t, devices.Up)
}

func TestAConnectionThatTheReaderRefusesIsAnErrorWithTheReason(t *testing.T) {
	p := newPretender(t).listen()
	p.hello.Connection.Status = llrp.ClientInitiated
	_, running := start(t, p, p.config())
	if err := running.End(t); err == nil || !strings.Contains(err.Error(), "another program is connected") {
		t.Error(err)
	}
}

func TestAReaderThatClosesTheConnectionIsAnError(t *testing.T) {
	p := newPretender(t).listen()
	sink, running := start(t, p, p.config())
	sink.WaitState(t, devices.Up)
	p.event(llrp.Events{UTC: utc(noon), Close: &llrp.ConnectionClose{}})
	if err := running.End(t); err == nil || !strings.Contains(err.Error(), "closes the connection") {
		t.Error(err)
	}
}

func TestLengthsThatLieAndGarbageAreSurvived(t *testing.T) {
	p := newPretender(t).listen()
	sink, _ := start(t, p, p.config())
	sink.WaitState(t, devices.Up)
	want := p.report(1)
	for _, lie := range []string{
		"043d0000000000000000", "043d0000000500000000", "043dffffffff00000000", "043d0010000100000000", "ffffffffffffffffffff",
		"043d0000000e00000000" + "00f00000", // a parameter of no length
		"043d0000000e00000000" + "00f0ffff",
		"043d0000001200000000" + "00f000080000000f",
		"043f0000000c00000000" + "00f6",
	} {
		p.send(devicetest.Unhex(t, lie))
		want = append(want, p.report(1)...)
	}
	sink.Wait(t, "everything good arrives", func() bool { return slices.Equal(sink.Keys(), want) })
	sink.WaitState(t, devices.Degraded)
}

func TestAPortThatCannotBeOpenedIsAnErrorThatSaysSo(t *testing.T) {
	p := newPretender(t).listen()
	p.unplug()
	err := llrp.New(p.config()).Run(context.Background(), &devicetest.Sink{})
	if err == nil || !strings.Contains(err.Error(), "reader gate-1: cannot connect") {
		t.Error(err)
	}
}

func TestASecretConnectionWorksAndOneThatIsNotBelievedDoesNot(t *testing.T) {
	cert, file := certified(t)
	p := newPretender(t)
	p.secure = &tls.Config{Certificates: []tls.Certificate{cert}}
	p.listen()
	a, err := port.ParseAddress("tcp:" + p.address())
	if err != nil {
		t.Fatal(err)
	}
	c := p.config()
	with := func(settings port.TLS) func(context.Context) (llrp.Port, error) {
		return func(ctx context.Context) (llrp.Port, error) {
			conf, err := settings.Config(a)
			if err != nil {
				return nil, err
			}
			return port.OpenTLS(ctx, a, port.Options{ReadTimeout: 10 * time.Millisecond}, conf)
		}
	}
	c.Dial = with(port.TLS{ServerName: "reader.test"})
	if err := llrp.New(c).Run(t.Context(), &devicetest.Sink{}); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("error is %v", err)
	}
	c.Dial = with(port.TLS{CAFile: file, ServerName: "reader.test"})
	sink, running := start(t, p, c)
	sink.WaitState(t, devices.Up)
	want := p.report(3)
	sink.Wait(t, "reads arrive", func() bool { return slices.Equal(sink.Keys(), want) })
	running.Stop(t)
}
