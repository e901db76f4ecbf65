package uhf_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf"
)

func TestRecordedFrames(t *testing.T) {
	checked := 0
	for _, row := range devicetest.Fixture(t, "rfid/serial_uhf/m100_yrm100_bb7e.csv") {
		raw := devicetest.Unhex(t, row["hex"])
		f, rest, skipped, err := uhf.Decode(raw)
		checked++
		if row["frame_check"] != "valid" {
			if err == nil {
				t.Errorf("%s: was taken for a frame", row["description"])
			}
			continue
		}
		if err != nil || len(rest) != 0 || skipped != 0 {
			t.Errorf("%s: rest %x, skipped %d, %v", row["description"], rest, skipped, err)
			continue
		}
		if again := f.Append(nil); !bytes.Equal(again, raw) {
			t.Errorf("%s: encoded as %x", row["description"], again)
		}
		if row["expected_epc"] != "" {
			checkSighting(t, row, f)
		}
		if f.Type == uhf.CommandFrame && !strings.Contains(row["description"], "read user memory") {
			checkCommand(t, row["description"], f)
		}
	}
	t.Logf("%d frames checked", checked)
}

func TestRecordedFramesAreTold(t *testing.T) {
	for _, row := range devicetest.Fixture(t, "rfid/serial_uhf/m100_yrm100_bb7e.csv") {
		got, err := uhf.DecodeM100(devicetest.Unhex(t, row["hex"]))
		switch {
		case row["frame_check"] != "valid":
			if err == nil || !strings.Contains(err.Error(), "frame is not complete") { // its checksum is wrong, too
				t.Errorf("%s: %+v, %v", row["description"], got, err)
			}
		case err != nil || len(got) != 1:
			t.Errorf("%s: %+v, %v", row["description"], got, err)
		case row["expected_epc"] == "":
			if got[0].Notice == nil {
				t.Errorf("%s: %+v", row["description"], got[0])
			}
		default:
			r := got[0].Read
			if r.Tag.String() != "epc:"+row["expected_epc"] || strconv.Itoa(int(r.RSSI)/100) != row["expected_rssi_dbm"] || !r.HasRSSI {
				t.Errorf("%s: %+v", row["description"], r)
			}
		}
	}
}

func TestEveryKindOfFrameIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		f          uhf.Frame
		code, text string
	}{
		"no tag":      {uhf.Failed(uhf.NoTag), "no_tag", "no tag"},
		"hop":         {uhf.Failed(uhf.HopFail), "failed", "0x20: the reader found no free radio channel"},
		"version":     {uhf.VersionReply(uhf.Software, "V1"), "version", `"V1"`},
		"ask version": {uhf.Command{Code: uhf.Version, Part: uhf.Software}.Frame(), "version", "part 1"},
		"power":       {uhf.PowerReply(2600), "get_power", "26 dBm"},
		"set power":   {uhf.Command{Code: uhf.SetPower, Power: 1850}.Frame(), "set_power", "command, 18.5 dBm"},
		"set region":  {uhf.Command{Code: uhf.SetRegion, Region: uhf.Korea}.Frame(), "set_region", "region 6"},
		"region":      {uhf.Frame{Type: uhf.ResponseFrame, Code: uhf.GetRegion, Params: []byte{3}}, "get_region", "03"},
		"done":        {uhf.Done(uhf.Stop), "stop", "answer 00"},
		"multi-poll":  {uhf.Command{Code: uhf.MultiPoll, Rounds: 9}.Frame(), "multi_poll", "9 rounds"},
	} {
		got, err := uhf.DecodeM100(c.f.Append(nil))
		if err != nil || len(got) != 1 || got[0].Notice == nil || got[0].Notice.Code != c.code || !strings.Contains(got[0].Notice.Text, c.text) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestBadFramesAreRefusedWithAReason(t *testing.T) {
	ghost, _ := uhf.NewNotice([]byte{1, 2}, -40)
	ghost.CRC ^= 1
	stop := uhf.Done(uhf.Stop).Append(nil)
	wrongEnd := bytes.Clone(stop)
	wrongEnd[len(wrongEnd)-1] = 0x7F
	wrongSum := bytes.Clone(stop)
	wrongSum[5]++
	for says, raw := range map[string][]byte{
		"no bytes":                          nil,
		"begins with BB":                    {0xBC},
		"type 3":                            {0xBB, 3},
		"more than 512":                     {0xBB, 0, 1, 0xFF, 0xFF},
		"not complete":                      stop[:6],
		"checksum is 2a; 2b would be right": wrongSum,
		"ends with 7f":                      wrongEnd,
		"has the CRC":                       ghost.Append(nil),
		"at byte 8: answer to":              uhf.Done(0x99).Append(bytes.Clone(stop)),
		"0x77 is not known":                 uhf.Frame{Type: uhf.CommandFrame, Code: 0x77}.Append(nil),
	} {
		if got, err := uhf.DecodeM100(raw); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%x: %+v, %v; want an error with %q", raw, got, err, says)
		}
	}
}

