package epc

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/tallydock/tallydock/devices"
)

const sgtin96Bytes = 12

// GTIN14 gives the GTIN of a tag that carries an SGTIN, with 14 digits. It is the quick way for who resolves many tags:
// of an SGTIN-96 it allocates nothing but the string.
func GTIN14(tag devices.Tag) (string, bool) {
	if tag.Kind() != devices.TagEPC || tag.IsZero() {
		return "", false
	}
	var room [devices.MaxTagBytes]byte
	memory := tag.AppendBytes(room[:0])
	if Coding(memory[0]) != SGTIN96 {
		t, err := Decode(tag.Bytes())
		if err != nil || t.Scheme != SGTIN {
			return "", false
		}
		return t.Key(), true
	}
	if len(memory) < sgtin96Bytes {
		return "", false
	}
	for _, b := range memory[sgtin96Bytes:] {
		if b != 0 {
			return "", false
		}
	}
	return gtin96(binary.BigEndian.Uint64(memory))
}

// gtin96 reads the first 64 bits of an SGTIN-96: header 8, filter 3, partition 3, prefix and reference 44, serial 6.
func gtin96(v uint64) (string, bool) {
	partition := int(v >> 50 & 7)
	if partition >= len(prefixBits) {
		return "", false
	}
	both := v >> 6 & (1<<44 - 1)
	refBits := 44 - prefixBits[partition]
	prefix, ref := both>>refBits, both&(1<<refBits-1)
	refDigits := 1 + partition
	if prefix >= power10(longestPrefix-partition) || ref >= power10(refDigits) {
		return "", false
	}
	item := power10(refDigits - 1) // the indicator is the reference's first digit
	body := (ref/item*power10(longestPrefix-partition)+prefix)*item + ref%item
	var digits [14]byte
	sum := 0
	for i := range 13 {
		d := int(body % 10)
		body /= 10
		digits[12-i] = byte('0' + d)
		sum += d * (3 - i%2*2)
	}
	digits[13] = byte('0' + (10-sum%10)%10)
	return string(digits[:]), true
}

// EncodeSGTIN96 gives the tag that carries a GTIN of 14 digits and a serial below 2^38 in 96 bits. The filter is 0 to 7;
// 1 is an item for sale, 2 a case.
func EncodeSGTIN96(gtin14 string, companyPrefixLen int, filter uint8, serial uint64) (devices.Tag, error) {
	id, err := fromKey(SGTIN, gtin14)
	if err == nil {
		id.Serial = strconv.FormatUint(serial, 10)
		id, err = id.WithPrefix(companyPrefixLen)
	}
	if err != nil {
		return devices.Tag{}, fmt.Errorf("GTIN %s: %w", gtin14, err)
	}
	memory, err := Tag{Identity: id, Coding: SGTIN96, Filter: filter}.Encode()
	if err != nil {
		return devices.Tag{}, fmt.Errorf("GTIN %s: %w", gtin14, err)
	}
	return devices.NewTag(devices.TagEPC, memory)
}
