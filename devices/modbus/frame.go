package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Function is a Modbus function code.
type Function byte

// The functions that are known here.
const (
	ReadHolding Function = 3
	ReadInput   Function = 4
	WriteSingle Function = 6
)

// MaxRegisters is how many registers one request may ask for.
const MaxRegisters = 125

// MaxFrame is the longest frame, in bytes.
const MaxFrame = 256

const exceptionBit = 0x80

// Request is what the master asks of a unit.
type Request struct {
	Unit     byte
	Function Function
	Register uint16
	Count    uint16 // ReadHolding and ReadInput: registers asked for, 1 to MaxRegisters
	Value    uint16 // WriteSingle: what to write
}

// Response is what a unit answers.
type Response struct {
	Unit      byte
	Function  Function
	Exception Exception // 0: it did as asked
	Registers []uint16  // ReadHolding and ReadInput: the values; WriteSingle: register and value, as an echo
}

// Exception is a unit's reason for not doing as asked. It is an error.
type Exception byte

// Exceptions of the specification.
const (
	IllegalFunction    Exception = 1
	IllegalAddress     Exception = 2
	IllegalValue       Exception = 3
	DeviceFailure      Exception = 4
	Acknowledge        Exception = 5 // it works on it; ask again later
	DeviceBusy         Exception = 6 // ask again later
	MemoryParity       Exception = 8
	GatewayUnavailable Exception = 10
	GatewayNoAnswer    Exception = 11
)

var exceptionTexts = map[Exception]string{
	IllegalFunction: "it does not know the function", IllegalAddress: "it has no such register",
	IllegalValue: "it does not accept the value or count", DeviceFailure: "it failed", Acknowledge: "it needs more time",
	DeviceBusy: "it is busy", MemoryParity: "its memory is damaged", GatewayUnavailable: "the gateway has no path to it",
	GatewayNoAnswer: "it does not answer the gateway",
}

// Error implements error.
func (e Exception) Error() string {
	if text, ok := exceptionTexts[e]; ok {
		return fmt.Sprintf("modbus exception %d: %s", byte(e), text)
	}
	return fmt.Sprintf("modbus exception %d", byte(e))
}

// ErrNoFrame says that a stretch of bytes is no frame.
var ErrNoFrame = errors.New("no modbus frame")

func (r Request) check() error {
	if r.Unit > 247 {
		return fmt.Errorf("modbus unit %d is not 1 to 247", r.Unit)
	}
	switch r.Function {
	case ReadHolding, ReadInput:
		if r.Count < 1 || r.Count > MaxRegisters {
			return fmt.Errorf("%d registers asked for; 1 to %d are possible", r.Count, MaxRegisters)
		}
	case WriteSingle:
	default:
		return fmt.Errorf("modbus function %d is not known here", r.Function)
	}
	return nil
}

// EncodeRequest gives the frame of r.
func EncodeRequest(r Request) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	last := r.Count
	if r.Function == WriteSingle {
		last = r.Value
	}
	b := []byte{r.Unit, byte(r.Function)}
	b = binary.BigEndian.AppendUint16(b, r.Register)
	return seal(binary.BigEndian.AppendUint16(b, last)), nil
}

// requestLength is the length of every request that is known here.
const requestLength = 8

// DecodeRequest reads the frame at the start of b and tells how long it is. ErrNoFrame: b does not start with a request.
func DecodeRequest(b []byte) (Request, int, error) {
	if len(b) < requestLength || !sealed(b[:requestLength]) {
		return Request{}, 0, ErrNoFrame
	}
	r := Request{Unit: b[0], Function: Function(b[1]), Register: binary.BigEndian.Uint16(b[2:])}
	last := binary.BigEndian.Uint16(b[4:])
	if r.Function == WriteSingle {
		r.Value = last
	} else {
		r.Count = last
	}
	if err := r.check(); err != nil {
		return Request{}, 0, fmt.Errorf("%w: %w", ErrNoFrame, err)
	}
	return r, requestLength, nil
}

// EncodeResponse gives the frame of r.
func EncodeResponse(r Response) ([]byte, error) {
	if r.Exception != 0 {
		return seal([]byte{r.Unit, byte(r.Function) | exceptionBit, byte(r.Exception)}), nil
	}
	b := []byte{r.Unit, byte(r.Function)}
	switch r.Function {
	case ReadHolding, ReadInput:
		if len(r.Registers) < 1 || len(r.Registers) > MaxRegisters {
			return nil, fmt.Errorf("response has %d registers; 1 to %d are possible", len(r.Registers), MaxRegisters)
		}
		b = append(b, byte(2*len(r.Registers)))
	case WriteSingle:
		if len(r.Registers) != 2 {
			return nil, errors.New("response to a write needs register and value")
		}
	default:
		return nil, fmt.Errorf("modbus function %d is not known here", r.Function)
	}
	for _, v := range r.Registers {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return seal(b), nil
}

// DecodeResponse reads the frame at the start of b and tells how long it is. ErrNoFrame: b does not start with a whole
// response.
func DecodeResponse(b []byte) (Response, int, error) {
	n := responseLength(b)
	if n == 0 || n > len(b) || !sealed(b[:n]) {
		return Response{}, 0, ErrNoFrame
	}
	r := Response{Unit: b[0], Function: Function(b[1] &^ exceptionBit)}
	if b[1]&exceptionBit != 0 {
		if r.Exception = Exception(b[2]); r.Exception == 0 {
			return Response{}, 0, ErrNoFrame
		}
		return r, n, nil
	}
	body := b[2 : n-2]
	if r.Function != WriteSingle {
		body = body[1:]
	}
	for ; len(body) > 0; body = body[2:] {
		r.Registers = append(r.Registers, binary.BigEndian.Uint16(body))
	}
	return r, n, nil
}

// responseLength gives the length of the response that b starts with, as far as its head tells; 0 = it is none.
func responseLength(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	switch f := Function(b[1] &^ exceptionBit); {
	case f != ReadHolding && f != ReadInput && f != WriteSingle:
		return 0
	case b[1]&exceptionBit != 0:
		return 5
	case f == WriteSingle:
		return 8
	case b[2] == 0 || b[2]%2 == 1 || b[2] > 2*MaxRegisters:
		return 0
	}
	return 5 + int(b[2])
}

// FindResponse looks for the answer to a request among bytes that may hold anything before and after it: garbage, ASCII
// that a device sends by itself, an echo of the request.
func FindResponse(to Request, b []byte) (Response, bool) {
	for i := range b {
		if b[i] != to.Unit {
			continue
		}
		r, _, err := DecodeResponse(b[i:])
		if err == nil && answers(to, r) {
			return r, true
		}
	}
	return Response{}, false
}

func answers(to Request, r Response) bool {
	if r.Unit != to.Unit || r.Function != to.Function {
		return false
	}
	switch {
	case r.Exception != 0:
		return true
	case to.Function == WriteSingle:
		return r.Registers[0] == to.Register && r.Registers[1] == to.Value
	}
	return len(r.Registers) == int(to.Count)
}
