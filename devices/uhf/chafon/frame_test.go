package chafon_test

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf/chafon"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

var decoders = map[chafon.Dialect]devices.Decoder{chafon.Reader18: chafon.Decode18, chafon.Reader288: chafon.Decode288}

func TestRecordedFrames(t *testing.T) {
	rows := devicetest.Fixture(t, "rfid/serial_uhf/chafon_uhfreader18_288.csv")
	for _, row := range rows {
		t.Run(row["description"], func(t *testing.T) {
			raw := devicetest.Unhex(t, row["hex"])
			decode := chafon.Decode288
			if row["model"] == "UHFReader18" {
				decode = chafon.Decode18
			}
			got, err := decode(raw)
			if row["crc_check"] != "valid" {
				if err == nil || !strings.Contains(err.Error(), "CRC is") {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			checkRow(t, row, got[0])
			if f, rest, skipped, err := chafon.DecodeFrame(raw); err == nil && !bytes.Equal(f.Append(nil), raw) || len(rest)+skipped > 0 && err == nil {
				t.Errorf("encoded as %x", f.Append(nil))
			}
		})
	}
	t.Logf("%d frames", len(rows))
}

func checkRow(t *testing.T, row map[string]string, got devices.Report) {
	t.Helper()
	if row["expected_epcs"] == "" {
		if got.Notice == nil {
			t.Errorf("%+v", got)
		}
		return
	}
	antenna, rssi := uint8(0), ""
	if row["expected_antenna"] != "" {
		n, _ := strconv.Atoi(row["expected_antenna"])
		antenna = uint8(n)
	}
	if got.Read.HasRSSI {
		rssi = strconv.Itoa(int(got.Read.RSSI) / 100)
	}
	if got.Read.Tag.String() != "epc:"+row["expected_epcs"] || got.Read.Antenna != antenna || rssi != row["expected_rssi_raw"] ||
		got.Read.HasRSSI != got.Read.RSSIRelative {
		t.Errorf("%+v", got.Read)
	}
}

func TestEveryKindOfFrameIsTold(t *testing.T) {
	any := chafon.AnyAddress
	two := chafon.Tags{Status: chafon.Finished, Mask: 8, Seen: []chafon.Sighting{{EPC: []byte{1, 2}, RSSI: 70}, {EPC: readertest.EPC(1), RSSI: 80}}}
	tags, err := chafon.NewTagsFrame(chafon.Reader288, 0, two)
	if err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]chafon.Frame{
		"inventory":   chafon.Command{Addr: any, Code: chafon.Inventory, Scan: chafon.Scan{Q: 4, Antenna: 2, Time: 5}}.Frame(chafon.Reader288),
		"reader_info": chafon.Command{Addr: any, Code: chafon.GetInfo}.Frame(chafon.Reader288),
		"set_region":  chafon.Command{Addr: any, Code: chafon.SetRegion, Band: chafon.US}.Frame(chafon.Reader288),
		"set_power":   chafon.Reply(0, chafon.SetPower, chafon.OK),
		"set_mode":    chafon.Command{Addr: any, Code: chafon.SetMode}.Frame(chafon.Reader288),
		"no_tag":      chafon.Reply(0, chafon.Inventory, chafon.NoTag),
		"failed":      chafon.Reply(0, chafon.Inventory, chafon.NoAntenna),
		"other":       {Addr: 0, Code: 0x4C, Data: []byte{0, 1, 2, 3, 4}},
		"2 reads":     tags,
	} {
		got, err := chafon.Decode288(f.Append(nil))
		switch {
		case want == "2 reads":
			if err != nil || len(got) != 2 || got[0].Read.Antenna != 4 || got[1].Read.RSSI != 80_00 {
				t.Errorf("%+v %v", got, err)
			}
		case err != nil || len(got) != 1 || got[0].Notice == nil || got[0].Notice.Code != want:
			t.Errorf("%s: %+v %v", want, got, err)
		}
	}
}

func TestBadFramesAreRefusedWithAReason(t *testing.T) {
	whole := func(data ...byte) []byte { return chafon.Frame{Code: chafon.Inventory, Data: data}.Append(nil) }
	for says, raw := range map[string][]byte{
		"no bytes":          nil,
		"not complete":      whole(1, 1, 0)[:5],
		"4 is the least":    {3, 0, 1, 2},
		"left over":         whole(1, 1, 0, 9),
		"ends within it":    whole(1, 1, 1, 12, 0x30),
		"how many tags":     whole(1, 1),
		"0 bytes; 1 to 62":  whole(1, 1, 1, 0, 50),
		"63 bytes; 1 to 62": whole(append([]byte{1, 1, 1, 63}, make([]byte, 64)...)...),
		"byte 6: ":          append(whole(0xFB), 1, 2, 3),
	} {
		if got, err := chafon.Decode288(raw); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%x: %+v, %v; want an error with %q", raw, got, err, says)
		}
	}
}

