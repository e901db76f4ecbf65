package llrp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// welcome waits for the reader's word that it takes the connection.
func (r *run) welcome(ctx context.Context) error {
	deadline := time.Now().Add(welcomeTime)
	for {
		h, payload, err := r.in.next(ctx, time.Until(deadline))
		if errors.Is(err, errQuiet) {
			return errors.New("it takes the connection but says nothing; check that LLRP is switched on there")
		}
		if err != nil {
			return err
		}
		if h.Type != ReaderEventNotificationType {
			continue
		}
		b, err := ParseBody(h.Type, payload)
		if err != nil {
			return err
		}
		e := &b.(*ReaderEventNotification).Events
		if e.Connection == nil {
			continue
		}
		if e.Connection.Status != Connected {
			return fmt.Errorf("it refuses the connection: %s", e.Connection.Status)
		}
		if e.Uptime != nil {
			r.learnEpoch(*e.Uptime)
		}
		return nil
	}
}

// setUp makes the reader read.
func (r *run) setUp(ctx context.Context) error {
	if err := r.agree(ctx); err != nil {
		return err
	}
	b, err := r.ask(ctx, &GetReaderCapabilities{})
	if err != nil {
		return err
	}
	r.caps = b.(*GetReaderCapabilitiesResponse)
	r.terms.channels, _ = r.caps.channels()
	if err := r.extend(ctx); err != nil {
		return err
	}
	if err := r.lookAtAntennas(ctx); err != nil {
		return err
	}
	if _, err := r.ask(ctx, r.settings()); err != nil {
		return err
	}
	// What the reader kept is fetched before its old ROSpec goes, with which it could go too.
	if _, err := r.send(&Bare{Type: EnableEventsAndReportsType}); err != nil {
		return err
	}
	return r.place(ctx)
}

// agree finds the version to speak. A reader that does not know the question, or does not answer, speaks 1.0.1.
func (r *run) agree(ctx context.Context) error {
	if r.Version < Version11 {
		return nil
	}
	r.version = Version11
	b, err := r.ask(ctx, &Bare{Type: GetSupportedVersionType})
	if m, ok := b.(*GetSupportedVersionResponse); err == nil && ok && m.Supported >= Version11 {
		_, err = r.ask(ctx, &SetProtocolVersion{Version11})
		if err == nil {
			return nil
		}
	}
	r.version = Version101
	if err != nil && !refused(err) && !errors.Is(err, errQuiet) {
		return err
	}
	return nil
}

// extend switches on the extensions of Impinj; a reader that refuses goes without.
func (r *run) extend(ctx context.Context) error {
	if g := r.caps.General; g == nil || g.Manufacturer != Impinj {
		return nil
	}
	b, err := r.ask(ctx, EnableImpinjExtensions())
	if m, ok := b.(*CustomMessage); err == nil && ok {
		status, bad := ParseImpinjExtensionsEnabled(m)
		r.impinj = bad == nil && status.Code == Success
	}
	if refused(err) {
		return nil
	}
	return err
}

// lookAtAntennas finds the antennas that should be used and are not connected. A reader that says so of all of them cannot
// tell.
func (r *run) lookAtAntennas(ctx context.Context) error {
	b, err := r.ask(ctx, &GetReaderConfig{Requested: ConfigAntennaProperties})
	if refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	antennas := b.(*GetReaderConfigResponse).Properties
	if !slices.ContainsFunc(antennas, func(a AntennaProperties) bool { return a.Connected }) {
		return nil
	}
	for _, a := range antennas {
		if slices.Contains(r.Antennas, a.Antenna) {
			r.quality.antenna(a.Antenna, a.Connected)
		}
	}
	return nil
}

// settings are what the reader should do beside reading.
func (r *run) settings() *SetReaderConfig {
	c := &SetReaderConfig{
		KeepAlive: &KeepAliveSpec{Periodic: true, Period: uint32(r.KeepAlive.Milliseconds())},
		Events:    &EventSpec{},
	}
	for _, t := range []EventType{GPIEvents, ROSpecEvents, BufferEvents, ExceptionEvents, AntennaEvents} {
		c.Events.States = append(c.Events.States, EventState{t, true})
	}
	for _, port := range r.Inputs {
		c.Inputs = append(c.Inputs, GPIState{Port: port, Enabled: true, State: 2})
	}
	if p := r.caps.LLRP; p != nil && p.CanHoldEventsAndReports {
		c.Holding = &EventsAndReports{Hold: true}
	}
	return c
}

// place gives the reader our ROSpec, in the place of all others, and starts it. Each has an ID of its own, so that a late
// event of the one before is not taken for one of it. Where nothing but the driver's own taste
// could be what a reader refuses, it is asked again without that.
func (r *run) place(ctx context.Context) error {
	r.lapsed, r.since = false, time.Now()
	r.spec++
	if _, err := r.ask(ctx, &SpecCommand{Type: DeleteROSpecType}); err != nil && !refused(err) {
		return err
	}
	_, err := r.ask(ctx, &AddROSpec{Spec: r.order(r.inventory())})
	if refused(err) && r.Power == 0 && r.Session == 0 && r.Mode == nil && r.Search == 0 {
		_, err = r.ask(ctx, &AddROSpec{Spec: r.order(nil)})
	}
	if err != nil {
		return err
	}
	for _, t := range []MessageType{EnableROSpecType, StartROSpecType} {
		if _, err := r.ask(ctx, &SpecCommand{Type: t, Spec: r.spec}); err != nil {
			return err
		}
	}
	return nil
}

// order is the ROSpec: an inventory with all antennas, without end.
func (r *run) order(antennas []AntennaConfiguration) ROSpec {
	s := ROSpec{
		ID: r.spec,
		AISpecs: []AISpec{{
			Antennas:    r.Antennas,
			Inventories: []InventorySpec{{ID: 1, AirProtocol: 1, Antennas: antennas}},
		}},
		Report: &ROReportSpec{
			Trigger: ReportTagsOrROSpecEnd, N: reportTags,
			Content: TagReportContent{
				Antenna: true, Channel: true, RSSI: true, FirstSeen: true, LastSeen: true, SeenCount: true,
				Memory: []EPCMemorySelector{{}},
			},
		},
	}
	if len(r.Antennas) == 0 {
		s.AISpecs[0].Antennas = []uint16{0}
	}
	if r.single {
		s.Report.N = 1
	}
	if r.impinj {
		s.Report.Extra = Extra{ImpinjContent()}
	}
	return s
}

// inventory is how all antennas are used.
func (r *run) inventory() []AntennaConfiguration {
	command := InventoryCommand{Singulation: &SingulationControl{Session: r.Session, Population: r.Population}}
	if r.Mode != nil {
		command.RFControl = &RFControl{Mode: *r.Mode, Tari: r.Tari}
	}
	if r.impinj && r.Search != 0 {
		command.Extra = Extra{r.Search.Parameter()}
	}
	a := AntennaConfiguration{Inventory: []InventoryCommand{command}}
	if power, ok := r.caps.powerIndex(r.Power); ok && r.Power != 0 {
		a.Transmitter = &RFTransmitter{Power: power}
		if _, a.Transmitter.HopTable = r.caps.channels(); a.Transmitter.HopTable == 0 {
			a.Transmitter.Channel = 1
		}
	}
	return []AntennaConfiguration{a}
}
