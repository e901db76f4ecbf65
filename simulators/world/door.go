package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/simulators/scenario"
)

// Direction is the way of a load through a door.
type Direction string

// The directions.
const (
	In         Direction = "in"
	Out        Direction = "out"
	TurnedBack Direction = "turned_back"
)

// load is what goes through a door together.
type load struct {
	way       Direction
	units     []*good
	turnsBack bool   // it turns back in the door before it really goes
	done      func() // what comes when the pass is settled
	passes    int
	broken    bool // a reader was down in or shortly after the pass
}

// door lets one load pass at a time.
type door struct {
	scenario.Door
	queue    []*load
	busy     bool    // a load is in it, or has just left it
	retrying bool    // waits for its readers
	settling []*load // in it, or through it less than Pace.Grace ago
}

func (w *World) addDoor(spec scenario.Door) error {
	d := &door{Door: spec}
	w.doors[d.ID] = d
	for i := range d.Strays {
		serial := uint64(len(w.doors))*1000 + uint64(i)
		tag, err := epc.EncodeSGTIN96(strayGTIN, 7, filterUnit, serial)
		if err != nil {
			return fmt.Errorf("door %s: cannot encode a stray tag: %w", d.ID, err)
		}
		w.agenda.add(w.s.Start, func() { w.fact(Fact{Kind: StrayFact, Tag: tag, Door: d.ID}) })
		w.strayReads(&good{tag: tag}, []scenario.Antenna{d.Inside, d.Outside})
	}
	return nil
}

// strayGTIN is what stray tags say that they are on; no catalogue has it.
const strayGTIN = "09529999000019"

// interrupt notes what a device that is down spoils.
func (w *World) interrupt() {
	if len(w.down) == 0 {
		return
	}
	for _, d := range w.doors {
		if w.down[d.Inside.Device] || w.down[d.Outside.Device] {
			for _, l := range d.settling {
				l.broken = true
			}
		}
	}
	for _, p := range w.pads {
		if w.down[p.ID] {
			for _, v := range p.settling {
				v.broken = true
			}
		}
	}
}

// send queues goods at a door, in loads that it can take; done is called for each load.
func (w *World) send(id string, way Direction, goods []*good, turnsBack bool, done func(*load)) {
	d := w.doors[id]
	for part := range slices.Chunk(goods, d.PassUnits) {
		l := &load{way: way, units: part, turnsBack: turnsBack}
		l.done = func() { done(l) }
		d.queue = append(d.queue, l)
	}
	w.serve(d)
}

// serve lets the next load pass, when the door is free and its readers are up.
func (w *World) serve(d *door) {
	if d.busy || d.retrying || len(d.queue) == 0 {
		return
	}
	if w.down[d.Inside.Device] || w.down[d.Outside.Device] {
		d.retrying = true
		w.after(max(time.Second, w.pace.Wall(200*time.Millisecond)), func() {
			d.retrying = false
			w.serve(d)
		})
		return
	}
	l := d.queue[0]
	d.queue = slices.Delete(d.queue, 0, 1)
	w.pass(d, l)
}

func (w *World) pass(d *door, l *load) {
	d.busy = true
	start := w.now
	if l.turnsBack {
		w.passReads(d, l, thereAndBack)
		w.after(w.pace.Pass(), func() { w.turnedBack(d, l, start) })
		return
	}
	way := track(inwards)
	if l.way == Out {
		way = outwards
	}
	l.broken = false
	d.settling = append(d.settling, l)
	w.passReads(d, l, way)
	w.after(w.pace.Pass(), func() { w.passed(d, l, start) })
}

func (w *World) turnedBack(d *door, l *load, start time.Time) {
	l.turnsBack = false
	w.passFact(d, l, TurnedBack, start, 0)
	w.leave(d)
	w.after(between(w.dice("back with "+l.units[0].tag.String()), 2*time.Minute, 4*time.Minute), func() {
		d.queue = append(d.queue, l)
		w.serve(d)
	})
}

// passed is the end of a pass. The goods are through after the first one; a repetition moves nothing.
func (w *World) passed(d *door, l *load, start time.Time) {
	l.passes++
	w.passFact(d, l, l.way, start, l.passes-1)
	if l.passes == 1 {
		for _, g := range l.units {
			w.through(d, l.way, g)
		}
	}
	w.leave(d)
	w.after(w.pace.Grace(), func() { w.settle(d, l) })
}

func (w *World) through(d *door, way Direction, g *good) {
	if way == Out {
		w.put(g, Customer)
		return
	}
	w.put(g, d.Floor)
	w.dockReads(g)
}

// leave frees the door for the next load after a gap in which a gateway can tell the two apart.
func (w *World) leave(d *door) {
	w.after(w.pace.Gap(), func() {
		d.busy = false
		w.serve(d)
	})
}

func (w *World) settle(d *door, l *load) {
	d.settling = slices.DeleteFunc(d.settling, func(o *load) bool { return o == l })
	if l.broken {
		d.queue = slices.Insert(d.queue, 0, l)
		w.serve(d)
		return
	}
	l.done()
}

func (w *World) passFact(d *door, l *load, way Direction, start time.Time, repeat int) {
	f := Fact{Kind: PassFact, Door: d.ID, Direction: way, Start: start, Repeat: repeat, Tags: []devices.Tag{}}
	for _, g := range l.units {
		if g.unreadable {
			f.Unseen = append(f.Unseen, g.tag)
		} else {
			f.Tags = append(f.Tags, g.tag)
		}
	}
	w.fact(f)
}
