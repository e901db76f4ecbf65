package replenish_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/forecast"
	"github.com/tallydock/tallydock/hub/replenish"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

func TestDecideOnAHandComputedCase(t *testing.T) {
	f := forecast.Forecast{Mean: 10, SD: 4}
	terms := replenish.Terms{LeadTime: 9, LeadTimeSD: 1, ReviewDays: 7, ServiceLevel: 0.95, MOQ: 100, PackMultiple: 24}
	d, err := replenish.Decide(f, terms, replenish.Position{OnHand: 90, OnOrder: 48, Backordered: 6})
	if err != nil {
		t.Fatal(err)
	}
	sigma := math.Sqrt(16*16 + 100)
	ss := 1.6448536269514722 * sigma
	want := replenish.Decision{
		Z: 1.6448536269514722, SigmaDL: sigma, SafetyStock: ss, ReorderPoint: 160 + ss, OrderUpTo: 230 + ss, CoverDays: 13.2,
		Quantity: 144, // 230 + 31.03 − 132 = 129.03, six packs of 24
	}
	if d.Quantity != want.Quantity || !near(d.SafetyStock, want.SafetyStock) || !near(d.ReorderPoint, want.ReorderPoint) ||
		!near(d.OrderUpTo, want.OrderUpTo) || !near(d.CoverDays, want.CoverDays) || !near(d.SigmaDL, want.SigmaDL) {
		t.Errorf("got %+v\nwant %+v", d, want)
	}
}

func TestNothingIsOrderedAboveTheReorderPointOrWithoutDemand(t *testing.T) {
	terms := replenish.Terms{LeadTime: 5, ReviewDays: 7, ServiceLevel: 0.95}
	for name, test := range map[string]struct {
		mean     float64
		position replenish.Position
	}{
		"enough on hand":  {10, replenish.Position{OnHand: 121}},
		"enough on order": {10, replenish.Position{OnOrder: 121}},
		"no demand":       {0, replenish.Position{}},
	} {
		d, err := replenish.Decide(forecast.Forecast{Mean: test.mean}, terms, test.position)
		if err != nil || d.Quantity != 0 {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	if d, _ := replenish.Decide(forecast.Forecast{Mean: 10}, terms, replenish.Position{OnHand: 120}); d.Quantity != 70 {
		t.Errorf("at the reorder point: %+v; want 70", d)
	}
}

func TestTermsThatCannotBeAreRefused(t *testing.T) {
	for want, terms := range map[string]replenish.Terms{
		"service level":    {ServiceLevel: 1},
		"lead time":        {ServiceLevel: 0.9, LeadTime: -1},
		"review period":    {ServiceLevel: 0.9, ReviewDays: math.NaN()},
		"cannot be negati": {ServiceLevel: 0.9, MOQ: -5},
	} {
		if _, err := replenish.Decide(forecast.Forecast{}, terms, replenish.Position{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want an error about %s", terms, err, want)
		}
	}
}

func TestOrdersKeepToMOQAndPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := replenish.Terms{
			MOQ: rapid.Int64Range(0, 500).Draw(t, "moq"), PackMultiple: rapid.Int64Range(0, 60).Draw(t, "pack"),
		}
		need := rapid.Float64Range(0.01, 1e6).Draw(t, "need")
		q, pack := terms.Round(need), max(1, terms.PackMultiple)
		if q < terms.MOQ || float64(q) < need-1e-6 || q%pack != 0 {
			t.Fatalf("%v becomes %d with %+v", need, q, terms)
		}
		if less := q - pack; float64(less) >= need && less >= terms.MOQ {
			t.Fatalf("%v becomes %d with %+v; a pack less would do", need, q, terms)
		}
	})
}

// TestSafetyStockAgreesWithTheVectors checks z, σ_DL, safety stock and reorder point against independent figures.
func TestSafetyStockAgreesWithTheVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			ID, Formula string
			Inputs      map[string]float64
			Expected    json.RawMessage
		}
	}
	if err := json.Unmarshal(vectors(t), &file); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, v := range file.Vectors {
		switch {
		case strings.HasPrefix(v.ID, "z/"):
			var z float64
			if err := json.Unmarshal(v.Expected, &z); err != nil {
				t.Fatal(err)
			}
			if got := forecast.Normal(v.Inputs["csl"]); !near(got, z) {
				t.Errorf("%s: %v; want %v", v.ID, got, z)
			}
			compared++
		case strings.HasPrefix(v.ID, "ss_dl/"):
			var want struct {
				SigmaDL float64 `json:"sigma_dl"`
				SS      float64 `json:"safety_stock"`
				ROP     float64 `json:"reorder_point"`
			}
			if err := json.Unmarshal(v.Expected, &want); err != nil {
				t.Fatal(err)
			}
			in := v.Inputs
			f := forecast.Forecast{Mean: in["demand_mean_per_period"], SD: in["demand_sd_per_period"]}
			d, err := replenish.Decide(f, replenish.Terms{
				LeadTime: in["lead_time_mean"], LeadTimeSD: in["lead_time_sd"], ServiceLevel: in["csl"],
			}, replenish.Position{})
			if err != nil || !near(d.SigmaDL, want.SigmaDL) || !near(d.SafetyStock, want.SS) || !near(d.ReorderPoint, want.ROP) {
				t.Errorf("%s: %+v, %v; want %+v", v.ID, d, err, want)
			}
			compared++
		}
	}
	t.Logf("%d of %d vectors compared", compared, len(file.Vectors))
	if compared < 10 {
		t.Errorf("only %d vectors were compared", compared)
	}
}

func vectors(t *testing.T) []byte {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if b, err := os.ReadFile(filepath.Join(dir, "../shared/data/inventory/safety_stock.json")); err == nil {
			return b
		}
	}
	t.Skip("recorded vectors are not here")
	return nil
}
