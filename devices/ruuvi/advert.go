package ruuvi

import (
	"errors"
	"fmt"
)

// company is Ruuvi Innovations' number among Bluetooth's companies, as it stands in an advertisement: little endian.
var company = [2]byte{0x99, 0x04}

// manufacturerData is the type of the AD structure that carries a payload.
const manufacturerData = 0xff

// ErrOther says that an advertisement is sound but carries no measurement of a Ruuvi sensor: it is an Eddystone link, or
// another maker's.
var ErrOther = errors.New("advertisement carries no measurement of a Ruuvi sensor")

// Decode reads an advertisement ("02 01 06 1B FF 99 04 05 …"), the same as a Bluetooth controller reports it (a byte of length
// before it, a byte of signal strength behind it), the manufacturer's data in it ("99 04 05 …") or the payload in that
// ("05 …"). It fails with ErrOther where an advertisement has no Ruuvi payload.
//
// Some firmware sends a format 3 payload with more than its 14 bytes in the structure; what is behind them means nothing.
func Decode(b []byte) (Report, error) {
	if len(b) > 2 && [2]byte(b[:2]) == company {
		return DecodePayload(trim(b[2:]))
	}
	if len(b) > 0 && sizes[b[0]] == len(b) && !isAdvert(b) {
		return DecodePayload(b)
	}
	r, err := decodeAdvert(b)
	if err != nil && len(b) > 2 && len(b) == int(b[0])+2 {
		return decodeAdvert(b[1 : len(b)-1])
	}
	return r, err
}

// trim cuts what stands behind a format 3 payload.
func trim(payload []byte) []byte {
	if len(payload) > sizes[Format3] && payload[0] == Format3 {
		return payload[:sizes[Format3]]
	}
	return payload
}

// decodeAdvert walks the AD structures: a byte of length, a byte of type, and the rest.
func decodeAdvert(b []byte) (Report, error) {
	for at := 0; at < len(b); {
		n := int(b[at])
		if n == 0 { // early end: the rest is padding
			break
		}
		if at+1+n > len(b) {
			return Report{}, fmt.Errorf("advertisement is cut: structure at byte %d has %d bytes, %d are there", at, n, len(b)-at-1)
		}
		s := b[at+1 : at+1+n]
		if s[0] == manufacturerData && len(s) > 3 && [2]byte(s[1:3]) == company {
			return DecodePayload(trim(s[3:]))
		}
		at += 1 + n
	}
	return Report{}, ErrOther
}

// isAdvert reports whether the bytes are a whole list of AD structures with a Ruuvi payload among them.
func isAdvert(b []byte) bool {
	_, err := decodeAdvert(b)
	return err == nil
}

// Advert wraps a payload as a tag advertises it: flags, then the manufacturer's data.
func Advert(payload []byte) []byte {
	b := []byte{2, 0x01, 0x06, byte(len(payload) + 3), manufacturerData, company[0], company[1]}
	return append(b, payload...)
}
