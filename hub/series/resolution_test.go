package series_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
)

const day = 24 * time.Hour

func TestTheResolutionFollowsSpanAndRetention(t *testing.T) {
	keep := series.DefaultRetention()
	for _, c := range []struct {
		name  string
		ago   time.Duration // when the span began
		span  time.Duration
		asked series.Resolution
		want  series.Resolution
	}{
		{"a console's chart", 4 * time.Hour, 4 * time.Hour, series.Auto, series.Raw},
		{"a day", day, day, series.Auto, series.Raw},
		{"more than a day", 25 * time.Hour, 25 * time.Hour, series.Auto, series.Minute},
		{"eight days", 8 * day, 8 * day, series.Auto, series.Minute},
		{"a month", 31 * day, 31 * day, series.Auto, series.QuarterHour},
		{"a year", 365 * day, 365 * day, series.Auto, series.Hour},
		{"twenty years", 20 * 365 * day, 20 * 365 * day, series.Auto, series.Hour},
		{"an hour, when raw was just kept", 30 * day, time.Hour, series.Auto, series.Raw},
		{"an hour, when raw is gone", 30*day + time.Second, time.Hour, series.Auto, series.Minute},
		{"an hour, when minutes are gone", 181 * day, time.Hour, series.Auto, series.QuarterHour},
		{"an hour, when quarters are gone", 3 * 365 * day, time.Hour, series.Auto, series.Hour},
		{"an hour, when all is gone", 11 * 365 * day, time.Hour, series.Auto, series.Hour},
		{"raw of a week", 8 * day, 8 * day, series.Raw, series.Raw},
		{"raw of too long a span", 9 * day, 9 * day, series.Raw, series.QuarterHour},
		{"raw that is gone", 31 * day, time.Hour, series.Raw, series.Minute},
		{"minutes of a minute", time.Minute, time.Minute, series.Minute, series.Minute},
		{"quarters of a day", day, day, series.QuarterHour, series.QuarterHour},
		{"quarters of a year", 365 * day, 365 * day, series.QuarterHour, series.Hour},
		{"hours of an hour", time.Hour, time.Hour, series.Hour, series.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := noon.Add(-c.ago)
			q := series.Query{From: from, To: from.Add(c.span), Resolution: c.asked}
			if got := q.Pick(keep, noon); got != c.want {
				t.Errorf("answered in %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatIsKeptForEverIsNeverTooOld(t *testing.T) {
	q := series.Query{From: time.Unix(1, 0), To: time.Unix(2, 0)}
	if got := q.Pick(series.Retention{}, noon); got != series.Raw {
		t.Errorf("answered in %s", got)
	}
}

func TestWhatIsForgottenEndsAtAWholeBucket(t *testing.T) {
	keep := series.Retention{Raw: day, Hour: day}
	now := noon.Add(25*time.Minute + 3*time.Microsecond)
	if got := keep.Start(series.Raw, now); !got.Equal(now.Add(-day)) {
		t.Errorf("samples from %s", got)
	}
	if got := keep.Start(series.Hour, now); !got.Equal(noon.Add(-day)) {
		t.Errorf("hours from %s", got)
	}
	if got := keep.Start(series.Minute, now); !got.IsZero() {
		t.Errorf("minutes from %s", got)
	}
}

func TestRetentionIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	if err := series.DefaultRetention().Validate(); err != nil {
		t.Error(err)
	}
	if err := (series.Retention{}).Validate(); err != nil {
		t.Error(err)
	}
	err := series.Retention{Raw: time.Hour, Minute: 0, QuarterHour: 2 * day, Hour: day}.Validate()
	for _, want := range []string{"raw is kept for 1h0m0s; use 24h or more", "quarter is kept for less long than minute", "hour is kept for less long than quarter"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestResolutionsAreRead(t *testing.T) {
	for text, want := range map[string]series.Resolution{"": series.Auto, "auto": series.Auto, "raw": series.Raw, "1m": series.Minute, "15m": series.QuarterHour, "1h": series.Hour} {
		if got, err := series.ParseResolution(text); err != nil || got != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	if _, err := series.ParseResolution("5m"); !errors.Is(err, fault.Invalid) {
		t.Errorf("5m: %v", err)
	}
}
