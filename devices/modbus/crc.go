package modbus

// crcTable is for CRC-16/MODBUS: polynomial 0x8005 reflected to 0xA001, start 0xFFFF, no final XOR.
var crcTable = makeTable()

func makeTable() (table [256]uint16) {
	for i := range table {
		c := uint16(i)
		for range 8 {
			if c&1 == 1 {
				c = c>>1 ^ 0xA001
			} else {
				c >>= 1
			}
		}
		table[i] = c
	}
	return table
}

// CRC gives the checksum of b; on the wire its low byte comes first.
func CRC(b []byte) uint16 {
	c := uint16(0xFFFF)
	for _, x := range b {
		c = c>>8 ^ crcTable[byte(c)^x]
	}
	return c
}

func seal(b []byte) []byte {
	c := CRC(b)
	return append(b, byte(c), byte(c>>8))
}

func sealed(b []byte) bool {
	n := len(b) - 2
	return n > 0 && CRC(b[:n]) == uint16(b[n])|uint16(b[n+1])<<8
}
