package mercury_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf/mercury"
	"github.com/tallydock/tallydock/devices/uhf/reader"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
	"github.com/tallydock/tallydock/devices/unit"
)

func TestRecordedFrames(t *testing.T) {
	rows := devicetest.Fixture(t, "rfid/serial_uhf/thingmagic_m6e.csv")
	for _, row := range rows {
		got, err := mercury.Decode(devicetest.Unhex(t, row["hex"]))
		if err != nil || len(got) != 1 || (got[0].Read != nil) != strings.HasPrefix(row["description"], "tag record") {
			t.Errorf("%s: %+v, %v", row["description"], got, err)
		}
	}
	t.Logf("%d frames", len(rows))
}

func TestACapturedRecordHasAllThatItSays(t *testing.T) {
	raw := devicetest.Unhex(t, "ff2822000010001b01ff0101c4110e16400000012700000500000f00803000000000000000000000001545e94a561d")
	f, rest, skipped, err := mercury.DecodeReply(raw)
	if err != nil || len(rest) != 0 || skipped != 0 {
		t.Fatal(err, rest, skipped)
	}
	s, err := mercury.ParseSighting(f)
	if err != nil || s.RSSI != -60 || s.Antenna != 1 || s.KHz != 923_200 || s.Millis != 295 || s.Protocol != 5 || s.PC != 0x3000 ||
		hex.EncodeToString(s.EPC) != "000000000000000000001545" || s.CRC != reader.TagCRC(s.PC, s.EPC) || s.Count != 1 {
		t.Errorf("%+v %v", s, err)
	}
	if again := s.Frame().Append(nil); !bytes.Equal(again, raw) {
		t.Errorf("encoded as %x", again)
	}
	got, err := mercury.Decode(append(raw, status(mercury.NoTags)...))
	if err != nil || len(got) != 2 || got[0].Read.RSSI != -60_00 || got[0].Read.ChannelKHz != 923_200 || got[1].Notice.Code != "no_tag" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestCommandsHaveTheBytesOfThePublicPrograms(t *testing.T) {
	for want, c := range map[string]mercury.Command{
		"ff00031d0c":       {Op: mercury.Version},
		"ff032f0000025e86": {Op: mercury.Read, Stop: true},
		"ff102f00000122000005072210001b03e801ffdd2b": {Op: mercury.Read},
		"ff02930005517d": {Op: mercury.SetProtocol},
	} {
		if got := hex.EncodeToString(c.Frame().Append(nil)); got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
}

func TestEveryKindOfFrameIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		f          mercury.Frame
		code, text string
	}{
		"start":       {mercury.Command{Op: mercury.Read}.Frame(), "continuous_read", "to start"},
		"antennas":    {mercury.Command{Op: mercury.SetAntennas, Antennas: []uint8{1, 2}}.Frame(), "set_antennas", "[1 2]"},
		"power":       {mercury.Command{Op: mercury.SetPower, Power: 27_00}.Frame(), "set_power", "27 dBm"},
		"region":      {mercury.Command{Op: mercury.SetRegion, Region: mercury.China}.Frame(), "set_region", "6"},
		"done":        {mercury.Reply(mercury.SetPower, mercury.OK), "set_power", "done"},
		"hot":         {mercury.Reply(mercury.Record, mercury.TooHot), "over_temperature", "too hot"},
		"loss":        {mercury.Reply(mercury.Record, mercury.HighReturnLoss), "high_return_loss", "cable"},
		"refused":     {mercury.Reply(mercury.SetRegion, mercury.BadParameter), "failed", "set_region: 0x0105, a parameter is wrong"},
		"temperature": {mercury.Reply(mercury.Record, mercury.OK, 0x10, 0, 0x1B, 1, 0xFF, 2), "record", "not of a tag"},
		"unknown":     {mercury.Frame{Op: 0x62, Data: []byte{1}}, "other", "0x62"},
	} {
		got, err := mercury.Decode(c.f.Append(nil))
		if err != nil || len(got) != 1 || got[0].Notice == nil || got[0].Notice.Code != c.code || !strings.Contains(got[0].Notice.Text, c.text) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestBadFramesAreRefusedWithAReason(t *testing.T) {
	record := func(data ...byte) []byte { return mercury.Reply(mercury.Record, mercury.OK, data...).Append(nil) }
	good, _ := mercury.NewSighting(1, 0, readertest.EPC(1), -50)
	damaged := good.Frame().Append(nil)
	damaged[20] ^= 4
	empty := good
	empty.EPC = nil
	for says, raw := range map[string][]byte{
		"no bytes":         nil,
		"begins with FF":   {0xFE, 0, 3},
		"not complete":     good.Frame().Append(nil)[:20],
		"CRC is":           damaged,
		"within a field":   record(0x10, 0, 0x1B, 1, 0xFF, 1, 1, 0xC4),
		"are left over":    record(0x10, 0, 0x1B, 0, 0, 1, 0, 32, 0, 0, 0, 0, 9),
		"32 are the least": record(0x10, 0, 0x1B, 0, 0, 1, 0, 16, 0, 0),
		"are known":        record(0x10, 0, 0x1B, 0x82, 0, 1, 0, 32, 0, 0, 0, 0),
		"0 bytes; 1 to 62": empty.Frame().Append(nil),
		"data 07":          mercury.Frame{Op: mercury.SetProtocol, Data: []byte{7}}.Append(nil),
	} {
		if got, err := mercury.Decode(raw); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%x: %+v, %v; want an error with %q", raw, got, err, says)
		}
	}
	for _, size := range []int{0, 3, 64} {
		if _, err := mercury.NewSighting(1, 0, make([]byte, size), 0); err == nil {
			t.Errorf("%d bytes: no error", size)
		}
	}
}

func TestAnExtendedPCIsNoPartOfTheEPC(t *testing.T) {
	for xpc, want := range map[string]string{"0123": "cafe", "8123aaaa": "cafe"} {
		s, _ := mercury.NewSighting(1, 0, devicetest.Unhex(t, xpc+want), -50)
		s.PC |= 0x0200
		r, err := s.Read()
		if err != nil || hex.EncodeToString(r.Tag.Bytes()) != want {
			t.Errorf("%s: %v %v", xpc, r.Tag, err)
		}
	}
}

func TestARecordMayLeaveMetadataOut(t *testing.T) {
	s, _ := mercury.NewSighting(3, 915_250, readertest.EPC(1), -50)
	s.Metadata = 0x0004 // the antenna alone
	got, err := mercury.Decode(s.Frame().Append(nil))
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if r := got[0].Read; r.Antenna != 3 || r.HasRSSI || r.HasPhase || r.ChannelKHz != 0 || r.Count != 1 || r.Phase != unit.Phase(0) {
		t.Errorf("%+v", r)
	}
}

func TestReadingARecordDoesNotAllocate(t *testing.T) {
	s, _ := mercury.NewSighting(1, 915_250, readertest.EPC(1), -60)
	raw := s.Frame().Append(nil)
	if n := testing.AllocsPerRun(1000, func() {
		f, _, _, _ := mercury.DecodeReply(raw)
		s, err := mercury.ParseSighting(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	s, _ := mercury.NewSighting(1, 915_250, []byte{0xFF, 1, 0x22, 4}, -60)
	f.Add(s.Frame().Append(nil))
	f.Add(mercury.Reply(mercury.Record, mercury.TooHot).Append([]byte{0xFF, 0}))
	f.Add(mercury.Command{Op: mercury.SetAntennas, Antennas: []uint8{1, 2}}.Frame().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := mercury.Decode(b); err == nil && len(got) == 0 || len(got) > len(b) {
			t.Fatalf("%d reports and %v of %d bytes", len(got), err, len(b))
		}
		check(t, b, mercury.DecodeReply)
		check(t, b, mercury.DecodeCommand)
	})
}

func check(t *testing.T, b []byte, decode func([]byte) (mercury.Frame, []byte, int, error)) {
	for {
		frame, rest, skipped, err := decode(b)
		used := b[skipped : len(b)-len(rest)]
		if err != nil {
			if len(used) != 0 || len(rest) >= mercury.MaxFrame {
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
}

// parseAll checks that what a parser understands is the same once it was encoded again.
func parseAll(t *testing.T, f mercury.Frame) {
	if c, err := mercury.ParseCommand(f); err == nil && !bytes.Equal(c.Frame().Append(nil), f.Append(nil)) {
		t.Fatalf("command %+v of %x", c, f.Data)
	}
	s, err := mercury.ParseSighting(f)
	if err != nil {
		return
	}
	if again, err := mercury.ParseSighting(s.Frame()); err != nil || !reflect.DeepEqual(again, s) {
		t.Fatalf("sighting %+v is read again as %+v, %v", s, again, err)
	}
}
