package influx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/series"
)

// probe is a point that InfluxDB takes if it takes any.
const probe = "tallydock probe=true\n"

// deliver writes samples and tells which of them InfluxDB refuses. It tries until each is one or the other; the error is
// ctx's. Before any is given up another point must be welcome, so that it is known to be the sample's own fault.
func (d *Drainer) deliver(ctx context.Context, all []series.Spooled) ([]series.Refused, error) {
	if len(all) == 0 {
		return nil, ctx.Err()
	}
	no, err := d.send(ctx, all, func(no *refusal) error {
		if err := d.db.post(ctx, probe); err != nil {
			return fmt.Errorf("%w; it takes no other point either: %w", no, err)
		}
		return nil
	})
	if no == nil {
		return nil, err
	}
	return d.sift(ctx, slices.SortedStableFunc(slices.Values(all), bySensor), no)
}

// send tries until InfluxDB has taken samples or refused some of them. A refusal counts where check has nothing against it.
func (d *Drainer) send(ctx context.Context, all []series.Spooled, check func(*refusal) error) (no *refusal, err error) {
	err = d.insist(ctx, atInflux, func() error {
		no = nil
		err := d.db.post(ctx, lines(all, func(s series.Spooled) series.Sample { return s.Sample }))
		if errors.As(err, &no) {
			return check(no)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return no, nil
}

// sift tells which samples were meant, of those that InfluxDB refused some of: it writes halves of them. Those of one sensor
// are together, because they are mostly refused together.
func (d *Drainer) sift(ctx context.Context, all []series.Spooled, no *refusal) (refused []series.Refused, err error) {
	if len(all) == 1 || no.dropped == len(all) {
		for _, s := range all {
			refused = append(refused, series.Refused{Row: s.Row, Reason: no.reason})
		}
		return refused, nil
	}
	for _, half := range [][]series.Spooled{all[:len(all)/2], all[len(all)/2:]} {
		no, err := d.send(ctx, half, func(*refusal) error { return nil })
		if err != nil {
			return nil, err
		}
		if no == nil {
			continue
		}
		some, err := d.sift(ctx, half, no)
		if err != nil {
			return nil, err
		}
		refused = append(refused, some...)
	}
	return refused, nil
}

func bySensor(a, b series.Spooled) int {
	return cmp.Or(cmp.Compare(a.Quantity, b.Quantity), strings.Compare(a.Edge, b.Edge), strings.Compare(a.Device, b.Device),
		strings.Compare(a.Channel, b.Channel), a.At.Compare(b.At))
}

// insist tries until it succeeds, with pauses, or gives ctx's error.
func (d *Drainer) insist(ctx context.Context, where place, try func() error) error {
	for p := d.pauses(); ; {
		err := try()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.note(ctx, where, err)
		if err == nil {
			return nil
		}
		d.metrics.retried.Inc()
		wait := p.next(rand.Float64())
		if a := (*away)(nil); errors.As(err, &a) && a.after > 0 {
			wait = a.after
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// pauses between tries: they double to the longest, and each is shaken by a fifth, so that many hubs that lost one InfluxDB do
// not come back together.
type pauses struct{ last, first, longest time.Duration }

func (d *Drainer) pauses() *pauses { return &pauses{first: d.opt.Pause, longest: d.opt.Longest} }

// next gives the next pause; random is in [0, 1).
func (p *pauses) next(random float64) time.Duration {
	p.last = min(max(2*p.last, p.first), p.longest)
	return time.Duration(float64(p.last) * (0.8 + 0.4*random))
}
