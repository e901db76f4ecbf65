package pn532

import (
	"errors"
	"fmt"
)

// A Type 2 card is a memory of pages of 4 bytes. Page 3 is the capability container: E1, version, size of the data area in
// units of 8 bytes, access. The data area begins at page 4 and is a row of blocks: a tag, a length (one byte, or FF and
// two), a value. Source: NFC Forum Type 2 Tag Operation 1.1.
const (
	type2Read   = 0x30 // and the number of a page: gives 4 pages, after the last the first again
	type2Magic  = 0xE1
	type2Answer = 16
	type2CC     = 12      // where the capability container stands, in bytes
	type2Data   = 16      // where the data area begins
	type2End    = 4 * 256 // what page numbers of one byte reach; more lies in other sectors
)

// Tags of blocks.
const (
	blockNull        = 0x00 // no length, no value
	blockLock        = 0x01 // where lock bits lie
	blockMemory      = 0x02 // where other bytes lie that are no data
	blockMessage     = 0x03
	blockTerminator  = 0xFE
	longLength       = 0xFF
	controlSize      = 3
	lockBitsPerByte  = 8
	unlimitedControl = 256 // what a size of zero means
)

var errAreaEnds = errors.New("the data area ends within a block")

// readType2 reads the NDEF message of a Type 2 card.
func readType2(exchange Exchange) ([]byte, error) {
	m := &type2{exchange: exchange, end: type2Data}
	cc, err := m.bytes(type2CC, 4)
	if err != nil {
		return nil, err
	}
	if cc[0] != type2Magic {
		return nil, ErrNoMessage
	}
	if cc[1]>>4 != 1 {
		return nil, fmt.Errorf("capability container has version %d.%d; 1 is read", cc[1]>>4, cc[1]&0x0F)
	}
	if cc[3]>>4 != 0 {
		return nil, fmt.Errorf("capability container says that reading needs leave (access %02x)", cc[3])
	}
	m.at, m.end = type2Data, type2Data+8*int(cc[2])
	return m.message()
}

// type2 walks the data area.
type type2 struct {
	exchange Exchange
	at, end  int    // where the next byte stands, and where the area ends
	reserved []span // what is no data, within and behind the area
	block    [type2Answer]byte
	from     int // where block was read; 0 = not yet
}

type span struct{ from, to int }

// message gives the value of the first NDEF block.
func (m *type2) message() ([]byte, error) {
	for {
		if m.skip(); m.at >= m.end {
			return nil, ErrNoMessage
		}
		tag, err := m.next()
		switch {
		case err != nil:
			return nil, err
		case tag == blockNull:
			continue
		case tag == blockTerminator:
			return nil, ErrNoMessage
		}
		size, err := m.size()
		if err != nil {
			return nil, err
		}
		if tag == blockMessage {
			return m.value(size)
		}
		if err := m.pass(tag, size); err != nil {
			return nil, err
		}
	}
}

// pass goes past a block that is no message; one that says what is no data is obeyed.
func (m *type2) pass(tag byte, size int) error {
	if (tag == blockLock || tag == blockMemory) && size == controlSize {
		v, err := m.value(size)
		if err == nil {
			m.reserve(tag, v)
		}
		return err
	}
	for range size {
		if m.skip(); m.at >= m.end {
			return errAreaEnds
		}
		m.at++
	}
	return nil
}

// reserve notes the bytes of which a control block says that they are no data: page and byte where they begin, how many
// bits (lock) or bytes they are, how long a page is as a power of two.
func (m *type2) reserve(tag byte, v []byte) {
	size := int(v[1])
	if size == 0 {
		size = unlimitedControl
	}
	if tag == blockLock {
		size = (size + lockBitsPerByte - 1) / lockBitsPerByte
	}
	from := int(v[0]>>4)<<(v[2]&0x0F) + int(v[0]&0x0F)
	m.reserved = append(m.reserved, span{from, from + size})
}

// size reads a block's length.
func (m *type2) size() (int, error) {
	n, err := m.next()
	if err != nil || n != longLength {
		return int(n), err
	}
	b, err := m.value(2)
	if err != nil {
		return 0, err
	}
	return int(b[0])<<8 | int(b[1]), nil
}

// value reads size bytes of data.
func (m *type2) value(size int) ([]byte, error) {
	if size > m.end-m.at {
		return nil, errAreaEnds
	}
	if size > MaxMessage {
		return nil, tooLong(size)
	}
	v := make([]byte, size)
	for i := range v {
		var err error
		if v[i], err = m.next(); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// skip goes past bytes that are no data.
func (m *type2) skip() {
	for i := 0; i < len(m.reserved); i++ {
		if r := m.reserved[i]; r.from <= m.at && m.at < r.to {
			m.at = r.to
			i = -1 // an earlier one may begin here
		}
	}
}

// next reads a byte of data.
func (m *type2) next() (byte, error) {
	if m.skip(); m.at >= m.end {
		return 0, errAreaEnds
	}
	b, err := m.bytes(m.at, 1)
	if err != nil {
		return 0, err
	}
	m.at++
	return b[0], nil
}

// bytes gives n bytes of memory, which must lie in one block of those that are read from the capability container on.
func (m *type2) bytes(at, n int) ([]byte, error) {
	if at >= type2End {
		return nil, fmt.Errorf("its data go on at byte %d; %d bytes of a card of this type are read", at, type2End)
	}
	from := at - (at-type2CC)%type2Answer
	if m.from != from {
		answer, err := m.exchange([]byte{type2Read, byte(from / 4)})
		if err != nil {
			return nil, fmt.Errorf("cannot read page %d: %w", from/4, err)
		}
		if len(answer) != type2Answer {
			return nil, fmt.Errorf("page %d is answered with %d bytes; %d would be right", from/4, len(answer), type2Answer)
		}
		m.from = from
		copy(m.block[:], answer)
	}
	return m.block[at-from:][:n], nil
}
