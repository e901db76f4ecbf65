package series_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/seriestest"
)

func fill(t *testing.T, device string, from time.Time, n int) *seriestest.Memory {
	t.Helper()
	m := new(seriestest.Memory)
	for i := range n {
		s := series.Sample{
			Key: series.Key{Edge: "E", Device: device, Quantity: unit.Temperature}, At: from.Add(time.Duration(i) * 30 * time.Second),
			Value: unit.Milli(i), HasValue: true,
		}
		if err := m.Write(t.Context(), []series.Sample{s}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestWhatIsTooOldForSamplesIsAnsweredFromTheFinestRollup(t *testing.T) {
	m := fill(t, "probe", noon, 240)
	for after, want := range map[time.Duration]series.Resolution{
		2 * time.Hour: series.Raw, 31 * day: series.Minute, 181 * day: series.QuarterHour, 3 * 365 * day: series.Hour,
	} {
		now := noon.Add(after)
		r := series.NewReader(m, series.DefaultRetention(), func() time.Time { return now })
		q := series.Query{From: noon, To: noon.Add(2 * time.Hour)}
		got, err := r.Query(t.Context(), q)
		if err != nil || len(got) != 1 || got[0].Resolution != want {
			t.Errorf("%v later: %+v, %v; want it in %s", after, got, err, want)
		}
		rolled, err := r.Buckets(t.Context(), q)
		if want == series.Raw {
			want = series.Minute
		}
		if err != nil || len(rolled) != 1 || rolled[0].Resolution != want || len(rolled[0].Buckets) != int(2*time.Hour/want.Width()) {
			t.Errorf("%v later: %+v, %v; want it in %s", after, rolled, err, want)
		}
	}
}

func TestPointsOfBucketsAreTheirLowestAndHighestAsTheyCame(t *testing.T) {
	m := fill(t, "probe", noon, 4) // 0 to 3 thousandths
	r := series.NewReader(m, series.Retention{}, time.Now)
	got, err := r.Query(t.Context(), series.Query{From: noon, To: noon.Add(time.Hour), Resolution: series.Hour})
	if err != nil || len(got) != 1 || len(got[0].Points) != 2 || *got[0].Points[0].Value != 0 || *got[0].Points[1].Value != 0.003 {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = r.Query(t.Context(), series.Query{From: noon, To: noon.Add(40 * time.Second), Resolution: series.Hour})
	if err != nil || len(got) != 1 || len(got[0].Points) != 1 || *got[0].Points[0].Value != 0 {
		t.Errorf("where the highest is beyond the end: %+v, %v", got, err)
	}
}

// broken is a Source of many sensors, one of which cannot be read.
type broken struct{ seriestest.Memory }

func (*broken) Sensors(context.Context, series.Choice) (all []series.Sensor, _ error) {
	for i := range 50 {
		all = append(all, series.SensorOf(series.Key{Edge: "E", Device: fmt.Sprintf("d%02d", i), Quantity: unit.Temperature}, ""))
	}
	return all, nil
}

func (b *broken) Readings(ctx context.Context, s series.Sensor, from, to time.Time) ([]series.Reading, error) {
	if s.Device == "d17" {
		return nil, fault.Unavailable
	}
	return b.Memory.Readings(ctx, s, from, to)
}

func TestASensorThatCannotBeReadIsNamed(t *testing.T) {
	r := series.NewReader(new(broken), series.Retention{}, time.Now)
	got, err := r.Query(t.Context(), series.Query{From: noon, To: noon.Add(time.Hour), Resolution: series.Raw})
	if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "E/d17//temperature") || got != nil {
		t.Errorf("%d series, %v", len(got), err)
	}
}

func TestASpanWithoutTimeIsRefused(t *testing.T) {
	r := series.NewReader(new(seriestest.Memory), series.Retention{}, time.Now)
	for _, to := range []time.Time{noon, noon.Add(-time.Second), {}} {
		if _, err := r.Query(t.Context(), series.Query{From: noon, To: to}); !errors.Is(err, fault.Invalid) {
			t.Errorf("to %s: %v", to, err)
		}
	}
}
