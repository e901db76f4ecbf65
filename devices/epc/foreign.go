package epc

import (
	"strconv"
	"strings"
)

// The codings of release 1 without partition (TDS 2.3 §14.6): GID-96, USDOD-96 and ADI-var, and the characters of six
// bits that ADI-var and CPI-var are of.

func readGID(r *reader, t *Tag) {
	t.Prefix = strconv.FormatUint(r.take(gidManagerBits), 10)
	t.Reference = strconv.FormatUint(r.take(gidClassBits), 10)
	t.Serial = strconv.FormatUint(r.take(foreignSerialBits), 10)
}

func writeGID(w *writer, t Tag) {
	w.put(value(t.Prefix), gidManagerBits)
	w.put(value(t.Reference), gidClassBits)
	w.put(value(t.Serial), foreignSerialBits)
}

// cageChars is how many characters a code of buyer or seller takes; one of 5 has a space ahead.
const cageChars = 6

func readUSDOD(r *reader, t *Tag) {
	var b [cageChars]byte
	for i := range b {
		b[i] = byte(r.take(8))
	}
	t.Prefix = strings.TrimPrefix(string(b[:]), " ")
	t.Serial = strconv.FormatUint(r.take(foreignSerialBits), 10)
}

func writeUSDOD(w *writer, t Tag) {
	for _, c := range []byte(strings.Repeat(" ", cageChars-len(t.Prefix)) + t.Prefix) {
		w.put(uint64(c), 8)
	}
	w.put(value(t.Serial), foreignSerialBits)
}

func readADI(r *reader, t *Tag) {
	var b [cageChars]byte
	for i := range b {
		b[i] = sixToChar(r.take(6))
	}
	t.Prefix = strings.TrimPrefix(string(b[:]), " ")
	t.Reference = takeSix(r)
	t.Serial = takeSix(r)
}

func writeADI(w *writer, t Tag) {
	for _, c := range []byte(strings.Repeat(" ", cageChars-len(t.Prefix)) + t.Prefix) {
		w.put(uint64(c), 6)
	}
	putSix(w, t.Reference)
	putSix(w, t.Serial)
}

// takeSix takes 6-bit characters up to a zero: the low bits of ASCII from the space to the underscore.
func takeSix(r *reader) string {
	var b []byte
	for !r.short {
		v := r.take(6)
		if v == 0 {
			break
		}
		b = append(b, sixToChar(v))
	}
	return string(b)
}

func sixToChar(v uint64) byte {
	if v < 32 {
		return byte(v) + 64
	}
	return byte(v)
}

func putSix(w *writer, s string) {
	for i := range len(s) {
		w.put(uint64(s[i]), 6)
	}
	w.put(0, 6)
}
