package fleet

import "time"

// Edge is one gateway as the hub knows it.
type Edge struct {
	ID             string    `json:"id"`
	Site           string    `json:"site"`
	Online         bool      `json:"online"`
	SeenAt         time.Time `json:"seen_at"` // its last Status
	Software       string    `json:"software"`
	Epoch          uint64    `json:"epoch"`
	Head           uint64    `json:"head"`  // last main record that it has stored
	Acked          uint64    `json:"acked"` // last one that the hub has committed
	Lag            uint64    `json:"lag"`   // records between the two
	FreeBytes      uint64    `json:"free_bytes"`
	SamplesThinned uint64    `json:"samples_thinned"` // samples that it gave up for want of space
	ClockUnsynced  bool      `json:"clock_unsynced"`
	Devices        []Device  `json:"devices,omitzero"` // nil in events: there devices have events of their own
}

// Device is a reader or a sensor of an edge.
type Device struct {
	Edge     string    `json:"edge"`
	ID       string    `json:"id"`
	Driver   string    `json:"driver"`
	Location string    `json:"location"`
	State    string    `json:"state"` // up, degraded, down
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
	Reads    uint64    `json:"reads"` // since the edge started
	Lost     uint64    `json:"lost"`
}
