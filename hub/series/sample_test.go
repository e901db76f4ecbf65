package series_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
)

func TestSamplesThatNoStoreCanKeepAreRefused(t *testing.T) {
	good := series.Of("E", wire.Sample{Device: "probe", Channel: "a/b", Quantity: unit.Temperature, Value: 4000, At: noon})
	for _, c := range []struct {
		name   string
		change func(*series.Sample)
		want   string // "" = it is taken
	}{
		{"as it is", func(*series.Sample) {}, ""},
		{"the largest value", func(s *series.Sample) { s.Value = series.MaxValue }, ""},
		{"a larger value", func(s *series.Sample) { s.Value = series.MaxValue + 1 }, "beyond"},
		{"a lower value", func(s *series.Sample) { s.Value = -series.MaxValue - 1 }, "beyond"},
		{"a larger value that is none", func(s *series.Sample) { s.HasValue, s.Value = false, 1<<63-1 }, ""},
		{"a clock that was never set", func(s *series.Sample) { s.At = time.Unix(3, 0) }, ""},
		{"no time", func(s *series.Sample) { s.At = time.Time{} }, "between 1970 and 2200"},
		{"the beginning of 1970", func(s *series.Sample) { s.At = time.Unix(0, 999) }, "between 1970 and 2200"},
		{"the year 2200", func(s *series.Sample) { s.At = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }, "between 1970 and 2200"},
		{"no edge", func(s *series.Sample) { s.Edge = "" }, "lacks the name"},
		{"no device", func(s *series.Sample) { s.Device = "" }, "lacks the name"},
		{"a device with a slash", func(s *series.Sample) { s.Device = "a/b" }, "slash"},
		{"no quantity", func(s *series.Sample) { s.Quantity = 0 }, "what was measured"},
		{"a quantity of later versions", func(s *series.Sample) { s.Quantity = 200 }, ""},
		{"a NUL", func(s *series.Sample) { s.Channel = "a\x00b" }, "NUL"},
		{"a location that is not UTF-8", func(s *series.Sample) { s.Location = "\xff" }, "UTF-8"},
		{"a channel too long", func(s *series.Sample) { s.Channel = strings.Repeat("é", 129) }, "256 bytes"},
		{"a reason too long", func(s *series.Sample) { s.Reason = strings.Repeat("x", 4097) }, "4096 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good
			c.change(&s)
			err := series.Validate([]series.Sample{good, s})
			if c.want == "" && err != nil {
				t.Fatal(err)
			}
			if c.want != "" && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error is %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestOnlyGoodSamplesHaveAValue(t *testing.T) {
	for q := range devices.Quality(devices.Qualities) {
		s := series.Of("E", wire.Sample{Device: "d", Quantity: unit.Temperature, Value: 85000, Quality: q, At: noon})
		if want := q == devices.Good; s.HasValue != want || s.Reading().HasValue != want {
			t.Errorf("%s: has a value: %v", q, s.HasValue)
		}
	}
}
