package mqttnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/clock"
)

// linkTimeout is how long Run waits for the broker, in machine time, before it gives up.
const linkTimeout = 15 * time.Second

// Device is what every driver of this package needs to know.
type Device struct {
	ID     string
	Topic  string        // the topic, or topic filter, of its messages
	Events string        // a second topic of its messages, where it tells of itself beside them; "" = none
	Status string        // where it or its MQTT will says "online" and "offline"; "" = nowhere
	Expect time.Duration // a message is expected this often, in business time; 0 = silence means nothing
	Broker *Broker
	Clock  clock.Clock
	Log    *slog.Logger // nil logs nothing
}

// report is what a decoder found in one message, in words of package devices.
type report struct {
	reads    []devices.Read
	inputs   []devices.GPI
	samples  []devices.Sample
	presence presence
	lost     uint64
	lostWhy  string
	antennas []antennaState
	troubles []trouble
	before   []int            // for each of inputs, how many of reads were said before it; none = 0
	notices  []devices.Notice // for technicians who read a recording
}

type presence uint8

const (
	says    presence = iota // nothing of its presence beyond that it speaks
	online                  // that it is there
	offline                 // that it is gone, or will be
	mute                    // nothing at all: the message is no sign of life
)

// trouble is what a device says is wrong with it, or is not any more.
type trouble struct {
	name string // tells it from the device's other troubles; "" = it happened once and is not said to end
	why  string // a sentence for technicians; "" = it is over
}

type antennaState struct {
	port      uint8
	connected bool
}

// decoder makes a report of a message. It belongs to one driver and may keep state. now is HostTime.
type decoder func(m Message, now time.Time) (report, error)

// Listener is a device that speaks MQTT; it implements devices.Driver.
type Listener struct {
	dev    Device
	sub    *Subscription
	decode decoder
	vitals vitals
}

func listen(d Device, filters []string, decode decoder) (*Listener, error) {
	if d.ID == "" {
		return nil, errors.New("device has no id")
	}
	if d.Broker == nil {
		return nil, fmt.Errorf("device %s speaks MQTT but the gateway's configuration has no mqtt section", d.ID)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	for _, topic := range []string{d.Events, d.Status} {
		if topic != "" {
			filters = append(filters, topic)
		}
	}
	sub, err := d.Broker.Subscribe(filters...)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", d.ID, err)
	}
	return &Listener{dev: d, sub: sub, decode: decode}, nil
}

// Run implements devices.Driver. It ends with an error when the broker's connection breaks; what is sent meanwhile
// waits in the broker.
func (l *Listener) Run(ctx context.Context, sink devices.Sink) error {
	l.vitals = l.vitals.again(l.dev.Expect)
	link, err := l.waitLink(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-link.Changed:
			if link = l.sub.Link(); link.Err != nil && ctx.Err() == nil {
				return link.Err
			}
		case m := <-l.sub.Messages():
			l.take(m, sink)
		case <-l.timer():
			l.tell(sink, 0)
		}
	}
}

// Close gives the driver's subscription up; it must not run any more.
func (l *Listener) Close() { l.sub.Close() }

func (l *Listener) waitLink(ctx context.Context) (Link, error) {
	giveUp := time.NewTimer(linkTimeout)
	defer giveUp.Stop()
	for {
		link := l.sub.Link()
		if link.Err == nil {
			return link, nil
		}
		select {
		case <-link.Changed:
		case <-ctx.Done():
			return link, nil
		case <-giveUp.C:
			return link, link.Err
		}
	}
}

// timer fires when the health may change by itself.
func (l *Listener) timer() <-chan time.Time {
	wait := l.vitals.next(l.dev.Clock.Now())
	if wait == 0 {
		return nil
	}
	return time.After(l.dev.Clock.Wall(wait))
}

// take hands one message to the sink and acknowledges it.
func (l *Listener) take(m Message, sink devices.Sink) {
	defer m.Ack()
	now := l.dev.Clock.Now()
	r, err := l.understand(m, now)
	if err != nil {
		l.dev.Log.Warn("message not understood", "device", l.dev.ID, "topic", m.Topic, "error", err)
		r.lost, r.lostWhy = r.lost+1, fmt.Sprintf("a message on %s was not understood: %v", m.Topic, err)
	}
	l.note(r, now)
	l.tell(sink, r.lost)
	r.hand(sink)
}

func (l *Listener) understand(m Message, now time.Time) (report, error) {
	if l.dev.Status != "" && Matches(l.dev.Status, m.Topic) {
		return report{presence: parsePresence(m.Payload)}, nil
	}
	return l.decode(m, now)
}

func (l *Listener) note(r report, now time.Time) {
	switch r.presence {
	case says:
		l.vitals.heard(now)
	case online, offline:
		l.vitals.presence(r.presence == online, now)
	}
	for _, read := range r.reads {
		l.vitals.antenna(read.Antenna, true) // it reads, whatever was said of it before
	}
	for _, a := range r.antennas {
		l.vitals.antenna(a.port, a.connected)
	}
	for _, t := range r.troubles {
		l.vitals.trouble(t, now)
	}
	if r.lost > 0 {
		l.vitals.lost(r.lostWhy, now)
	}
}

func (l *Listener) tell(sink devices.Sink, lost uint64) {
	if h, ok := l.vitals.due(l.dev.ID, lost, l.dev.Clock.Now()); ok {
		sink.Health(h)
	}
}
