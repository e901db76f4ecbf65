package portal

import (
	"time"

	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/unit"
)

// report is what the reader says of a sighting: what the ROSpec asks for, as far as the flavour has it.
func (r *Reader) report(spec *llrp.ROSpec, s Sighting) llrp.TagReport {
	id := s.Tag.Bytes()
	t := llrp.TagReport{Has: llrp.HasEPC, EPC: id, EPCBits: uint16(8 * len(id))}
	if spec.Report == nil {
		return t
	}
	want := spec.Report.Content
	set := func(wanted bool, f llrp.Fields) {
		if wanted {
			t.Has |= f
		}
	}
	t.Antenna, t.PeakRSSI, t.Channel, t.SeenCount, t.ROSpecID = uint16(s.Antenna), int8(s.RSSI/100), max(s.Channel, 1), 1, spec.ID
	set(want.Antenna && r.cfg.Flavour != Zebra, llrp.HasAntenna)
	set(want.RSSI && r.cfg.Flavour != Zebra, llrp.HasPeakRSSI)
	set(want.Channel, llrp.HasChannel)
	set(want.SeenCount, llrp.HasSeenCount)
	set(want.ROSpecID, llrp.HasROSpecID)
	at := r.micros(s.At)
	if r.cfg.Flavour == Uptime {
		t.FirstSeenUptime, t.LastSeenUptime = at, at
		set(want.FirstSeen, llrp.HasFirstSeenUptime)
		set(want.LastSeen, llrp.HasLastSeenUptime)
	} else {
		t.FirstSeenUTC, t.LastSeenUTC = at, at
		set(want.FirstSeen, llrp.HasFirstSeenUTC)
		set(want.LastSeen, llrp.HasLastSeenUTC)
	}
	if r.cfg.Flavour == Impinj && llrp.WantsImpinjContent(spec.Report.Extra) {
		t.RSSI, t.Phase = s.RSSI, uint16(uint32(s.Phase)*4096/36000)
		t.Has |= llrp.HasRSSI | llrp.HasPhase
	}
	return t
}

// micros is a moment on the reader's clock.
func (r *Reader) micros(at time.Time) uint64 {
	if r.cfg.Flavour == Uptime {
		return uint64(max(0, at.Sub(r.boot).Microseconds()))
	}
	return uint64(max(0, at.UnixMicro()))
}

// capabilities are what the reader says of itself.
func (r *Reader) capabilities() *llrp.GetReaderCapabilitiesResponse {
	vendors := [...]uint32{Plain: 0, Impinj: llrp.Impinj, Zebra: 161, Uptime: 0}
	general := &llrp.GeneralCapabilities{
		MaxAntennas: r.cfg.Antennas, HasUTCClock: r.cfg.Flavour != Uptime, Manufacturer: vendors[r.cfg.Flavour], Firmware: "1.0",
		Sensitivities: []llrp.ReceiveSensitivity{{Index: 1}}, GPIO: &llrp.GPIOCapabilities{Inputs: r.cfg.Inputs},
	}
	for n := range r.cfg.Antennas {
		general.AirProtocols = append(general.AirProtocols, llrp.AirProtocols{Antenna: n + 1, Protocols: []byte{1}})
	}
	band := &llrp.UHFBand{Frequencies: &llrp.Frequencies{Hopping: true, Hops: []llrp.HopTable{{ID: 1, KHz: Channels}}}}
	for i := range uint16(81) { // 10 to 30 dBm in quarters
		band.Powers = append(band.Powers, llrp.TransmitPower{Index: i + 1, Power: 1000 + 25*unit.DBm(i)})
	}
	return &llrp.GetReaderCapabilitiesResponse{
		General: general,
		LLRP: &llrp.ProtocolCapabilities{
			CanHoldEventsAndReports: true, MaxROSpecs: 1, MaxSpecsPerROSpec: 32, MaxInventorySpecsPerAISpec: 1,
		},
		Regulatory: &llrp.RegulatoryCapabilities{Country: 156, UHF: band},
		C1G2:       &llrp.C1G2Capabilities{MaxSelectFilters: 2},
	}
}

// config tells how the reader is set up.
func (r *Reader) config() *llrp.GetReaderConfigResponse {
	c := &llrp.GetReaderConfigResponse{Holding: &llrp.EventsAndReports{Hold: r.hold}}
	for n := range r.cfg.Antennas {
		c.Properties = append(c.Properties, llrp.AntennaProperties{Antenna: n + 1, Connected: !r.gone[n+1]})
	}
	for n := range r.cfg.Inputs {
		s := llrp.GPIState{Port: n + 1, Enabled: true}
		if r.inputs[n+1] {
			s.State = 1
		}
		c.Inputs = append(c.Inputs, s)
	}
	return c
}
