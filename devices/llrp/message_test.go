package llrp_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/unit"
)

func ptr[T any](v T) *T { return &v }

// samples has a message of every kind with every parameter that this package looks into.
func samples() []llrp.Message {
	inventory := []llrp.AntennaConfiguration{{
		Antenna: 2, Receiver: &llrp.RFReceiver{Sensitivity: 3}, Transmitter: &llrp.RFTransmitter{HopTable: 1, Channel: 2, Power: 81},
		Inventory: []llrp.InventoryCommand{{
			StateAware: true, RFControl: &llrp.RFControl{Mode: 1000, Tari: 6250},
			Singulation: &llrp.SingulationControl{Session: 3, Population: 32, Transit: 500}, Extra: llrp.Extra{llrp.SearchDual.Parameter()},
		}},
	}}
	report := &llrp.ROReportSpec{
		Trigger: llrp.ReportTagsOrAISpecEnd, N: 50,
		Content: llrp.TagReportContent{Antenna: true, AccessSpecID: true, Memory: []llrp.EPCMemorySelector{{PC: true}}},
		Extra:   llrp.Extra{llrp.ImpinjContent()},
	}
	spec := llrp.ROSpec{
		ID: 9, Priority: 1, State: llrp.ROSpecActive,
		Boundary: llrp.ROBoundary{
			Start: llrp.ROStart{Trigger: 3, Extra: llrp.Extra{{Type: 181, Body: []byte{0, 1, 0x80, 0, 0, 0, 0}}}},
			Stop:  llrp.ROStop{Trigger: llrp.StopDuration, Duration: 1000},
		},
		AISpecs: []llrp.AISpec{{
			Antennas: []uint16{1, 2}, Inventories: []llrp.InventorySpec{{ID: 1, AirProtocol: 1, Antennas: inventory}},
			Stop: llrp.AIStop{Trigger: 3, Observation: &llrp.TagObservation{Tags: 9, Attempts: 2, Quiet: 100, Timeout: 1000}},
		}},
		Report: report,
	}
	holding, keep := &llrp.EventsAndReports{Hold: true}, &llrp.KeepAliveSpec{Periodic: true, Period: 10_000}
	events := &llrp.EventSpec{States: []llrp.EventState{{Type: llrp.AntennaEvents, Enabled: true}, {Type: llrp.HopEvents}}}
	inputs := []llrp.GPIState{{Port: 2, Enabled: true, State: 1}}
	wrong := llrp.Status{
		Code: llrp.FieldInvalid, Text: "wrong", Field: &llrp.FieldError{Index: 1, Code: llrp.FieldOutOfRange},
		Parameter: &llrp.ParameterError{Type: 177, Code: 201},
	}
	happened := func(e llrp.Events) *llrp.ReaderEventNotification {
		e.UTC = ptr(uint64(1_700_000_000_000_000))
		return &llrp.ReaderEventNotification{Events: e}
	}
	bodies := []llrp.Body{
		&llrp.GetReaderCapabilitiesResponse{Regulatory: &llrp.RegulatoryCapabilities{UHF: &llrp.UHFBand{
			Frequencies: &llrp.Frequencies{Fixed: &llrp.FixedFrequencies{KHz: []uint32{865700, 866300}}},
		}}},
		&llrp.GetReaderCapabilities{Requested: 1}, capabilities(llrp.Impinj, true),
		&llrp.GetReaderConfig{Antenna: 1, Requested: llrp.ConfigGPIState, GPI: 2, GPO: 3},
		&llrp.GetReaderConfigResponse{
			Identification: &llrp.Identification{ID: []byte{1, 2, 3, 4, 5, 6, 7, 8}}, Antennas: inventory, Events: events, Reports: report,
			Properties: []llrp.AntennaProperties{{Connected: true, Antenna: 4, Gain: -150}}, Inputs: inputs, Holding: holding,
			AccessReports: &llrp.AccessReportSpec{Trigger: 1}, KeepAlive: keep,
		},
		&llrp.SetReaderConfig{Reset: true, Events: events, Antennas: inventory, KeepAlive: keep, Inputs: inputs, Holding: holding},
		&llrp.AddROSpec{Spec: spec}, &llrp.GetROSpecsResponse{Specs: []llrp.ROSpec{spec, spec}},
		&llrp.SpecCommand{Type: llrp.StopROSpecType, Spec: 7}, &llrp.Response{Type: llrp.ErrorMessageType, Status: wrong},
		&llrp.GetAccessSpecsResponse{Specs: []llrp.AccessSpec{{ID: 1, Active: true}}},
		&llrp.AddAccessSpec{Spec: llrp.AccessSpec{Stop: llrp.AccessStop{Trigger: 1, Count: 3}}},
		&llrp.GetSupportedVersionResponse{Current: 1, Supported: 2}, &llrp.SetProtocolVersion{Version: llrp.Version11},
		llrp.EnableImpinjExtensions(), llrp.ImpinjExtensionsEnabled(llrp.Status{}),
		&llrp.Bare{Type: llrp.KeepAliveType}, &llrp.Bare{Type: llrp.GetReportType},
		happened(llrp.Events{Connection: &llrp.ConnectionAttempt{Status: llrp.ConnectionFailed}}),
		happened(llrp.Events{GPI: &llrp.GPIEvent{Port: 3, High: true}}), happened(llrp.Events{Close: &llrp.ConnectionClose{}}),
		happened(llrp.Events{Antenna: &llrp.AntennaEvent{Connected: true, Antenna: 2}, Hop: &llrp.HopEvent{HopTable: 1, Channel: 3}}),
		happened(llrp.Events{ROSpec: &llrp.ROSpecEvent{Event: llrp.ROSpecPreempted, ROSpecID: 1, Preempter: 2}}),
		happened(llrp.Events{AISpec: &llrp.AISpecEvent{ROSpecID: 1, SpecIndex: 1, Extra: llrp.Extra{{Type: 18, Body: []byte{0, 1, 0, 2}}}}}),
		happened(llrp.Events{Buffer: &llrp.BufferWarning{Percent: 90}, Overflow: &llrp.BufferOverflow{}}),
		happened(llrp.Events{Exception: &llrp.ReaderException{
			Text: "PLL", ROSpecID: ptr(uint32(1)), Antenna: ptr(uint16(4)), OpSpecID: ptr(uint16(5)), SpecIndex: ptr(uint16(6)),
		}}),
		&llrp.ReaderEventNotification{Events: llrp.Events{Uptime: ptr(uint64(5))}},
		&llrp.ROAccessReport{}, everything(),
	}
	var all []llrp.Message
	for i, b := range bodies {
		all = append(all, llrp.Message{Version: llrp.Version101 + llrp.Version(i%2), ID: uint32(i), Body: b})
	}
	return all
}

