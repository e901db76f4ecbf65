// Package site is the lie of the land around a gateway: which antenna stands at which read point, and which location
// a read there speaks of.
package site

import (
	"errors"
	"fmt"
	"time"
)

// Customer is the location code that stands for "has left through a door".
const Customer = "CUSTOMER"

// Kind says what happens at a read point.
type Kind uint8

// The kinds of read points.
const (
	Shelf   Kind = 1 // goods lie there; the mobility rule decides
	Table   Kind = 2 // a pad on which a person puts a card; the first read decides
	Inside  Kind = 3 // the inner side of a door
	Outside Kind = 4 // the outer side of a door
	Middle  Kind = 5 // the door's own line: it tells that something passes, not which way
)

// Source is one antenna of one reader. Antenna 0 stands for every antenna of the reader that is not named elsewhere.
type Source struct {
	Device  string
	Antenna uint8
}

// Bay is a shelf or a table with one antenna that looks at it. A location may have several: they are one read point.
type Bay struct {
	Location    string
	Source      Source
	AbsentAfter time.Duration // reader-alive time without a read until its goods count as unseen; 0 = never
}

// Photocell is a beam across a door, or another contact that tells that something is in it, on an input of a reader or an
// I/O module.
type Photocell struct {
	Device string
	Port   uint8
	Side   Kind // Inside, Outside or Middle
	Low    bool // the beam is broken while the input is low, not high
}

// Confirm is a pad by a door: any card that is tapped there says that the last undecided pass went this way.
type Confirm struct {
	Source
	Way Way
}

// Way is a direction that a door has by its building, e.g. of a conveyor.
type Way uint8

// The ways of a door.
const (
	BothWays Way = iota
	OnlyIn
	OnlyOut
)

// Door is a portal: antennas on its inner and outer side, or in its line.
type Door struct {
	ID         string
	Location   string // where goods are that came in
	Inside     []Source
	Outside    []Source
	Middle     []Source
	Photocells []Photocell   // where there are some, a pass is what breaks a beam
	Way        Way           // of a door at which antennas and photocells cannot tell it
	Confirm    []Confirm     // pads at which a tap settles a pass that was not decided
	Quiet      time.Duration // a pass closes when nothing was read for so long
	Longest    time.Duration // a pass is closed after so long whatever is read
	MinReads   uint32        // reads of a tag below which it does not count as passing
}

// TwoSided reports whether antennas can tell the direction of a pass.
func (d *Door) TwoSided() bool { return len(d.Inside) > 0 && len(d.Outside) > 0 }

// Spec is what a configuration says of the place.
type Spec struct {
	Edge    string
	Shelves []Bay
	Tables  []Bay
	Doors   []Door
}

// Place is a location that goods can be at.
type Place struct {
	Location    string
	AbsentAfter time.Duration
	Devices     []string // readers that look at it; none for the floor behind a door
}

// Point is a read point as seen from one antenna.
type Point struct {
	Kind  Kind
	ID    string // code of the read point: the location's, or the door's
	Place int    // index into Places; of a door, the place behind it
	Door  int    // index into Doors; -1 for shelves and tables
}

// Plan finds the read point of an antenna. It is not changed after New, so it may be shared.
type Plan struct {
	Edge   string
	Places []Place
	Doors  []Door
	points map[Source]*Point
	byCode map[string]int
	cells  map[Source]Cell
	taps   map[Source]Tap
}

// Tap is what a card says that is tapped on a pad.
type Tap struct {
	Door int
	Way  Way
}

// Cell names a photocell: the door's index, and its own among the door's.
type Cell struct{ Door, Index int }

// New makes the Plan of s, or an error that names every antenna that is used twice and every shelf that is also a door's.
func New(s Spec) (*Plan, error) {
	p := &Plan{Edge: s.Edge, points: map[Source]*Point{}, byCode: map[string]int{}, cells: map[Source]Cell{}, taps: map[Source]Tap{}, Doors: s.Doors}
	var errs []error
	for _, b := range s.Shelves {
		errs = append(errs, p.bay(Shelf, b))
	}
	for _, b := range s.Tables {
		errs = append(errs, p.bay(Table, b))
	}
	for i, d := range s.Doors {
		place := p.place(d.Location, 0)
		for _, src := range d.Inside {
			errs = append(errs, p.add(src, Point{Kind: Inside, ID: d.ID, Place: place, Door: i}))
		}
		for _, src := range d.Outside {
			errs = append(errs, p.add(src, Point{Kind: Outside, ID: d.ID, Place: place, Door: i}))
		}
		for _, src := range d.Middle {
			errs = append(errs, p.add(src, Point{Kind: Middle, ID: d.ID, Place: place, Door: i}))
		}
		for j, c := range d.Photocells {
			errs = append(errs, p.addCell(c, Cell{i, j}))
		}
		for _, c := range d.Confirm {
			errs = append(errs, p.addTap(c, i))
		}
	}
	return p, errors.Join(errs...)
}

