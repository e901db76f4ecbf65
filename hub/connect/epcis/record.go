package epcis

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Identity is what the event is known by: its own id, else its EventHash. An error declaration has that of the event
// which it declares wrong.
func (e Event) Identity() string {
	if e.ID != "" {
		return e.ID
	}
	return EventHash(e)
}

// Key is by what a store knows that it has the event: its Identity, and of an error declaration also when it was made.
func (e Event) Key() string {
	if e.Error == nil {
		return e.Identity()
	}
	return e.Identity() + "#error@" + e.Error.Time.UTC().Format(time.RFC3339Nano)
}

const recordTime = "2006-01-02T15:04:05.000Z07:00"

// Recorded gives the event as a repository answers with it: with the time at which it was recorded, to the millisecond,
// and with its EventHash for an id where it came without one.
func (e Event) Recorded(at time.Time) Event {
	e.RecordTime = at.Truncate(time.Millisecond)
	e.text = withMember(e.text, "recordTime", at.UTC().Format(recordTime))
	if e.ID == "" {
		e.ID = EventHash(e)
		e.text = withMember(e.text, "eventID", e.ID)
	}
	return e
}

// withMember sets a member of the object that text is.
func withMember(text, name string, value any) string {
	root, err := parse(text, mostDepth, len(text)+1)
	if err != nil {
		return text
	}
	encoded, _ := json.Marshal(value) // text and lists of it
	if v, ok := root.member(name); ok {
		tok := v.t.tokens[v.at]
		return v.t.text[:tok.start] + string(encoded) + v.t.text[tok.end:]
	}
	inner := root.raw()[1:]
	separator := ","
	if len(root.t.tokens) == 1 {
		separator = ""
	}
	return `{"` + name + `":` + string(encoded) + separator + inner
}

// Restore reads what a store has kept of an event: its JSON and its Context.
func Restore(event, context []byte) (Event, error) {
	around := &scope{}
	if len(context) > 0 {
		n, err := parse(string(context), mostDepth, len(context)+1)
		if err != nil {
			return Event{}, fmt.Errorf("%w: the context of an event is no JSON: %w", fault.Invalid, err)
		}
		around = &scope{contextOf(n), Prefixes(nil).define(n)}
	}
	return readOne(string(event), around)
}

func readOne(text string, around *scope) (Event, error) {
	root, err := parse(text, mostDepth, len(text)+1)
	if err != nil {
		return Event{}, fmt.Errorf("%w: an event is no JSON: %w", fault.Invalid, err)
	}
	d := &decoder{limits: Limits{}.orDefault(), scope: around}
	e := d.readEvent(root, false)
	return e, d.err()
}
