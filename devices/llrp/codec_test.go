package llrp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/unit"
)

// messages are recorded ones, headers included.
func messages(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, row := range devicetest.Fixture(t, "rfid/llrp/frames/llrp_full_messages.csv") {
		all[row["name"]] = devicetest.Unhex(t, row["hex"])
	}
	return all
}

func TestRecordedMessagesAreReadAndWrittenBackAlike(t *testing.T) {
	for _, row := range devicetest.Fixture(t, "rfid/llrp/frames/llrp_full_messages.csv") {
		b := devicetest.Unhex(t, row["hex"])
		m, rest, err := llrp.ParseMessage(b)
		if err != nil || len(rest) != 0 {
			t.Errorf("%s: %v, %d bytes left", row["name"], err, len(rest))
			continue
		}
		if m.Body.Kind().String() != row["msg_type_name"] {
			t.Errorf("%s is %s, want %s", row["name"], m.Body.Kind(), row["msg_type_name"])
		}
		again, err := m.Append(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s is written back as\n%x, want\n%x, %v", row["name"], again, b, err)
		}
	}
}

// recorded reads a payload and what it means from the folder of recordings.
func recorded(t *testing.T, pattern string, each func(name string, payload, meaning []byte)) {
	t.Helper()
	devicetest.Fixture(t, "rfid/llrp/frames/llrp_full_messages.csv") // skips where there are no recordings
	dir := "../../../shared/data/rfid/llrp/edgex"
	names, _ := filepath.Glob(filepath.Join(dir, pattern))
	if len(names) == 0 {
		t.Skipf("no recordings at %s", filepath.Join(dir, pattern))
	}
	for _, name := range names {
		payload, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		meaning, err := os.ReadFile(strings.TrimSuffix(name, ".bytes") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		each(filepath.Base(name), payload, meaning)
	}
}

// roundTrip reads a payload, checks that it is written back alike, and gives what it says.
func roundTrip(t *testing.T, kind llrp.MessageType, payload []byte) llrp.Body {
	t.Helper()
	b, err := llrp.ParseBody(kind, payload)
	if err != nil {
		t.Fatal(err)
	}
	again, err := llrp.Message{Body: b}.Append(nil)
	if err != nil || !bytes.Equal(again[llrp.HeaderSize:], payload) {
		t.Errorf("%s is written back as\n%x, want\n%x, %v", kind, again, payload, err)
	}
	return b
}

func TestRecordedReportsMeanWhatTheirRecordingsSay(t *testing.T) {
	recorded(t, "roAccessReports/*.bytes", func(name string, payload, meaning []byte) {
		var want struct {
			TagReportData []struct {
				EPC96                 struct{ EPC string }
				AntennaID             uint16
				PeakRSSI              int8
				FirstSeenUTC          uint64
				LastSeenUTC, ROSpecID *uint64
			}
		}
		if err := json.Unmarshal(meaning, &want); err != nil {
			t.Fatal(err)
		}
		r := roundTrip(t, llrp.ROAccessReportType, payload).(*llrp.ROAccessReport)
		if len(r.Tags) != 1 || len(want.TagReportData) != 1 {
			t.Fatalf("%s has %d tags", name, len(r.Tags))
		}
		w := want.TagReportData[0]
		epc, _ := base64.StdEncoding.DecodeString(w.EPC96.EPC)
		expect := llrp.TagReport{
			Has: llrp.HasEPC | llrp.HasAntenna | llrp.HasPeakRSSI | llrp.HasFirstSeenUTC, EPC: epc, EPCBits: 96,
			Antenna: w.AntennaID, PeakRSSI: w.PeakRSSI, FirstSeenUTC: w.FirstSeenUTC,
		}
		if !reflect.DeepEqual(r.Tags[0], expect) {
			t.Errorf("%s says %+v, want %+v", name, r.Tags[0], expect)
		}
	})
}

// recordedCapabilities is how the recording writes them.
type recordedCapabilities struct {
	GeneralDeviceCapabilities struct {
		MaxSupportedAntennas      uint16
		CanSetAntennaProperties   bool
		HasUTCClock               bool
		DeviceManufacturer, Model uint32
		FirmwareVersion           string
		ReceiveSensitivities      []struct{ Index, ReceiveSensitivity uint16 }
		GPIOCapabilities          struct{ NumGPIs, NumGPOs uint16 }
		PerAntennaAirProtocols    []struct {
			AntennaID      uint16
			AirProtocolIDs []byte
		}
	}
	LLRPCapabilities struct {
		CanDoRFSurvey, CanReportBufferFillWarning, SupportsClientRequestOpSpec             bool
		CanDoTagInventoryStateAwareSingulation, SupportsEventsAndReportHolding             bool
		MaxPriorityLevelSupported                                                          uint8
		ClientRequestedOpSpecTimeout                                                       uint16
		MaxROSpecs, MaxSpecsPerROSpec, MaxInventoryParameterSpecsPerAISpec, MaxAccessSpecs uint32
		MaxOpSpecsPerAccessSpec                                                            uint32
	}
	RegulatoryCapabilities struct {
		CountryCode, CommunicationsStandard uint16
		UHFBandCapabilities                 struct {
			TransmitPowerLevels []struct {
				Index              uint16
				TransmitPowerValue unit.DBm
			}
			FrequencyInformation struct {
				Hopping            bool
				FrequencyHopTables []struct {
					HopTableID  uint8
					Frequencies []uint32
				}
			}
			C1G2RFModes struct {
				UHFC1G2RFModeTableEntries []struct {
					ModeID                                                  uint32
					DivideRatio                                             uint8
					IsEPCHagConformant                                      bool
					Modulation, ForwardLinkModulation, SpectralMask         uint8
					BackscatterDataRate, PIERatio, MinTariTime, MaxTariTime uint32
					StepTariTime                                            uint32
				}
			}
		}
	}
	C1G2LLRPCapabilities struct {
		SupportsBlockErase, SupportsBlockWrite, SupportsBlockPermalock bool
		SupportsTagRecommissioning, SupportsUMIMethod2, SupportsXPC    bool
		MaxSelectFiltersPerQuery                                       uint16
	}
}

// expected is what the codec should make of a recording.
func (r *recordedCapabilities) expected() *llrp.GetReaderCapabilitiesResponse {
	g, l, c := r.GeneralDeviceCapabilities, r.LLRPCapabilities, r.C1G2LLRPCapabilities
	general := &llrp.GeneralCapabilities{
		MaxAntennas: g.MaxSupportedAntennas, CanSetAntennaProperties: g.CanSetAntennaProperties, HasUTCClock: g.HasUTCClock,
		Manufacturer: g.DeviceManufacturer, Model: g.Model, Firmware: g.FirmwareVersion,
		GPIO: &llrp.GPIOCapabilities{Inputs: g.GPIOCapabilities.NumGPIs, Outputs: g.GPIOCapabilities.NumGPOs},
	}
	for _, s := range g.ReceiveSensitivities {
		general.Sensitivities = append(general.Sensitivities, llrp.ReceiveSensitivity{Index: s.Index, DB: s.ReceiveSensitivity})
	}
	for _, a := range g.PerAntennaAirProtocols {
		general.AirProtocols = append(general.AirProtocols, llrp.AirProtocols{Antenna: a.AntennaID, Protocols: a.AirProtocolIDs})
	}
	return &llrp.GetReaderCapabilitiesResponse{
		General: general,
		LLRP: &llrp.ProtocolCapabilities{
			CanDoRFSurvey: l.CanDoRFSurvey, CanWarnOfBuffer: l.CanReportBufferFillWarning,
			SupportsClientRequest: l.SupportsClientRequestOpSpec, CanDoStateAwareSingulation: l.CanDoTagInventoryStateAwareSingulation,
			CanHoldEventsAndReports: l.SupportsEventsAndReportHolding, MaxPriority: l.MaxPriorityLevelSupported,
			ClientRequestTimeout: l.ClientRequestedOpSpecTimeout, MaxROSpecs: l.MaxROSpecs, MaxSpecsPerROSpec: l.MaxSpecsPerROSpec,
			MaxInventorySpecsPerAISpec: l.MaxInventoryParameterSpecsPerAISpec, MaxAccessSpecs: l.MaxAccessSpecs,
			MaxOperationsPerAccessSpec: l.MaxOpSpecsPerAccessSpec,
		},
		Regulatory: &llrp.RegulatoryCapabilities{
			Country: r.RegulatoryCapabilities.CountryCode, Standard: r.RegulatoryCapabilities.CommunicationsStandard, UHF: r.band(),
		},
		C1G2: &llrp.C1G2Capabilities{
			BlockErase: c.SupportsBlockErase, BlockWrite: c.SupportsBlockWrite, BlockPermalock: c.SupportsBlockPermalock,
			Recommission: c.SupportsTagRecommissioning, UMIMethod2: c.SupportsUMIMethod2, XPC: c.SupportsXPC,
			MaxSelectFilters: c.MaxSelectFiltersPerQuery,
		},
	}
}

func (r *recordedCapabilities) band() *llrp.UHFBand {
	u := r.RegulatoryCapabilities.UHFBandCapabilities
	band := &llrp.UHFBand{Frequencies: &llrp.Frequencies{Hopping: u.FrequencyInformation.Hopping}, Modes: []llrp.RFModeTable{{}}}
	for _, p := range u.TransmitPowerLevels {
		band.Powers = append(band.Powers, llrp.TransmitPower{Index: p.Index, Power: p.TransmitPowerValue})
	}
	for _, h := range u.FrequencyInformation.FrequencyHopTables {
		band.Frequencies.Hops = append(band.Frequencies.Hops, llrp.HopTable{ID: h.HopTableID, KHz: h.Frequencies})
	}
	for _, m := range u.C1G2RFModes.UHFC1G2RFModeTableEntries {
		band.Modes[0].Modes = append(band.Modes[0].Modes, llrp.RFMode{
			ID: m.ModeID, DivideRatio64: m.DivideRatio == 1, Conformant: m.IsEPCHagConformant, Modulation: m.Modulation,
			ForwardLink: m.ForwardLinkModulation, SpectralMask: m.SpectralMask, BitsPerSecond: m.BackscatterDataRate, PIE: m.PIERatio,
			MinTari: m.MinTariTime, MaxTari: m.MaxTariTime, StepTari: m.StepTariTime,
		})
	}
	return band
}

func TestRecordedCapabilitiesMeanWhatTheirRecordingSays(t *testing.T) {
	recorded(t, "GetReaderCapabilitiesResponse-*.bytes", func(_ string, payload, meaning []byte) {
		var want recordedCapabilities
		if err := json.Unmarshal(meaning, &want); err != nil {
			t.Fatal(err)
		}
		got := roundTrip(t, llrp.GetReaderCapabilitiesResponseType, payload)
		if !reflect.DeepEqual(got, want.expected()) {
			t.Errorf("capabilities are\n%+v, want\n%+v", got, want.expected())
		}
	})
}

func TestRecordedStatusResponses(t *testing.T) {
	for pattern, kind := range map[string]llrp.MessageType{
		"CloseConnectionResponse-*.bytes": llrp.CloseConnectionResponseType, "GetROSpecsResponse-*.bytes": llrp.GetROSpecsResponseType,
	} {
		recorded(t, pattern, func(_ string, payload, _ []byte) {
			switch b := roundTrip(t, kind, payload).(type) {
			case *llrp.Response:
				if b.Status.Code != llrp.Success || b.Type != kind {
					t.Errorf("%+v", b)
				}
			case *llrp.GetROSpecsResponse:
				if b.Status.Code != llrp.Success || b.Specs != nil {
					t.Errorf("%+v", b)
				}
			}
		})
	}
}

func TestARecordedROSpecAndAccessSpec(t *testing.T) {
	all := messages(t)
	m, _, err := llrp.ParseMessage(all["add_ro_spec"])
	if err != nil {
		t.Fatal(err)
	}
	want := llrp.ROSpec{
		ID:       1,
		Boundary: llrp.ROBoundary{Start: llrp.ROStart{Trigger: llrp.StartImmediate}, Stop: llrp.ROStop{Trigger: llrp.StopDuration, Duration: 3000}},
		AISpecs: []llrp.AISpec{{
			Antennas: []uint16{1},
			Inventories: []llrp.InventorySpec{{ID: 1234, AirProtocol: 1, Antennas: []llrp.AntennaConfiguration{{
				Antenna: 1,
				Inventory: []llrp.InventoryCommand{{
					RFControl: &llrp.RFControl{}, Singulation: &llrp.SingulationControl{Session: 1, Population: 1},
				}},
			}}}},
		}},
	}
	if got := m.Body.(*llrp.AddROSpec).Spec; !reflect.DeepEqual(got, want) {
		t.Errorf("ROSpec is\n%+v, want\n%+v", got, want)
	}
	m, _, err = llrp.ParseMessage(all["add_access_spec_read"])
	if err != nil {
		t.Fatal(err)
	}
	access := llrp.AccessSpec{
		ID: 431, Antenna: 1, AirProtocol: 1, ROSpecID: 1, Stop: llrp.AccessStop{Count: 1}, Report: &llrp.AccessReportSpec{},
		Command: llrp.AccessCommand{
			Tags: llrp.TagSpec{Patterns: []llrp.TargetTag{{
				Bank: 1, Match: true, Bit: 32, Mask: llrp.Bits{N: 8, Data: []byte{0xFF}}, Data: llrp.Bits{N: 8, Data: []byte{0x0B}},
			}}},
			Reads: []llrp.TagRead{{OpSpecID: 111, Bank: 3, Count: 16}},
		},
	}
	if got := m.Body.(*llrp.AddAccessSpec).Spec; !reflect.DeepEqual(got, access) {
		t.Errorf("AccessSpec is\n%+v, want\n%+v", got, access)
	}
}
