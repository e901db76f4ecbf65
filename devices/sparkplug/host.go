package sparkplug

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Times of a Host, all in the time that comes in.
const (
	// DefaultReorder is how long a message that is missing is waited for.
	DefaultReorder = 2 * time.Second
	// answerWait is how long an edge node may take to send its births; then what was held is let go as well as can be.
	answerWait = 10 * time.Second
	// Between two requests for births to one edge node there is at least firstAsk; it doubles up to lastAsk while none come.
	firstAsk = 10 * time.Second
	lastAsk  = 5 * time.Minute
)

// What a Host keeps at most.
const (
	maxNodes       = 1000
	maxNodeMetrics = 50_000
	maxHeld        = 256     // messages of one edge node
	maxHeldMetrics = 100_000 // of all together
)

// Host is the host's side of the sessions of many edge nodes. It is one connection's: make a new one when that breaks, because
// nobody knows what was missed meanwhile.
type Host struct {
	reorder time.Duration
	nodes   map[key]*node
	held    int // metrics in held messages
}

// key names an edge node.
type key struct{ group, node string }

// NewHost makes a Host that waits for a missing message as long as reorder says; 0 is DefaultReorder.
func NewHost(reorder time.Duration) *Host {
	if reorder <= 0 {
		reorder = DefaultReorder
	}
	return &Host{reorder: reorder, nodes: map[key]*node{}}
}

// Expect asks an edge node for its births when it has not been heard yet: a host that starts while the edge node works.
func (h *Host) Expect(group, name string, now time.Time) []Event {
	n, ok := h.node(key{group, name})
	if !ok || n.born {
		return nil
	}
	return n.ask(now)
}

// Hear takes one message. It fails where a birth or death cannot be one; the session is then as before.
func (h *Host) Hear(t Topic, p Payload, now time.Time) ([]Event, error) {
	switch t.Verb {
	case NBirth, NDeath, DBirth, DDeath, NData, DData:
	default:
		return nil, nil // commands and other hosts' affairs
	}
	n, ok := h.node(key{t.Group, t.Node})
	if !ok {
		return nil, fmt.Errorf("there are more than %d edge nodes", maxNodes)
	}
	if p.HasSeq && p.Seq > 255 {
		return nil, fmt.Errorf("%s has sequence number %d; 0 to 255 are possible", t, p.Seq)
	}
	before := n.heldMetrics
	var events []Event
	var err error
	switch t.Verb {
	case NBirth:
		events, err = n.nbirth(p)
	case NDeath:
		events = n.ndeath(p, now)
	default:
		events = n.sequenced(message{t, p}, h.held, now)
	}
	h.held += n.heldMetrics - before
	return events, err
}

// Tick lets what waits for time happen: a missing message is given up, births are asked for again.
func (h *Host) Tick(now time.Time) []Event {
	var events []Event
	for _, k := range h.order() {
		n := h.nodes[k]
		before := n.heldMetrics
		events = append(events, n.tick(h.reorder, now)...)
		h.held += n.heldMetrics - before
	}
	return events
}

// Next gives how long until Tick may have something to do; 0 = never.
func (h *Host) Next(now time.Time) time.Duration {
	var wait time.Duration
	for _, n := range h.nodes {
		if at, ok := n.next(h.reorder); ok {
			if d := max(at.Sub(now), time.Millisecond); wait == 0 || d < wait {
				wait = d
			}
		}
	}
	return wait
}

func (h *Host) order() []key {
	return slices.SortedFunc(maps.Keys(h.nodes), func(a, b key) int {
		return slices.Compare([]string{a.group, a.node}, []string{b.group, b.node})
	})
}

func (h *Host) node(k key) (*node, bool) {
	n, ok := h.nodes[k]
	if !ok {
		if len(h.nodes) == maxNodes {
			return nil, false
		}
		n = &node{key: k}
		h.nodes[k] = n
	}
	return n, true
}
