package api

import (
	"context"
	"net/http"
	"time"

	"github.com/tallydock/tallydock/edge/reconcile"
)

// Counter counts what is at a location, by the location's own readers.
type Counter interface {
	// Count begins a count, and returns once that is kept, or why there can be none.
	Count(ctx context.Context, c reconcile.Count) error
	// Counts gives the last counts that ended, the latest first.
	Counts() []reconcile.Counted
}

// begun is a count that has begun.
type begun struct {
	ID       string `json:"id"`
	Location string `json:"location"`
}

// finished is a count that has ended.
type finished struct {
	begun
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Complete bool      `json:"complete"` // false: the readers were not alive for the whole of it, so it says nothing
	Found    uint32    `json:"found"`
	Missing  []string  `json:"missing"` // tags that the location had and that were not read
}

// longestCount is how long a person may let a count last.
const longestCount = time.Hour

// beginCount counts a location: POST with a name and, where it shall not last half a minute, "for".
func (s *Server) beginCount(r *http.Request) (begun, error) {
	if err := known(r); err != nil {
		return begun{}, err
	}
	o, err := readOrder(r)
	if err != nil {
		return begun{}, badCommand("cannot read the command: " + err.Error())
	}
	c := reconcile.Count{Location: r.PathValue("location")}
	if o.For != "" {
		if c.For, err = time.ParseDuration(o.For); err != nil || c.For <= 0 || c.For > longestCount {
			return begun{}, badCommand("for " + o.For + " is no duration up to an hour, such as 30s or 5m")
		}
	}
	now := s.Now()
	c.ID = s.Plan.Occurrence(now, "count", c.Location)
	ctx, cancel := context.WithTimeout(r.Context(), commandFor)
	defer cancel()
	if err := s.Counter.Count(ctx, c); err != nil {
		if ctx.Err() != nil {
			return begun{}, err
		}
		return begun{}, conflict(err)
	}
	s.Log.Info("a count was asked for here", "location", c.Location, "by", LocalActor+o.Name)
	return begun{c.ID, c.Location}, nil
}

func badCommand(why string) error { return &problem{http.StatusBadRequest, "bad_command", why} }

func (s *Server) cycleCounts(r *http.Request) (list[finished], error) {
	if err := known(r); err != nil {
		return list[finished]{}, err
	}
	var out []finished
	for _, c := range s.Counter.Counts() {
		one := finished{
			begun: begun{c.ID, c.Location}, From: c.From.UTC(), To: c.To.UTC(), Complete: c.Complete, Found: c.Found, Missing: []string{},
		}
		for _, t := range c.Missing {
			one.Missing = append(one.Missing, t.String())
		}
		out = append(out, one)
	}
	return listOf(out, ""), nil
}
