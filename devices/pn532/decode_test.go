package pn532_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/pn532"
)

// said writes reports in a line: the tag of a Read, the code of a Notice.
func said(reports []devices.Report) string {
	var words []string
	for _, r := range reports {
		switch {
		case r.Read != nil:
			words = append(words, r.Read.Tag.String())
		case r.Notice != nil:
			words = append(words, r.Notice.Code)
		default:
			words = append(words, "nothing")
		}
	}
	return strings.Join(words, " ")
}

func TestRecordedFramesAreDecoded(t *testing.T) {
	want := map[string]string{
		"ACK": "ack", "SAMConfiguration normal": "sam_configuration", "SAMConfiguration rsp": "sam_configuration",
		"GetFirmwareVersion": "get_firmware_version", "GetFirmwareVersion rsp: IC 32 ver 1.6 support 07": "get_firmware_version",
	}
	read, refused := 0, 0
	for _, row := range devicetest.Fixture(t, "rfid/nfc/pn532_hsu.csv") {
		reports, err := pn532.Decode(devicetest.Unhex(t, row["hex"]))
		if row["check"] != "valid" && row["check"] != "ACK" {
			if refused++; err == nil {
				t.Errorf("%s is said to be %s and was read as %s", row["description"], row["check"], said(reports))
			}
			continue
		}
		read++
		expected := want[row["description"]]
		if uid, _, _ := strings.Cut(row["expected_uid"], " "); uid != "" {
			expected = "uid:" + uid
		}
		if err != nil || len(reports) != 1 || expected != "" && said(reports) != expected {
			t.Errorf("%s: %s, %v; want %s", row["description"], said(reports), err, expected)
		}
	}
	t.Logf("%d frames read, %d refused", read, refused)
}

func TestRecordedACR122MessagesAreDecoded(t *testing.T) {
	want := map[string]string{
		"-> get version string": "reader_name", `<- "ACR122U203"`: "reader_name", "<- power on rsp": "power_on",
		"-> set PICC parameters": "set_picc", "<- rsp 7f": "answer", "-> buzzer and LED": "lamp", "-> PN53x ACK via escape": "ack",
	}
	read := 0
	var row string
	for _, r := range devicetest.Fixture(t, "rfid/nfc/acr122_ccid.csv") {
		read++
		row += r["hex"]
		reports, err := pn532.Decode(devicetest.Unhex(t, r["hex"]))
		if expected := want[r["description"]]; err != nil || len(reports) != 1 || expected != "" && said(reports) != expected {
			t.Errorf("%s: %s, %v; want %s", r["description"], said(reports), err, expected)
		}
	}
	reports, err := pn532.Decode(devicetest.Unhex(t, row))
	if err != nil || len(reports) != read || !strings.Contains(said(reports), "set_picc set_picc lamp") {
		t.Errorf("in a row: %s, %v", said(reports), err)
	}
	t.Logf("%d messages read", read)
}

func TestFramesAreToldInWords(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"5555000000000000", "wake_up: 2 bytes 55"},
		{"0000ff00ff00", "ack: the frame before arrived"},
		{"0000ffff0000", "nack: the last response is wanted again"},
		{"0000ff01ff7f8100", "syntax_error: the PN532 did not understand the command"},
		{"0000ff04fcd44a0100e100", "in_list_passive_target: command, parameters 0100"},
		{"0000ff03fdd54b00e000", "no_card: the list of cards is empty"},
		{"0000ff06fad50332010607e800", "get_firmware_version: answer: IC 32, version 1.6, support 07"},
		{"0000ff05fbd4400130" + "03b800", "in_data_exchange: command, 2 bytes to a card"},
		{"0000ff03fdd54101e900", "in_data_exchange: answer of 0 bytes, status 01: the card did not answer"},
		{"0000ff05fbd54140aabb4500", "in_data_exchange: answer of 2 bytes, status 00: well, more to come"},
		{"0000ff03fdd5413fab00", "in_data_exchange: answer of 0 bytes, status 3f: unknown status"},
		{"0000ff02fed5151600", "sam_configuration: answer none"},
		{"0000ff0ff1d54b01010044000704416d412b0289ea00", "uid:04416d412b0289"},
		// a card of ISO 14443 B is listed in another form
		{"0000ff04fcd44a0103de00" + "0000ff04fcd54b0105da00", "in_list_passive_target: command, parameters 0103; " +
			"in_list_passive_target: answer, cards of another kind than ISO 14443 A: 0105"},
		{"ff00480000", "reader_name: command, parameter 00, data "},
		{"ff00000004d44a0100", "in_list_passive_target: command, parameters 0100"},
		{"d54b010100040804" + "9eb36e669000", "uid:9eb36e66"},
		{
			"6f090000000000000000ff00000004d44a0100" + "800e0000000000" + "00fe00d54b01010400080482acb95d9000",
			"in_list_passive_target: command, parameters 0100; uid:82acb95d",
		},
		{"6f050000000000000000ff00480000" + "8000000000000042fe00", "reader_name: command, parameter 00, data ; failed: the reader refused, error fe"},
		{"80020000000000008100" + "6300", "failed: the reader refused, status 6300"},
		{"62000000000000000000", "power_on: slot 0"},
		{"81000000000000028100", "slot_status: slot 0"},
		{"6f0500000000000000" + "00ffca000000", "transfer: 5 bytes for the card: ffca000000"},
	} {
		reports, err := pn532.Decode(devicetest.Unhex(t, c.hex))
		var words []string
		for _, r := range reports {
			if r.Notice != nil {
				words = append(words, fmt.Sprintf("%s: %s", r.Notice.Code, r.Notice.Text))
			} else {
				words = append(words, r.Read.Tag.String())
			}
		}
		if got := strings.Join(words, "; "); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.hex, got, err, c.want)
		}
	}
}

func TestBadFramesAreRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"", "no bytes"},
		{"000000", "no frame among the zeros"},
		{"13", "13 begins no frame"},
		{"0013", "begins with 00 FF"},
		{"0000ff02fed4022b00", "checksum of the payload is 2b; 2a would be right"},
		{"0000ff02fdd4022a00", "checksum of the length 02 is fd; fe would be right"},
		{"0000ffffff01000000", "checksum of the length 01 00 is 00; ff would be right"},
		{"0000ffffff030fee", "length 783 of the payload is not 1 to 265"},
		{"0000ff02fed402", "not complete"},
		{"0000ff", "not complete"},
		{"0000ff02feaa022a" + "5400", "checksum"},
		{"0000ff02feaa025400", "payload begins with aa; d4 or d5"},
		{"0000ff01ff136d" + "8000", "checksum"},
		{"0000ff01ff13ed00", "lacks its code"},
		{"0000ff02fed4fe2e00", "d4 fe is no command"},
		{"0000ff00ff000000ff0bf5d54b0101000408049eb36e0f00", "ends within it"},
		{"0000ff0df3d54b0101000408049eb36e6601a800", "1 bytes follow the last card"},
		{"0000ff02fed541ea00", "lacks its status"},
		{"0000ff03fdd541806a00", "node address"},
		{"d54b009000ff", "does not end with 90 00"},
		{"ff00000004d44a01", "not complete"},
		{"ff00000002d50328", "what is sent to a PN532 begins with d4"},
		{"ff00990000", "FF 00 99 is not known"},
		{"ffca000000", "begins with FF 00"},
		{"6f0500000000000000", "not complete"},
		{"6fffffffff0000000000", "4294967295 bytes of data"},
		{"6f070000000000000000ff004800000102", "2 bytes follow the pseudo command"},
		{"6f060000000000000000" + "0000ff02fed4", "no whole PN532 frame"},
	} {
		reports, err := pn532.Decode(devicetest.Unhex(t, c.hex))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s, error %v; want one with %q", c.hex, said(reports), err, c.want)
		}
	}
}

func TestWhatStandsBeforeABadFrameIsToldToo(t *testing.T) {
	reports, err := pn532.Decode(devicetest.Unhex(t, "0000ff00ff000000ff0cf4d54b0101000408049eb36e66a9000000ff02fed4022b00"))
	if said(reports) != "ack uid:9eb36e66" || err == nil || !strings.HasPrefix(err.Error(), "byte 26: ") {
		t.Errorf("%s, %v", said(reports), err)
	}
}

func FuzzReports(f *testing.F) {
	for _, s := range []string{
		"0000ff00ff000000ff0cf4d54b0101000408049eb36e66a900", "5555000000000000ff03fdd414011700", "0000ff03fdd54101e900",
		"6f050000000000000000ff00480000800a00000000000281004143523132325532" + "3033", "ff00000004d44a0100d54b009000",
		"6f060000000000000000000000ff00ff00", "800200000000000081003b00",
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		reports, err := pn532.Decode(b)
		if err == nil && len(reports) == 0 || len(reports) > len(b)+1 {
			t.Fatalf("%d reports of %d bytes, %v", len(reports), len(b), err)
		}
		for _, r := range reports {
			if (r.Read == nil) == (r.Notice == nil) || r.GPI != nil || r.Sample != nil {
				t.Fatalf("%+v is not one thing", r)
			}
		}
	})
}
