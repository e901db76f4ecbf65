package api

import (
	"net/http"
	"time"
)

// device is a reader or sensor. The fields are those of the hub's API.
type device struct {
	ID       string    `json:"id"`
	Driver   string    `json:"driver"`
	Location string    `json:"location"`
	State    string    `json:"state"`  // up, degraded or down
	Reason   string    `json:"reason"` // what is wrong and what to do; "" while up
	Since    time.Time `json:"since"`
	Reads    uint64    `json:"reads"` // reads or samples since the gateway started
	Lost     uint64    `json:"lost"`  // reports that the device says it dropped
}

func (s *Server) devices(r *http.Request) (list[device], error) {
	if err := known(r); err != nil {
		return list[device]{}, err
	}
	return listOf(s.deviceList(), ""), nil
}

func (s *Server) deviceList() []device {
	var out []device
	for _, d := range s.Devices.Snapshot() {
		out = append(out, device{
			ID: d.ID, Driver: d.Driver, Location: d.Location, State: d.State.String(), Reason: d.Reason, Since: d.Since.UTC(),
			Reads: d.Reads, Lost: d.Lost,
		})
	}
	return out
}

// uplink is the connection to the hub and what goes over it.
type uplink struct {
	Edge           string    `json:"edge"`
	Connected      bool      `json:"connected"`
	Since          time.Time `json:"since"` // machine time of the connection's last change
	Error          string    `json:"error"` // why there is none
	Epoch          uint64    `json:"epoch"`
	EpochStart     uint64    `json:"epoch_start"`
	Head           uint64    `json:"head"`  // last record that was kept
	Acked          uint64    `json:"acked"` // last record that the hub has
	Lag            uint64    `json:"lag"`   // records that the hub lacks
	SamplesHead    uint64    `json:"samples_head"`
	SamplesAcked   uint64    `json:"samples_acked"`
	SamplesThinned uint64    `json:"samples_thinned"` // given up for want of space
	Damaged        uint64    `json:"damaged"`         // records that were found damaged
	FreeBytes      int64     `json:"free_bytes"`
	NeedBytes      int64     `json:"need_bytes"` // free bytes below which intake stops
	LowSpace       bool      `json:"low_space"`
	StoreError     string    `json:"store_error"`
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
		Edge: s.Edge, Connected: l.Connected, Since: l.Since.UTC(), Error: textOf(l.Err), Epoch: p.Epoch, EpochStart: p.EpochStart,
		Head: p.Head, Acked: p.Acked, Lag: p.Head - min(p.Acked, p.Head), SamplesHead: p.SamplesHead, SamplesAcked: p.SamplesAcked,
		SamplesThinned: p.Thinned, Damaged: p.Damaged, FreeBytes: p.Free, NeedBytes: p.Need, LowSpace: p.LowSpace,
		StoreError: textOf(p.Err),
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
