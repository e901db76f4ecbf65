package pn532

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/framing"
)

// Port is a stream of bytes to a pad. Read answers (0, nil) when nothing came for about 100 ms; after Close, or when the
// device went away, Read and Write fail.
type Port interface {
	io.ReadWriteCloser
}

// Times that the driver keeps to, machine time.
const (
	defaultPoll = 250 * time.Millisecond
	settleTime  = 6 * time.Millisecond // in which a card notices that the field went or came; ISO 14443-3 says 5 ms
)

// repeat is after how much business time a card that still lies there is reported again.
const repeat = time.Second

// Config of a Driver.
type Config struct {
	ID   string // the pad's id in the gateway's configuration
	Dial func(ctx context.Context) (Port, error)
	Now  func() time.Time // the gateway's clock: for HostTime, and for when to report a card again
	Poll time.Duration    // machine time from one look at the pad to the next; 0 = 250 ms
}

// Driver looks again and again which cards lie on the pad, at most MaxTargets. It implements devices.Driver. It reports a
// card when it appears and, while it lies there, again each second of Now, or at each look where those are further
// apart. Reads have Antenna 0 and no RSSI; their Text is the first URI or text of the card's NDEF message, which is read
// once, before the card is reported; where that broke off, the card is reported without, and once more when it was read.
//
// A card counts when two looks in a row, the second made at once, give the same UID: the checksum of a frame is one byte,
// and a damaged frame passes it once in 256 times. So a card that gives another UID each time it is looked at (UIDs of
// ISO 14443-3 that begin with 08, as telephones give them) is not reported.
type Driver struct{ conf Config }

// New makes a Driver; Run opens the port.
func New(c Config) *Driver {
	if c.Poll <= 0 {
		c.Poll = defaultPoll
	}
	return &Driver{conf: c}
}

// run is the state of one Run.
type run struct {
	Config
	talk   talk
	sink   devices.Sink
	cards  map[devices.Tag]*lying // on the pad, or just gone
	dark   bool                   // the field is off
	listed bool                   // cards were listed since it was switched on
	line   quality
	fault  string         // what is wrong with a card
	health devices.Health // as reported last; Down before
}

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	port, err := d.conf.Dial(ctx)
	if err != nil {
		err = fmt.Errorf("cannot open its port: %w", err)
	} else {
		defer port.Close()
		r := &run{Config: d.conf, sink: sink, cards: map[devices.Tag]*lying{}}
		r.talk = talk{port: port, frames: framing.NewReader(port, MaxFrame, NextFrame)}
		err = r.work(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("pad %s: %w", d.conf.ID, err)
}

func (r *run) work(ctx context.Context) error {
	if err := r.wake(ctx); err != nil {
		return err
	}
	look := time.NewTicker(r.Poll)
	defer look.Stop()
	for {
		if err := r.look(ctx); err != nil {
			return err
		}
		r.judge()
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wake brings the pad from sleep to polling. One that tells its firmware is up.
func (r *run) wake(ctx context.Context) error {
	if _, err := r.talk.ask(ctx, Command{Code: SAMConfiguration}, WakeUp); err != nil {
		return err
	}
	f, err := r.talk.ask(ctx, Command{Code: GetFirmwareVersion}, "")
	if err != nil {
		return err
	}
	if _, err := ParseFirmware(f); err != nil {
		return err
	}
	// An empty pad is to answer at once, not when a card comes.
	if _, err := r.talk.ask(ctx, Command{Code: RFConfiguration, Item: Retries, Tries: 1}, ""); err != nil {
		return fmt.Errorf("cannot set how often it tries: %w", err)
	}
	r.talk.noise() // what lay on the line before
	r.line = quality{since: time.Now()}
	r.judge()
	return nil
}

// look reports the cards that lie on the pad.
func (r *run) look(ctx context.Context) error {
	seen, err := r.list(ctx)
	now := r.Now()
	if err == nil && r.stranger(seen) {
		seen, err = r.again(ctx, seen)
	}
	if err != nil {
		return err
	}
	r.age()
	for _, c := range seen {
		here := r.cards[c.tag]
		if here == nil {
			here = &lying{}
			r.cards[c.tag] = here
		}
		if err := r.read(ctx, c, here); err != nil {
			return err
		}
		r.report(c.tag, here, now)
	}
	if r.listed { // a card that was answers the next look only if it begins anew
		return r.field(ctx, false)
	}
	return nil
}

// sighting is a card of a list.
type sighting struct {
	tag  devices.Tag
	card Target // without what is part of the frame
}

// list asks for the cards in the field. A list that cannot be read is the cards' fault, not the pad's: it is told, and
// counts as an empty one.
func (r *run) list(ctx context.Context) ([]sighting, error) {
	if err := r.light(ctx); err != nil {
		return nil, err
	}
	f, err := r.talk.ask(ctx, Command{Code: InListPassiveTarget, Targets: MaxTargets}, "")
	if err != nil {
		return nil, err
	}
	targets, err := ParseTargets(f)
	r.listed = err != nil || len(targets) > 0
	if r.fault = ""; err != nil {
		r.fault = fmt.Sprintf("a card that lies there cannot be read: %v; take it away", err)
		return nil, nil
	}
	seen := make([]sighting, 0, len(targets))
	for _, t := range targets {
		tag, err := devices.NewTag(devices.TagUID, t.UID)
		if err != nil {
			return nil, err
		}
		t.UID, t.ATS = nil, nil
		seen = append(seen, sighting{tag, t})
	}
	return seen, nil
}

// stranger tells whether a card is seen that was not on the pad before.
func (r *run) stranger(seen []sighting) bool {
	for _, c := range seen {
		if r.cards[c.tag] == nil {
			return true
		}
	}
	return false
}

// again lists anew and gives what was listed before too, or is known.
func (r *run) again(ctx context.Context, before []sighting) ([]sighting, error) {
	if err := r.field(ctx, false); err != nil {
		return nil, err
	}
	seen, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	twice := map[devices.Tag]bool{}
	for _, c := range before {
		twice[c.tag] = true
	}
	sure := seen[:0]
	for _, c := range seen {
		if twice[c.tag] || r.cards[c.tag] != nil {
			sure = append(sure, c)
		}
	}
	return sure, nil
}

// light brings the field back after it was off for long enough.
func (r *run) light(ctx context.Context) error {
	if !r.dark {
		return nil
	}
	if err := pause(ctx, settleTime); err != nil {
		return err
	}
	if err := r.field(ctx, true); err != nil {
		return err
	}
	return pause(ctx, settleTime)
}

// field switches the radio field.
func (r *run) field(ctx context.Context, on bool) error {
	if _, err := r.talk.ask(ctx, Command{Code: RFConfiguration, Item: Field, On: on}, ""); err != nil {
		return fmt.Errorf("cannot switch its field: %w", err)
	}
	r.dark, r.listed = !on, false
	return nil
}

// report reports a card unless it just was.
func (r *run) report(tag devices.Tag, here *lying, now time.Time) {
	if !here.due(now) {
		return
	}
	r.sink.Read(devices.Read{Device: r.ID, Tag: tag, HostTime: now, Count: 1, Text: here.text})
	here.told, here.toldText, here.reported = now, here.text, true
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
