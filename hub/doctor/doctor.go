// Package doctor looks at what a hub stands on - its folder, disk, database, clock, certificates, ports, limits - and says
// what is wrong and what to do about it. It changes nothing but a file of its own in the data folder, which it removes.
//
// A Check gives findings; the worst of them is the check's. Checks run one after the other, each within a time of its own,
// and one that hangs is a finding too.
package doctor

import (
	"context"
	"fmt"
	"time"
)

// Level says how bad a finding is.
type Level uint8

// The levels.
const (
	OK      Level = iota // nothing to do
	Skipped              // could not be looked at here; Do says why that is so
	Warning              // works, and will not for long or not well
	Problem              // does not work, or loses what must not be lost
)

// String gives the level's name.
func (l Level) String() string { return [...]string{"ok", "skipped", "warning", "problem"}[l] }

// MarshalText makes a Level its name in JSON.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Finding is what a check says.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do; "" = nothing
}

// Check looks at one thing.
type Check struct {
	Name string
	Run  func(ctx context.Context) []Finding
}

// Most is how long one check may take.
const Most = 30 * time.Second

// Examine runs the checks and tells each finding as it comes. It gives the worst level.
func Examine(ctx context.Context, checks []Check, told func(Finding)) Level {
	worst := OK
	for _, c := range checks {
		for _, f := range c.within(ctx, Most) {
			f.Check = c.Name
			told(f)
			worst = max(worst, f.Level)
		}
	}
	return worst
}

// within runs a check that may hang: a network folder's does, for one.
func (c Check) within(ctx context.Context, most time.Duration) []Finding {
	ctx, done := context.WithTimeout(ctx, most)
	defer done()
	found := make(chan []Finding, 1)
	go func() { found <- c.Run(ctx) }()
	select {
	case f := <-found:
		return f
	case <-time.After(most + time.Second):
		return []Finding{problem("look at why it hangs; the hub would hang there too", "no answer within %v", most)}
	}
}

func ok(format string, args ...any) Finding { return Finding{Says: fmt.Sprintf(format, args...)} }

func skipped(format string, args ...any) Finding {
	return Finding{Level: Skipped, Says: fmt.Sprintf(format, args...)}
}

func warning(do, format string, args ...any) Finding {
	return Finding{Level: Warning, Says: fmt.Sprintf(format, args...), Do: do}
}

func problem(do, format string, args ...any) Finding {
	return Finding{Level: Problem, Says: fmt.Sprintf(format, args...), Do: do}
}
