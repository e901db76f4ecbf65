package pad

// Layout of an NTAG216: 231 pages of 4 bytes, of which 222 are for data.
const (
	pageSize  = 4
	pages     = 231
	dataPage  = 4
	dataBytes = 872 // as its capability container says
	type2Room = dataBytes - 4 - 1
)

// type2 is the memory of a Type 2 card.
type type2 [pages * pageSize]byte

func newType2(c Card) *type2 {
	m := &type2{}
	uid := c.Tag.Bytes()
	if len(uid) == 7 {
		copy(m[0:], uid[:3])
		m[3] = 0x88 ^ uid[0] ^ uid[1] ^ uid[2]
		copy(m[4:], uid[3:])
		m[8] = uid[3] ^ uid[4] ^ uid[5] ^ uid[6]
	}
	copy(m[12:], []byte{0xE1, 0x10, dataBytes / 8, 0x00})
	at := dataPage * pageSize
	if n := len(c.Message); n < 255 {
		at += copy(m[at:], []byte{0x03, byte(n)})
	} else {
		at += copy(m[at:], []byte{0x03, 0xFF, byte(n >> 8), byte(n)})
	}
	at += copy(m[at:], c.Message)
	m[at] = 0xFE
	return m
}

// answer obeys READ: four pages from one on, and after the last the first again. Anything else is refused.
func (m *type2) answer(command []byte) ([]byte, bool) {
	if len(command) != 2 || command[0] != 0x30 || int(command[1]) >= pages {
		return nil, false
	}
	at := int(command[1]) * pageSize
	var b [4 * pageSize]byte
	for i := range b {
		b[i] = m[(at+i)%len(m)]
	}
	return b[:], true
}
