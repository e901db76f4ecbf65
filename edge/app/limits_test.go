package app

import (
	"testing"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/watch"
)

func TestTightestLimitsAreTold(t *testing.T) {
	rule := func(k watch.Kind, location string, limit unit.Milli) watch.Rule {
		return watch.Rule{Kind: k, Location: location, Quantity: unit.Temperature, Limit: limit}
	}
	got := limitsOf(watch.Spec{Rules: []watch.Rule{
		rule(watch.High, "R", 10_000), rule(watch.High, "R", 8_000), rule(watch.Low, "R", 0), rule(watch.Low, "R", 2_000),
		rule(watch.NoData, "R", 0), rule(watch.MKT, "T", 8_001), rule(watch.Rise, "T", 500), rule(watch.Stuck, "T", 0), rule(watch.High, "S", 30_000), rule(watch.High, "", 1),
	}})
	if len(got) != 2 || got[0].Location != "R" || got[0].High != 8_000 || got[0].Low != 2_000 || !got[0].HasLow || !got[0].HasHigh {
		t.Fatalf("got %+v", got)
	}
	if got[1].Location != "S" || got[1].HasLow || got[1].High != 30_000 {
		t.Fatalf("got %+v", got)
	}
}
