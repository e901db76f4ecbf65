package epcis

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// Role is what an identity is in an event.
type Role string

// The roles.
const (
	InEPCs        Role = "epc"    // epcList, childEPCs
	InParent      Role = "parent" // parentID
	InInputs      Role = "input"  // inputEPCList
	InOutputs     Role = "output" // outputEPCList
	InClasses     Role = "class"  // quantityList, childQuantityList
	InInputClass  Role = "input_class"
	InOutputClass Role = "output_class"
)

// EPCKey is an identity in an event, by its Canonical name.
type EPCKey struct {
	Role Role
	EPC  string
}

// Keys are what a store indexes an event by. Times are in UTC, to the microsecond below, as databases keep them.
type Keys struct {
	Key         string // unique: see Event.Key
	Identity    string // of the event, shared with its error declarations
	Hash        string // EventHash: two events of one Key and another Hash contradict one another
	Type        string
	Action      Action
	Time        time.Time
	RecordTime  time.Time
	BizStep     string
	Disposition string
	ReadPoint   string // canonical
	BizLocation string // canonical
	EPCs        []EPCKey
}

// Keys gives what a store indexes the event by.
func (e Event) Keys() Keys {
	hash := EventHash(e)
	if e.ID == "" {
		e.ID = hash
	}
	k := Keys{
		Key: e.Key(), Identity: e.ID, Hash: hash, Type: e.Type, Action: e.Action, Time: kept(e.Time), RecordTime: kept(e.RecordTime),
		BizStep: e.BizStep, Disposition: e.Disposition, ReadPoint: Canonical(e.ReadPoint.ID), BizLocation: Canonical(e.BizLocation.ID),
	}
	seen := map[EPCKey]bool{}
	for role, uri := range e.identities() {
		key := EPCKey{role, Canonical(uri)}
		if !seen[key] {
			seen[key] = true
			k.EPCs = append(k.EPCs, key)
		}
	}
	return k
}

// kept gives a time as Keys have it.
func kept(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// identities goes through all that the event names as its objects.
func (e Event) identities() func(yield func(Role, string) bool) {
	return func(yield func(Role, string) bool) {
		if e.Parent != "" && !yield(InParent, e.Parent) {
			return
		}
		for _, list := range []struct {
			role Role
			epcs []string
		}{{InEPCs, e.EPCs}, {InInputs, e.Inputs}, {InOutputs, e.Outputs}} {
			for _, uri := range list.epcs {
				if !yield(list.role, uri) {
					return
				}
			}
		}
		for _, list := range []struct {
			role       Role
			quantities []Quantity
		}{{InClasses, e.Quantities}, {InInputClass, e.InputQuantities}, {InOutputClass, e.OutputQuantities}} {
			for _, q := range list.quantities {
				if !yield(list.role, q.Class) {
					return
				}
			}
		}
	}
}

// Span is a time from one instant to before another; a zero one is open.
type Span struct{ From, Before time.Time }

// Has reports whether t is in the span. A zero t is in none but the open one.
func (s Span) Has(t time.Time) bool {
	if t.IsZero() {
		return s == Span{}
	}
	return !t.Before(s.From) && (s.Before.IsZero() || t.Before(s.Before))
}

// Bounds are what a store can narrow a query by: all must hold, and of a list one is enough; an empty list does not
// narrow. They may let through more than the query asks for, and never less: Query.Match decides.
type Bounds struct {
	Types        []string
	Actions      []Action
	Time         Span
	RecordTime   Span
	Identities   []string
	BizSteps     []string
	Dispositions []string
	ReadPoints   []string // canonical
	BizLocations []string // canonical
	EPCs         []EPCBound
}

// EPCBound holds where an identity in one of the roles is one of those named or starts with one of the prefixes, both
// canonical and taken literally.
type EPCBound struct {
	Roles    []Role
	Exact    []string
	Prefixes []string
}

// Admits reports whether an event with such keys is within the bounds. It is what they mean; a store says the same in its
// own language.
func (b Bounds) Admits(k Keys) bool {
	return among(b.Types, k.Type) && among(b.Actions, k.Action) && b.Time.Has(k.Time) && b.RecordTime.Has(k.RecordTime) &&
		among(b.Identities, k.Identity) && among(b.BizSteps, k.BizStep) && among(b.Dispositions, k.Disposition) &&
		among(b.ReadPoints, k.ReadPoint) && among(b.BizLocations, k.BizLocation) &&
		!slices.ContainsFunc(b.EPCs, func(e EPCBound) bool { return !slices.ContainsFunc(k.EPCs, e.admits) })
}

func among[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

func (b EPCBound) admits(k EPCKey) bool {
	return slices.Contains(b.Roles, k.Role) && (slices.Contains(b.Exact, k.EPC) ||
		slices.ContainsFunc(b.Prefixes, func(p string) bool { return strings.HasPrefix(k.EPC, p) }))
}

// Order is how a store's answer is ordered: by a time, and events of one time by the bytes of their Key (in SQL, COLLATE
// "C"), both rising or both falling.
type Order struct {
	ByEventTime bool // else by the time of record
	Falling     bool
}

// Compare orders two events.
func (o Order) Compare(a, b Keys) int {
	c := cmp.Or(o.at(a).Compare(o.at(b)), cmp.Compare(a.Key, b.Key))
	if o.Falling {
		return -c
	}
	return c
}

// After reports whether an event comes after a cursor.
func (o Order) After(k Keys, c Cursor) bool {
	if c.Key == "" {
		return true
	}
	return o.Compare(k, Keys{Key: c.Key, Time: c.At, RecordTime: c.At}) > 0
}

func (o Order) at(k Keys) time.Time {
	if o.ByEventTime {
		return k.Time
	}
	return k.RecordTime
}

// Cursor is a place in an ordered answer: after the event of that time and Key. The zero Cursor is before the first.
type Cursor struct {
	At  time.Time `json:"at"`
	Key string    `json:"key"`
	// Given is how many events came before, for a query that limits them or orders them by a field of somebody's own.
	Given int `json:"given,omitempty"`
}

// Token writes the cursor for a nextPageToken.
func (c Cursor) Token() string {
	text, _ := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(text)
}

// ParseToken reads what Token wrote. Errors: fault.Invalid.
func ParseToken(token string) (Cursor, error) {
	var c Cursor
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil || c.Given < 0 {
		return Cursor{}, fmt.Errorf("%w: nextPageToken %s is none that this hub gave: ask from the start", fault.Invalid, quote(token))
	}
	return c, nil
}
