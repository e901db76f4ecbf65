package epc

import (
	"fmt"
	"strings"
)

// script is a way to write characters (TDS 2.3 §14.5.6, table E).
type script struct {
	has   func(c byte) bool
	bits  func(n int) int // of n characters
	read  func(r *reader, n int) (string, error)
	write func(w *writer, s string)
}

// scripts are indexed by the encoding indicator.
var scripts = [...]script{
	{isDigit, numberBits, takeNumber, putNumber},
	alphabet(upperHex, 4),
	alphabet(lowerHex, 4),
	alphabet(base64, 6),
	{in82OrHash, func(n int) int { return 7 * n }, takeASCII, putASCII},
	{func(c byte) bool { return strings.IndexByte(code40[1:], c) >= 0 }, code40Bits, takeCode40, putCode40},
}

const (
	upperHex = "0123456789ABCDEF"
	lowerHex = "0123456789abcdef"
	base64   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	// code40 are the characters of URN Code 40; the first stands for none.
	code40 = "\x00ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
)

// shortest gives the encoding indicator that takes the fewest bits for s, the lowest where several do; -1 where none can.
func shortest(s string) int {
	best := -1
	for i, c := range scripts {
		can := true
		for j := range len(s) {
			can = can && c.has(s[j])
		}
		if can && (best < 0 || c.bits(len(s)) < scripts[best].bits(len(s))) {
			best = i
		}
	}
	return best
}

// alphabet is characters of so many bits each, the index into a string of them.
func alphabet(all string, bits int) script {
	read := func(r *reader, n int) (string, error) {
		b := make([]byte, n)
		for i := range b {
			b[i] = all[r.take(bits)]
		}
		return string(b), nil
	}
	write := func(w *writer, s string) {
		for i := range len(s) {
			w.put(uint64(strings.IndexByte(all, s[i])), bits)
		}
	}
	return script{func(c byte) bool { return strings.IndexByte(all, c) >= 0 }, func(n int) int { return bits * n }, read, write}
}

// in82OrHash are the characters of both GS1 sets; which of them a value may have, its scheme tells.
func in82OrHash(c byte) bool { return in82(c) || c == '#' }

func takeASCII(r *reader, n int) (string, error) {
	b := make([]byte, n)
	for i := range b {
		if b[i] = byte(r.take(7)); !in82OrHash(b[i]) {
			return "", fmt.Errorf("character %q, which GS1 does not allow", b[i])
		}
	}
	return string(b), nil
}

func putASCII(w *writer, s string) {
	for i := range len(s) {
		w.put(uint64(s[i]), 7)
	}
}

// code40Bits is 16 for each three characters.
func code40Bits(n int) int { return (n + 2) / 3 * 16 }

func takeCode40(r *reader, n int) (string, error) {
	var b []byte
	for range (n + 2) / 3 {
		v := r.take(16)
		if v == 0 || v > 64000 {
			return "", fmt.Errorf("%d is not three characters of URN Code 40", v)
		}
		v--
		b = append(b, code40[v/1600], code40[v/40%40], code40[v%40])
	}
	if len(b) < n || strings.IndexByte(string(b[:n]), 0) >= 0 || strings.Trim(string(b[n:]), "\x00") != "" {
		return "", fmt.Errorf("URN Code 40 does not give the %d characters announced", n)
	}
	return string(b[:n]), nil
}

func putCode40(w *writer, s string) {
	for i := 0; i < len(s); i += 3 {
		var v uint64
		for j := i; j < i+3; j++ {
			v *= 40
			if j < len(s) {
				v += uint64(strings.IndexByte(code40, s[j]))
			}
		}
		w.put(v+1, 16)
	}
}
