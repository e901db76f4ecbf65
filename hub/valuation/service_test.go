package valuation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/valuation"
	"github.com/tallydock/tallydock/hub/valuation/valuationtest"
)

// scripted is a store that does something first when it is asked what is due.
type scripted struct {
	*valuationtest.Memory
	first []func() error
}

func (s *scripted) Due(ctx context.Context, n int) (valuation.Due, error) {
	if len(s.first) > 0 {
		f := s.first[0]
		if s.first = s.first[1:]; f != nil {
			if err := f(); err != nil {
				return valuation.Due{}, err
			}
		}
	}
	return s.Memory.Due(ctx, n)
}

// TestRunValuesWhatWaits: rounds until nothing waits, then a look now and then; what fails is tried again.
func TestRunValuesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := new(story).in(5, 50).out(1).out(1).out(1).out(1).in(1, 1).events
		m := valuationtest.NewMemory()
		hear := func(some []valuation.Event) {
			for _, e := range some {
				e.Item = "SKU-1"
				m.Waiting = append(m.Waiting, e)
			}
		}
		hear(events[:5])
		s := &scripted{m, []func() error{
			nil, nil, nil, func() error { return errors.New("no answer") }, func() error { hear(events[5:]); return nil },
		}}
		begin := time.Now()
		var told []string
		v := valuation.New(valuation.Config{Batch: 2, Every: time.Second, Told: func(r valuation.Round, err error) {
			told = append(told, fmt.Sprintf("%v: %d of %d items, %v", time.Since(begin), r.Events, r.Items, err))
		}}, s, clock.Clock{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- v.Run(ctx) }()
		time.Sleep(time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := []string{
			"0s: 2 of 1 items, <nil>", "0s: 2 of 1 items, <nil>", "0s: 1 of 1 items, <nil>",
			"1s: 0 of 0 items, no answer", "2s: 1 of 1 items, <nil>",
		}
		if !slices.Equal(told, want) {
			t.Errorf("told %q\nwant %q", told, want)
		}
	})
}
