package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/site"
)

// device is a reader or sensor. The fields are those of the hub's API, and how much it reads just now.
type device struct {
	ID       string     `json:"id"`
	Driver   string     `json:"driver"`
	Location string     `json:"location"`
	State    string     `json:"state"`  // up, degraded or down
	Reason   string     `json:"reason"` // what is wrong and what to do; "" while up
	Since    time.Time  `json:"since"`
	Reads    uint64     `json:"reads"` // reads or samples since the gateway started
	Lost     uint64     `json:"lost"`  // reports that the device says it dropped
	LastRead *time.Time `json:"last_read"`
	Antennas []antenna  `json:"antennas"` // that have a read point, or have read something
}

// antenna is one antenna of a reader.
type antenna struct {
	Antenna  uint8      `json:"antenna"`
	Point    string     `json:"point"`     // location or door; "" where the configuration does not know it
	Side     string     `json:"side"`      // shelf, table, inside, outside or middle; "" where there is no point
	Reads    uint64     `json:"reads"`     // since the gateway started
	Second   float64    `json:"rate_1s"`   // reads in the last second
	Minute   float64    `json:"rate_60s"`  // reads a second over the last minute
	LastRead *time.Time `json:"last_read"` // null = none since the gateway started
}

func (s *Server) devices(r *http.Request) (list[device], error) {
	if err := known(r); err != nil {
		return list[device]{}, err
	}
	return listOf(s.deviceList(), ""), nil
}

func (s *Server) deviceList() []device {
	rates := map[string][]recording.Rate{}
	if s.Recording != nil {
		for _, r := range s.Recording.Rates() {
			rates[r.Device] = append(rates[r.Device], r)
		}
	}
	var out []device
	for _, d := range s.Devices.Snapshot() {
		v := device{
			ID: d.ID, Driver: d.Driver, Location: d.Location, State: d.State.String(), Reason: d.Reason, Since: d.Since.UTC(),
			Reads: d.Reads, Lost: d.Lost, Antennas: s.antennaList(d.ID, rates[d.ID]),
		}
		for i := range v.Antennas {
			if at := v.Antennas[i].LastRead; at != nil && (v.LastRead == nil || at.After(*v.LastRead)) {
				v.LastRead = at
			}
		}
		out = append(out, v)
	}
	return out
}

// antennaList joins the antennas that have a read point with those that have read something.
func (s *Server) antennaList(id string, rates []recording.Rate) []antenna {
	list := make([]antenna, 0, len(rates))
	for _, r := range rates {
		at := r.Last
		list = append(list, antenna{Antenna: r.Antenna, Reads: r.Reads, Second: r.Second, Minute: r.Minute, LastRead: &at})
	}
	for _, n := range s.antennas[id] {
		if n == 0 && len(rates) > 0 {
			continue // it stands for all that are not named
		}
		if !slices.ContainsFunc(list, func(a antenna) bool { return a.Antenna == n }) {
			list = append(list, antenna{Antenna: n})
		}
	}
	slices.SortFunc(list, func(a, b antenna) int { return cmp.Compare(a.Antenna, b.Antenna) })
	for i := range list {
		if p, ok := s.Plan.Find(id, list[i].Antenna); ok {
			list[i].Point, list[i].Side = p.ID, sideNames[p.Kind]
		}
	}
	return list
}

var sideNames = map[site.Kind]string{
	site.Shelf: "shelf", site.Table: "table", site.Inside: "inside", site.Outside: "outside", site.Middle: "middle",
}

// antennasOf lists the antennas of a device that have a read point of their own; 0 stands for the others.
func antennasOf(plan *site.Plan, id string) []uint8 {
	var out []uint8
	others, _ := plan.Find(id, 0)
	if others != nil {
		out = append(out, 0)
	}
	for n := uint8(1); n != 0; n++ {
		if p, ok := plan.Find(id, n); ok && p != others {
			out = append(out, n)
		}
	}
	return out
}

// uplink is the connection to the hub and what goes over it.
type uplink struct {
	Edge           string     `json:"edge"`
	Connected      bool       `json:"connected"`
	Since          time.Time  `json:"since"`    // machine time of the connection's last change
	Error          string     `json:"error"`    // why there is none
	AckedAt        *time.Time `json:"acked_at"` // when the hub last said what it has, machine time; null = not known
	Epoch          uint64     `json:"epoch"`
	EpochStart     uint64     `json:"epoch_start"`
	Head           uint64     `json:"head"`  // last record that was kept
	Acked          uint64     `json:"acked"` // last record that the hub has
	Lag            uint64     `json:"lag"`   // records that the hub lacks
	SamplesHead    uint64     `json:"samples_head"`
	SamplesAcked   uint64     `json:"samples_acked"`
	SamplesThinned uint64     `json:"samples_thinned"` // given up for want of space
	Damaged        uint64     `json:"damaged"`         // records that were found damaged
	FreeBytes      int64      `json:"free_bytes"`
	NeedBytes      int64      `json:"need_bytes"` // free bytes below which intake stops
	LowSpace       bool       `json:"low_space"`
	StoreError     string     `json:"store_error"`
}

func (s *Server) uplink(r *http.Request) (uplink, error) {
	if err := known(r); err != nil {
		return uplink{}, err
	}
	return s.uplinkNow(), nil
}

func (s *Server) uplinkNow() uplink {
	l, p := s.Hub(), s.Outbox.Position()
	return uplink{
		AckedAt: timeOf(l.AckedAt),
		Edge:    s.Edge, Connected: l.Connected, Since: l.Since.UTC(), Error: textOf(l.Err), Epoch: p.Epoch, EpochStart: p.EpochStart,
		Head: p.Head, Acked: p.Acked, Lag: p.Head - min(p.Acked, p.Head), SamplesHead: p.SamplesHead, SamplesAcked: p.SamplesAcked,
		SamplesThinned: p.Thinned, Damaged: p.Damaged, FreeBytes: p.Free, NeedBytes: p.Need, LowSpace: p.LowSpace,
		StoreError: textOf(p.Err),
	}
}

// timeOf is a moment of which nothing may be known.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
