package epc

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// part is one way in which release 2 writes a value, or one of its two parts, in binary (TDS 2.3 §14.5).
type part struct {
	chars int // of a part with another one after it
	read  func(*reader) (string, error)
	write func(*writer, string) error
}

// bcd is so many digits of four bits each (§14.5.4).
func bcd(n int) part {
	read := func(r *reader) (string, error) {
		b := make([]byte, n)
		for i := range b {
			d := r.take(4)
			if d > 9 {
				return "", fmt.Errorf("%X is not a digit", d)
			}
			b[i] = '0' + byte(d)
		}
		return string(b), nil
	}
	write := func(w *writer, s string) error {
		if err := ofDigits(s, n, n); err != nil {
			return err
		}
		for i := range n {
			w.put(uint64(s[i]-'0'), 4)
		}
		return nil
	}
	return part{n, read, write}
}

// decimal is so many digits as one number (§14.5.2).
func decimal(n int) part {
	read := func(r *reader) (string, error) { return takeNumber(r, n) }
	write := func(w *writer, s string) error {
		if err := ofDigits(s, n, n); err != nil {
			return err
		}
		putNumber(w, s)
		return nil
	}
	return part{n, read, write}
}

// digits is one to most digits: their count, then one number (§14.5.13).
func digits(most int) part {
	read := func(r *reader) (string, error) {
		n := int(r.take(bits.Len(uint(most))))
		if n == 0 || n > most {
			return "", fmt.Errorf("%d digits; 1 to %d are possible", n, most)
		}
		return takeNumber(r, n)
	}
	write := func(w *writer, s string) error {
		if err := ofDigits(s, 1, most); err != nil {
			return err
		}
		w.put(uint64(len(s)), bits.Len(uint(most)))
		putNumber(w, s)
		return nil
	}
	return part{0, read, write}
}

// text is one to most characters: how they are written, their count, then they (§14.5.6).
func text(most int) part {
	read := func(r *reader) (string, error) {
		how, n := r.take(3), int(r.take(bits.Len(uint(most))))
		if n == 0 || n > most {
			return "", fmt.Errorf("%d characters; 1 to %d are possible", n, most)
		}
		if how >= uint64(len(scripts)) {
			return "", fmt.Errorf("encoding indicator %d is reserved", how)
		}
		return scripts[how].read(r, n)
	}
	write := func(w *writer, s string) error {
		if n := len(s); n == 0 || n > most {
			return fmt.Errorf("%q has %d characters; 1 to %d are possible", s, n, most)
		}
		how := shortest(s)
		if how < 0 {
			return fmt.Errorf("%q has a character that GS1 does not allow there", s)
		}
		w.put(uint64(how), 3)
		w.put(uint64(len(s)), bits.Len(uint(most)))
		scripts[how].write(w, s)
		return nil
	}
	return part{0, read, write}
}

// orNone is a part that may be missing: then its first bits, so many, are all zero.
func (p part) orNone(first int) part {
	return part{p.chars, func(r *reader) (string, error) {
		if ahead := *r; ahead.take(first) == 0 {
			r.take(first)
			return "", nil
		}
		return p.read(r)
	}, func(w *writer, s string) error {
		if s == "" {
			w.put(0, first)
			return nil
		}
		return p.write(w, s)
	}}
}

// delimited is digits of four bits each up to a mark: 15 for the end, 14 where text follows (§14.5.5). All together are
// one to most characters.
func delimited(most int) part {
	tail := text(most)
	read := func(r *reader) (string, error) {
		var b []byte
		for !r.short && len(b) <= most {
			switch d := r.take(4); {
			case d < 10:
				b = append(b, '0'+byte(d))
			case d == 15:
				return string(b), nil
			case d == 14:
				s, err := tail.read(r)
				return string(b) + s, err
			default:
				return "", fmt.Errorf("%X is neither a digit nor a mark", d)
			}
		}
		return "", fmt.Errorf("no mark ends the digits")
	}
	write := func(w *writer, s string) error {
		if n := len(s); n == 0 || n > most {
			return fmt.Errorf("%q has %d characters; 1 to %d are possible", s, n, most)
		}
		i := 0
		for ; i < len(s) && isDigit(s[i]); i++ {
			w.put(uint64(s[i]-'0'), 4)
		}
		if i == len(s) {
			w.put(15, 4)
			return nil
		}
		w.put(14, 4)
		return tail.write(w, s[i:])
	}
	return part{0, read, write}
}

// ofDigits says why s is not of so many digits.
func ofDigits(s string, least, most int) error {
	if len(s) < least || len(s) > most || !allDigits(s) {
		if least == most {
			return fmt.Errorf("%q is not of %d digits", s, most)
		}
		return fmt.Errorf("%q is not of %d to %d digits", s, least, most)
	}
	return nil
}

// numberBits is how many bits a number of so many digits takes (table B).
func numberBits(digits int) int { return int(math.Ceil(float64(digits) * math.Log2(10))) }

// mostDigits is how many digits a uint64 always holds.
const mostDigits = 19

func takeNumber(r *reader, n int) (string, error) {
	var s string
	if n <= mostDigits {
		s = strconv.FormatUint(r.take(numberBits(n)), 10)
	} else {
		var v big.Int
		for left := numberBits(n); left > 0; left -= 8 {
			k := min(left, 8)
			v.Or(v.Lsh(&v, uint(k)), big.NewInt(int64(r.take(k))))
		}
		s = v.String()
	}
	if len(s) > n {
		return "", fmt.Errorf("%s has more than %d digits", s, n)
	}
	return strings.Repeat("0", n-len(s)) + s, nil
}

// putNumber writes digits as one number.
func putNumber(w *writer, s string) {
	n := numberBits(len(s))
	if len(s) <= mostDigits {
		w.put(value(s), n)
		return
	}
	v, _ := new(big.Int).SetString(s, 10)
	for left := n; left > 0; {
		k := min(left, 8)
		left -= k
		b := new(big.Int).Rsh(v, uint(left))
		w.put(b.Uint64()&(1<<k-1), k)
	}
}

// value gives the number that digits write; 0 for none.
func value(digits string) (v uint64) {
	for i := range len(digits) {
		v = v*10 + uint64(digits[i]-'0')
	}
	return v
}
