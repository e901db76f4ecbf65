package output

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// Door is a door's light: which outputs are on for what it shows. An output may stand in several lists.
type Door struct {
	ID         string
	OK         []string // all that was read is on the list, which is complete
	Missing    []string // all that was read is on the list, which lacks more
	Unexpected []string // something was read that is not on the list
	Reading    []string // a pass is open
	Hold       time.Duration
}

// Lights decides what the doors' lights show: while something is in a door the verdict on what was read so far, and after
// it, for Hold, the verdict on what passed. Time is business time. It is for one goroutine.
type Lights struct {
	doors []*light
	want  func(by, name string, on bool, why string)
}

// light is a door's light at work.
type light struct {
	Door
	open   []string // passes
	signal reconcile.Signal
	until  time.Time // when signal ends; zero while something is in the door
	on     []string
}

// maxOpen bounds the passes that one door remembers as open.
const maxOpen = 64

// NewLights makes Lights that say what they want to want, by door.
func NewLights(doors []Door, want func(by, name string, on bool, why string)) *Lights {
	l := &Lights{want: want}
	for _, d := range doors {
		l.doors = append(l.doors, &light{Door: d})
	}
	return l
}

// Pass hears of a pass that opened or closed.
func (l *Lights) Pass(p *wire.Pass, _ time.Time) {
	d := l.door(p.Door)
	if d == nil {
		return
	}
	if p.Closed.IsZero() {
		d.enter(p.ID)
	} else {
		d.open = slices.DeleteFunc(d.open, func(id string) bool { return id == p.ID })
		if len(d.open) == 0 && d.until.IsZero() {
			d.signal = ""
		}
	}
	l.show(d)
}

// enter opens a pass. What is held of the one before ends.
func (d *light) enter(pass string) {
	if slices.Contains(d.open, pass) {
		return
	}
	if len(d.open) >= maxOpen {
		d.open = slices.Delete(d.open, 0, 1)
	}
	d.open = append(d.open, pass)
	if !d.until.IsZero() {
		d.signal, d.until = "", time.Time{}
	}
}

// Verdict hears a verdict.
func (l *Lights) Verdict(v *reconcile.Verdict, now time.Time) {
	d := l.door(v.Door)
	if d == nil {
		return
	}
	if v.Final {
		d.signal, d.until = v.Signal, now.Add(d.Hold)
	} else {
		d.enter(v.Pass)
		d.signal, d.until = v.Signal, time.Time{}
	}
	l.show(d)
}

// Tick ends what was held long enough.
func (l *Lights) Tick(now time.Time) {
	for _, d := range l.doors {
		if !d.until.IsZero() && !now.Before(d.until) {
			d.signal, d.until = "", time.Time{}
			l.show(d)
		}
	}
}

func (l *Lights) door(id string) *light {
	i := slices.IndexFunc(l.doors, func(d *light) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return l.doors[i]
}

// show says what changed.
func (l *Lights) show(d *light) {
	on := d.lit()
	for _, name := range d.on {
		if !slices.Contains(on, name) {
			l.want("door "+d.ID, name, false, "")
		}
	}
	for _, name := range on {
		if !slices.Contains(d.on, name) {
			l.want("door "+d.ID, name, true, "door "+d.ID+" shows "+d.word())
		}
	}
	d.on = on
}

func (d *light) lit() []string {
	on := slices.Clone(map[reconcile.Signal][]string{
		reconcile.SignalOK: d.OK, reconcile.SignalMissing: d.Missing, reconcile.SignalUnexpected: d.Unexpected,
	}[d.signal])
	if len(d.open) > 0 {
		on = append(on, d.Reading...)
	}
	return on
}

func (d *light) word() string {
	if d.signal == "" {
		return "that it reads"
	}
	return string(d.signal)
}
