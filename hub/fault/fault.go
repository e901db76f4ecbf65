// Package fault has the kinds of error that a caller can do something about. Rooms wrap them with what was wrong, where
// and what to do; the API turns each kind into one HTTP status.
package fault

import "errors"

// The kinds.
var (
	Invalid     = errors.New("invalid")       // the request cannot be right: change it
	NotFound    = errors.New("not found")     // there is nothing of that name
	Conflict    = errors.New("conflict")      // not in the state that things are in now: look again
	Forbidden   = errors.New("not permitted") // this user may not
	Unavailable = errors.New("unavailable")   // not now: try later
)

// New makes an error of a kind that says only text, for callers who must tell it from others of its kind.
func New(kind error, text string) error { return &named{kind, text} }

type named struct {
	kind error
	text string
}

func (e *named) Error() string { return e.text }

func (e *named) Unwrap() error { return e.kind }
