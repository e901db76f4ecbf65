package modbus

import (
	"encoding/binary"
	"fmt"
)

// MaxTCPFrame is the longest frame of Modbus TCP, in bytes.
const MaxTCPFrame = 260

// The head of a frame of Modbus TCP: transaction, protocol, length of what follows, which starts with the unit.
const (
	headSize  = 6
	minLength = 3 // unit, function, exception
	maxLength = MaxTCPFrame - headSize
)

// lastTCPUnit is the highest unit of Modbus TCP: 255 and 0 are the server itself, the others are units behind it.
const lastTCPUnit = 255

func (r Request) checkTCP() error {
	if r.Unit > lastUnit && r.Unit != lastTCPUnit {
		return fmt.Errorf("modbus unit %d is not 0 to %d or %d", r.Unit, lastUnit, lastTCPUnit)
	}
	return r.check()
}

// EncodeTCPRequest gives the frame of r for Modbus TCP. The answer has the same transaction number.
func EncodeTCPRequest(transaction uint16, r Request) ([]byte, error) {
	if err := r.checkTCP(); err != nil {
		return nil, err
	}
	return frameTCP(transaction, r.pdu([]byte{r.Unit})), nil
}

// EncodeTCPResponse gives the frame of r for Modbus TCP.
func EncodeTCPResponse(transaction uint16, r Response) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return frameTCP(transaction, r.pdu([]byte{r.Unit})), nil
}

func frameTCP(transaction uint16, body []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, transaction)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...)
}

// DecodeTCPRequest reads the frame at the start of b and tells how long it is. Errors are as DecodeRequest's.
func DecodeTCPRequest(b []byte) (transaction uint16, r Request, n int, err error) {
	body, n, err := bodyTCP(b, requestSize)
	if err != nil {
		return 0, Request{}, 0, err
	}
	if r, err = parseRequest(body[1:]); err != nil {
		return 0, Request{}, 0, err
	}
	r.Unit = body[0]
	if err := r.checkTCP(); err != nil {
		return 0, Request{}, 0, noFrame("%w", err)
	}
	return binary.BigEndian.Uint16(b), r, n, nil
}

// DecodeTCPResponse reads the frame at the start of b and tells how long it is. Errors are as DecodeRequest's.
func DecodeTCPResponse(b []byte) (transaction uint16, r Response, n int, err error) {
	body, n, err := bodyTCP(b, responseSize)
	if err != nil {
		return 0, Response{}, 0, err
	}
	if r, err = parseResponse(body[1:]); err != nil {
		return 0, Response{}, 0, err
	}
	r.Unit = body[0]
	return binary.BigEndian.Uint16(b), r, n, nil
}

// lengthTCP checks the head of a frame and tells how long the frame is.
func lengthTCP(b []byte) (int, error) {
	if len(b) < headSize {
		return 0, ErrShort
	}
	if protocol := binary.BigEndian.Uint16(b[2:]); protocol != 0 {
		return 0, noFrame("its protocol is %d; Modbus TCP has 0", protocol)
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length < minLength || length > maxLength {
		return 0, noFrame("its length is %d; it is %d to %d", length, minLength, maxLength)
	}
	return headSize + length, nil
}

// bodyTCP gives what follows the head of the frame at the start of b, and the frame's length, which has to agree with size.
func bodyTCP(b []byte, size func([]byte) (int, error)) (body []byte, n int, err error) {
	if n, err = lengthTCP(b); err != nil {
		return nil, 0, err
	}
	if len(b) < n {
		return nil, 0, ErrShort
	}
	body = b[headSize:n]
	want, err := size(body[1:])
	if err != nil {
		return nil, 0, noFrame("%w", err)
	}
	if want != len(body)-1 {
		return nil, 0, noFrame("its length is %d, and that of its content is %d", len(body), want+1)
	}
	return body, n, nil
}

// findTCP looks for the answer to a request with its transaction number. It goes from frame to frame, and byte by byte
// where there is none.
func findTCP(transaction uint16, to Request, b []byte) (Response, bool) {
	for len(b) > 0 {
		n, err := lengthTCP(b)
		if err != nil {
			b = b[1:]
			continue
		}
		got, r, _, err := DecodeTCPResponse(b)
		if err == nil && got == transaction && answers(to, r) {
			return r, true
		}
		b = b[min(n, len(b)):]
	}
	return Response{}, false
}
