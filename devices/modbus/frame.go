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
	ReadCoils      Function = 1
	ReadDiscrete   Function = 2
	ReadHolding    Function = 3
	ReadInput      Function = 4
	WriteCoil      Function = 5
	WriteSingle    Function = 6
	WriteCoils     Function = 15
	WriteRegisters Function = 16
)

var functionNames = map[Function]string{
	ReadCoils: "read_coils", ReadDiscrete: "read_discrete_inputs", ReadHolding: "read_holding_registers",
	ReadInput: "read_input_registers", WriteCoil: "write_single_coil", WriteSingle: "write_single_register",
	WriteCoils: "write_multiple_coils", WriteRegisters: "write_multiple_registers",
}

// String gives the function's name as the specification has it, e.g. "read_input_registers".
func (f Function) String() string {
	if name, ok := functionNames[f]; ok {
		return name
	}
	return fmt.Sprintf("function_%d", byte(f))
}

func (f Function) readsBits() bool      { return f == ReadCoils || f == ReadDiscrete }
func (f Function) readsRegisters() bool { return f == ReadHolding || f == ReadInput }

// How much one request may ask for or write, after the specification.
const (
	MaxRegisters      = 125  // ReadHolding and ReadInput
	MaxBits           = 2000 // ReadCoils and ReadDiscrete
	MaxWriteRegisters = 123  // WriteRegisters
	MaxWriteBits      = 1968 // WriteCoils
)

// What WriteCoil has as its Value.
const (
	CoilOn  uint16 = 0xFF00
	CoilOff uint16 = 0x0000
)

const exceptionBit = 0x80

// Request is what the master asks of a unit.
type Request struct {
	Unit     byte
	Function Function
	Register uint16   // the first register or bit, as the wire counts: from 0
	Count    uint16   // how many registers or bits are read; of a write it is the length of what is written
	Value    uint16   // WriteSingle: what to write; WriteCoil: CoilOn or CoilOff
	Bits     []bool   // WriteCoils: what to write
	Values   []uint16 // WriteRegisters: what to write
}

// Response is what a unit answers.
type Response struct {
	Unit      byte
	Function  Function
	Exception Exception // 0: it did as asked
	Registers []uint16  // of a read: the values; of a write: register and value, or register and count, as an echo
	Bits      []bool    // ReadCoils and ReadDiscrete: the bits, filled up to whole bytes
}

// ErrNoFrame says that a stretch of bytes is no frame.
var ErrNoFrame = errors.New("no modbus frame")

// ErrShort says that a frame may have begun but is not complete. It is an ErrNoFrame.
var ErrShort = fmt.Errorf("%w: its end is missing", ErrNoFrame)

func noFrame(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrNoFrame, fmt.Errorf(format, args...))
}

// most tells how many registers or bits a request for the function may have; 0 where it has one or the function is not known.
func (f Function) most() int {
	switch f {
	case ReadCoils, ReadDiscrete:
		return MaxBits
	case ReadHolding, ReadInput:
		return MaxRegisters
	case WriteCoils:
		return MaxWriteBits
	case WriteRegisters:
		return MaxWriteRegisters
	}
	return 0
}

// count is how many registers or bits the request is about.
func (r Request) count() int {
	switch r.Function {
	case WriteCoils:
		return len(r.Bits)
	case WriteRegisters:
		return len(r.Values)
	case WriteCoil, WriteSingle:
		return 1
	}
	return int(r.Count)
}

func (r Request) check() error {
	n, most := r.count(), r.Function.most()
	switch {
	case functionNames[r.Function] == "":
		return fmt.Errorf("modbus function %d is not known here", byte(r.Function))
	case r.Function == WriteCoil && r.Value != CoilOn && r.Value != CoilOff:
		return fmt.Errorf("coil value %#04x is not on (0xFF00) or off (0x0000)", r.Value)
	case most > 0 && (n < 1 || n > most):
		return fmt.Errorf("%s of %d: 1 to %d are possible", r.Function, n, most)
	case int(r.Register)+n > 1<<16:
		return fmt.Errorf("%s of %d from %#04x goes beyond the last one", r.Function, n, r.Register)
	}
	return nil
}

// pdu appends the request without its unit.
func (r Request) pdu(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, byte(r.Function)), r.Register)
	switch r.Function {
	case WriteCoil, WriteSingle:
		return binary.BigEndian.AppendUint16(b, r.Value)
	case WriteCoils:
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.Bits)))
		return appendBits(append(b, byte((len(r.Bits)+7)/8)), r.Bits)
	case WriteRegisters:
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.Values)))
		return appendRegisters(append(b, byte(2*len(r.Values))), r.Values)
	}
	return binary.BigEndian.AppendUint16(b, r.Count)
}

// requestSize tells how long the request is whose head b is, without its unit: ErrShort where the head is not complete.
func requestSize(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, ErrShort
	}
	switch f := Function(b[0]); {
	case functionNames[f] == "":
		return 0, noFrame("function %d is not known here", b[0])
	case f != WriteCoils && f != WriteRegisters:
		return 5, nil
	case len(b) < 6:
		return 0, ErrShort
	}
	return 6 + int(b[5]), nil
}

