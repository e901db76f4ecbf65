package llrp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// coder goes over the fields of a structure in the order of the wire. It either reads them from b or appends them to it,
// so one description of a structure serves both directions. After the first error it does nothing more.
type coder struct {
	b       []byte
	reading bool
	err     error
}

func (c *coder) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// take gives the next n bytes of what is read; nil where there are not so many.
func (c *coder) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n > len(c.b) {
		c.fail("%d bytes are there where %d are needed", len(c.b), n)
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func u8[T ~uint8 | ~int8](c *coder, v *T) {
	if !c.reading {
		c.b = append(c.b, byte(*v))
	} else if b := c.take(1); b != nil {
		*v = T(b[0])
	}
}

func u16[T ~uint16 | ~int16](c *coder, v *T) {
	if !c.reading {
		c.b = binary.BigEndian.AppendUint16(c.b, uint16(*v))
	} else if b := c.take(2); b != nil {
		*v = T(binary.BigEndian.Uint16(b))
	}
}

func u32[T ~uint32](c *coder, v *T) {
	if !c.reading {
		c.b = binary.BigEndian.AppendUint32(c.b, uint32(*v))
	} else if b := c.take(4); b != nil {
		*v = T(binary.BigEndian.Uint32(b))
	}
}

func u64[T ~uint64](c *coder, v *T) {
	if !c.reading {
		c.b = binary.BigEndian.AppendUint64(c.b, uint64(*v))
	} else if b := c.take(8); b != nil {
		*v = T(binary.BigEndian.Uint64(b))
	}
}

// skip is for n reserved bytes.
func (c *coder) skip(n int) {
	if c.reading {
		c.take(n)
		return
	}
	c.b = append(c.b, make([]byte, n)...)
}

// flags are bits of one byte from the highest down; the rest of it is reserved.
func (c *coder) flags(flags ...*bool) {
	var v byte
	if !c.reading {
		for i, f := range flags {
			if *f {
				v |= 0x80 >> i
			}
		}
	}
	u8(c, &v)
	if c.reading {
		for i, f := range flags {
			*f = v&(0x80>>i) != 0
		}
	}
}

// count is the number of elements that follow, in 16 bits, each of size bytes.
func (c *coder) count(n, size int) int {
	if !c.reading && n > math.MaxUint16 {
		c.fail("%d elements are too many; %d are possible", n, math.MaxUint16)
	}
	v := uint16(n)
	u16(c, &v)
	if c.reading && c.err == nil && int(v)*size > len(c.b) {
		c.fail("%d elements of %d bytes are announced; %d bytes are there", v, size, len(c.b))
	}
	if c.err != nil {
		return 0
	}
	return int(v)
}

// list is a counted list of numbers.
func list[T any](c *coder, size int, v *[]T, one func(*coder, *T)) {
	n := c.count(len(*v), size)
	if c.reading && n > 0 {
		*v = make([]T, n)
	}
	for i := range n {
		one(c, &(*v)[i])
	}
}

// octets are a counted list of bytes.
func (c *coder) octets(v *[]byte) {
	n := c.count(len(*v), 1)
	if !c.reading {
		c.b = append(c.b, (*v)[:n]...)
	} else if b := c.take(n); len(b) > 0 {
		*v = bytes.Clone(b)
	}
}

// text is UTF-8 with its length in 16 bits.
func (c *coder) text(v *string) {
	b := []byte(*v)
	c.octets(&b)
	if c.reading {
		*v = string(b)
	}
}

// rest is all that follows.
func (c *coder) rest(v *[]byte) {
	if !c.reading {
		c.b = append(c.b, *v...)
	} else if b := c.take(len(c.b)); len(b) > 0 {
		*v = bytes.Clone(b)
	}
}

// Bits is a row of bits; the last byte is filled up with zeros.
type Bits struct {
	N    uint16 // how many bits
	Data []byte // (N+7)/8 bytes
}

func (v *Bits) code(c *coder) {
	if !c.reading && len(v.Data) != (int(v.N)+7)/8 {
		c.fail("%d bits have %d bytes", v.N, len(v.Data))
	}
	u16(c, &v.N)
	if !c.reading {
		c.b = append(c.b, v.Data...)
	} else if b := c.take((int(v.N) + 7) / 8); len(b) > 0 {
		v.Data = bytes.Clone(b)
	}
}
