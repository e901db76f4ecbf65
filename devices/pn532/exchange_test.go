package pn532_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/pn532"
)

func bytesOf(t *rapid.T, what string, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, what)
}

func TestAnyFrameIsReadBackAmongOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := pn532.Frame{
			Kind:      pn532.Data,
			Direction: rapid.SampledFrom([]pn532.Direction{pn532.ToChip, pn532.FromChip}).Draw(t, "direction"),
			Code:      pn532.Code(rapid.Byte().Draw(t, "code")),
			Params:    bytesOf(t, "params", pn532.MaxParams),
		}
		raw := f.Append(pn532.Frame{Kind: pn532.ACK}.Append([]byte(pn532.WakeUp)))
		raw = append(raw, 0x13)
		ack, raw, _, err := pn532.NextFrame(raw)
		if err != nil || ack.Kind != pn532.ACK {
			t.Fatal(ack, err)
		}
		got, rest, skipped, err := pn532.NextFrame(raw)
		if err != nil || skipped != 0 || got.Code != f.Code || got.Direction != f.Direction || !bytes.Equal(got.Params, f.Params) {
			t.Fatalf("%+v, %d skipped, %v; want %+v", got, skipped, err, f)
		}
		if !bytes.Equal(rest, []byte{0, 0x13}) {
			t.Fatalf("rest is % x", rest)
		}
	})
}

func TestADamagedByteNeverPasses(t *testing.T) {
	whole := must(pn532.TargetsReply(card(0x9e, 0xb3, 0x6e, 0x66))).Append(nil)
	long := pn532.Frame{Kind: pn532.Data, Direction: pn532.FromChip, Code: 0x41, Params: make([]byte, 260)}.Append(nil)
	for _, frame := range [][]byte{whole, long} {
		for at := 1; at < len(frame)-1; at++ { // the zeros around it do not count
			for change := 1; change < 256; change++ {
				b := bytes.Clone(frame)
				b[at] ^= byte(change)
				if f, _, _, err := pn532.NextFrame(b); err == nil && f.Kind == pn532.Data {
					t.Fatalf("byte %d changed by %02x: %+v", at, change, f)
				}
			}
		}
	}
}

func TestAnswersOfCardsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := pn532.Answer{
			Status: pn532.Status(rapid.IntRange(0, 0x3F).Draw(t, "status")),
			More:   rapid.Bool().Draw(t, "more"), Data: bytesOf(t, "data", pn532.MaxExchange),
		}
		got, err := pn532.ParseAnswer(want.Frame())
		if err != nil || got.Status != want.Status || got.More != want.More || !bytes.Equal(got.Data, want.Data) {
			t.Fatalf("%+v, %v; want %+v", got, err, want)
		}
	})
	for _, f := range []pn532.Frame{{Kind: pn532.ACK}, pn532.Done(pn532.InDataExchange), pn532.Released()} {
		if a, err := pn532.ParseAnswer(f); err == nil {
			t.Errorf("%+v read as %+v", f, a)
		}
	}
}

func TestMessagesOfAnACR122AreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := pn532.Message{
			Type: rapid.SampledFrom([]pn532.MessageType{
				pn532.PowerOn, pn532.PowerOff, pn532.SlotStatus, pn532.Escape, pn532.Transfer, pn532.DataBlock, pn532.StatusReply, pn532.EscapeReply,
			}).Draw(t, "type"),
			Slot: rapid.Byte().Draw(t, "slot"), Seq: rapid.Byte().Draw(t, "seq"),
			Bytes: [3]byte(rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "bytes")), Data: bytesOf(t, "data", pn532.MaxMessageData),
		}
		raw := want.Append(nil)
		got, n, err := pn532.ParseMessage(append(raw, 1, 2, 3))
		if err != nil || n != len(raw) || !bytes.Equal(got.Data, want.Data) {
			t.Fatalf("%+v, %d, %v; want %+v", got, n, err, want)
		}
		got.Data, want.Data = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
		cut := rapid.IntRange(0, len(raw)-1).Draw(t, "cut")
		if m, _, err := pn532.ParseMessage(raw[:cut]); !errors.Is(err, pn532.ErrIncomplete) {
			t.Fatalf("%d of %d bytes: %+v, %v", cut, len(raw), m, err)
		}
	})
}

func TestPN532FramesGoThroughAnACR122(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := pn532.Frame{
			Kind:      pn532.Data,
			Direction: rapid.SampledFrom([]pn532.Direction{pn532.ToChip, pn532.FromChip}).Draw(t, "direction"),
			Code:      pn532.Code(rapid.Byte().Draw(t, "code")), Params: bytesOf(t, "params", 253),
		}
		got, err := pn532.ParseDirect(want.AppendDirect(nil))
		if err != nil || got.Direction != want.Direction || got.Code != want.Code || !bytes.Equal(got.Params, want.Params) {
			t.Fatalf("%+v, %v; want %+v", got, err, want)
		}
	})
	for want, b := range map[string]string{
		"not complete":         "\xFF\x00\x00\x00\x05\xD4\x02",
		"carries no PN532":     "\xFF\x00\x48\x00\x00",
		"1 bytes follow":       "\xFF\x00\x00\x00\x02\xD4\x02\x00",
		"begins with d4":       "\xFF\x00\x00\x00\x02\xD5\x02",
		"lacks its code":       "\xFF\x00\x00\x00\x01\xD4",
		"does not end with 90": "\xD5\x03\x32\x63\x00",
		"begins with FF 00":    "\x00\xFF",
	} {
		if f, err := pn532.ParseDirect([]byte(b)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("% x: %+v, error %v; want one with %q", b, f, err, want)
		}
	}
}

func TestThePseudoCommandsHaveTheirBytes(t *testing.T) {
	for want, p := range map[string]pn532.Pseudo{
		"\xFF\x00\x48\x00\x00":                      {What: pn532.ReaderName},
		"\xFF\x00\x51\x7F\x00":                      {What: pn532.SetPICC, Param: 0x7F},
		"\xFF\x00\x40\x0E\x04\x00\x00\x00\x00":      {What: pn532.Lamp, Param: 0x0E, Data: make([]byte, 4)},
		"\xFF\x00\x00\x00\x04\xD4\x4A\x01\x00":      {What: pn532.Direct, Data: []byte{0xD4, 0x4A, 1, 0}},
		"\xFF\x00\x52\xFF\x00":                      {What: pn532.Buzzer, Param: 0xFF},
		"\xFF\x00\x00\x00\x03\xD4\x44\x01" + "\x90": {},
	} {
		got, n, err := pn532.ParsePseudo([]byte(want))
		if p.What == 0 && p.Data == nil { // more behind it belongs to the next
			if err != nil || n != len(want)-1 {
				t.Errorf("% x: %d bytes, %v", want, n, err)
			}
			continue
		}
		if b := p.Append(nil); string(b) != want || err != nil || n != len(want) || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v: % x; read back as %+v, %v; want % x", p, b, got, err, want)
		}
	}
}
