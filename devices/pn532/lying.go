package pn532

import (
	"context"
	"errors"
	"time"
)

// Bounds of what one card may cost.
const (
	readTime = 3 * time.Second // machine time that reading its message may keep the pad busy while it lies there
	readings = 3               // how often that is begun
	forgetIn = 4               // looks without it, after which it counts as new when it comes back
)

// lying is a card that lies on the pad.
type lying struct {
	reported bool      // since it came
	told     time.Time // when it was last
	toldText string    // with what

	absent int // looks that did not give it
	text   string
	done   bool          // its message was read, or never will be
	begun  int           // readings
	spent  time.Duration // on them
}

// due tells whether a card is to be reported at a moment.
func (l *lying) due(now time.Time) bool {
	age := now.Sub(l.told)
	return !l.reported || l.text != l.toldText || age < 0 || age >= repeat
}

// age forgets the cards that are gone. A card that a look missed keeps its text, and is reported when it is back.
func (r *run) age() {
	for tag, c := range r.cards {
		if c.absent++; c.absent > 1 {
			c.reported = false
		}
		if c.absent > forgetIn {
			delete(r.cards, tag)
		}
	}
}

// read reads the text of a card, unless it was read. A card that is taken away meanwhile, or does not answer well, is no
// error: it is tried again while it lies there, up to the bounds. What is on the card and cannot be read is no text, but on
// a noisy line it is tried again too.
func (r *run) read(ctx context.Context, c sighting, here *lying) error {
	here.absent = 0
	if here.done {
		return nil
	}
	began := time.Now()
	text, err := r.text(ctx, c.card, began.Add(readTime-here.spent))
	here.begun++
	here.spent += time.Since(began)
	switch {
	case errors.Is(err, errPort) || ctx.Err() != nil:
		return err
	case err == nil:
		here.text, here.done = text, true
	case !errors.Is(err, errExchange) && !r.noisy() || here.begun == readings || here.spent >= readTime:
		here.done = true
	}
	return nil
}

// text reads a card's text. On a line that showed noise, or that is not known yet, it is read twice, because a damaged frame
// passes its checksum once in 256 times and nothing else guards the text.
func (r *run) text(ctx context.Context, card Target, until time.Time) (string, error) {
	exchange := func(command []byte) ([]byte, error) { return r.talk.exchange(ctx, card.Number, command, until) }
	text, err := readText(card, exchange)
	if err != nil || !r.noisy() {
		return text, err
	}
	again, err := readText(card, exchange)
	if err == nil && again != text {
		err = errDiffers
	}
	return text, err
}

// errDiffers is as an exchange that failed: it may be tried again.
var errDiffers = errors.Join(errExchange, errors.New("its message was read twice and differs"))
