package pn532_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/pn532"
)

func TestRecordedFrames(t *testing.T) {
	checked := 0
	for _, row := range devicetest.Fixture(t, "rfid/nfc/pn532_hsu.csv") {
		raw := devicetest.Unhex(t, row["hex"])
		f, rest, skipped, err := pn532.NextFrame(raw)
		checked++
		if err != nil || skipped != 0 || len(bytes.Trim(rest, "\x00")) != 0 {
			t.Errorf("%s: rest %x, skipped %d, %v", row["description"], rest, skipped, err)
			continue
		}
		if again := f.Append(nil); !bytes.Equal(bytes.Trim(again, "\x00"), bytes.Trim(raw, "\x00")) {
			t.Errorf("%s: encoded as %x", row["description"], again)
		}
		if (row["check"] == "ACK") != (f.Kind == pn532.ACK) {
			t.Errorf("%s: kind %d", row["description"], f.Kind)
		}
		uid, _, _ := strings.Cut(row["expected_uid"], " ")
		if uid == "" {
			continue
		}
		targets, err := pn532.ParseTargets(f)
		if err != nil || len(targets) != 1 || hex.EncodeToString(targets[0].UID) != uid {
			t.Errorf("%s: %+v %v", row["description"], targets, err)
		}
	}
	t.Logf("%d frames checked", checked)
}

