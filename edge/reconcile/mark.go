package reconcile

import "math"

// A load's marks are what shows that it is one, and not goods beside the door that seem to pass: its bearings, the mean traits of the
// tags that would be in it, and these.
const (
	markOdds   = bearCount + traitCount + iota // that it went through, log odds
	markShown                                  // share of the tags that show it that were in it
	markTags                                   // logarithm of how many were
	markSince                                  // since what was told before it, quiet times
	markSurest                                 // sureness of the surest tag
	markCount
)

// MarkNames are the names of the marks, in their order.
func MarkNames() []string {
	out := append(BearingNames[:], TraitNames[:]...)
	return append(out, "odds", "share of what shows it", "logarithm of tags", "since the last load, quiet times", "surest tag")
}

// marks works out what shows that a load is one.
func (m *Machine) marks(door int, w *window, l *load, members []course) (v [markCount]float32) {
	copy(v[:], l.bearings[:])
	n, shown, surest := float32(len(members)), 0, 0.0
	for i := range members {
		c := &members[i]
		for k, x := range c.traits {
			v[bearCount+k] += x / n
		}
		if l.shows(c.number) {
			shown++
		}
		surest = max(surest, c.score)
	}
	v[markOdds] = float32(clamp(l.odds, -8, 8))
	v[markShown] = float32(float64(shown) / math.Max(float64(l.showing()), 1))
	v[markTags] = float32(math.Log(float64(n)))
	v[markSince] = far
	if w.done != 0 {
		v[markSince] = float32(clamp(l.enter.seconds(w.done)/m.plan.Doors[door].Quiet.Seconds(), -far, far))
	}
	v[markSurest] = float32(min(surest, 8))
	return v
}

// showing counts the tags that show a load.
func (l *load) showing() int {
	n := len(l.by)
	for k := range l.backers {
		if l.by[k] == nil {
			n++
		}
	}
	return n
}