// everything is a report with every field.
func everything() *llrp.ROAccessReport {
	full := llrp.TagReport{
		Has: llrp.HasTID<<1 - 1, EPC: []byte{1, 2, 3}, EPCBits: 24, ROSpecID: 1, SpecIndex: 2, InventorySpecID: 3, Antenna: 4,
		PeakRSSI: -60, Channel: 5, FirstSeenUTC: 6, FirstSeenUptime: 7, LastSeenUTC: 8, LastSeenUptime: 9, SeenCount: 10, PC: 11,
		XPC1: 12, XPC2: 13, CRC: 14, AccessSpecID: 15, RSSI: -6025, Phase: 4095, Doppler: -16, TID: []byte{0xE2, 0x80},
		Extra: llrp.Extra{{Type: 349, Body: []byte{0, 0, 1, 0, 1, 0xE2, 0x80}}, llrp.NewCustom(161, 1, []byte{9})},
	}
	long := llrp.TagReport{Has: llrp.HasEPC, EPC: make([]byte, 12), EPCBits: 96, Long: true}
	return &llrp.ROAccessReport{Tags: []llrp.TagReport{full, long, {}}, Extra: llrp.Extra{{Type: 242}}}
}

func TestEveryKindOfMessageIsReadAsItWasWritten(t *testing.T) {
	for _, m := range samples() {
		b, err := m.Append([]byte("before"))
		if err != nil {
			t.Fatalf("%s: %v", m.Body.Kind(), err)
		}
		got, rest, err := llrp.ParseMessage(append(b[6:], "after"...))
		if err != nil || string(rest) != "after" {
			t.Fatalf("%s: %v, rest %q", m.Body.Kind(), err, rest)
		}
		again, err := got.Append([]byte("before"))
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s is\n%x, then\n%x, %v", m.Body.Kind(), b, again, err)
		}
		if got.ID != m.ID || got.Version != m.Version || got.Body.Kind() != m.Body.Kind() {
			t.Errorf("%+v became %+v", m, got)
		}
	}
	m := llrp.Message{Body: everything()}
	b, _ := m.Append(nil)
	got, _, err := llrp.ParseMessage(b)
	got.Body.(*llrp.ROAccessReport).Extra[0].Body = nil
	if got.Body.(*llrp.ROAccessReport).Tags[2].Extra = nil; err != nil || !reflect.DeepEqual(got.Body, m.Body) {
		t.Errorf("report is\n%+v, want\n%+v", got.Body, m.Body)
	}
}

