package uplink

import (
	"time"

	"github.com/tallydock/tallydock/edge/outbox"
)

// window is what is on its way of the main stream.
type window struct {
	size int
	sent []sent
	next uint64    // seq from which to read next
	news time.Time // when something was sent into an empty window, or acked, the last time
	// again is how often it was sent again while no ack came. A hub that is slow for everybody is not helped by hearing
	// everything twice: each time less is on its way, and waits longer.
	again uint
}

// mostAgain bounds again: a thirty-second of the window, and thirty-two times the wait.
const mostAgain = 5

// sent is an envelope on its way.
type sent struct {
	epoch, last uint64
	at          time.Time
}

// open tells whether another envelope may be sent.
func (w *window) open() bool { return len(w.sent) < max(w.size>>w.again, 1) }

// takes tells whether records of this epoch may be sent now: only when all before the epoch is acked.
func (w *window) takes(epoch uint64) bool {
	return len(w.sent) == 0 || w.sent[len(w.sent)-1].epoch == epoch
}

func (w *window) add(epoch, last uint64, now time.Time) {
	if len(w.sent) == 0 {
		w.news = now
	}
	w.sent = append(w.sent, sent{epoch, last, now})
	w.next = last + 1
}

// acked takes what the hub has out of the window.
func (w *window) acked(upto uint64, now time.Time) {
	n := 0
	for n < len(w.sent) && w.sent[n].last <= upto {
		n++
	}
	w.sent = append(w.sent[:0], w.sent[n:]...)
	w.next = max(w.next, upto+1)
	w.news = now
	w.again -= min(w.again, 1)
}

// repeat is a restart because the hub left what was sent without an answer, or missed it.
func (w *window) repeat(upto uint64, now time.Time) {
	w.restart(upto, now)
	w.again = min(w.again+1, mostAgain)
}

// restart forgets what is on its way, so that it is sent again from behind upto.
func (w *window) restart(upto uint64, now time.Time) {
	w.sent, w.next, w.news = w.sent[:0], upto+1, now
}

// late tells whether the hub has left what was sent without an answer for so long.
func (w *window) late(now time.Time, after time.Duration) bool {
	return len(w.sent) > 0 && now.Sub(w.news) >= after<<w.again
}

// missed tells whether the hub's word, that it still has only what it had, means that it missed what was sent: it must have
// had the time to take it.
func (w *window) missed(now time.Time, after time.Duration) bool {
	return len(w.sent) > 0 && now.Sub(w.sent[0].at) >= after && now.Sub(w.news) >= after
}

// insistence counts how often the hub asked for what the outbox cannot give.
type insistence struct {
	epoch, upto uint64
	times       int
	since       time.Time
}

// heard counts a word of the hub and tells whether it insists.
func (i *insistence) heard(epoch, upto uint64, now time.Time, least time.Duration) bool {
	if i.times == 0 || i.epoch != epoch || i.upto != upto {
		*i = insistence{epoch: epoch, upto: upto, since: now}
	}
	i.times++
	return i.times >= 3 && now.Sub(i.since) >= least
}

// envelopes cuts a run where the topic changes: alarms have their own.
func envelopes(run outbox.Run) (cuts [][]outbox.Stored) {
	rs := run.Records
	for len(rs) > 0 {
		n := 1
		for n < len(rs) && (rs[n].Kind == outbox.Alarm) == (rs[0].Kind == outbox.Alarm) {
			n++
		}
		cuts = append(cuts, rs[:n])
		rs = rs[n:]
	}
	return cuts
}