func TestFramesHaveTheBytesOfTheManual(t *testing.T) {
	for want, f := range map[string]pn532.Frame{
		"0000ff00ff00":               {Kind: pn532.ACK},
		"0000ffff0000":               {Kind: pn532.NACK},
		"0000ff01ff7f8100":           {Kind: pn532.SyntaxError},
		"0000ff03fdd414011700":       pn532.Command{Code: pn532.SAMConfiguration}.Frame(),
		"0000ff02fed5151600":         pn532.Done(pn532.SAMConfiguration),
		"0000ff02fed4022a00":         pn532.Command{Code: pn532.GetFirmwareVersion}.Frame(),
		"0000ff06fad50332010607e800": pn532.Firmware{IC: 0x32, Version: 1, Revision: 6, Support: 7}.Frame(),
		"0000ff04fcd44a0100e100":     pn532.Command{Code: pn532.InListPassiveTarget, Targets: 1}.Frame(),
		"0000ff06fad43205ff0101f400": pn532.Command{Code: pn532.RFConfiguration, Item: pn532.Retries, Tries: 1}.Frame(),
		"0000ff03fdd54b00e000":       must(pn532.TargetsReply()),
		"0000ff0cf4d54b01010004080" + "49eb36e66a900": must(pn532.TargetsReply(pn532.Target{
			Number: 1, SensRes: 4, SelRes: 8, UID: []byte{0x9e, 0xb3, 0x6e, 0x66},
		})),
	} {
		if got := hex.EncodeToString(f.Append(nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		back, _, _, err := pn532.NextFrame(f.Append(nil))
		if err != nil || back.Kind != f.Kind || back.Code != f.Code || !bytes.Equal(back.Params, f.Params) {
			t.Errorf("%s: decoded %+v %v", want, back, err)
		}
	}
}

func must(f pn532.Frame, err error) pn532.Frame {
	if err != nil {
		panic(err)
	}
	return f
}

func TestCommandsCanBeParsedByAPad(t *testing.T) {
	for _, c := range []pn532.Command{
		{Code: pn532.GetFirmwareVersion},
		{Code: pn532.SAMConfiguration},
		{Code: pn532.RFConfiguration, Item: pn532.Retries, Tries: 3},
		{Code: pn532.RFConfiguration, Item: pn532.Field, On: true},
		{Code: pn532.RFConfiguration, Item: pn532.Field},
		{Code: pn532.InDataExchange, Card: 2, Data: []byte{0x30, 3}},
		{Code: pn532.InListPassiveTarget, Targets: 2},
		{Code: pn532.InRelease},
	} {
		back, err := pn532.ParseCommand(c.Frame())
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%+v parsed as %+v, %v", c, back, err)
		}
		broken := c.Frame()
		broken.Params = append(broken.Params, 1, 2, 3, 4, 5)
		if _, err := pn532.ParseCommand(broken); err == nil && c.Code != pn532.SAMConfiguration && c.Code != pn532.InDataExchange {
			t.Errorf("%+v with surplus parameters: no error", c)
		}
	}
	for _, f := range []pn532.Frame{{}, {Kind: pn532.ACK}, pn532.Released(), {Kind: pn532.Data, Direction: pn532.ToChip, Code: 0x60}} {
		if _, err := pn532.ParseCommand(f); err == nil {
			t.Errorf("%+v: no error", f)
		}
	}
}

func TestFirmware(t *testing.T) {
	want := pn532.Firmware{IC: 0x32, Version: 1, Revision: 6, Support: 7}
	if v, err := pn532.ParseFirmware(want.Frame()); v != want || err != nil {
		t.Error(v, err)
	}
	short := want.Frame()
	short.Params = short.Params[:3]
	for _, f := range []pn532.Frame{short, pn532.Done(pn532.SAMConfiguration), {Kind: pn532.ACK}} {
		if _, err := pn532.ParseFirmware(f); err == nil {
			t.Errorf("%+v: no error", f)
		}
	}
}

func TestCardsOfEveryLengthOfUID(t *testing.T) {
	four := pn532.Target{Number: 1, SensRes: 0x0004, SelRes: 0x08, UID: []byte{1, 2, 3, 4}}
	seven := pn532.Target{Number: 2, SensRes: 0x0044, SelRes: 0x00, UID: []byte{4, 2, 3, 4, 5, 6, 7}}
	ten := pn532.Target{Number: 1, SensRes: 0x0084, SelRes: 0x00, UID: []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}
	dep := pn532.Target{Number: 1, SensRes: 0x0344, SelRes: 0x20, UID: []byte{4, 1, 2, 3, 4, 5, 6}, ATS: []byte{0x75, 0x77, 0x81, 0x02, 0x80}}
	for _, want := range [][]pn532.Target{{}, {four}, {seven}, {ten}, {dep}, {dep, seven}, {four, seven}} {
		got, err := pn532.ParseTargets(must(pn532.TargetsReply(want...)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v parsed as %+v, %v", want, got, err)
		}
	}
	if _, err := pn532.TargetsReply(pn532.Target{UID: []byte{1, 2, 3}}); err == nil {
		t.Error("UID of 3 bytes: no error")
	}
	if _, err := pn532.TargetsReply(four, four, four); err == nil {
		t.Error("three cards: no error")
	}
}

func TestAListThatLacksBytesIsRefused(t *testing.T) {
	whole := must(pn532.TargetsReply(
		pn532.Target{Number: 1, SelRes: 0x20, UID: []byte{4, 1, 2, 3, 4, 5, 6}, ATS: []byte{0x75}},
		pn532.Target{Number: 2, UID: []byte{1, 2, 3, 4}},
	))
	for n := range whole.Params {
		cut := whole
		cut.Params = whole.Params[:n]
		if _, err := pn532.ParseTargets(cut); err == nil {
			t.Errorf("%d of %d bytes: no error", n, len(whole.Params))
		}
	}
	wrong := pn532.Frame{Kind: pn532.Data, Direction: pn532.FromChip, Code: 0x4B, Params: devicetest.Unhex(t, "0101000408050102030405")}
	if _, err := pn532.ParseTargets(wrong); err == nil {
		t.Error("UID of 5 bytes: no error")
	}
}

func TestLongFramesAreExtended(t *testing.T) {
	for _, size := range []int{0, 1, 252, 253, 254, 255, pn532.MaxParams} {
		f := pn532.Frame{Kind: pn532.Data, Direction: pn532.FromChip, Code: 0x41, Params: bytes.Repeat([]byte{0xA5}, size)}
		raw := f.Append(nil)
		if extended := bytes.HasPrefix(raw, []byte{0, 0, 0xFF, 0xFF, 0xFF}); extended != (size > 253) {
			t.Errorf("%d bytes: extended %v", size, extended)
		}
		back, rest, skipped, err := pn532.NextFrame(raw)
		if err != nil || skipped != 0 || !bytes.Equal(rest, []byte{0}) || !bytes.Equal(back.Params, f.Params) {
			t.Errorf("%d bytes: rest %x, skipped %d, %v", size, rest, skipped, err)
		}
	}
}

func TestFramesAreFoundAmongGarbage(t *testing.T) {
	good := pn532.Done(pn532.SAMConfiguration).Append(nil)
	ack := pn532.Frame{Kind: pn532.ACK}.Append(nil)
	damaged := bytes.Clone(good)
	damaged[6] ^= 1
	for name, c := range map[string]struct {
		in              []byte
		frames, skipped int
	}{
		"nothing":            {nil, 0, 0},
		"wake-up before":     {append([]byte(pn532.WakeUp), good...), 1, 2},
		"ACK and response":   {append(bytes.Clone(ack), good...), 2, 0},
		"noise between":      {append(append(bytes.Clone(ack), 0x13, 0xFF, 0x37), good...), 2, 3},
		"damaged, then good": {append(bytes.Clone(damaged), good...), 1, 6},
		"wrong length check": {append([]byte{0, 0, 0xFF, 0x05, 0x05}, good...), 1, 3},
		"no direction":       {append([]byte{0, 0xFF, 2, 0xFE, 1, 2, 0xFD}, good...), 1, 6},
	} {
		frames, skipped, b := 0, 0, c.in
		for {
			_, rest, n, err := pn532.NextFrame(b)
			skipped += n
			if err != nil {
				break
			}
			frames, b = frames+1, rest
		}
		if frames != c.frames || skipped != c.skipped {
			t.Errorf("%s: %d frames, %d skipped; want %d, %d", name, frames, skipped, c.frames, c.skipped)
		}
	}
}

func TestAFrameMayArriveByteByByte(t *testing.T) {
	whole := pn532.Firmware{IC: 0x32}.Frame().Append(nil)
	whole = whole[1 : len(whole)-1] // without the zeros around it
	for n := range whole {
		_, rest, skipped, err := pn532.NextFrame(whole[:n])
		if !errors.Is(err, pn532.ErrIncomplete) || len(rest) != n || skipped != 0 {
			t.Fatalf("%d of %d bytes: rest %d, skipped %d, %v", n, len(whole), len(rest), skipped, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(pn532.Done(pn532.SAMConfiguration).Append([]byte(pn532.WakeUp)))
	f.Add(must(pn532.TargetsReply(pn532.Target{Number: 1, SelRes: 0x20, UID: []byte{1, 2, 3, 4}, ATS: []byte{5}})).Append(nil))
	f.Add(pn532.Frame{Kind: pn532.SyntaxError}.Append(pn532.Frame{Kind: pn532.NACK}.Append(nil)))
	f.Add(pn532.Frame{Kind: pn532.Data, Direction: pn532.ToChip, Params: make([]byte, 260)}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			frame, rest, _, err := pn532.NextFrame(b)
			if err != nil {
				if len(rest) >= pn532.MaxFrame {
					t.Fatalf("%d bytes kept", len(rest))
				}
				return
			}
			again, _, _, err := pn532.NextFrame(frame.Append(nil))
			if err != nil || again.Kind != frame.Kind || again.Direction != frame.Direction || again.Code != frame.Code ||
				!bytes.Equal(again.Params, frame.Params) {
				t.Fatalf("%+v encoded and decoded is %+v, %v", frame, again, err)
			}
			checkTargets(t, frame)
			if a, err := pn532.ParseAnswer(frame); err == nil {
				if back, err := pn532.ParseAnswer(a.Frame()); err != nil || !reflect.DeepEqual(back, a) {
					t.Fatalf("%+v parsed again is %+v, %v", a, back, err)
				}
			}
			if c, err := pn532.ParseCommand(frame); err == nil {
				if back, err := pn532.ParseCommand(c.Frame()); err != nil || !reflect.DeepEqual(back, c) {
					t.Fatalf("%+v parsed again is %+v, %v", c, back, err)
				}
			}
			b = rest
		}
	})
}

func checkTargets(t *testing.T, frame pn532.Frame) {
	targets, err := pn532.ParseTargets(frame)
	if err != nil {
		return
	}
	reply, err := pn532.TargetsReply(targets...)
	if err != nil {
		if len(frame.Params) > 100 { // an ATS that no card sends
			return
		}
		t.Fatal(err)
	}
	back, err := pn532.ParseTargets(reply)
	if err != nil || len(back) != len(targets) {
		t.Fatalf("%+v parsed again is %+v, %v", targets, back, err)
	}
}
