package portal

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/tallydock/tallydock/devices/llrp"
)

// welcomeTime is how long a client that is refused may take to hear it, and writeTime how long the network may take for a
// message.
const (
	welcomeTime = time.Second
	writeTime   = 10 * time.Second
)

// entry is a message that waits.
type entry struct {
	id      uint32
	version llrp.Version
	body    llrp.Body
	tags    int // whose reports are in it
}

// lasting reports whether the message is worth keeping for another connection.
func (e entry) lasting() bool {
	switch b := e.body.(type) {
	case *llrp.ROAccessReport:
		return true
	case *llrp.ReaderEventNotification:
		return b.Events.Connection == nil
	}
	return false
}

// client is a connection.
type client struct {
	conn    net.Conn
	version llrp.Version
	held    bool    // events and reports wait until they are enabled
	out     []entry // what is to be written
	more    chan struct{}
	period  chan time.Duration // of keep-alives
	ended   chan struct{}
}

// serve is one connection, from its start to its end.
func (r *Reader) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	c := &client{
		conn: conn, version: llrp.Version101, more: make(chan struct{}, 1), period: make(chan time.Duration, 1),
		ended: make(chan struct{}),
	}
	if !r.join(c) {
		r.refuse(conn)
		return
	}
	if ctx.Err() != nil {
		_ = conn.Close()
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		r.write(c)
	}()
	for r.hear(c) {
	}
	r.mu.Lock()
	r.part(c)
	r.mu.Unlock()
	_ = conn.Close()
	<-written
}

// join makes c the reader's connection, and greets it; there is only one at a time.
func (r *Reader) join(c *client) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		r.say(0, r.event(llrp.Events{Connection: &llrp.ConnectionAttempt{Status: llrp.AnotherClientKnocked}}))
		return false
	}
	c.held = r.hold
	r.client = c
	r.say(0, r.event(llrp.Events{Connection: &llrp.ConnectionAttempt{Status: llrp.Connected}}))
	if !c.held {
		r.release()
	}
	return true
}

func (r *Reader) refuse(conn net.Conn) {
	r.mu.Lock()
	body := r.event(llrp.Events{Connection: &llrp.ConnectionAttempt{Status: llrp.ClientInitiated}})
	r.mu.Unlock()
	if b, err := (llrp.Message{Body: body}).Append(nil); err == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(welcomeTime))
		_, _ = conn.Write(b)
	}
}

// part ends a connection. What was not written is kept where the reader keeps such things.
func (r *Reader) part(c *client) {
	if r.client != c {
		return
	}
	r.client, r.lapsed = nil, true
	close(c.ended)
	var back []entry
	for _, e := range c.out {
		if r.hold && e.lasting() {
			back = append(back, e)
			continue
		}
		r.waiting -= e.tags
	}
	r.kept, c.out = append(back, r.kept...), nil
}

// event makes the message of events that happen now.
func (r *Reader) event(e llrp.Events) *llrp.ReaderEventNotification {
	now := r.micros(r.cfg.Now())
	if r.cfg.Flavour == Uptime {
		e.Uptime = &now
	} else {
		e.UTC = &now
	}
	return &llrp.ReaderEventNotification{Events: e}
}

// tell sends events of a type that the gateway wants to hear of, or keeps them.
func (r *Reader) tell(t llrp.EventType, e llrp.Events) {
	if r.events[t] {
		r.emit(r.event(e), 0)
	}
}

// emit sends an event or a report, or keeps it.
func (r *Reader) emit(b llrp.Body, tags int) {
	switch {
	case r.client != nil && !r.client.held:
		r.waiting += tags
		r.push(entry{body: b, tags: tags})
	case r.client != nil || r.hold:
		r.waiting += tags
		r.kept = append(r.kept, entry{body: b, tags: tags})
	}
}

// release sends what was kept.
func (r *Reader) release() {
	kept := r.kept
	r.kept = nil
	for _, e := range kept {
		r.push(e)
	}
}

// say answers, or says something that is never held.
func (r *Reader) say(id uint32, b llrp.Body) { r.push(entry{id: id, body: b}) }

func (r *Reader) push(e entry) {
	c := r.client
	if c == nil {
		return
	}
	e.version = c.version
	c.out = append(c.out, e)
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// write writes what waits, and keep-alives, until the connection ends.
func (r *Reader) write(c *client) {
	alive := time.NewTicker(time.Hour)
	defer alive.Stop()
	alive.Stop()
	var id uint32
	for {
		select {
		case <-c.ended:
			return
		case <-c.more:
			if !r.drain(c) {
				_ = c.conn.Close()
				return
			}
		case d := <-c.period:
			if alive.Stop(); d > 0 {
				alive.Reset(d)
			}
		case <-alive.C:
			id++
			r.mu.Lock()
			if r.client == c {
				r.say(id, &llrp.Bare{Type: llrp.KeepAliveType})
			}
			r.mu.Unlock()
		}
	}
}

// drain writes everything that waits; false where the connection fails or is closed.
func (r *Reader) drain(c *client) bool {
	var buf []byte
	for {
		e, life, here := r.next(c)
		if !here || e.body == nil {
			return here
		}
		b, err := llrp.Message{Version: e.version, ID: e.id, Body: e.body}.Append(buf[:0])
		if err != nil {
			return false
		}
		buf = b
		_ = c.conn.SetWriteDeadline(time.Now().Add(writeTime))
		_, err = c.conn.Write(b)
		r.sent(e, life, err == nil)
		if err != nil || e.body.Kind() == llrp.CloseConnectionResponseType {
			return false
		}
	}
}

// next takes the first message off the queue, which may be empty, and tells which life of the reader it is of; here is
// false where the connection has ended.
func (r *Reader) next(c *client) (e entry, life int, here bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != c {
		return e, r.life, false
	}
	if len(c.out) > 0 {
		e, c.out = c.out[0], c.out[1:]
	}
	return e, r.life, true
}

// sent books a message that was written, or keeps the one that was not. What a connection loses in the network's buffers
// is lost.
func (r *Reader) sent(e entry, life int, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if life != r.life {
		return
	}
	if !done && r.hold && e.lasting() {
		r.kept = append([]entry{e}, r.kept...)
		return
	}
	if r.waiting -= e.tags; r.waiting < r.cfg.Buffer/2 {
		r.full = false
	}
}

// hear reads a message and obeys it; false where the connection ends.
func (r *Reader) hear(c *client) bool {
	var head [llrp.HeaderSize]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return false
	}
	h, err := llrp.ParseHeader(head[:])
	if err != nil {
		return false
	}
	payload := make([]byte, h.Length-llrp.HeaderSize)
	if _, err := io.ReadFull(c.conn, payload); err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != c {
		return false
	}
	body, err := llrp.ParseBody(h.Type, payload)
	if err != nil {
		r.say(h.ID, &llrp.Response{Type: llrp.ErrorMessageType, Status: llrp.Status{Code: 100, Text: err.Error()}})
		return true
	}
	r.obey(c, llrp.Message{Version: h.Version, ID: h.ID, Body: body})
	return true
}
