package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/fault"
)

// maxDepth is how deep things may be packed in one another: an item in a case on a pallet in a container, and some more.
const maxDepth = 8

// Aggregation is one fact about what is packed in what: children put into a parent, or taken out of it.
type Aggregation struct {
	ID         string // UUIDv7
	Key        string // idempotency key, unique
	Parent     devices.Tag
	Children   []devices.Tag
	Add        bool // else they are taken out
	At         time.Time
	RecordedAt time.Time
	Actor      string
	Source     string
}

// Unit is a tag with what it is packed in and what is in it.
type Unit struct {
	Tag      devices.Tag
	Parent   devices.Tag   // zero for none
	Contents []devices.Tag // at any depth
}

// Pack asks that children be put into a parent, such as a pallet with an SSCC, or taken out of it. What was in another
// parent leaves that. Where the parent is seen from now on, its children are too.
type Pack struct {
	Aggregation
	All bool // take out everything that is in the parent, in place of naming Children
}

var _ Command = (*Pack)(nil)

// Check reports what cannot be right.
func (p *Pack) Check() error {
	var errs []error
	if p.ID == "" || p.Key == "" {
		errs = append(errs, errors.New("id and key are needed"))
	}
	if p.Parent.IsZero() {
		errs = append(errs, errors.New("a parent is needed"))
	}
	if (len(p.Children) == 0) != p.All || p.All && p.Add {
		errs = append(errs, errors.New("children are needed; all of them only when they are taken out"))
	}
	seen := map[devices.Tag]bool{}
	for _, c := range p.Children {
		if c == p.Parent {
			errs = append(errs, fmt.Errorf("%s cannot be in itself", c))
		}
		if seen[c] {
			errs = append(errs, fmt.Errorf("%s is named twice", c))
		}
		seen[c] = true
	}
	return invalid("aggregation", errs)
}

// Needs says what Do reads.
func (p *Pack) Needs() Needs { return Needs{Keys: []string{p.Key}} }

// Do packs or unpacks all children, or none. Errors: ErrDuplicate; fault.Conflict where a child is not in the parent, or
// would be in itself.
func (p *Pack) Do(b Books) error {
	if err := once(b, p.Key); err != nil {
		return err
	}
	if p.Add {
		if err := p.checkDepth(b); err != nil {
			return err
		}
		return b.PutAggregation(p.Aggregation)
	}
	in, err := b.Contents(p.Parent)
	if err != nil {
		return err
	}
	out := p.Aggregation
	if p.All {
		out.Children = in
	}
	for _, c := range out.Children {
		if !slices.Contains(in, c) {
			return fmt.Errorf("%w: %s is not in %s", fault.Conflict, c, p.Parent)
		}
	}
	if len(out.Children) == 0 {
		return fmt.Errorf("%w: nothing is in %s", fault.Conflict, p.Parent)
	}
	return b.PutAggregation(out)
}

// checkDepth follows the parent upwards: none of the children may come.
func (p *Pack) checkDepth(b Books) error {
	up := p.Parent
	for range maxDepth {
		next, err := b.Parent(up)
		if err != nil || next.IsZero() {
			return err
		}
		if slices.Contains(p.Children, next) {
			return fmt.Errorf("%w: %s is in %s already: it cannot hold it too", fault.Conflict, p.Parent, next)
		}
		up = next
	}
	return fmt.Errorf("%w: %s is packed more than %d deep", fault.Conflict, p.Parent, maxDepth)
}
