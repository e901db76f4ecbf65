package valuation

import "slices"

// Folded is what events came to.
type Folded struct {
	Entries []Entry
	End     State
	Marks   []State // on the way, for a later Fold to begin with
}

// Fold goes on from a state with the events after it, in their order. What a reversal among them takes back is among them
// too, if it is known at all and comes before the reversal. What was said of a line's cost counts from the line on. Marks are so many events apart, and further where there is much
// in a state; there is one after each reversal. Errors: fault.Invalid where an event cannot be valued.
func Fold(base State, events []Event, apart int) (Folded, error) {
	f := &fold{events: events, state: base.clone(), apart: apart, starts: make([]int, 0, len(events))}
	for _, k := range base.Early {
		f.leaveOut(k, taken)
	}
	f.listen()
	f.marks = []mark{{0, base}}
	for i := 0; i < len(events); {
		for len(f.starts) <= i {
			f.starts = append(f.starts, len(f.entries))
		}
		next, err := f.next(i)
		if err != nil {
			return Folded{}, err
		}
		i = next
	}
	out := Folded{Entries: f.writer.entries, End: f.state}
	for _, m := range f.marks[1:] {
		out.Marks = append(out.Marks, m.state)
	}
	return out, nil
}

// fold is a Fold on its way.
type fold struct {
	writer
	events []Event
	state  State
	apart  int   // how many events apart marks are
	starts []int // where the entries of each event begin
	marks  []mark
	index  map[Key]int   // of events, once it is needed
	out    map[Key]why   // events that no longer count
	said   map[Key]int64 // what lines are worth, as was said later
	backs  []back
}

// mark is the state before an event.
type mark struct {
	next  int
	state State
}

// back is a group of reversals with the first event that it takes back.
type back struct{ at, target int }

// why an event does not count.
type why uint8

const (
	taken why = iota + 1 // it was taken back
	takes                // it took something back
)

func (f *fold) leaveOut(k Key, w why) {
	if f.out == nil {
		f.out = map[Key]why{}
	}
	f.out[k] = w
}

// listen notes what was said of costs; of a line the last word counts.
func (f *fold) listen() {
	for i := range f.events {
		if e := &f.events[i]; e.Costs.Movement != "" {
			if f.said == nil {
				f.said = map[Key]int64{}
			}
			f.said[e.Costs.Key] = e.Value
		}
	}
}

// step does an event for what is known of it.
func (f *fold) step(e *Event) error {
	if v, ok := f.said[e.Key]; ok {
		told := *e
		told.Value, told.said = v, true
		e = &told
	}
	return f.state.step(e, &f.writer)
}

// next does the event at i and gives the index of the one to do after it.
func (f *fold) next(i int) (int, error) {
	e := &f.events[i]
	switch first, end := f.reversed(i); {
	case end > i:
		return end, f.takeBack(i, end, first)
	case e.Costs.Movement != "":
		f.state.At = e.Moment
	case e.reversal() && e.early():
		f.state.At = e.Moment
		f.leaveOut(e.Key, takes)
		f.leaveOut(e.Reverses.Key, taken)
		f.state.Early = append(f.state.Early, e.Reverses.Key)
	case f.out[e.Key] == taken: // by a reversal that came early
		f.state.At = e.Moment
		f.state.Early = slices.DeleteFunc(f.state.Early, func(k Key) bool { return k == e.Key })
	default:
		if err := f.step(e); err != nil {
			return 0, err
		}
	}
	if f.state.Since++; f.state.Since >= max(f.apart, f.state.Size()) {
		f.mark(i + 1)
	}
	return i + 1, nil
}

func (f *fold) mark(next int) {
	f.state.Since = 0
	f.marks = append(f.marks, mark{next, f.state.clone()})
}

// reversed gives the end of a run of lines, from i on, by which one movement takes back lines that are known, and the first
// of those; i where the event at i is none of this kind. A reversal of what is not known is a flow like others.
func (f *fold) reversed(i int) (first, end int) {
	first = i
	for end = i; end < len(f.events) && f.events[end].Movement == f.events[i].Movement; end++ {
		e := &f.events[end]
		if !e.reversal() || e.early() {
			break
		}
		target, known := f.find(e.Reverses.Key)
		if !known || target >= i {
			break
		}
		first = min(first, target)
	}
	return first, end
}

func (f *fold) find(k Key) (int, bool) {
	if f.index == nil {
		f.index = make(map[Key]int, len(f.events))
		for i := range f.events {
			f.index[f.events[i].Key] = i
		}
	}
	i, ok := f.index[k]
	return i, ok
}

// takeBack leaves the reversals from i to end out, with what they take back: it folds again without them, from before the
// first of them, and what differs from the entries so far is the entries of the reversal.
func (f *fold) takeBack(i, end, first int) error {
	from := f.before(first)
	f.backs = append(f.backs, back{i, first})
	by := map[Key]Key{}
	for _, e := range f.events[i:end] {
		by[e.Reverses.Key] = e.Key
		f.leaveOut(e.Reverses.Key, taken)
		f.leaveOut(e.Key, takes)
	}
	diff := differences{tally{}, f.events[i].Moment}
	for _, e := range f.entries[f.starts[from.next]:] {
		if r, ok := by[e.Of]; ok {
			diff.giveBack(e, r)
		}
		if f.counts(&e) {
			diff.add(e, -1)
		}
	}
	again := fold{events: f.events[from.next:i], state: from.state.clone(), out: f.out, said: f.said}
	if err := again.flows(); err != nil {
		return err
	}
	for _, e := range again.entries {
		diff.add(e, 1)
	}
	f.entries = append(f.entries, diff.sorted()...)
	for area := range f.state.Pools {
		again.state.pool(area) // though nothing was ever there
	}
	again.state.Early, again.state.At = f.state.Early, f.events[end-1].Moment
	f.state = again.state
	f.mark(end)
	return nil
}

// flows does the events that count, in which nothing is taken back any more.
func (f *fold) flows() error {
	for i := range f.events {
		if e := &f.events[i]; f.out[e.Key] == 0 && e.Costs.Movement == "" {
			if err := f.step(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// counts reports whether a reversal that is done now may change what an entry says. What was taken back and what did so
// stay as they were, but for the layers that were used by it.
func (f *fold) counts(e *Entry) bool {
	switch f.out[e.Of] {
	case takes:
		return false
	case taken:
		return e.Book == Uses
	}
	return true
}

// before finds the newest state that can be folded on from without the events from first on: none that a reversal between
// it and now took back came before it.
func (f *fold) before(first int) mark {
	for _, m := range slices.Backward(f.marks) {
		open := func(b back) bool { return b.at >= m.next && b.target < m.next }
		if m.next <= first && !slices.ContainsFunc(f.backs, open) {
			return m
		}
	}
	return f.marks[0]
}

// differences are the entries of a reversal.
type differences struct {
	tally
	step Moment
}

func (d differences) add(e Entry, sign int64) {
	e.Step, e.At = d.step.Key, d.step.At
	d.tally.add(e, sign)
}

// giveBack gives back what a line brought or cost; a layer is used up by what takes it back.
func (d differences) giveBack(e Entry, by Key) {
	switch of := e.Of; e.Book {
	case Stock:
		e.Of = by
		d.add(e, -1)
	case Layers:
		e.Book, e.Of, e.Layer = Uses, by, of
		d.add(e, 1)
	}
}