func TestACutMessageIsRefusedWhereverItIsCut(t *testing.T) {
	for _, m := range samples() {
		whole, _ := m.Append(nil)
		for n := range whole {
			if _, _, err := llrp.ParseMessage(whole[:n]); err == nil || !strings.Contains(err.Error(), "cut") {
				t.Fatalf("%s with %d of %d bytes: %v", m.Body.Kind(), n, len(whole), err)
			}
			if n > llrp.HeaderSize { // its length says that it is whole
				_, _ = llrp.ParseBody(m.Body.Kind(), whole[llrp.HeaderSize:n])
			}
		}
	}
}

func TestMessagesThatMakeNoSenseAreRefusedWithTheReason(t *testing.T) {
	for in, want := range map[string]string{
		"":                                                     "empty",
		"043d":                                                 "cut",
		"043d0000000900000000":                                 "9 bytes; 10 to",
		"043dffffffff00000000":                                 "4294967295 bytes",
		"003d0000000a00000000":                                 "starts no LLRP message",
		"0c3d0000000a00000000":                                 "starts no LLRP message",
		"843d0000000a00000000":                                 "starts no LLRP message",
		"04050000000a00000000":                                 "message type 5 is not known",
		"043d0000000e0000000000f00000":                         "parameter 240 says that it has 0 bytes; 4 to 4 are possible",
		"043d0000000e0000000000f00005":                         "5 bytes; 4 to 4",
		"043d0000000c0000000000f0":                             "2 bytes are left",
		"043d0000000f0000000000f00005ff":                       "parameter 127 of one value is not known",
		"043d0000000f0000000000f0000581":                       "parameter 1 has 3 bytes; 1 are left",
		"043d000000120000000000f0000800010004":                 "parameter 1 is of one value",
		"043d000000130000000000f0000900f10005ff":               "not even its length",
		"043d000000150000000000f0000b00f100070010ff":           "an EPC of 16 bits has 1 bytes",
		"043d0000001100000000" + "00f00007" + "810100":         "no EPC",
		"04040000000a00000000":                                 "parameter 287 is missing",
		"040400000012000000000120000801":                       "cut",
		"04040000001200000000011f000800000005":                 "5 elements of 1 bytes are announced; 0 bytes are there",
		"04040000001a00000000011f000800000000011f000800000000": "comes twice",
		"04400000000b0000000000":                               "1 bytes are too many",
		"043f0000001300000000" + "00f60009" + "0100000500":     "parameter 256",
		"043f0000001300000000" + "00f60009" + "00f8000500":     "parameter 248",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := llrp.Decode(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", in, err, want)
		}
	}
}

