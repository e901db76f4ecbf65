package load

import "time"

// Bounds of the real uplink.
const (
	maxEnvelopeBytes = 256 << 10 // of records, before compression
	sampleWindow     = 1         // envelopes of samples on their way
)

// window is what is on its way of a stream. Times are since the run began.
type window struct {
	size int
	sent []flight
	next uint64        // seq from which to read next
	news time.Duration // when something was sent into an empty window, or acked, the last time
}

// flight is an envelope on its way.
type flight struct {
	last uint64
	at   time.Duration
}

func (w *window) open() bool { return len(w.sent) < w.size }

func (w *window) add(last uint64, now time.Duration) {
	if len(w.sent) == 0 {
		w.news = now
	}
	w.sent = append(w.sent, flight{last, now})
	w.next = last + 1
}

// acked takes what the hub has out of the window.
func (w *window) acked(upto uint64, now time.Duration) {
	n := 0
	for n < len(w.sent) && w.sent[n].last <= upto {
		n++
	}
	w.sent = append(w.sent[:0], w.sent[n:]...)
	w.next = max(w.next, upto+1)
	w.news = now
}

// restart forgets what is on its way, so that it is sent again from behind upto.
func (w *window) restart(upto uint64, now time.Duration) {
	w.sent, w.next, w.news = w.sent[:0], upto+1, now
}

// late tells whether the hub has left what was sent without an answer for so long.
func (w *window) late(now, after time.Duration) bool { return len(w.sent) > 0 && now-w.news >= after }

// missed tells whether the hub's word, that it still has only what it had, means that it missed what was sent: it must have
// had the time to take it.
func (w *window) missed(now, after time.Duration) bool {
	return len(w.sent) > 0 && now-w.sent[0].at >= after && now-w.news >= after
}

// insistence counts how often the hub asked for what the outbox cannot give.
type insistence struct {
	epoch, upto uint64
	times       int
	since       time.Duration
}

// heard counts a word of the hub and tells whether it insists.
func (i *insistence) heard(epoch, upto uint64, now, least time.Duration) bool {
	if i.times == 0 || i.epoch != epoch || i.upto != upto {
		*i = insistence{epoch: epoch, upto: upto, since: now}
	}
	i.times++
	return i.times >= 3 && now-i.since >= least
}
