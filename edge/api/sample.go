package api

import (
	"net/http"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/recording"
)

// sample is the newest value of one channel.
type sample struct {
	Key      string    `json:"key"` // device, channel and quantity, as parameter after takes it
	Device   string    `json:"device"`
	Channel  string    `json:"channel"` // which probe of the device; "" where there is one
	Location string    `json:"location"`
	Quantity string    `json:"quantity"`
	Unit     string    `json:"unit"`
	Value    *float64  `json:"value"`   // null where there is none
	Quality  string    `json:"quality"` // good, sentinel, out_of_range, no_data, stuck or clock_unsynced
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
	Age      float64   `json:"age_s"`
	Trend    []span    `json:"trend"` // of the last hour; spans in which nothing was measured are missing
}

// span is what was measured in 30 seconds.
type span struct {
	At   time.Time `json:"at"` // its begin
	Low  float64   `json:"low"`
	High float64   `json:"high"`
}

// samples answers with the newest value of every channel, in pages.
func (s *Server) samples(r *http.Request) (list[sample], error) {
	after, limit, err := pageAsked(r)
	if err != nil {
		return list[sample]{}, err
	}
	return pageOf(s.sampleList(), after, limit, func(v sample) string { return v.Key }), nil
}

func (s *Server) sampleList() []sample {
	if s.Recording == nil {
		return nil
	}
	places := map[string]string{}
	for _, d := range s.Devices.Snapshot() {
		places[d.ID] = d.Location
	}
	now := s.Now()
	var out []sample
	for _, l := range s.Recording.Latest() {
		v := sampleOf(l, now)
		v.Location = places[v.Device]
		out = append(out, v)
	}
	return sortedBy(out, func(v sample) string { return v.Key })
}

func sampleOf(l recording.Latest, now time.Time) sample {
	v := sample{
		Key: l.Device + "/" + l.Channel + "/" + l.Quantity.String(), Device: l.Device, Channel: l.Channel, Quantity: l.Quantity.String(),
		Unit: l.Quantity.Symbol(), Quality: l.Quality.String(), Reason: l.Reason, At: l.HostTime.UTC(),
		Age: max(0, now.Sub(l.HostTime).Seconds()), Trend: make([]span, 0, len(l.Trend)),
	}
	v.Value = number(l.Quality != devices.NoData, l.Value)
	for _, t := range l.Trend {
		v.Trend = append(v.Trend, span{t.From.UTC(), t.Low.Float(), t.High.Float()})
	}
	return v
}