func TestLengthsThatLieAreRefusedBeforeMemoryIsTaken(t *testing.T) {
	lies := [][]byte{}
	for _, in := range []string{
		"043dffffffff00000000", "043d0010000000000000" + "00f0ffff",
		"0414000000" + "2c00000000" + "00b10022" + "000000010000" + "00b2000c00b3000500" + "00b60009" + "00b7000affff" + "00000000" + "0000",
		"0404000000" + "1200000000" + "011f00080000ffff",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		lies = append(lies, b)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		for _, b := range lies {
			if _, err := llrp.Decode(b); err == nil {
				t.Fatalf("%x is taken", b)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 400; each > 20_000 {
		t.Errorf("%d bytes are taken for a lie", each)
	}
}

func TestWhatTheProtocolCannotSayIsNotWritten(t *testing.T) {
	for name, b := range map[string]llrp.Body{
		"EPC":       &llrp.ROAccessReport{Tags: []llrp.TagReport{{Has: llrp.HasEPC, EPC: []byte{1}, EPCBits: 96}}},
		"TID":       &llrp.ROAccessReport{Tags: []llrp.TagReport{{Has: llrp.HasTID, TID: []byte{1}}}},
		"text":      &llrp.Response{Type: llrp.ErrorMessageType, Status: llrp.Status{Text: strings.Repeat("x", 1<<16)}},
		"parameter": &llrp.Response{Type: llrp.ErrorMessageType, Status: llrp.Status{Text: strings.Repeat("x", 1<<16-8)}},
		"extra":     &llrp.ROAccessReport{Extra: llrp.Extra{{Type: 1, Body: []byte{1}}}},
		"type":      &llrp.ROAccessReport{Extra: llrp.Extra{{Type: 1024}}},
		"message":   &llrp.CustomMessage{Data: make([]byte, llrp.MaxMessage)},
	} {
		before := []byte("before")
		if b, err := (llrp.Message{Body: b}).Append(before); err == nil || string(b) != "before" {
			t.Errorf("%s: %v, %d bytes", name, err, len(b))
		}
	}
}

func TestDecodeTellsWhatMessagesSay(t *testing.T) {
	var all []byte
	for _, m := range samples() {
		b, err := m.Append(nil)
		if r, ok := m.Body.(*llrp.ROAccessReport); ok && len(r.Tags) > 0 {
			continue // one of its tags has no EPC
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	all = append(all, portalReport(t, 2)...)
	reports, err := llrp.Decode(all)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	var reads []devices.Read
	var inputs []devices.GPI
	for _, r := range reports {
		switch {
		case r.Read != nil:
			reads = append(reads, *r.Read)
		case r.GPI != nil:
			inputs = append(inputs, *r.GPI)
		default:
			texts[r.Notice.Code] = r.Notice.Text
		}
	}
	at := time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC)
	if len(inputs) != 1 || inputs[0] != (devices.GPI{Port: 3, High: true, ReaderTime: at}) {
		t.Errorf("inputs are %+v", inputs)
	}
	if len(reads) != 2 || reads[1].Antenna != 2 || reads[1].RSSI != unit.DBm(-4100) || reads[1].Count != 3 || !reads[0].ReaderTime.Equal(at.Add(50*time.Millisecond)) {
		t.Errorf("reads are %+v", reads)
	}
	for code, part := range map[string]string{
		"get_reader_capabilities": "", "get_reader_capabilities_response": `firmware "1.2.3", 4 antennas, UTC clock true; 1 ROSpecs, holds reports true; power 10 dBm to 30 dBm in 3 steps; 2 channels`,
		"set_reader_config": "reset to factory defaults, keep-alive every 10000 ms, hold events and reports true",
		"add_rospec":        "ROSpec 9, 1 AISpecs, report trigger 1 with N=50", "get_rospecs_response": "success, 2 ROSpecs",
		"stop_rospec": "spec 7", "error_message": `value is not valid, "wrong", field 1: value is out of range, parameter 177`,
		"custom_message": "vendor 25882, subtype 22", "keepalive": "", "get_report": "", "no_tag": "empty",
		"connection_attempt": "does not tell at 2023-11-14T22:13:20Z", "connection_close": "", "antenna_connected": "antenna 2",
		"hopping": "channel 3", "rospec_preempted": "ROSpec 1", "aispec_ended": "AISpec 1", "report_buffer_level_warning": "90 %",
		"report_buffer_overflow": "lost", "reader_exception": `"PLL" at antenna 4`, "reader_event_notification": "no event",
		"get_supported_version_response": "could speak 1.1", "set_protocol_version": "1.1", "get_accessspecs_response": "1 AccessSpecs",
		"add_accessspec": "AccessSpec 0", "get_reader_config_response": "1 antennas, 1 inputs", "get_reader_config": "",
	} {
		text, ok := texts[code]
		if !ok || !strings.Contains(text, part) {
			t.Errorf("%s says %q, %t; want %q", code, text, ok, part)
		}
	}
	if len(texts) != 27 {
		t.Errorf("%d notices: %v", len(texts), texts)
	}
}

func TestDecodeGivesWhatStoodBeforeABadMessage(t *testing.T) {
	good := portalReport(t, 3)
	reports, err := llrp.Decode(append(good, 0xFF))
	if len(reports) != 3 || err == nil || !strings.Contains(err.Error(), "byte 139") {
		t.Errorf("%d reports, %v", len(reports), err)
	}
}

func TestAnswersOfCommands(t *testing.T) {
	for command, want := range map[llrp.MessageType]llrp.MessageType{
		llrp.GetReaderCapabilitiesType: llrp.GetReaderCapabilitiesResponseType, llrp.AddROSpecType: llrp.AddROSpecResponseType,
		llrp.CloseConnectionType: llrp.CloseConnectionResponseType, llrp.SetProtocolVersionType: llrp.SetProtocolVersionResponseType,
		llrp.KeepAliveType: llrp.KeepAliveAckType, llrp.GetReportType: llrp.ROAccessReportType, llrp.CustomMessageType: llrp.CustomMessageType,
		llrp.EnableEventsAndReportsType: 0, llrp.CloseConnectionResponseType: 0, llrp.KeepAliveAckType: 0,
	} {
		if got := command.Answer(); got != want {
			t.Errorf("%s is answered by %s, want %s", command, got, want)
		}
	}
}
