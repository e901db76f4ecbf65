package fleet

import (
	"time"

	"github.com/tallydock/tallydock/hub/catalog"
)

// Pass is one crossing of a door.
type Pass struct {
	ID         string     `json:"id"`
	Edge       string     `json:"edge"`
	Door       string     `json:"door"`
	Direction  string     `json:"direction"` // in, out, turned_back, undecided; "" while open
	OpenedAt   time.Time  `json:"opened_at"`
	ClosedAt   *time.Time `json:"closed_at"`
	Tags       uint32     `json:"tags"`  // different tags seen in it
	Moved      uint32     `json:"moved"` // of them, those that it moved
	Confidence uint16     `json:"confidence_permille"`
}

// DoorState says what a door is doing.
type DoorState string

// The states of a door.
const (
	DoorIdle    DoorState = "idle"
	DoorPassing DoorState = "passing" // a pass is open
	DoorDown    DoorState = "down"    // its edge is offline or one of its readers is down
)

// Door is a portal with what passed it.
type Door struct {
	ID       string       `json:"id"`
	Edge     string       `json:"edge"`
	Location string       `json:"location"`
	Name     catalog.Text `json:"name"`
	State    DoorState    `json:"state"`
	OpenPass *Pass        `json:"open_pass"`
	Today    DoorToday    `json:"today"`
	LastPass *Pass        `json:"last_pass"` // the last one that closed
}

// DoorToday counts a door's closed passes since midnight.
type DoorToday struct {
	InPasses  int `json:"in_passes"`
	OutPasses int `json:"out_passes"`
	InTags    int `json:"in_tags"`
	OutTags   int `json:"out_tags"`
	Undecided int `json:"undecided"`
}