// Find gives the read point at which an antenna stands.
func (p *Plan) Find(device string, antenna uint8) (*Point, bool) {
	pt, ok := p.points[Source{device, antenna}]
	if !ok && antenna != 0 {
		pt, ok = p.points[Source{device, 0}]
	}
	return pt, ok
}

// Photocell gives the photocell that is at an input.
func (p *Plan) Photocell(device string, port uint8) (Cell, bool) {
	c, ok := p.cells[Source{device, port}]
	return c, ok
}

// Tap gives what a card on a pad says; false where the pad is none of those.
func (p *Plan) Tap(device string, antenna uint8) (Tap, bool) {
	t, ok := p.taps[Source{device, antenna}]
	if !ok {
		t, ok = p.taps[Source{device, 0}]
	}
	return t, ok
}

// PlaceOf gives the index of a location among Places.
func (p *Plan) PlaceOf(location string) (int, bool) {
	i, ok := p.byCode[location]
	return i, ok
}

// DoorDevices lists the readers of a door, each once.
func (p *Plan) DoorDevices(door int) []string {
	var out []string
	seen := map[string]bool{}
	for _, side := range [][]Source{p.Doors[door].Inside, p.Doors[door].Outside, p.Doors[door].Middle} {
		for _, s := range side {
			if !seen[s.Device] {
				seen[s.Device] = true
				out = append(out, s.Device)
			}
		}
	}
	return out
}

// LocationOf gives the location that a device looks at: of a reader with several the first, of a door's the place
// behind it; "" where it looks at none.
func (p *Plan) LocationOf(device string) string {
	for _, pl := range p.Places {
		for _, d := range pl.Devices {
			if d == device {
				return pl.Location
			}
		}
	}
	for i, d := range p.Doors {
		for _, dev := range p.DoorDevices(i) {
			if dev == device {
				return d.Location
			}
		}
	}
	return ""
}

func (p *Plan) bay(k Kind, b Bay) error {
	i := p.place(b.Location, b.AbsentAfter)
	pl := &p.Places[i]
	known := false
	for _, d := range pl.Devices {
		known = known || d == b.Source.Device
	}
	if !known {
		pl.Devices = append(pl.Devices, b.Source.Device)
	}
	return p.add(b.Source, Point{Kind: k, ID: b.Location, Place: i, Door: -1})
}

func (p *Plan) place(location string, absent time.Duration) int {
	i, ok := p.byCode[location]
	if !ok {
		i = len(p.Places)
		p.byCode[location] = i
		p.Places = append(p.Places, Place{Location: location})
	}
	p.Places[i].AbsentAfter = max(p.Places[i].AbsentAfter, absent)
	return i
}

func (p *Plan) add(src Source, pt Point) error {
	if had, twice := p.points[src]; twice {
		return fmt.Errorf("antenna %d of %s stands at %s and at %s; an antenna stands at one read point",
			src.Antenna, src.Device, had.ID, pt.ID)
	}
	p.points[src] = &pt
	return nil
}

func (p *Plan) addCell(c Photocell, at Cell) error {
	src := Source{c.Device, c.Port}
	if had, twice := p.cells[src]; twice {
		return fmt.Errorf("input %d of %s is a photocell of door %s and of door %s; an input has one", c.Port, c.Device,
			p.Doors[had.Door].ID, p.Doors[at.Door].ID)
	}
	p.cells[src] = at
	return nil
}

// Devices lists the readers that the plan knows, each once.
func (p *Plan) Devices() []string {
	var out []string
	seen := map[string]bool{}
	add := func(ids []string) {
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
	}
	for _, pl := range p.Places {
		add(pl.Devices)
	}
	for i := range p.Doors {
		add(p.DoorDevices(i))
	}
	return out
}

func (p *Plan) addTap(c Confirm, door int) error {
	if had, twice := p.taps[c.Source]; twice {
		return fmt.Errorf("pad %s confirms at door %s and at door %s; a pad confirms one thing", c.Device, p.Doors[had.Door].ID, p.Doors[door].ID)
	}
	p.taps[c.Source] = Tap{door, c.Way}
	return nil
}