func checkSighting(t *testing.T, row map[string]string, f uhf.Frame) {
	n, err := uhf.ParseNotice(f)
	if err != nil || hex.EncodeToString(n.EPC) != row["expected_epc"] || strconv.Itoa(int(n.RSSI)) != row["expected_rssi_dbm"] {
		t.Errorf("%s: got %+v %v", row["description"], n, err)
	}
	if crc := uhf.TagCRC(n.PC, n.EPC); crc != n.CRC {
		t.Errorf("%s: tag CRC %04x, computed %04x", row["description"], n.CRC, crc)
	}
	if !bytes.Equal(n.Append(nil), f.Append(nil)) {
		t.Errorf("%s: encoded as %x", row["description"], n.Append(nil))
	}
}

func checkCommand(t *testing.T, description string, f uhf.Frame) {
	c, err := uhf.ParseCommand(f)
	if err != nil || !bytes.Equal(c.Frame().Append(nil), f.Append(nil)) {
		t.Errorf("%s: parsed as %+v, %v", description, c, err)
	}
}

func TestCommandsHaveTheBytesOfTheManual(t *testing.T) {
	for want, c := range map[string]uhf.Command{
		"bb00220000227e":       {Code: uhf.Poll},
		"bb00270003222710837e": {Code: uhf.MultiPoll, Rounds: 10000},
		"bb00280000287e":       {Code: uhf.Stop},
		"bb0003000100047e":     {Code: uhf.Version, Part: uhf.Hardware},
		"bb00b6000207d08f7e":   {Code: uhf.SetPower, Power: 2000},
		"bb00b70000b77e":       {Code: uhf.GetPower},
		"bb0007000101097e":     {Code: uhf.SetRegion, Region: uhf.China900},
		"bb00080000087e":       {Code: uhf.GetRegion},
	} {
		if got := hex.EncodeToString(c.Frame().Append(nil)); got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
}

func TestRepliesHaveTheBytesOfTheManual(t *testing.T) {
	for want, f := range map[string]uhf.Frame{
		"bb01ff000115167e":               uhf.Failed(uhf.NoTag),
		"bb01b6000100b87e":               uhf.Done(uhf.SetPower),
		"bb01030008024d616769635266a77e": uhf.VersionReply(uhf.Manufacturer, "MagicRf"),
		"bb01b7000207d0917e":             uhf.PowerReply(2000),
	} {
		if got := hex.EncodeToString(f.Append(nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if part, text, err := uhf.ParseVersion(uhf.VersionReply(uhf.Manufacturer, "MagicRf")); part != uhf.Manufacturer || text != "MagicRf" || err != nil {
		t.Error(part, text, err)
	}
	if p, err := uhf.ParsePower(uhf.PowerReply(2600)); p != 2600 || err != nil {
		t.Error(p, err)
	}
	if why, ok := uhf.ParseFailure(uhf.Failed(uhf.NoTag)); why != uhf.NoTag || !ok {
		t.Error(why, ok)
	}
}

func TestAParserRefusesTheFrameOfAnother(t *testing.T) {
	tag, _ := uhf.NewNotice([]byte{1, 2}, -50)
	sighting, _, _, _ := uhf.Decode(tag.Append(nil))
	for _, f := range []uhf.Frame{{}, sighting, uhf.Done(uhf.Stop), {Type: uhf.CommandFrame, Code: 0x39}} {
		_, err1 := uhf.ParseCommand(f)
		_, _, err2 := uhf.ParseVersion(f)
		_, err3 := uhf.ParsePower(f)
		_, failed := uhf.ParseFailure(f)
		if err1 == nil || err2 == nil || err3 == nil || failed {
			t.Errorf("%+v was parsed: %v %v %v %v", f, err1, err2, err3, failed)
		}
	}
	wrong := uhf.Command{Code: uhf.MultiPoll}.Frame()
	wrong.Params[0] = 0
	if _, err := uhf.ParseCommand(wrong); err == nil {
		t.Error("multi-poll without its mark was parsed")
	}
	wrong.Params = wrong.Params[:2]
	if _, err := uhf.ParseCommand(wrong); err == nil {
		t.Error("short multi-poll was parsed")
	}
}

func TestFramesAreFoundAmongGarbage(t *testing.T) {
	stop := uhf.Command{Code: uhf.Stop}.Frame().Append(nil)
	tag, err := uhf.NewNotice([]byte{0xBB, 0x7E, 0xBB, 0x02, 0x22, 0x00}, -40) // with head, end and a frame's start inside
	if err != nil {
		t.Fatal(err)
	}
	notice := tag.Append(nil)
	plain, _ := uhf.NewNotice([]byte{0x30, 0x75, 0x1F, 0xEB}, -55)
	damaged := plain.Append(nil)
	damaged[9] ^= 0x10
	for name, c := range map[string]struct {
		in      []byte
		frames  int
		skipped int
	}{
		"nothing":            {nil, 0, 0},
		"noise before":       {append([]byte{0x00, 0xBB, 0x7E, 0x41}, stop...), 1, 4},
		"head before":        {append([]byte{0xBB}, stop...), 1, 1},
		"impossible length":  {append([]byte{0xBB, 0x02, 0x22, 0xFF, 0xFF}, stop...), 1, 5},
		"damaged, then good": {append(bytes.Clone(damaged), stop...), 1, len(damaged)},
		"wrong end byte":     {append([]byte{0xBB, 0x00, 0x28, 0x00, 0x00, 0x28, 0x7F}, stop...), 1, 7},
		"two in a row":       {append(bytes.Clone(notice), stop...), 2, 0},
		"head inside":        {notice, 1, 0},
	} {
		frames, skipped := decodeAll(c.in)
		if frames != c.frames || skipped != c.skipped {
			t.Errorf("%s: %d frames, %d skipped; want %d, %d", name, frames, skipped, c.frames, c.skipped)
		}
	}
}

func TestAStrayHeadHidesAFrameOnlyUntilItIsDropped(t *testing.T) {
	stop := uhf.Command{Code: uhf.Stop}.Frame().Append(nil)
	_, rest, _, err := uhf.Decode(append([]byte{0xBB, 0x02, 0x22, 0x00, 0x7E}, stop...))
	if !errors.Is(err, uhf.ErrIncomplete) {
		t.Fatal("the stray head should look like the start of a long frame")
	}
	if f, _, _, err := uhf.Decode(rest[1:]); err != nil || f.Code != uhf.Stop {
		t.Fatalf("%+v %v", f, err)
	}
}

func decodeAll(b []byte) (frames, skipped int) {
	for {
		_, rest, n, err := uhf.Decode(b)
		skipped += n
		if err != nil {
			return frames, skipped
		}
		frames, b = frames+1, rest
	}
}

func TestAFrameMayArriveByteByByte(t *testing.T) {
	tag, _ := uhf.NewNotice([]byte{0x30, 0x75, 0x1F, 0xEB}, -55)
	whole := tag.Append(nil)
	for n := range whole {
		_, rest, skipped, err := uhf.Decode(whole[:n])
		if !errors.Is(err, uhf.ErrIncomplete) || len(rest) != n || skipped != 0 {
			t.Fatalf("%d of %d bytes: rest %d, skipped %d, %v", n, len(whole), len(rest), skipped, err)
		}
	}
}

func TestEPCLengthComesFromThePCWord(t *testing.T) {
	f := func(pc string, more string) uhf.Frame {
		return uhf.Frame{Type: uhf.NoticeFrame, Code: uhf.Poll, Params: devicetest.Unhex(t, "c9"+pc+more)}
	}
	n, err := uhf.ParseNotice(f("1000", "03269201"+"eeee"+"2a79"))
	if err != nil || hex.EncodeToString(n.EPC) != "03269201" || n.CRC != 0x2A79 {
		t.Errorf("surplus bytes: %+v %v", n, err)
	}
	if n, err := uhf.ParseNotice(f("0000", "2a79")); err != nil || len(n.EPC) != 0 {
		t.Errorf("no EPC: %+v %v", n, err)
	}
	for name, bad := range map[string]uhf.Frame{
		"longer than the frame": f("3000", "03269201"+"2a79"),
		"no room":               f("10", "00"),
		"other code":            {Type: uhf.NoticeFrame, Code: uhf.Stop, Params: devicetest.Unhex(t, "c91000032692012a79")},
	} {
		if _, err := uhf.ParseNotice(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNewNoticeRefusesWhatNoPCWordCanTell(t *testing.T) {
	for _, size := range []int{0, 3, 64} {
		if _, err := uhf.NewNotice(make([]byte, size), 0); err == nil {
			t.Errorf("%d bytes: no error", size)
		}
	}
}

func TestReadingASightingDoesNotAllocate(t *testing.T) {
	tag, _ := uhf.NewNotice(bytes.Repeat([]byte{0x30}, 12), -55)
	stream := append(tag.Append(nil), uhf.Failed(uhf.NoTag).Append(nil)...)
	allocs := testing.AllocsPerRun(1000, func() {
		f, rest, _, err := uhf.Decode(stream)
		if err != nil {
			t.Fatal(err)
		}
		n, err := uhf.ParseNotice(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Tag(); err != nil {
			t.Fatal(err)
		}
		if f, _, _, _ = uhf.Decode(rest); f.Code != uhf.Failure {
			t.Fatal(f)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkDecode(b *testing.B) {
	tag, _ := uhf.NewNotice(bytes.Repeat([]byte{0x30}, 12), -55)
	frame := tag.Append(nil)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		f, _, _, _ := uhf.Decode(frame)
		n, _ := uhf.ParseNotice(f)
		if _, err := n.Tag(); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	tag, _ := uhf.NewNotice([]byte{0xBB, 0x7E, 0x12, 0x34}, -55)
	f.Add(tag.Append(nil))
	f.Add(uhf.Failed(uhf.NoTag).Append([]byte{0xBB, 0x00}))
	f.Add(uhf.Command{Code: uhf.MultiPoll, Rounds: 5}.Frame().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := uhf.DecodeM100(b); err == nil && len(got) == 0 || len(got) > len(b) {
			t.Fatalf("%d reports and %v of %d bytes", len(got), err, len(b))
		}
		for {
			frame, rest, skipped, err := uhf.Decode(b)
			used := b[skipped : len(b)-len(rest)]
			if err != nil {
				if len(used) != 0 || len(rest) >= uhf.MaxFrame {
					t.Fatalf("%d bytes lost, %d kept", len(used), len(rest))
				}
				return
			}
			if again := frame.Append(nil); !bytes.Equal(again, used) {
				t.Fatalf("%x decoded and encoded is %x", used, again)
			}
			parseAll(t, frame)
			b = rest
		}
	})
}

// parseAll checks that what a parser understands is encoded to the same frame again.
func parseAll(t *testing.T, frame uhf.Frame) {
	raw := frame.Append(nil)
	if c, err := uhf.ParseCommand(frame); err == nil && !bytes.Equal(c.Frame().Append(nil), raw) {
		t.Fatalf("command %+v of %x", c, raw)
	}
	if n, err := uhf.ParseNotice(frame); err == nil && len(frame.Params) == len(n.EPC)+5 && !bytes.Equal(n.Append(nil), raw) {
		t.Fatalf("notice %+v of %x", n, raw)
	}
	if part, text, err := uhf.ParseVersion(frame); err == nil && !bytes.Equal(uhf.VersionReply(part, text).Append(nil), raw) {
		t.Fatalf("version %v %q of %x", part, text, raw)
	}
	if p, err := uhf.ParsePower(frame); err == nil && !bytes.Equal(uhf.PowerReply(p).Append(nil), raw) {
		t.Fatalf("power %v of %x", p, raw)
	}
	uhf.ParseFailure(frame)
}
