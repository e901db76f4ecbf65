package readertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tallydock/tallydock/devices/uhf/reader"
)

// Obey is a reader: it takes the bytes that came and were not understood so far, and gives those to keep and its answer.
type Obey func(have []byte) (keep, answer []byte)

// Wire is a line in memory. It starts plugged in and mute. All methods may be called by any goroutine.
type Wire struct {
	obey Obey

	mu      sync.Mutex
	plug    *plug // nil while unplugged
	answers bool
	noise   *rand.Rand // nil: none
	every   int
	damaged int
	heard   []byte // not understood yet by the reader
}

// New makes a Wire to a reader.
func New(obey Obey) *Wire { return &Wire{obey: obey, plug: newPlug()} }

// errUnplugged is what a port gives after Unplug.
var errUnplugged = errors.New("device went away")

// Dial opens the port at the gateway's end.
func (w *Wire) Dial(context.Context) (reader.Port, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.plug == nil {
		return nil, errors.New("no device there")
	}
	return &end{w, w.plug}, nil
}

// Answer lets the reader answer from now on.
func (w *Wire) Answer() { w.set(true) }

// Mute ends that.
func (w *Wire) Mute() { w.set(false) }

func (w *Wire) set(answers bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = answers
}

// Unplug takes the reader away; Replug brings it back, mute.
func (w *Wire) Unplug() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = false
	if w.plug != nil {
		close(w.plug.gone)
		w.plug = nil
	}
}

// Replug plugs the reader in again.
func (w *Wire) Replug() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = nil
	if w.plug == nil {
		w.plug = newPlug()
	}
}

// Damage lets the line change one byte in every, in both directions, by a generator of that seed.
func (w *Wire) Damage(seed uint64, every int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noise, w.every = rand.New(rand.NewPCG(seed, 0)), every
}

// Damaged tells how many bytes the line changed.
func (w *Wire) Damaged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.damaged
}

// Say lets the reader say something by itself.
func (w *Wire) Say(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say(b)
}

func (w *Wire) say(b []byte) {
	if w.plug == nil || len(b) == 0 {
		return
	}
	w.plug.bytes = append(w.plug.bytes, w.line(b)...)
	select {
	case w.plug.more <- struct{}{}:
	default:
	}
}

// line gives b as it comes out at the other end.
func (w *Wire) line(b []byte) []byte {
	out := append([]byte(nil), b...)
	if w.noise == nil {
		return out
	}
	for i := range out {
		if w.noise.IntN(w.every) == 0 {
			out[i] ^= byte(1 + w.noise.IntN(255))
			w.damaged++
		}
	}
	return out
}

func (w *Wire) command(p *plug, b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.plug != p {
		return errUnplugged
	}
	keep, answer := w.obey(append(w.heard, w.line(b)...))
	w.heard = keep
	if w.answers {
		w.say(answer)
	}
	return nil
}

// plug is the time from one plugging in to the next unplugging.
type plug struct {
	bytes []byte        // on the way to the gateway
	more  chan struct{} // told after each growth of bytes
	gone  chan struct{} // closed by Unplug
}

func newPlug() *plug { return &plug{more: make(chan struct{}, 1), gone: make(chan struct{})} }

// end is the gateway's end of a Wire.
type end struct {
	wire *Wire
	plug *plug
}

// readWait is how long a Read waits in vain.
const readWait = 100 * time.Millisecond

func (e *end) Read(b []byte) (int, error) {
	timeout := time.NewTimer(readWait)
	defer timeout.Stop()
	for {
		if n := e.take(b); n > 0 {
			return n, nil
		}
		select {
		case <-e.plug.more:
		case <-e.plug.gone:
			return 0, errUnplugged
		case <-timeout.C:
			return 0, nil
		}
	}
}

func (e *end) take(b []byte) int {
	e.wire.mu.Lock()
	defer e.wire.mu.Unlock()
	n := copy(b, e.plug.bytes)
	e.plug.bytes = e.plug.bytes[n:]
	return n
}

// byteTime is how long a byte takes at about 115200 baud. Only what is written takes its time, so that a driver which asks
// and asks does not outrun the clock.
const byteTime = 90 * time.Microsecond

func (e *end) Write(b []byte) (int, error) {
	time.Sleep(time.Duration(len(b)) * byteTime)
	if err := e.wire.command(e.plug, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (e *end) Close() error { return nil }
