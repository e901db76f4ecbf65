package reader

// TagCRC is the CRC-16 of EPC Gen2 (polynomial 0x1021, start and final XOR 0xFFFF) over a tag's PC word and EPC.
func TagCRC(pc uint16, epc []byte) uint16 {
	crc := uint16(0xFFFF)
	crc = crcByte(crc, byte(pc>>8))
	crc = crcByte(crc, byte(pc))
	for _, b := range epc {
		crc = crcByte(crc, b)
	}
	return ^crc
}

func crcByte(crc uint16, b byte) uint16 {
	crc ^= uint16(b) << 8
	for range 8 {
		if crc&0x8000 != 0 {
			crc = crc<<1 ^ 0x1021
		} else {
			crc <<= 1
		}
	}
	return crc
}
