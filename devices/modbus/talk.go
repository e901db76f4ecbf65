package modbus

import (
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/port"
)

// talk is what has to be remembered of a device from one request to the next, whoever makes them. A frame of a serial line
// says of what function it is, but not which registers: so the late answer to a request would be taken for the answer to
// another one of the same function. Therefore a request that went unanswered leaves a debt, and until it is paid or too
// old, other requests of its function wait. The same request may be made at once: a late answer to it is as good.
type talk struct {
	mu          sync.Mutex
	transaction uint16
	port        port.Port // of the last request
	last        time.Time // when the last exchange ended
	owed        []debt
}

// debt is an answer that may still come.
type debt struct {
	function Function
	key      string    // of the request
	until    time.Time // when it will not come any more
}

// pause tells how long to wait before a request.
func (t *talk) pause(framing Framing, f Function, key string, between time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, wait := time.Now(), time.Duration(0)
	if between > 0 && !t.last.IsZero() {
		wait = t.last.Add(between).Sub(now)
	}
	if framing == TCP { // the transaction number tells answers apart
		return wait
	}
	for _, d := range t.owed {
		if d.function == f && d.key != key {
			wait = max(wait, d.until.Sub(now))
		}
	}
	return wait
}

// fresh reports whether p is another port than that of the last request.
func (t *talk) fresh(p port.Port) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := t.port != p
	t.port = p
	return changed
}

// next gives the number of the next transaction.
func (t *talk) next() uint16 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.transaction++
	return t.transaction
}

// ended notes how an exchange went that began at a time. An answer may come until twice the timeout has passed since then;
// where the answer that came may be that to an earlier try, another one may still come.
func (t *talk) ended(began time.Time, f Function, key string, answered bool, timeout time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
	kept := t.owed[:0]
	doubtful := !answered
	for _, d := range t.owed {
		if !d.until.After(t.last) {
			continue
		}
		if d.function == f && d.key == key {
			doubtful = true
			continue
		}
		kept = append(kept, d)
	}
	t.owed = kept
	if doubtful {
		t.owed = append(t.owed, debt{f, key, began.Add(2 * timeout)})
	}
}
