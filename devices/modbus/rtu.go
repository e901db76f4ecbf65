package modbus

import "fmt"

// MaxFrame is the longest frame of a serial line, in bytes.
const MaxFrame = 256

// lastUnit is the highest address that a unit of a serial line can have; 0 speaks to all of them.
const lastUnit = 247

// EncodeRequest gives the frame of r for a serial line.
func EncodeRequest(r Request) ([]byte, error) {
	if err := r.checkRTU(); err != nil {
		return nil, err
	}
	return seal(r.pdu([]byte{r.Unit})), nil
}

func (r Request) checkRTU() error {
	if r.Unit > lastUnit {
		return fmt.Errorf("modbus unit %d is not 1 to %d", r.Unit, lastUnit)
	}
	return r.check()
}

// DecodeRequest reads the frame at the start of b and tells how long it is. Errors are ErrNoFrame, with the reason, and
// ErrShort where more bytes may make it one.
func DecodeRequest(b []byte) (Request, int, error) {
	body, n, err := unseal(b, requestSize)
	if err != nil {
		return Request{}, 0, err
	}
	r, err := parseRequest(body)
	if err != nil {
		return Request{}, 0, err
	}
	r.Unit = b[0]
	if err := r.checkRTU(); err != nil {
		return Request{}, 0, noFrame("%w", err)
	}
	return r, n, nil
}

// EncodeResponse gives the frame of r for a serial line.
func EncodeResponse(r Response) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return seal(r.pdu([]byte{r.Unit})), nil
}

// DecodeResponse reads the frame at the start of b and tells how long it is. Errors are as DecodeRequest's.
func DecodeResponse(b []byte) (Response, int, error) {
	body, n, err := unseal(b, responseSize)
	if err != nil {
		return Response{}, 0, err
	}
	r, err := parseResponse(body)
	if err != nil {
		return Response{}, 0, err
	}
	r.Unit = b[0]
	return r, n, nil
}

// unseal checks the frame at the start of b, whose length size tells from its head, and gives what lies between the unit
// and the checksum, and the frame's length.
func unseal(b []byte, size func([]byte) (int, error)) (body []byte, n int, err error) {
	if len(b) == 0 {
		return nil, 0, ErrShort
	}
	if n, err = size(b[1:]); err != nil {
		return nil, 0, err
	}
	n += 3
	if n > MaxFrame {
		return nil, 0, noFrame("%d bytes are more than a frame has", n)
	}
	if len(b) < n {
		return nil, 0, ErrShort
	}
	if !sealed(b[:n]) {
		c := CRC(b[:n-2])
		return nil, 0, noFrame("its checksum is %02X%02X, and that of its content is %02X%02X", b[n-2], b[n-1], byte(c), c>>8)
	}
	return b[1 : n-2], n, nil
}

// FindResponse looks for the answer to a request among bytes that may hold anything before and after it: garbage, ASCII
// that a device sends by itself, an echo of the request, whole answers of others.
func FindResponse(to Request, b []byte) (Response, bool) {
	for i := 0; i < len(b); {
		n := wholeResponse(b[i:])
		if n == 0 {
			i++
			continue
		}
		r, _, err := DecodeResponse(b[i:])
		if err == nil && answers(to, r) {
			return r, true
		}
		i += n
	}
	return Response{}, false
}

// wholeResponse tells how long the response is that b starts with; 0 = none, or not whole.
func wholeResponse(b []byte) int {
	if len(b) < 5 || functionNames[Function(b[1]&^exceptionBit)] == "" {
		return 0
	}
	n, err := responseSize(b[1:])
	if err != nil || n+3 > len(b) || !sealed(b[:n+3]) {
		return 0
	}
	return n + 3
}

// damaged reports whether b holds what would be an answer to a request if its checksum were right.
func damaged(to Request, b []byte) bool {
	for i := range b {
		head := b[i:]
		if len(head) < 3 || head[0] != to.Unit || Function(head[1]&^exceptionBit) != to.Function {
			continue
		}
		n, err := responseSize(head[1:])
		if err == nil && n == answerSize(to, head[1]) && len(head) >= n+3 && !sealed(head[:n+3]) {
			return true
		}
	}
	return false
}

// answerSize tells how long the answer to a request is, without its unit.
func answerSize(to Request, function byte) int {
	switch {
	case function&exceptionBit != 0:
		return 2
	case to.Function.readsBits():
		return 2 + (int(to.Count)+7)/8
	case to.Function.readsRegisters():
		return 2 + 2*int(to.Count)
	}
	return 5
}
