package replay

import (
	"encoding/hex"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// Movement is one line of a replay's answer: one tag in one pass, or one move between places.
type Movement struct {
	T          time.Time  `json:"t"` // when it was in the door, or when the move was seen
	EPC        string     `json:"epc,omitempty"`
	UID        string     `json:"uid,omitempty"`
	ReadPoint  string     `json:"read_point"`
	Direction  string     `json:"direction,omitempty"` // in, out, turned_back or undecided; "" of a move between places
	Confidence float64    `json:"confidence"`          // 0 to 1
	Pass       string     `json:"pass,omitempty"`
	PassFrom   *time.Time `json:"pass_from,omitempty"`
	PassTo     *time.Time `json:"pass_to,omitempty"`
	From       string     `json:"from,omitempty"` // of a move between places: location codes
	To         string     `json:"to,omitempty"`
	BizStep    string     `json:"biz_step,omitempty"`
	Reads      uint32     `json:"reads,omitempty"`
	PeakRSSI   *float64   `json:"peak_rssi_dbm,omitempty"`
}

// MovementOf gives the line of an event; false where it has none: a pass has a line for each of its tags.
func MovementOf(e reconcile.Event) (Movement, bool) {
	switch {
	case e.Crossing != nil:
		c := e.Crossing
		m := Movement{
			T: c.At, ReadPoint: c.Door, Direction: string(c.Direction), Confidence: float64(c.Confidence) / 1000, Pass: c.Pass,
			PassFrom: &c.From, PassTo: &c.To, Reads: c.Reads,
		}
		m.tag(c.Tag)
		if c.PeakRSSI != 0 {
			v := float64(c.PeakRSSI) / 100
			m.PeakRSSI = &v
		}
		return m, true
	case e.Movement != nil && e.Movement.Pass == "":
		v := e.Movement
		m := Movement{
			T: v.EventTime, ReadPoint: v.ReadPoint, Confidence: float64(v.Confidence) / 1000, From: v.From, To: v.To,
			BizStep: string(v.BizStep), Reads: v.Reads,
		}
		m.tag(v.Tag)
		return m, true
	}
	return Movement{}, false
}

func (m *Movement) tag(t devices.Tag) {
	if id := hex.EncodeToString(t.Bytes()); t.Kind() == devices.TagUID {
		m.UID = id
	} else {
		m.EPC = id
	}
}