func TestTheDefaultInventoryHasTheBytesOfThePublicLibrary(t *testing.T) {
	c := chafon.Command{Addr: chafon.AnyAddress, Code: chafon.Inventory, Scan: chafon.Scan{Q: 15, Antenna: 1, Time: 0x14}}
	if got := hex.EncodeToString(c.Frame(chafon.Reader288).Data); got != "0f0001000000008014" {
		t.Error(got)
	}
	if got := c.Frame(chafon.Reader18).Append(nil); hex.EncodeToString(got[:3]) != "04ff01" {
		t.Errorf("%x", got)
	}
	if highest, lowest := chafon.Europe.Bytes(); highest != 0x4E || lowest != 0 {
		t.Errorf("%02x %02x", highest, lowest)
	}
}

func TestFramesAreFoundAmongGarbage(t *testing.T) {
	one := chafon.Reply(0, chafon.Inventory, chafon.NoTag).Append(nil)
	damaged := bytes.Clone(one)
	damaged[3] ^= 1
	for name, c := range map[string]struct {
		in      []byte
		frames  int
		skipped int
	}{
		"nothing":            {nil, 0, 0},
		"two in a row":       {append(bytes.Clone(one), one...), 2, 0},
		"noise before":       {append([]byte{0, 1, 2}, one...), 1, 3},
		"damaged, then good": {append(bytes.Clone(damaged), one...), 1, len(one)},
	} {
		frames, skipped := 0, 0
		for in := c.in; ; {
			_, rest, n, err := chafon.DecodeFrame(in)
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

func FuzzDecode(f *testing.F) {
	tags, _ := chafon.NewTagsFrame(chafon.Reader288, 0, chafon.Tags{Status: 1, Mask: 2, Seen: []chafon.Sighting{{EPC: []byte{1, 2}, RSSI: 9}}})
	f.Add(tags.Append(nil))
	f.Add(chafon.Reply(0, chafon.Inventory, chafon.NoTag).Append([]byte{0xFF, 1}))
	f.Add(chafon.Command{Addr: 0xFF, Code: chafon.SetRegion, Band: chafon.US}.Frame(chafon.Reader18).Append(nil))
	f.Add(chafon.Info{Type: 9, Power: 30}.Frame(1).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, decode := range decoders {
			if got, err := decode(b); err == nil && len(got) == 0 || len(got) > len(b) {
				t.Fatalf("%d reports and %v of %d bytes", len(got), err, len(b))
			}
		}
		for {
			frame, rest, skipped, err := chafon.DecodeFrame(b)
			used := b[skipped : len(b)-len(rest)]
			if err != nil {
				if len(used) != 0 || len(rest) >= chafon.MaxFrame {
					t.Fatalf("%d bytes lost, %d kept", len(used), len(rest))
				}
				return
			}
			if again := frame.Append(nil); !bytes.Equal(again, used) {
				t.Fatalf("%x decoded and encoded is %x", used, again)
			}
			for dialect := range decoders {
				parseAll(t, dialect, frame)
			}
			b = rest
		}
	})
}

// parseAll checks that what a parser understands is encoded to the same frame again.
func parseAll(t *testing.T, d chafon.Dialect, f chafon.Frame) {
	raw := f.Append(nil)
	if c, err := chafon.ParseCommand(d, f); err == nil && !bytes.Equal(c.Frame(d).Append(nil), raw) {
		t.Fatalf("command %+v of %x", c, raw)
	}
	if i, err := chafon.ParseInfo(f); err == nil && !bytes.Equal(i.Frame(f.Addr).Append(nil), raw) {
		t.Fatalf("info %+v of %x", i, raw)
	}
	tags, err := chafon.ParseTags(d, f)
	if err != nil || tags.Status >= 1 && tags.Status <= 4 && len(f.Data) == 1 {
		return
	}
	if again, err := chafon.NewTagsFrame(d, f.Addr, tags); err != nil || !bytes.Equal(again.Append(nil), raw) {
		t.Fatalf("tags %+v of %x, %v", tags, raw, err)
	}
	if _, err := chafon.ParseLive(f); err == nil {
		t.Fatalf("%x is an inventory and a live report", raw)
	}
}
