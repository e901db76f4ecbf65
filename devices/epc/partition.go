package epc

import (
	"fmt"
	"strconv"
)

// The codings of release 1 that name a company prefix: partition, prefix, reference, serial (TDS 2.3 §14.6).

func (l layout) readPartitioned(r *reader, t *Tag) error {
	partition := int(r.take(partitionBits))
	if partition >= len(prefixBits) {
		return fmt.Errorf("partition %d does not exist", partition)
	}
	var err error
	digits := longestPrefix - partition
	if t.Prefix, err = padded("company prefix", r.take(prefixBits[partition]), digits); err != nil {
		return err
	}
	serialBits := l.serial
	total := shapes[l.scheme].digits
	switch {
	case t.Coding == CPIVar:
		t.Reference = takeSix(r)
	case l.scheme == CPI:
		// Its digits are as many as stand with the prefix in 15 at most; leading zeros are not kept.
		v := r.take(l.rest(partition))
		if t.Reference = strconv.FormatUint(v, 10); v >= power10(partDigits(partition)) {
			return fmt.Errorf("part %d has more than %d digits", v, partDigits(partition))
		}
	case total > 0:
		t.Reference, err = padded("reference", r.take(l.rest(partition)), total-digits)
	default:
		serialBits = l.rest(partition)
	}
	if err == nil && l.scheme == ITIP {
		t.Pieces, err = takePieces(r)
	}
	if err == nil {
		t.Serial, err = l.takeSerial(r, serialBits)
	}
	return err
}

func partDigits(partition int) int { return 3 + partition }

func (l layout) takeSerial(r *reader, n int) (string, error) {
	switch l.form {
	case asNumber:
		return strconv.FormatUint(r.take(n), 10), nil
	case asDigits:
		s := strconv.FormatUint(r.take(n), 10)
		if s[0] != '1' {
			return "", fmt.Errorf("serial %s does not start with the 1 that keeps its zeros", s)
		}
		return s[1:], nil
	case asText:
		return takeSeven(r, n), nil
	default:
		return "", nil
	}
}

func takePieces(r *reader) (string, error) {
	number, err := padded("piece", r.take(pieceBits), 2)
	if err != nil {
		return "", err
	}
	of, err := padded("number of pieces", r.take(pieceBits), 2)
	return number + of, err
}

// padded gives v with leading zeros as so many digits; it must not be longer.
func padded(what string, v uint64, digits int) (string, error) {
	if v >= power10(digits) {
		return "", fmt.Errorf("%s %d has more than %d digits", what, v, digits)
	}
	var b [mostDigits]byte
	for i := range digits {
		b[digits-1-i] = '0' + byte(v%10)
		v /= 10
	}
	return string(b[:digits]), nil
}

// takeSeven takes 7-bit characters up to a zero, or as many as fit into n bits.
func takeSeven(r *reader, n int) string {
	var b []byte
	for ; n >= 7; n -= 7 {
		c := byte(r.take(7))
		if c == 0 {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

func power10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

func (l layout) writePartitioned(w *writer, t Tag) error {
	if t.Prefix == "" {
		return fmt.Errorf("the length of the company prefix is not known, and this coding needs it")
	}
	partition := longestPrefix - len(t.Prefix)
	w.put(uint64(partition), partitionBits)
	w.put(value(t.Prefix), prefixBits[partition])
	serialBits := l.serial
	switch {
	case t.Coding == CPIVar:
		putSix(w, t.Reference)
	case l.scheme == CPI:
		v, err := numberBelow("part", t.Reference, l.rest(partition))
		if err == nil && v >= power10(partDigits(partition)) {
			err = fmt.Errorf("part %s has more than %d digits", t.Reference, partDigits(partition))
		}
		if err != nil {
			return err
		}
		w.put(v, l.rest(partition))
	case shapes[l.scheme].digits > 0:
		w.put(value(t.Reference), l.rest(partition))
	default:
		serialBits = l.rest(partition)
	}
	if l.scheme == ITIP {
		w.put(value(t.Pieces[:2]), pieceBits)
		w.put(value(t.Pieces[2:]), pieceBits)
	}
	return l.putSerial(w, t.Serial, serialBits)
}

func (l layout) putSerial(w *writer, serial string, n int) error {
	switch l.form {
	case asNumber:
		v, err := numberBelow("serial", serial, n)
		if err != nil {
			return err
		}
		w.put(v, n)
	case asDigits:
		if !allDigits(serial) {
			return fmt.Errorf("serial %q is not a number", serial)
		}
		v, err := numberBelow("serial", "1"+serial, n)
		if err != nil {
			return err
		}
		w.put(v, n)
	case asText:
		for i := range len(serial) {
			w.put(uint64(serial[i]), 7)
		}
	}
	return nil
}
