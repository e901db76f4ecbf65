package modbus_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/modbus"
)

func TestFramesOfModbusTCP(t *testing.T) {
	for _, c := range []struct {
		frame       string
		transaction uint16
		want        modbus.Request
	}{
		{"000100000006010400010002", 1, modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 1, Count: 2}},
		{"150100000006FF0300040001", 0x1501, modbus.Request{Unit: 255, Function: modbus.ReadHolding, Register: 4, Count: 1}},
		{"00020000000611050001FF00", 2, modbus.Request{Unit: 17, Function: modbus.WriteCoil, Register: 1, Value: modbus.CoilOn}},
		{"00030000000901100001000102ABCD", 3, modbus.Request{
			Unit: 1, Function: modbus.WriteRegisters, Register: 1, Count: 1, Values: []uint16{0xABCD},
		}},
	} {
		b := unhex(t, c.frame)
		transaction, got, n, err := modbus.DecodeTCPRequest(append(b, 0xAA))
		if err != nil || transaction != c.transaction || n != len(b) || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s is %d %+v, %d, %v; want %+v", c.frame, transaction, got, n, err, c.want)
		}
		if again, err := modbus.EncodeTCPRequest(transaction, got); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s became %x, %v", c.frame, again, err)
		}
	}
	b := unhex(t, "0001000000070104040131 0222")
	transaction, got, n, err := modbus.DecodeTCPResponse(b)
	want := modbus.Response{Unit: 1, Function: modbus.ReadInput, Registers: []uint16{0x131, 0x222}}
	if err != nil || transaction != 1 || n != len(b) || !reflect.DeepEqual(got, want) {
		t.Errorf("response is %d %+v, %d, %v", transaction, got, n, err)
	}
}

func TestBadFramesOfModbusTCPAreRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct{ frame, want string }{
		{"000100010006010400010002", "its protocol is 1"},
		{"00010000000201 04", "its length is 2; it is 3 to 254"},
		{"0001000000FF010400010002", "its length is 255; it is 3 to 254"},
		{"0001000000070104000100 0200", "its length is 7, and that of its content is 6"},
		{"000100000006010400010000", "read_input_registers of 0: 1 to 125 are possible"},
		{"000100000006F80400010001", "modbus unit 248 is not 0 to 247 or 255"},
		{"000100000006012B0E010000", "function 43 is not known here"},
		{"0001000000060104000100", "its end is missing"},
		{"0001000000080110000100010100", "1 registers in 1 bytes"},
	} {
		_, r, _, err := modbus.DecodeTCPRequest(unhex(t, c.frame))
		if !errors.Is(err, modbus.ErrNoFrame) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s is %+v, %v; want %q", c.frame, r, err, c.want)
		}
	}
}

// every is a request of each function with its answer, as frames of a serial line.
var every = []struct {
	ask          modbus.Request
	answer       modbus.Response
	asked, reply string
}{
	{
		modbus.Request{Unit: 17, Function: modbus.ReadCoils, Register: 0x13, Count: 10},
		modbus.Response{Unit: 17, Function: modbus.ReadCoils, Bits: []bool{
			true, false, true, true, false, false, true, true, true, true, false, false, false, false, false, false,
		}},
		"11010013000A", "110102CD03",
	},
	{
		modbus.Request{Unit: 17, Function: modbus.ReadDiscrete, Register: 0xC4, Count: 3},
		modbus.Response{Unit: 17, Function: modbus.ReadDiscrete, Bits: []bool{false, false, true, true, false, true, false, true}},
		"110200C40003", "110201AC",
	},
	{
		modbus.Request{Unit: 17, Function: modbus.ReadHolding, Register: 0x6B, Count: 1},
		modbus.Response{Unit: 17, Function: modbus.ReadHolding, Registers: []uint16{0xAE41}},
		"1103006B0001", "110302AE41",
	},
	{
		modbus.Request{Unit: 17, Function: modbus.ReadInput, Register: 8, Count: 1},
		modbus.Response{Unit: 17, Function: modbus.ReadInput, Registers: []uint16{10}},
		"110400080001", "110402000A",
	},
	{
		modbus.Request{Unit: 17, Function: modbus.WriteCoil, Register: 0xAC, Value: modbus.CoilOn},
		modbus.Response{Unit: 17, Function: modbus.WriteCoil, Registers: []uint16{0xAC, modbus.CoilOn}},
		"110500ACFF00", "110500ACFF00",
	},
	{
		modbus.Request{Unit: 17, Function: modbus.WriteSingle, Register: 1, Value: 3},
		modbus.Response{Unit: 17, Function: modbus.WriteSingle, Registers: []uint16{1, 3}},
		"110600010003", "110600010003",
	},
	{
		modbus.Request{
			Unit: 17, Function: modbus.WriteCoils, Register: 0x13, Count: 10,
			Bits: []bool{true, false, true, true, false, false, true, true, true, false},
		},
		modbus.Response{Unit: 17, Function: modbus.WriteCoils, Registers: []uint16{0x13, 10}},
		"110F0013000A02CD01", "110F0013000A",
	},
	{
		modbus.Request{Unit: 17, Function: modbus.WriteRegisters, Register: 1, Count: 2, Values: []uint16{10, 0x102}},
		modbus.Response{Unit: 17, Function: modbus.WriteRegisters, Registers: []uint16{1, 2}},
		"11100001000204000A0102", "111000010002",
	},
}

