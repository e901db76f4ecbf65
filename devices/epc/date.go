package epc

import (
	"fmt"
	"strings"
)

// The parts that are times, signs and single bits (TDS 2.3 §14.5.7 to 12, 14 and 15).
var (
	date     = part{6, takeDate, putDate}
	dateTime = part{10, func(r *reader) (string, error) { return takeTime(r, 2) }, func(w *writer, s string) error { return putTime(w, s, 10) }}
	// dateRange is a day, or two: from and to.
	dateRange = part{0, takeRange, putRange}
	// datePrecise is a day and perhaps hours, minutes and seconds.
	datePrecise = part{0, takePrecise, putPrecise}
	country     = part{2, takeCountry, putCountry}
	flag        = part{1, takeFlag, putFlag}
	// minus is a minus sign at the end, or nothing.
	minus = part{1, takeMinus, putMinus}
	// sequence is a number of several, e.g. 2/3.
	sequence = part{3, takeSequence, putSequence}
)

// daysIn are the days of the months; a day 00 says only the month (GS1 General Specifications §7.12).
var daysIn = [...]uint64{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func takeDate(r *reader) (string, error) {
	y, m, d := r.take(7), r.take(4), r.take(5)
	return dateText(y, m, d)
}

func dateText(y, m, d uint64) (string, error) {
	if y > 99 || m < 1 || m > 12 || d > daysIn[m-1] {
		return "", fmt.Errorf("%02d%02d%02d is not a day YYMMDD", y, m, d)
	}
	return fmt.Sprintf("%02d%02d%02d", y, m, d), nil
}

func putDate(w *writer, s string) error {
	if err := ofDigits(s, 6, 6); err != nil {
		return err
	}
	y, m, d := value(s[:2]), value(s[2:4]), value(s[4:])
	if _, err := dateText(y, m, d); err != nil {
		return err
	}
	w.put(y, 7)
	w.put(m, 4)
	w.put(d, 5)
	return nil
}

// clock are the greatest values of hours, minutes and seconds and the bits of each.
var clock = [...]struct {
	most uint64
	bits int
}{{24, 5}, {59, 6}, {59, 6}}

// takeTime reads a day and so many of hours, minutes and seconds.
func takeTime(r *reader, n int) (string, error) {
	s, err := takeDate(r)
	for _, c := range clock[:n] {
		v := r.take(c.bits)
		if v > c.most && err == nil {
			err = fmt.Errorf("%d in a time of day; at most %d is possible", v, c.most)
		}
		s += fmt.Sprintf("%02d", v)
	}
	return s, err
}

func putTime(w *writer, s string, chars int) error {
	if err := ofDigits(s, chars, chars); err != nil {
		return err
	}
	if err := putDate(w, s[:6]); err != nil {
		return err
	}
	for i, c := range clock[:chars/2-3] {
		v := value(s[6+2*i : 8+2*i])
		if v > c.most {
			return fmt.Errorf("%q has %d in its time of day; at most %d is possible", s, v, c.most)
		}
		w.put(v, c.bits)
	}
	return nil
}

func takeRange(r *reader) (string, error) {
	two := r.take(1) == 1
	s, err := takeDate(r)
	if two && err == nil {
		var to string
		to, err = takeDate(r)
		s += to
	}
	return s, err
}

func putRange(w *writer, s string) error {
	if len(s) == 6 {
		w.put(0, 1)
		return putDate(w, s)
	}
	if err := ofDigits(s, 12, 12); err != nil {
		return err
	}
	w.put(1, 1)
	if err := putDate(w, s[:6]); err != nil {
		return err
	}
	return putDate(w, s[6:])
}

func takePrecise(r *reader) (string, error) {
	n := int(r.take(2)+1) % 4 // 0 hours, 1 minutes, 2 seconds, 3 the day only
	return takeTime(r, n)
}

func putPrecise(w *writer, s string) error {
	switch len(s) {
	case 6, 8, 10, 12:
		w.put(uint64(len(s)/2), 2) // the low bits: 6 digits are 3, 8 are 0, 10 are 1, 12 are 2
		return putTime(w, s, len(s))
	default:
		return fmt.Errorf("%q is not of 6, 8, 10 or 12 digits", s)
	}
}

func takeCountry(r *reader) (string, error) {
	a, b := r.take(6), r.take(6)
	if a > 25 || b > 25 {
		return "", fmt.Errorf("%d and %d are not letters of a country", a, b)
	}
	return base64[a:a+1] + base64[b:b+1], nil
}

func putCountry(w *writer, s string) error {
	if len(s) != 2 || !isUpper(s[0]) || !isUpper(s[1]) {
		return fmt.Errorf("%q is not the two letters of a country", s)
	}
	w.put(uint64(s[0]-'A'), 6)
	w.put(uint64(s[1]-'A'), 6)
	return nil
}

func takeFlag(r *reader) (string, error) { return string(rune('0' + r.take(1))), nil }

func putFlag(w *writer, s string) error {
	if s != "0" && s != "1" {
		return fmt.Errorf("%q is not 0 or 1", s)
	}
	w.put(value(s), 1)
	return nil
}

func takeMinus(r *reader) (string, error) { return strings.Repeat("-", int(r.take(1))), nil }

func putMinus(w *writer, s string) error {
	if s != "" && s != "-" {
		return fmt.Errorf("%q is not a minus sign", s)
	}
	w.put(uint64(len(s)), 1)
	return nil
}

func takeSequence(r *reader) (string, error) {
	n, of := r.take(4), r.take(4)
	if n < 1 || n > 9 || of < 1 || of > 9 {
		return "", fmt.Errorf("%d/%d is not a number from 1 to 9 of so many", n, of)
	}
	return fmt.Sprintf("%d/%d", n, of), nil
}

func putSequence(w *writer, s string) error {
	if len(s) != 3 || s[1] != '/' || s[0] < '1' || s[0] > '9' || s[2] < '1' || s[2] > '9' {
		return fmt.Errorf("%q is not a number from 1 to 9 of so many, such as 2/3", s)
	}
	w.put(uint64(s[0]-'0'), 4)
	w.put(uint64(s[2]-'0'), 4)
	return nil
}
