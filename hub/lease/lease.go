// Package lease is how several hubs on one database share work, so that each piece of it has one hub at a time: partitions
// of edges, of which each hub has as many as any other, and what is done once for all of them.
//
// A replica is one run of a hub. It is alive while it says so often enough, on the database's clock; one that was silent for
// too long is struck off by another, and never comes back: when the hub behind it wakes up, it finds itself struck off and
// begins as a new replica. A lease that names a replica which is no longer alive is free.
//
// A term is one holding of a lease. It rises with each new holder, and a transaction that is written under a Claim commits
// only while the lease is in that term: so whatever a hub believes, of two only one can write. What a replica believes is
// therefore a matter of good manners, not of truth.
package lease

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lease is a piece of work with its holder.
type Lease struct {
	Name   string
	Holder string // id of a replica; "" = nobody
	Term   int64  // of the present or last holder; 0 = nobody ever
	Shared bool   // its like are shared out evenly; otherwise whoever comes first has it
}

// Replica is one run of a hub.
type Replica struct {
	ID    string // unique for ever
	Name  string // of the hub
	Until time.Time
	Ready bool // it can do shared work; one that cannot gets none while others can
}

// View is what the database says at a moment.
type View struct {
	Now      time.Time // on the database's clock
	Replicas []Replica
	Leases   []Lease
}

// Actions are what a replica should do. Each is done in the database only where it still fits there.
type Actions struct {
	Strike []string // replicas that were silent for too long
	Take   []Lease  // as they were seen
	Give   []Lease
}

// None reports that there is nothing to do.
func (a Actions) None() bool { return len(a.Strike) == 0 && len(a.Take) == 0 && len(a.Give) == 0 }

// Step says what a replica should do in view of v. Shared leases go by the replicas' order: with n of them each has its
// n-th part, and the first ones have one more of what is left. A replica gives up what it has too many of, the last ones
// first, and takes of what is free up to its part; of the leases that are not shared it takes all that are free.
func Step(me string, v View) Actions {
	var a Actions
	alive := map[string]bool{}
	for _, r := range v.Replicas {
		if r.ID == me || r.Until.After(v.Now) {
			alive[r.ID] = true
		} else {
			a.Strike = append(a.Strike, r.ID)
		}
	}
	if !alive[me] {
		return Actions{}
	}
	var mine, free []Lease
	for _, l := range slices.SortedFunc(slices.Values(v.Leases), func(a, b Lease) int { return cmp.Compare(a.Name, b.Name) }) {
		switch {
		case l.Holder == me && l.Shared:
			mine = append(mine, l)
		case alive[l.Holder]:
		case l.Shared:
			free = append(free, l)
		default:
			a.Take = append(a.Take, l)
		}
	}
	part := Part(me, v)
	if len(mine) > part {
		a.Give = mine[part:]
		return a
	}
	a.Take = append(a.Take, free[:min(part-len(mine), len(free))]...)
	return a
}

// Part is how many of the shared leases a replica should have.
func Part(me string, v View) int {
	var alive, ready []string
	for _, r := range v.Replicas {
		if r.ID != me && !r.Until.After(v.Now) {
			continue
		}
		alive = append(alive, r.ID)
		if r.Ready {
			ready = append(ready, r.ID)
		}
	}
	if len(ready) > 0 {
		alive = ready
	} // otherwise somebody must have them when that is over
	slices.Sort(alive)
	i, there := slices.BinarySearch(alive, me)
	if !there {
		return 0
	}
	shared := 0
	for _, l := range v.Leases {
		if l.Shared {
			shared++
		}
	}
	part := shared / len(alive)
	if i < shared%len(alive) {
		part++
	}
	return part
}

// Share is what a replica has of the shared leases.
type Share struct {
	ID     string           // of the replica; another one where it was struck off and began anew
	Number int64            // rises with each change
	Claims map[string]Claim // by the lease's name
	// Deposed are the replicas that had some of these before and did not give them up.
	Deposed []string
	Changed <-chan struct{} // closed when another Share is due
}

// Partition is the name of the lease on a partition of the wire.
func Partition(p int) string { return fmt.Sprintf("partition/%02d", p) }

// Claim says under which term of a lease a transaction is written.
type Claim struct {
	Name, Holder string
	Term         int64
}

// ErrFenced marks a transaction that did not commit because a lease that it claimed is another's by now. Its text names the leases.
type ErrFenced struct{ Names []string }

func (e *ErrFenced) Error() string {
	return fmt.Sprintf("another hub does this by now: lost the lease of %s", strings.Join(e.Names, ", "))
}

type key struct{}

// With gives a context under which transactions commit only while all claims hold, those of ctx among them.
func With(ctx context.Context, claims ...Claim) context.Context {
	if len(claims) == 0 {
		return ctx
	}
	return context.WithValue(ctx, key{}, append(slices.Clone(Claims(ctx)), claims...))
}

// Claims gives the claims of a context.
func Claims(ctx context.Context) []Claim {
	c, _ := ctx.Value(key{}).([]Claim)
	return c
}
