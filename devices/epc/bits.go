package epc

// reader takes bits out of b, the highest of the first byte first. It must not be asked for more than there are.
type reader struct {
	b  []byte
	at int
}

func (r *reader) take(n int) uint64 {
	var v uint64
	for range n {
		v = v<<1 | uint64(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

// empty reports whether all bits that remain are zero.
func (r *reader) empty() bool {
	for r.at < len(r.b)*8 {
		if r.take(1) != 0 {
			return false
		}
	}
	return true
}

// writer puts bits into b, which is zero before.
type writer struct {
	b  []byte
	at int
}

func (w *writer) put(v uint64, n int) {
	for i := n - 1; i >= 0; i-- {
		w.b[w.at/8] |= byte(v>>i&1) << (7 - w.at%8)
		w.at++
	}
}
