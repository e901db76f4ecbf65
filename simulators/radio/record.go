package radio

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Read is one report of a tag by an antenna.
type Read struct {
	At         time.Time // of the reader's clock, to the microsecond
	Reader     string    // dock1, dock2, …
	Antenna    uint8     // 1 and 3 inside, 2 and 4 outside
	Tag        devices.Tag
	RSSI       unit.DBm // in steps of 0.5 dB
	Phase      unit.Phase
	ChannelKHz uint32
}

// Edge is a change of a photocell on a reader's input.
type Edge struct {
	At     time.Time
	Reader string
	GPI    uint8 // 1 is the outer beam, 2 the inner one
	High   bool  // the beam is broken
}

// Sink takes a recording, in the order of time; an error ends it.
type Sink interface {
	Read(Read) error
	Edge(Edge) error
}

// Direction is the way of a load through a door.
type Direction string

// The directions.
const (
	In         Direction = "in"
	Out        Direction = "out"
	TurnedBack Direction = "turned_back" // into the door's zone, and out of it on the same side
)

// Pass is the truth of one load in a door's zone, from its first part in it to its last.
type Pass struct {
	ID        string // p0001, …, in the order of From
	Door      string
	From, To  time.Time
	Direction Direction
	Tags      []devices.Tag
	Unread    []devices.Tag // of Tags: those of which the recording has no read at all
	Unseen    []devices.Tag // of Tags: those that the door's own reader did not read between From and To
	Setting   Setting
	Carrier   string // forklift or hand
	Ware      string // dry, mixed, liquid or metal
	Stops     int    // in the zone, beside that in which it turned back
}

// Stray is the truth of goods that stood or passed by within reach of the readers.
type Stray struct {
	Kind     string // standing: in no pass; passing: drove by a door; staged: stood before or after its pass
	Door     string // the nearest one
	From, To time.Time
	X, Y     float64 // m, where it stood; x along the wall from the first door's middle, y from the wall inwards
	Tags     []devices.Tag
}

// Truth is what really happened in a recording.
type Truth struct {
	Passes []Pass
	Strays []Stray
	Tally  Tally
}

// Tally counts what a recording has.
type Tally struct {
	Reads     int
	Edges     int
	TagPasses int // tags of all passes
	InPass    int // reads of a tag by its own door while in its pass
	Cross     int // reads of a tag in its pass by another door
	Unread    int // tags of passes with no read at all
	Unseen    int // tags of passes not read by their own door in the pass
	Lasts     time.Duration
}

// Band is what channels readers use.
type Band uint8

// The bands.
const (
	EU  Band = iota // 865.7, 866.3, 866.9 and 867.5 MHz
	FCC             // 902.75 to 927.25 MHz in steps of 0.5 MHz
)

// Options is what a recording is of, beside its setting.
type Options struct {
	Doors      int       // side by side, 1 to 8; 0 = 2
	Photocells int       // beams across each door: 0, 1 (the outer one) or 2
	Band       Band      //
	Start      time.Time // zero = 2026-01-02 03:00 UTC
	// Inventory sets how the readers inventory: s0, s1, s2 (one target) or s0-dual, s1-dual, s2-dual. "" = as the setting
	// draws it.
	Inventory string
}

// Record makes a recording with so many passes, and tells what really happened in it.
func Record(setting Setting, passes int, seed uint64, o Options, sink Sink) (Truth, error) {
	if err := o.Check(setting, passes); err != nil {
		return Truth{}, err
	}
	o = o.filled()
	var (
		truth Truth
		at    = o.Start
		names = maker{serial: seed % 1e6 * 1e5, pallet: seed % 1e4 * 1e5}
		dice  = rand.New(rand.NewPCG(seed, 0x706f_7274_616c))
	)
	for left := passes; left > 0; {
		sc, n := setting.scene(dice, left)
		s, err := newShift(sc, n, dice.Uint64(), o, at, &names)
		if err != nil {
			return Truth{}, err
		}
		if err := s.run(sink); err != nil {
			return Truth{}, err
		}
		s.tell(&truth)
		at, left = s.moment(s.ends).Add(time.Minute), left-n
	}
	truth.Tally.Lasts = at.Sub(o.Start) - time.Minute
	return truth, nil
}

const mostPasses = 9999

// Check tells what is wrong with an order for a recording, nil where nothing is.
func (o Options) Check(setting Setting, passes int) error {
	if _, err := ParseSetting(string(setting)); err != nil {
		return err
	}
	if _, err := parseInventory(o.Inventory); err != nil {
		return err
	}
	switch {
	case passes < 1 || passes > mostPasses:
		return fmt.Errorf("%d passes cannot be recorded; use 1 to %d", passes, mostPasses)
	case o.Doors < 0 || o.Doors > 8:
		return fmt.Errorf("%d doors cannot be recorded; use 1 to 8", o.Doors)
	case o.Photocells < 0 || o.Photocells > 2:
		return fmt.Errorf("%d photocells a door cannot be recorded; use 0, 1 or 2", o.Photocells)
	case o.Band > FCC:
		return fmt.Errorf("band %d is not known; use EU or FCC", o.Band)
	}
	return nil
}

// filled has the defaults in place.
func (o Options) filled() Options {
	if o.Doors == 0 {
		o.Doors = 2
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	}
	o.Start = o.Start.UTC()
	return o
}

// centre is the band's middle, in Hz.
func (b Band) centre() float64 {
	if b == FCC {
		return 915e6
	}
	return 866.6e6
}

// limit is the power that the rules permit, in dBm EIRP.
func (b Band) limit() float64 {
	if b == FCC {
		return 36
	}
	return 35.2
}

// hop gives another channel and until when it may be used: 4 s in the EU, up to 0.4 s under FCC rules.
func (b Band) hop(rng *rand.Rand, was, now float64) (channel, until float64) {
	first, step, n, stays := 865.7e6, 600e3, 4, 4.0
	if b == FCC {
		first, step, n, stays = 902.75e6, 500e3, 50, 0.2+0.2*rng.Float64()
	}
	for channel = was; channel == was; {
		channel = first + step*float64(rng.IntN(n))
	}
	return channel, now + stays
}
