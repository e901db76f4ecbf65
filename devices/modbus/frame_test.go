package modbus_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/modbus"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCRCOfKnownVectors(t *testing.T) {
	for in, want := range map[string]uint16{"0102030405": 0xBB2A, "010203040506": 0xDDBA, "": 0xFFFF} {
		if got := modbus.CRC(unhex(t, in)); got != want {
			t.Errorf("CRC of %s is %04X, want %04X", in, got, want)
		}
	}
}

func TestRequestsOfXYMD02(t *testing.T) {
	r := modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 1, Count: 1}
	frame, err := modbus.EncodeRequest(r)
	if err != nil || !bytes.Equal(frame, unhex(t, "010400010001600A")) {
		t.Errorf("frame is %x, %v", frame, err)
	}
	got, n, err := modbus.DecodeRequest(frame)
	if err != nil || n != 8 || !reflect.DeepEqual(got, r) {
		t.Errorf("decoded is %+v, %d, %v", got, n, err)
	}
}

func TestKnownFrames(t *testing.T) {
	for _, c := range []struct {
		frame string
		want  modbus.Request
	}{
		{"01035000001854C0", modbus.Request{Unit: 1, Function: modbus.ReadHolding, Register: 0x5000, Count: 0x18}},
		{"010300000002C40B", modbus.Request{Unit: 1, Function: modbus.ReadHolding, Count: 2}},
		{"1106000100039A9B", modbus.Request{Unit: 0x11, Function: modbus.WriteSingle, Register: 1, Value: 3}},
	} {
		got, _, err := modbus.DecodeRequest(unhex(t, c.frame))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s is %+v, %v; want %+v", c.frame, got, err, c.want)
		}
	}
	r, n, err := modbus.DecodeResponse(unhex(t, "FF0304008D008EF5B3"))
	if err != nil || n != 9 || r.Unit != 0xFF || !slices.Equal(r.Registers, []uint16{0x8D, 0x8E}) {
		t.Errorf("response is %+v, %d, %v", r, n, err)
	}
}

func TestExceptionsAreErrorsWithTheirMeaning(t *testing.T) {
	frame, err := modbus.EncodeResponse(modbus.Response{Unit: 1, Function: modbus.ReadInput, Exception: modbus.IllegalAddress})
	if err != nil {
		t.Fatal(err)
	}
	r, n, err := modbus.DecodeResponse(frame)
	if err != nil || n != 5 || r.Exception != modbus.IllegalAddress || r.Function != modbus.ReadInput {
		t.Errorf("decoded is %+v, %d, %v", r, n, err)
	}
	if text := r.Exception.Error(); !strings.Contains(text, "no such register") {
		t.Errorf("error is %q", text)
	}
}

func TestImpossibleRequestsAreRefused(t *testing.T) {
	for _, r := range []modbus.Request{
		{Unit: 1, Function: modbus.ReadInput},
		{Unit: 1, Function: modbus.ReadInput, Count: 126},
		{Unit: 248, Function: modbus.ReadInput, Count: 1},
		{Unit: 1, Function: 7, Count: 1},
		{Unit: 1, Function: modbus.ReadCoils, Count: 2001},
		{Unit: 1, Function: modbus.WriteCoil, Value: 1},
		{Unit: 1, Function: modbus.WriteCoils},
		{Unit: 1, Function: modbus.WriteCoils, Bits: make([]bool, 1969)},
		{Unit: 1, Function: modbus.WriteRegisters, Values: make([]uint16, 124)},
		{Unit: 1, Function: modbus.ReadHolding, Register: 0xFFFF, Count: 2},
	} {
		if frame, err := modbus.EncodeRequest(r); err == nil {
			t.Errorf("%+v became %x", r, frame)
		}
	}
}

func TestTheAnswerIsFoundAmongGarbage(t *testing.T) {
	ask := modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 1, Count: 2}
	request, err := modbus.EncodeRequest(ask)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(r modbus.Response) []byte {
		b, err := modbus.EncodeResponse(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := encode(modbus.Response{Unit: 1, Function: modbus.ReadInput, Registers: []uint16{0x131, 0x222}})
	broken := bytes.Clone(good)
	broken[4] ^= 1
	foreign := encode(modbus.Response{Unit: 2, Function: modbus.ReadInput, Registers: []uint16{9, 9}})
	older := encode(modbus.Response{Unit: 1, Function: modbus.ReadHolding, Registers: []uint16{7, 7}})
	shorter := encode(modbus.Response{Unit: 1, Function: modbus.ReadInput, Registers: []uint16{5}})
	before := slices.Concat([]byte("24.6C,58.2%\r\n"), request, broken, foreign, older, shorter, []byte{1, 4, 4, 1})
	if r, ok := modbus.FindResponse(ask, before); ok {
		t.Errorf("found %+v where no answer is", r)
	}
	r, ok := modbus.FindResponse(ask, slices.Concat(before, good, []byte("more")))
	if !ok || !slices.Equal(r.Registers, []uint16{0x131, 0x222}) {
		t.Errorf("found %+v, %v", r, ok)
	}
}

func TestResponsesAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := modbus.Response{
			Unit:      rapid.Byte().Draw(t, "unit"),
			Function:  rapid.SampledFrom([]modbus.Function{modbus.ReadHolding, modbus.ReadInput}).Draw(t, "function"),
			Registers: rapid.SliceOfN(rapid.Uint16(), 1, modbus.MaxRegisters).Draw(t, "registers"),
		}
		frame, err := modbus.EncodeResponse(want)
		if err != nil {
			t.Fatal(err)
		}
		got, n, err := modbus.DecodeResponse(append(frame, 0xAA))
		if err != nil || n != len(frame) || got.Unit != want.Unit || !slices.Equal(got.Registers, want.Registers) {
			t.Fatalf("%+v became %+v, %d, %v", want, got, n, err)
		}
	})
}
