package r2000_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf/r2000"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

func TestRecordedFrames(t *testing.T) {
	rows := devicetest.Fixture(t, "rfid/serial_uhf/r2000_a0.csv")
	for _, row := range rows {
		t.Run(row["description"], func(t *testing.T) {
			raw := devicetest.Unhex(t, row["hex"])
			got, err := r2000.Decode(raw)
			if row["checksum_check"] != "valid" {
				if err == nil || !strings.Contains(err.Error(), "checksum is") {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if f, _, _, err := r2000.DecodeFrame(raw); err != nil || !bytes.Equal(f.Append(nil), raw) {
				t.Errorf("encoded as %x, %v", f.Append(nil), err)
			}
			if row["expected_epc"] == "" {
				if got[0].Notice == nil {
					t.Errorf("%+v", got[0])
				}
				return
			}
			r := got[0].Read
			if r.Tag.String() != "epc:"+row["expected_epc"] || strconv.Itoa(int(r.Antenna)) != row["expected_antenna"] ||
				strconv.Itoa(int(r.RSSI)/100) != row["expected_rssi_dbm(rssi_byte-129)"] || r.ChannelKHz != 925_000 {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Logf("%d frames", len(rows))
}

func TestEveryKindOfFrameIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		f          r2000.Frame
		code, text string
	}{
		"version":            {r2000.VersionReply(1, 1, 9), "version", "firmware 1.9"},
		"ask version":        {r2000.Command{Addr: 0xFF, Code: r2000.Version}.Frame(), "version", "command to address ff"},
		"done":               {r2000.Reply(1, r2000.SetAntenna, r2000.Success), "set_antenna", "done"},
		"set antenna":        {r2000.Command{Addr: 1, Code: r2000.SetAntenna, Antenna: 3}.Frame(), "set_antenna", "antenna 3"},
		"set power":          {r2000.Command{Addr: 1, Code: r2000.SetPower, Power: 33}.Frame(), "set_power", "33 dBm"},
		"power":              {r2000.Frame{Addr: 1, Code: r2000.GetPower, Data: []byte{32}}, "get_power", "20"},
		"set region":         {r2000.Command{Addr: 1, Code: r2000.SetRegion, Region: r2000.FCC}.Frame(), "set_region", "channels 7 to 59"},
		"fast":               {r2000.Command{Addr: 1, Code: r2000.FastInventory, Repeat: 2, Slots: [4]r2000.Slot{{1, 1}, {3, 1}}}.Frame(), "fast_inventory", "2 rounds"},
		"end":                {r2000.RoundEnd{Code: r2000.Inventory, Antenna: 2, Rate: 29, Total: 7}.Frame(1), "inventory_ended", "antenna 2, 7 sightings, 29"},
		"fast end":           {r2000.RoundEnd{Code: r2000.FastInventory, Millis: 120, Total: 70000}.Frame(1), "inventory_ended", "70000 sightings in 120 ms"},
		"antenna gone":       {r2000.Reply(1, r2000.Inventory, r2000.AntennaMissing), "antenna_disconnected", "antenna"},
		"one antenna gone":   {r2000.AntennaFailed(1, 4, r2000.AntennaMissing), "antenna_disconnected", "antenna 4"},
		"other error":        {r2000.Reply(1, r2000.Inventory, 0x31), "failed", "inventory failed"},
		"unknown fast error": {r2000.AntennaFailed(1, 4, 0x77), "failed", "0x77"},
		"unknown command":    {r2000.Frame{Addr: 1, Code: 0x7B, Data: []byte{0, 33}}, "other", "7b"},
	} {
		got, err := r2000.Decode(c.f.Append(nil))
		if err != nil || len(got) != 1 || got[0].Notice == nil || got[0].Notice.Code != c.code || !strings.Contains(got[0].Notice.Text, c.text) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestSightingsReadAsTheyWereWritten(t *testing.T) {
	for _, c := range []struct {
		code    r2000.Code
		antenna uint8
		channel byte
		epc     []byte
		rssi    int
		kHz     uint32
	}{
		{r2000.Inventory, 1, 0, readertest.EPC(1), -74, 865_000},
		{r2000.FastInventory, 4, 6, readertest.EPC(2)[:6], -129, 868_000}, // as long as a command
		{r2000.FastInventory, 2, 7, []byte{0xA0, 4}, 0, 902_000},
		{r2000.Inventory, 3, 59, bytes.Repeat([]byte{0xA0}, 30), 126, 928_000},
	} {
		s, err := r2000.NewSighting(c.code, c.antenna, c.channel, c.epc, c.rssi)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r2000.Decode(s.Frame(1).Append(nil))
		if err != nil || len(got) != 1 || got[0].Read == nil {
			t.Fatalf("%+v %v", got, err)
		}
		r := got[0].Read
		if !bytes.Equal(r.Tag.Bytes(), c.epc) || r.Antenna != c.antenna || int(r.RSSI) != c.rssi*100 || r.ChannelKHz != c.kHz {
			t.Errorf("%+v is read as %+v", c, r)
		}
	}
	for _, size := range []int{0, 3, 64} {
		if _, err := r2000.NewSighting(r2000.Inventory, 1, 0, make([]byte, size), 0); err == nil {
			t.Errorf("%d bytes: no error", size)
		}
	}
	if _, err := r2000.NewSighting(r2000.Inventory, 5, 0, []byte{1, 2}, 0); err == nil {
		t.Error("antenna 5: no error")
	}
}

func TestBadFramesAreRefusedWithAReason(t *testing.T) {
	s, _ := r2000.NewSighting(r2000.Inventory, 1, 0, []byte{1, 2}, -60)
	s.PC = 0x1000
	end := r2000.RoundEnd{Code: r2000.Inventory, Antenna: 1}.Frame(1).Append(nil)
	for says, raw := range map[string][]byte{
		"no bytes":          nil,
		"begins with A0":    {0xA1, 3, 1, 2},
		"3 is the least":    {0xA0, 2, 1, 2},
		"not complete":      end[:5],
		"tells 4 bytes":     s.Frame(1).Append(nil),
		"neither a command": r2000.Frame{Addr: 1, Code: r2000.Version, Data: []byte{1, 2, 3}}.Append(nil),
		"byte 12: ":         append(bytes.Clone(end), 0),
	} {
		if got, err := r2000.Decode(raw); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%x: %+v, %v; want an error with %q", raw, got, err, says)
		}
	}
}

func TestFramesAreFoundAmongGarbage(t *testing.T) {
	one := r2000.RoundEnd{Code: r2000.Inventory, Antenna: 1}.Frame(1).Append(nil)
	damaged := bytes.Clone(one)
	damaged[5] ^= 1
	for name, c := range map[string]struct {
		in      []byte
		frames  int
		skipped int
	}{
		"nothing":            {nil, 0, 0},
		"two in a row":       {append(bytes.Clone(one), one...), 2, 0},
		"noise before":       {append([]byte{0, 0xA0, 2}, one...), 1, 3},
		"head before":        {append([]byte{0xA0}, append(one, make([]byte, 160)...)...), 1, 161},
		"damaged, then good": {append(bytes.Clone(damaged), one...), 1, len(one)},
	} {
		frames, skipped := 0, 0
		for in := c.in; ; {
			_, rest, n, err := r2000.DecodeFrame(in)
			skipped += n
			if err != nil {
				break
			}
			frames, in = frames+1, rest
		}
		if frames != c.frames || skipped != c.skipped {
			t.Errorf("%s: %d frames, %d skipped", name, frames, skipped)
		}
	}
}

func TestReadingASightingDoesNotAllocate(t *testing.T) {
	s, _ := r2000.NewSighting(r2000.Inventory, 1, 0, readertest.EPC(1), -60)
	raw := s.Frame(1).Append(nil)
	if n := testing.AllocsPerRun(1000, func() {
		f, _, _, _ := r2000.DecodeFrame(raw)
		s, err := r2000.ParseSighting(f)
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
	s, _ := r2000.NewSighting(r2000.FastInventory, 2, 43, []byte{0xA0, 4, 1, 2}, -60)
	f.Add(s.Frame(1).Append(nil))
	f.Add(r2000.RoundEnd{Code: r2000.Inventory, Antenna: 1}.Frame(1).Append([]byte{0xA0, 1}))
	f.Add(r2000.Command{Addr: 0xFF, Code: r2000.FastInventory, Slots: [4]r2000.Slot{{1, 1}}}.Frame().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := r2000.Decode(b); err == nil && len(got) == 0 || len(got) > len(b) {
			t.Fatalf("%d reports and %v of %d bytes", len(got), err, len(b))
		}
		for {
			frame, rest, skipped, err := r2000.DecodeFrame(b)
			used := b[skipped : len(b)-len(rest)]
			if err != nil {
				if len(used) != 0 || len(rest) >= r2000.MaxFrame {
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
func parseAll(t *testing.T, f r2000.Frame) {
	raw := f.Append(nil)
	if c, err := r2000.ParseCommand(f); err == nil && !bytes.Equal(c.Frame().Append(nil), raw) {
		t.Fatalf("command %+v of %x", c, raw)
	}
	if s, err := r2000.ParseSighting(f); err == nil && !bytes.Equal(s.Frame(f.Addr).Append(nil), raw) {
		t.Fatalf("sighting %+v of %x", s, raw)
	}
	if e, ok := r2000.ParseRoundEnd(f); ok && !bytes.Equal(e.Frame(f.Addr).Append(nil), raw) {
		t.Fatalf("end %+v of %x", e, raw)
	}
}
