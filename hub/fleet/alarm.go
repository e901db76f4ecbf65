package fleet

import "time"

// Alarm is one occurrence of an alarm, from raise to normal.
type Alarm struct {
	ID           string     `json:"id"`
	Edge         string     `json:"edge"`
	Rule         string     `json:"rule"`
	Source       string     `json:"source"`
	Location     string     `json:"location"`
	Class        string     `json:"class"` // cold_chain, device, store, door
	Priority     uint8      `json:"priority"`
	State        string     `json:"state"` // names of devices/alarm
	RaisedAt     time.Time  `json:"raised_at"`
	ReturnedAt   *time.Time `json:"returned_at"`
	AckedAt      *time.Time `json:"acked_at"`
	AckedBy      string     `json:"acked_by"`
	Comment      string     `json:"comment"`
	Quantity     string     `json:"quantity"` // "" where no value is behind it
	Unit         string     `json:"unit"`
	Value        *float64   `json:"value"` // when it was raised
	Now          *float64   `json:"now"`   // the source's latest
	Limit        *float64   `json:"limit"`
	Reason       string     `json:"reason"` // high, low, no_data, sentinel, device_down, …
	ShelvedUntil *time.Time `json:"shelved_until"`
	ShelvedBy    string     `json:"shelved_by"`
	ShelveReason string     `json:"shelve_reason"`
	Pending      string     `json:"pending"` // what was asked, such as acknowledge, that the edge has not confirmed yet; else ""
	UpdatedAt    time.Time  `json:"updated_at"`
}

// AlarmEvent is one transition in an alarm's life.
type AlarmEvent struct {
	At      time.Time `json:"at"`
	Action  string    `json:"action"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Actor   string    `json:"actor"`
	Comment string    `json:"comment"`
	Value   *float64  `json:"value"`
}

// AlarmFilter chooses alarms.
type AlarmFilter struct {
	State  string // active (unacked, acked, rtn_unacked, latched), shelved, rtn, all; "" = active
	Site   string // only of its edges; "" = of all
	Before string // cursor: what the page before gave as next; "" = from the top
	Limit  int    // 1 to 500; 0 = 100
}