// parseRequest reads a request without its unit; b is as long as requestSize says.
func parseRequest(b []byte) (Request, error) {
	r := Request{Function: Function(b[0]), Register: binary.BigEndian.Uint16(b[1:])}
	last := binary.BigEndian.Uint16(b[3:])
	switch r.Function {
	case WriteCoil, WriteSingle:
		r.Value = last
	case WriteCoils:
		if int(b[5]) != (int(last)+7)/8 {
			return Request{}, noFrame("%d coils in %d bytes", last, b[5])
		}
		r.Count, r.Bits = last, bitsOf(b[6:])[:last]
	case WriteRegisters:
		if int(b[5]) != 2*int(last) {
			return Request{}, noFrame("%d registers in %d bytes", last, b[5])
		}
		r.Count, r.Values = last, registersOf(b[6:])
	default:
		r.Count = last
	}
	if err := r.check(); err != nil {
		return Request{}, noFrame("%w", err)
	}
	return r, nil
}

func (r Response) check() error {
	if functionNames[r.Function] == "" && r.Exception == 0 {
		return fmt.Errorf("modbus function %d is not known here", byte(r.Function))
	}
	if r.Function&exceptionBit != 0 {
		return fmt.Errorf("modbus function %d is not possible", byte(r.Function))
	}
	if r.Exception != 0 {
		return nil
	}
	n, most := len(r.Registers), r.Function.most()
	if r.Function.readsBits() {
		n = len(r.Bits)
	}
	if r.Function.readsBits() || r.Function.readsRegisters() {
		if n < 1 || n > most {
			return fmt.Errorf("response to %s has %d; 1 to %d are possible", r.Function, n, most)
		}
		return nil
	}
	if n != 2 {
		return fmt.Errorf("response to %s needs register and value", r.Function)
	}
	if r.Function == WriteCoil && r.Registers[1] != CoilOn && r.Registers[1] != CoilOff {
		return fmt.Errorf("coil value %#04x is not on (0xFF00) or off (0x0000)", r.Registers[1])
	}
	if most > 0 && (r.Registers[1] < 1 || int(r.Registers[1]) > most) {
		return fmt.Errorf("response to %s of %d; 1 to %d are possible", r.Function, r.Registers[1], most)
	}
	return nil
}

// pdu appends the response without its unit.
func (r Response) pdu(b []byte) []byte {
	switch {
	case r.Exception != 0:
		return append(b, byte(r.Function)|exceptionBit, byte(r.Exception))
	case r.Function.readsBits():
		return appendBits(append(b, byte(r.Function), byte((len(r.Bits)+7)/8)), r.Bits)
	case r.Function.readsRegisters():
		b = append(b, byte(r.Function), byte(2*len(r.Registers)))
	default:
		b = append(b, byte(r.Function))
	}
	return appendRegisters(b, r.Registers)
}

// responseSize tells how long the response is whose head b is, without its unit.
func responseSize(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, ErrShort
	}
	switch f := Function(b[0] &^ exceptionBit); {
	case b[0]&exceptionBit != 0:
		return 2, nil
	case functionNames[f] == "":
		return 0, noFrame("function %d is not known here", b[0])
	case f.readsRegisters() && (b[1] == 0 || b[1]%2 == 1 || b[1] > 2*MaxRegisters):
		return 0, noFrame("a response to %s cannot have %d bytes", f, b[1])
	case f.readsBits() && (b[1] == 0 || b[1] > MaxBits/8):
		return 0, noFrame("a response to %s cannot have %d bytes", f, b[1])
	case f.readsRegisters() || f.readsBits():
		return 2 + int(b[1]), nil
	}
	return 5, nil
}

// parseResponse reads a response without its unit; b is as long as responseSize says.
func parseResponse(b []byte) (Response, error) {
	r := Response{Function: Function(b[0] &^ exceptionBit)}
	switch {
	case b[0]&exceptionBit != 0:
		if r.Exception = Exception(b[1]); r.Exception == 0 {
			return Response{}, noFrame("exception 0 is none")
		}
	case r.Function.readsBits():
		r.Bits = bitsOf(b[2:])
	case r.Function.readsRegisters():
		r.Registers = registersOf(b[2:])
	default:
		r.Registers = registersOf(b[1:])
	}
	if err := r.check(); err != nil {
		return Response{}, noFrame("%w", err)
	}
	return r, nil
}

// answers reports whether r can be the answer to a request: same unit and function, and as much as was asked for.
func answers(to Request, r Response) bool {
	if r.Unit != to.Unit || r.Function != to.Function {
		return false
	}
	switch {
	case r.Exception != 0:
		return true
	case to.Function.readsBits():
		return len(r.Bits) == (int(to.Count)+7)/8*8
	case to.Function.readsRegisters():
		return len(r.Registers) == int(to.Count)
	case to.Function == WriteCoil || to.Function == WriteSingle:
		return r.Registers[0] == to.Register && r.Registers[1] == to.Value
	}
	return r.Registers[0] == to.Register && int(r.Registers[1]) == to.count()
}

func appendRegisters(b []byte, registers []uint16) []byte {
	for _, v := range registers {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

func registersOf(b []byte) []uint16 {
	registers := make([]uint16, 0, len(b)/2)
	for ; len(b) > 1; b = b[2:] {
		registers = append(registers, binary.BigEndian.Uint16(b))
	}
	return registers
}

// appendBits packs bits as the wire has them: the first is the lowest of the first byte.
func appendBits(b []byte, bits []bool) []byte {
	from := len(b)
	b = append(b, make([]byte, (len(bits)+7)/8)...)
	for i, on := range bits {
		if on {
			b[from+i/8] |= 1 << (i % 8)
		}
	}
	return b
}

func bitsOf(b []byte) []bool {
	bits := make([]bool, 8*len(b))
	for i := range bits {
		bits[i] = b[i/8]>>(i%8)&1 == 1
	}
	return bits
}
