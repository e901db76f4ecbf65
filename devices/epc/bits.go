package epc

// reader takes bits out of b, the highest of the first byte first. Where it is asked for more than there are it gives
// zero and is short from then on.
type reader struct {
	b     []byte
	at    int
	short bool
}

func (r *reader) left() int { return len(r.b)*8 - r.at }

func (r *reader) take(n int) uint64 {
	if n > r.left() {
		r.short, r.at = true, len(r.b)*8
		return 0
	}
	var v uint64
	for n > 0 {
		free := 8 - r.at%8
		k := min(free, n)
		v = v<<k | uint64(r.b[r.at/8]>>(free-k))&(1<<k-1)
		r.at += k
		n -= k
	}
	return v
}

// empty reports whether all bits that remain are zero.
func (r *reader) empty() bool {
	rest := *r
	for rest.left() > 0 {
		if rest.take(min(64, rest.left())) != 0 {
			return false
		}
	}
	return true
}

// writer puts bits after one another.
type writer struct {
	b  []byte
	at int
}

func (w *writer) put(v uint64, n int) {
	for n > 0 {
		if w.at%8 == 0 {
			w.b = append(w.b, 0)
		}
		free := 8 - w.at%8
		k := min(free, n)
		w.b[w.at/8] |= byte(v>>(n-k)&(1<<k-1)) << (free - k)
		w.at += k
		n -= k
	}
}

// words gives what was written, filled with zeros to so many bits at least and to whole words of 16.
func (w *writer) words(bits int) []byte {
	for len(w.b)*8 < bits || len(w.b)%2 != 0 {
		w.b = append(w.b, 0)
	}
	return w.b
}