func sum(b []byte) []byte {
	c := modbus.CRC(b)
	return append(b, byte(c), byte(c>>8))
}

// The examples of the specification, with a unit and a checksum around them.
func TestEveryFunctionInBothDirections(t *testing.T) {
	for _, c := range every {
		t.Run(c.ask.Function.String(), func(t *testing.T) {
			asked, reply := sum(unhex(t, c.asked)), sum(unhex(t, c.reply))
			if b, err := modbus.EncodeRequest(c.ask); err != nil || !bytes.Equal(b, asked) {
				t.Errorf("request is %x, %v; want %x", b, err, asked)
			}
			if r, n, err := modbus.DecodeRequest(asked); err != nil || n != len(asked) || !reflect.DeepEqual(r, c.ask) {
				t.Errorf("request is read as %+v, %d, %v", r, n, err)
			}
			if b, err := modbus.EncodeResponse(c.answer); err != nil || !bytes.Equal(b, reply) {
				t.Errorf("response is %x, %v; want %x", b, err, reply)
			}
			if r, n, err := modbus.DecodeResponse(reply); err != nil || n != len(reply) || !reflect.DeepEqual(r, c.answer) {
				t.Errorf("response is read as %+v, %d, %v", r, n, err)
			}
			if r, ok := modbus.FindResponse(c.ask, append([]byte("24.6C\r\n"), reply...)); !ok || !reflect.DeepEqual(r, c.answer) {
				t.Errorf("the answer is not found: %+v", r)
			}
			for i := range asked {
				if _, _, err := modbus.DecodeRequest(asked[:i]); !errors.Is(err, modbus.ErrNoFrame) {
					t.Errorf("%d bytes of the request: %v", i, err)
				}
			}
		})
	}
}

func TestExceptionsHaveTheNamesOfTheSpecification(t *testing.T) {
	for e, want := range map[modbus.Exception]string{
		1: "IllegalFunction", 2: "IllegalDataAddress", 3: "IllegalDataValue", 4: "SlaveDeviceFailure", 5: "Acknowledge",
		6: "SlaveDeviceBusy", 7: "NegativeAcknowledge", 8: "MemoryParityError", 10: "GatewayPathUnavailable",
		11: "GatewayTargetDeviceFailedToRespond", 99: "exception 99",
	} {
		if e.Name() != want || !strings.Contains(e.Error(), want) {
			t.Errorf("exception %d is %s, %q", byte(e), e.Name(), e.Error())
		}
	}
}

// A coil's bits beyond those that count are nothing.
func again(t *testing.T, r modbus.Request, encode func(modbus.Request) ([]byte, error), decode func([]byte) (modbus.Request, int, error)) {
	b, err := encode(r)
	if err != nil {
		t.Errorf("%+v: %v", r, err)
		return
	}
	if same, n, err := decode(b); err != nil || n != len(b) || !reflect.DeepEqual(same, r) {
		t.Errorf("%+v became %+v, %v", r, same, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"010400010001600A", "FF0304008D008EF5B3", "0184020AC1", "1106000100039A9B", "0104FF", "110F0013000A02CD01BF0B", "01108A000003AA10",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, n, err := modbus.DecodeRequest(b); err == nil {
			if n > len(b) || n > modbus.MaxFrame {
				t.Errorf("request of %d bytes of %d", n, len(b))
			}
			again(t, r, modbus.EncodeRequest, modbus.DecodeRequest)
		} else if !errors.Is(err, modbus.ErrNoFrame) {
			t.Errorf("error is %v", err)
		}
		if r, n, err := modbus.DecodeResponse(b); err == nil {
			if again, err := modbus.EncodeResponse(r); err != nil || !bytes.Equal(again, b[:n]) {
				t.Errorf("response %x became %x, %v", b[:n], again, err)
			}
		} else if !errors.Is(err, modbus.ErrNoFrame) {
			t.Errorf("error is %v", err)
		}
		modbus.FindResponse(modbus.Request{Unit: 1, Function: modbus.ReadInput, Register: 1, Count: 2}, b)
	})
}

func FuzzDecodeTCP(f *testing.F) {
	for _, s := range []string{"000100000006010400010002", "00010000000701040401310222", "000300000009011000010001 02ABCD", "000100000003018402"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tx, r, n, err := modbus.DecodeTCPRequest(b); err == nil {
			if n > len(b) || n > modbus.MaxTCPFrame {
				t.Errorf("request of %d bytes of %d", n, len(b))
			}
			again(t, r, func(r modbus.Request) ([]byte, error) { return modbus.EncodeTCPRequest(tx, r) },
				func(b []byte) (modbus.Request, int, error) {
					_, r, n, err := modbus.DecodeTCPRequest(b)
					return r, n, err
				})
		} else if !errors.Is(err, modbus.ErrNoFrame) {
			t.Errorf("error is %v", err)
		}
		if tx, r, n, err := modbus.DecodeTCPResponse(b); err == nil {
			if again, err := modbus.EncodeTCPResponse(tx, r); err != nil || !bytes.Equal(again, b[:n]) {
				t.Errorf("response %x became %x, %v", b[:n], again, err)
			}
		} else if !errors.Is(err, modbus.ErrNoFrame) {
			t.Errorf("error is %v", err)
		}
	})
}
