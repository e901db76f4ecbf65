package planner

import (
	"time"

	"github.com/tallydock/tallydock/hub/forecast"
	"github.com/tallydock/tallydock/hub/replenish"
)

// Explain has every figure that led to a proposal; the formulas are those of package replenish.
type Explain struct {
	OnHand       int64           `json:"on_hand"`
	OnOrder      int64           `json:"on_order"`
	Backordered  int64           `json:"backordered"`
	Position     int64           `json:"position"`
	DemandClass  forecast.Class  `json:"demand_class"`
	Method       forecast.Method `json:"method"`
	Alpha        float64         `json:"alpha"`
	MeanDaily    float64         `json:"mean_daily"`
	ErrorDailySD float64         `json:"error_daily_sd"`
	ErrorBasis   forecast.Basis  `json:"error_basis"`
	HistoryDays  int             `json:"history_days"`
	LeadTime     float64         `json:"lead_time_days"`
	LeadTimeSD   float64         `json:"lead_time_sd_days"`
	ReviewDays   float64         `json:"review_days"`
	ServiceLevel float64         `json:"service_level"`
	Z            float64         `json:"z"`
	SigmaDL      float64         `json:"sigma_dl"`
	SafetyStock  float64         `json:"safety_stock"`
	ReorderPoint float64         `json:"reorder_point"`
	OrderUpTo    float64         `json:"order_up_to"`
	MOQ          int64           `json:"moq"`
	PackMultiple int64           `json:"pack_multiple"`
	CoverDays    float64         `json:"cover_days"`
	Forecast     []Day           `json:"forecast"` // the next 28 days
	Demand       []Past          `json:"demand"`   // the last 56 days
}

// Day is the forecast of one day, with the band between the 10 % and the 90 % quantile.
type Day struct {
	Day  string  `json:"day"`
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Past is the demand of one day.
type Past struct {
	Day      string  `json:"day"`
	Quantity float64 `json:"quantity"`
}

const (
	shownForecast = 28
	shownDemand   = 56
)

func explain(in Input, t replenish.Terms, f forecast.Forecast, d replenish.Decision, now time.Time) Explain {
	e := Explain{
		OnHand: in.Position.OnHand, OnOrder: in.Position.OnOrder, Backordered: in.Position.Backordered,
		Position: in.Position.Total(), DemandClass: f.Class, Method: f.Method, Alpha: f.Alpha, MeanDaily: f.Mean,
		ErrorDailySD: f.SD, ErrorBasis: f.Basis, HistoryDays: f.Days, LeadTime: t.LeadTime, LeadTimeSD: t.LeadTimeSD,
		ReviewDays: t.ReviewDays, ServiceLevel: t.ServiceLevel, Z: d.Z, SigmaDL: d.SigmaDL, SafetyStock: d.SafetyStock,
		ReorderPoint: d.ReorderPoint, OrderUpTo: d.OrderUpTo, MOQ: t.MOQ, PackMultiple: max(1, t.PackMultiple),
		CoverDays: d.CoverDays, Forecast: make([]Day, 0, shownForecast), Demand: make([]Past, 0, shownDemand),
	}
	low, high := f.Quantile(0.1), f.Quantile(0.9)
	for i := range shownForecast {
		e.Forecast = append(e.Forecast, Day{now.UTC().AddDate(0, 0, i).Format(time.DateOnly), f.Mean, low, high})
	}
	shown := in.Demand[max(0, len(in.Demand)-shownDemand):]
	for i, q := range shown {
		day := in.LastDay.AddDate(0, 0, i-len(shown)+1)
		e.Demand = append(e.Demand, Past{day.Format(time.DateOnly), q})
	}
	return e
}
