package sparkplug

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// node is the session of one edge node.
type node struct {
	key
	born     bool
	bdSeq    uint64 // number of its MQTT connection, as the will and the birth say, where hasBdSeq
	hasBdSeq bool
	expect   uint8 // the next message's sequence number
	table    table
	devices  map[string]bool // that are born and not dead
	told     map[metricKey]told

	held        []message // that came before their turn, as they came
	heldMetrics int
	heldSince   time.Time
	asking      bool // births were asked for and have not come
	wanting     bool // births have to be asked for as soon as it is allowed
	unclear     bool // something was said under a name that no birth gave
	asked       time.Time
	asks        int // without an answer
}

// message is one message of an edge node.
type message struct {
	Topic
	Payload
}

// nbirth begins a session, or repeats its beginning. What is still held belongs to the session before: where the number of the
// connection is the same its aliases still hold, else only metrics with names can be told.
func (n *node) nbirth(p Payload) ([]Event, error) {
	bdSeq, has := bdSeqOf(p)
	same := n.born && n.hasBdSeq == has && n.bdSeq == bdSeq
	t := newTable()
	if err := t.birth("", p); err != nil {
		return nil, fmt.Errorf("NBIRTH of %s/%s: %w", n.group, n.key.node, err)
	}
	events := n.release(same)
	gone := n.devices
	n.born, n.bdSeq, n.hasBdSeq = true, bdSeq, has
	n.expect = uint8(p.Seq) + 1
	n.table, n.devices = t, map[string]bool{}
	n.asking, n.wanting, n.unclear, n.asks = false, false, false, 0
	if !same {
		for _, d := range slices.Sorted(maps.Keys(gone)) {
			events = append(events, n.event(Gone, d))
		}
	}
	events = append(events, n.event(Came, ""))
	return append(events, n.news("", p)...), nil
}

// ndeath ends the session whose number it has. The will of another connection says nothing of this one. Where it is of an
// earlier connection it is stale: the edge node is back already; where it is of a later one a birth may have been missed.
func (n *node) ndeath(p Payload, now time.Time) []Event {
	if bdSeq, has := bdSeqOf(p); n.born && n.hasBdSeq && has && bdSeq != n.bdSeq {
		if uint8(bdSeq-n.bdSeq) > 127 || n.asking || n.wanting {
			return nil
		}
		return n.ask(now)
	}
	events := n.release(n.born)
	devices := n.devices
	*n = node{key: n.key, asked: n.asked, told: n.told}
	for _, d := range slices.Sorted(maps.Keys(devices)) {
		events = append(events, n.event(Gone, d))
	}
	return append(events, n.event(Gone, ""))
}

// sequenced takes what has its place in the order: NDATA, DBIRTH, DDATA, DDEATH.
func (n *node) sequenced(m message, heldOfAll int, now time.Time) []Event {
	if n.born && (!m.HasSeq || uint8(m.Seq) == n.expect) {
		events := n.apply(m, now)
		if m.HasSeq {
			n.expect++
		}
		return append(events, n.drain(now)...)
	}
	if len(n.held) == 0 {
		n.heldSince = now
	}
	n.held = append(n.held, m)
	n.heldMetrics += len(m.Metrics)
	var events []Event
	if !n.born && !n.asking {
		events = n.ask(now)
	}
	if len(n.held) > maxHeld || heldOfAll+len(m.Metrics) > maxHeldMetrics {
		events = append(events, n.giveUp(now)...)
	}
	return events
}

// drain applies the held messages whose turn has come.
func (n *node) drain(now time.Time) []Event {
	if len(n.held) == 0 {
		return nil
	}
	var events []Event
	for {
		i := slices.IndexFunc(n.held, func(m message) bool { return uint8(m.Seq) == n.expect })
		if i < 0 {
			break
		}
		m := n.held[i]
		n.held = slices.Delete(n.held, i, i+1)
		n.heldMetrics -= len(m.Metrics)
		events = append(events, n.apply(m, now)...)
		n.expect++
	}
	if len(n.held) == 0 {
		n.held = nil
		n.asking, n.wanting = n.asking && n.unclear, n.wanting && n.unclear
	}
	return events
}

