// Package fault has the kinds of error that a caller can do something about. Rooms wrap them with what was wrong, where
// and what to do; the API turns each kind into one HTTP status.
package fault

// Kind is a kind of error.
type Kind string

// The kinds.
const (
	Invalid     Kind = "invalid"       // the request cannot be right: change it
	NotFound    Kind = "not found"     // there is nothing of that name
	Conflict    Kind = "conflict"      // not in the state that things are in now: look again
	Forbidden   Kind = "not permitted" // this user may not
	Unavailable Kind = "unavailable"   // not now: try later
)

// Error makes a Kind an error that others can wrap.
func (k Kind) Error() string { return string(k) }

// New makes an error of a kind that says only text, for callers who must tell it from others of its kind.
func New(kind Kind, text string) error { return &named{kind, text} }

type named struct {
	kind Kind
	text string
}

func (e *named) Error() string { return e.text }

func (e *named) Unwrap() error { return e.kind }
