package mqttnode

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// pcWord is the protocol control word before an EPC in the tag's memory (Gen2 §6.3.2.1.2.2); 0 where the reader does not
// tell it. Its upper five bits are the EPC's length in words of 16 bits.
type pcWord uint16

// cut gives what the PC word says is the EPC: some readers put the word itself before it, some fill it up. Where the word
// says more than there is, the reader has taken something out, such as XPC words, and what there is counts.
func (pc pcWord) cut(id []byte) []byte {
	n := 2 * int(pc>>11)
	if n == 0 || len(id) <= n {
		return id
	}
	if len(id) == n+2 && binary.BigEndian.Uint16(id) == uint16(pc) {
		return id[2:]
	}
	return id[:n]
}

// pcOfBase64 and pcOfHex read a PC word; a text that is none says nothing.
func pcOfBase64(text []byte) pcWord {
	var b [8]byte
	if n, err := unbase64(b[:], text); err == nil && n == 2 {
		return pcWord(binary.BigEndian.Uint16(b[:]))
	}
	return 0
}

func pcOfHex(text []byte) pcWord {
	var b [2]byte
	if len(text) != 2*len(b) {
		return 0
	}
	if _, err := hex.Decode(b[:], text); err != nil {
		return 0
	}
	return pcWord(binary.BigEndian.Uint16(b[:]))
}

// unbase64 decodes text into dst. Readers write the URL's alphabet with padding; some firmware the standard alphabet, some
// no padding.
func unbase64(dst, text []byte) (int, error) {
	text = bytes.TrimRight(text, "=")
	var b [4 * (devices.MaxTagBytes + 2) / 3]byte
	if len(text) > len(b) || base64.RawURLEncoding.DecodedLen(len(text)) > len(dst) {
		return 0, fmt.Errorf("epc has %d characters of base64; at most %d bytes are possible", len(text), len(dst))
	}
	for i, c := range text {
		switch c {
		case '+':
			c = '-'
		case '/':
			c = '_'
		}
		b[i] = c
	}
	n, err := base64.RawURLEncoding.Decode(dst, b[:len(text)])
	if err != nil {
		return 0, fmt.Errorf("epc %s is no base64: %w", clip(text), err)
	}
	return n, nil
}

// tagOfBase64 reads an EPC in base64.
func tagOfBase64(text []byte, pc pcWord) (devices.Tag, error) {
	var id [devices.MaxTagBytes + 2]byte // with a PC word before it
	n, err := unbase64(id[:], text)
	if err != nil {
		return devices.Tag{}, err
	}
	return devices.NewTag(devices.TagEPC, pc.cut(id[:n]))
}

// tagOfHex reads an EPC in hexadecimal digits.
func tagOfHex(text []byte, pc pcWord) (devices.Tag, error) {
	var id [devices.MaxTagBytes + 2]byte
	if len(text) > 2*len(id) {
		return devices.Tag{}, fmt.Errorf("epc has %d digits; at most %d are possible", len(text), 2*devices.MaxTagBytes)
	}
	n, err := hex.Decode(id[:], text)
	if err != nil {
		return devices.Tag{}, fmt.Errorf("epc %s is no hexadecimal: %w", clip(text), err)
	}
	return devices.NewTag(devices.TagEPC, pc.cut(id[:n]))
}

// moment reads a time stamp with its zone: RFC 3339, or with an offset without a colon as Zebra's readers write it. It is
// zero where there is none, and where the clock behind it was not set.
func moment(text []byte) time.Time {
	body, offset, ok := zone(text)
	var b [64]byte
	if !ok || len(body) >= len(b) {
		return time.Time{}
	}
	utc := append(append(b[:0], body...), 'Z') // without a zone of its own, which would have to be made anew each time
	t, err := time.Parse(time.RFC3339Nano, string(utc))
	if t = t.Add(-offset); err != nil || !t.After(oldest) {
		return time.Time{}
	}
	return t
}

// zone parts a time stamp from its zone.
func zone(text []byte) (body []byte, offset time.Duration, ok bool) {
	n := len(text)
	if n == 0 || text[n-1] == 'Z' {
		return text[:max(n-1, 0)], 0, n > 0
	}
	digits := 4
	if n > 3 && text[n-3] == ':' {
		digits = 5
	}
	if n <= digits {
		return nil, 0, false
	}
	body, sign := text[:n-digits-1], text[n-digits-1]
	hours, fine := twoDigits(text[n-digits:], 24)
	minutes, fine2 := twoDigits(text[n-2:], 60) // bounds as in package time
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if sign == '-' {
		offset = -offset
	}
	return body, offset, fine && fine2 && (sign == '+' || sign == '-')
}

func twoDigits(text []byte, highest int) (int, bool) {
	tens, ones := text[0]-'0', text[1]-'0' // what is below '0' becomes large
	n := int(tens)*10 + int(ones)
	return n, tens <= 9 && ones <= 9 && n <= highest
}