// tick judges what waits.
func (n *node) tick(reorder time.Duration, now time.Time) []Event {
	var events []Event
	if (n.asking || n.wanting) && !now.Before(n.mayAsk()) {
		events = n.ask(now)
	}
	if len(n.held) == 0 || now.Before(n.deadline(reorder)) {
		return events
	}
	if n.born && !n.asking && !n.wanting {
		return append(events, n.ask(now)...)
	}
	return append(events, n.giveUp(now)...)
}

// deadline is when something has to be done about what is held: ask for the births, then go on without.
func (n *node) deadline(reorder time.Duration) time.Time {
	switch {
	case !n.born:
		return n.heldSince.Add(answerWait)
	case n.asking || n.wanting:
		return n.heldSince.Add(reorder + answerWait)
	}
	return n.heldSince.Add(reorder)
}

// next gives when tick has something to do.
func (n *node) next(reorder time.Duration) (at time.Time, ok bool) {
	if len(n.held) > 0 {
		at, ok = n.deadline(reorder), true
	}
	if n.asking || n.wanting {
		if t := n.mayAsk(); !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// mayAsk is when births may be asked for again.
func (n *node) mayAsk() time.Time {
	wait := lastAsk
	if doubled := firstAsk << max(n.asks-1, 0); n.asks < 6 {
		wait = min(doubled, lastAsk)
	}
	return n.asked.Add(wait)
}

// ask asks for births, or notes that they have to be asked for when it is too early to ask again.
func (n *node) ask(now time.Time) []Event {
	if !n.asked.IsZero() && now.Before(n.mayAsk()) {
		n.wanting = true
		return nil
	}
	n.asking, n.wanting, n.asked, n.asks = true, false, now, n.asks+1
	return []Event{n.event(Ask, "")}
}

// giveUp goes on without the missing message: nobody answers. The births are still asked for.
func (n *node) giveUp(now time.Time) []Event {
	if len(n.held) == 0 {
		return nil
	}
	events := n.release(n.born)
	if !n.asking && !n.wanting {
		events = append(events, n.ask(now)...)
	}
	return events
}

// release lets go what is held, in the order of its numbers; aliases tells whether the session's aliases hold for it. What is
// missing between counts as lost.
func (n *node) release(aliases bool) []Event {
	if len(n.held) == 0 {
		return nil
	}
	first := n.expect
	if !n.born {
		first = uint8(n.held[0].Seq)
	}
	slices.SortStableFunc(n.held, func(a, b message) int { return int(uint8(a.Seq)-first) - int(uint8(b.Seq)-first) })
	held := n.held
	n.held, n.heldMetrics = nil, 0
	var events []Event
	missing := 0
	for _, m := range held {
		if n.born && m.HasSeq {
			missing += gap(first, uint8(m.Seq))
			first = uint8(m.Seq) + 1
		}
		events = append(events, n.late(m, aliases)...)
	}
	n.expect = first
	if missing > 0 {
		events = append(events, n.lost(missing, fmt.Sprintf("%d messages of edge node %s are missing", missing, n.key.node)))
	}
	return events
}

// gap tells how many messages are missing before number seq. A number that lies far behind is a repetition, or one of another
// session; what is missing then nobody knows.
func gap(expect, seq uint8) int {
	if d := int(seq - expect); d < 128 {
		return d
	}
	return 1
}

func (n *node) event(kind EventKind, device string) Event {
	return Event{Kind: kind, Group: n.group, Node: n.key.node, Device: device}
}

func (n *node) lost(count int, why string) Event {
	e := n.event(Lost, "")
	e.Count, e.Why = count, why
	return e
}

// bdSeqOf finds the number of the MQTT connection in an NBIRTH or NDEATH.
func bdSeqOf(p Payload) (uint64, bool) {
	for _, m := range p.Metrics {
		if m.Name == "bdSeq" && (m.Value.Kind == Long || m.Value.Kind == Int) && !m.Null {
			return m.Value.Bits & 0xff, true
		}
	}
	return 0, false
}
