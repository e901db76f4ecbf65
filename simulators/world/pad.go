package world

import (
	"slices"
	"time"

	"github.com/tallydock/tallydock/simulators/scenario"
)

// visit is a card that is put on a pad.
type visit struct {
	tote   *good
	visits int
	broken bool // the pad was down in or shortly after it
}

// pad takes one card at a time.
type pad struct {
	scenario.Pad
	queue    []*visit
	busy     bool
	retrying bool
	settling []*visit
}

// inspect brings the next tote to a pad.
func (w *World) inspect(id string) {
	if w.over() {
		return
	}
	p := w.pads[id]
	p.queue = append(p.queue, &visit{tote: w.totes[w.tote%len(w.totes)]})
	w.tote++
	w.attend(p)
}

// attend puts the next card on the pad, when it is free and up.
func (w *World) attend(p *pad) {
	if p.busy || p.retrying || len(p.queue) == 0 {
		return
	}
	if w.down[p.ID] {
		p.retrying = true
		w.after(max(time.Second, w.pace.Wall(200*time.Millisecond)), func() {
			p.retrying = false
			w.attend(p)
		})
		return
	}
	v := p.queue[0]
	p.queue = slices.Delete(p.queue, 0, 1)
	p.busy = true
	v.broken = false
	p.settling = append(p.settling, v)
	w.card(p, v, true)
	start := w.now
	w.after(w.pace.Visit(), func() { w.visited(p, v, start) })
}

func (w *World) card(p *pad, v *visit, on bool) {
	w.out.Cards = append(w.out.Cards, Card{At: w.now, Device: p.ID, Tag: v.tote.tag, On: on})
}

func (w *World) visited(p *pad, v *visit, start time.Time) {
	w.card(p, v, false)
	v.visits++
	w.fact(Fact{Kind: VisitFact, Tag: v.tote.tag, Device: p.ID, Location: p.Location, Start: start, Repeat: v.visits - 1})
	if v.tote.place != p.Location {
		w.put(v.tote, p.Location)
	}
	w.after(w.pace.Gap(), func() {
		p.busy = false
		w.attend(p)
	})
	w.after(w.pace.Grace(), func() {
		p.settling = slices.DeleteFunc(p.settling, func(o *visit) bool { return o == v })
		if v.broken {
			p.queue = slices.Insert(p.queue, 0, v)
			w.attend(p)
		}
	})
}
