package reconcile

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Count asks for a cycle count of a location by its own readers: after For of reader-alive time, what was at the location and
// was not read counts as unseen at once, instead of after the place's usual time. An ID that was asked for already changes
// nothing.
type Count struct {
	ID       string
	Location string
	For      time.Duration // of reader-alive time; 0 = CountFor
}

// CountFor is how long a count lasts where nobody says: long enough for a reader to inventory a full bay several times.
const CountFor = 30 * time.Second

// countLimit is after how many times its length a count is given up, because the location's readers were not alive.
const countLimit = 10

// Counted is the end of a count.
type Counted struct {
	ID, Location string
	From, To     time.Time
	// Complete: the readers were alive for the whole of it. Nothing is concluded from a count that is not.
	Complete bool
	Found    uint32 // tags that were read
	Missing  []devices.Tag
	Refused  string // why there was no count; "" where there was one
}

// counting is a count at work.
type counting struct {
	Count
	From  instant
	Cover time.Duration // the place's when it began
	place int32
}

// anew is the Cover of a count that begins with the next tick.
const anew = -1

// count begins a count.
func (m *Machine) count(c *Count, now instant) {
	m.advance(now)
	if slices.ContainsFunc(m.counts, func(k counting) bool { return k.ID == c.ID }) {
		return
	}
	i, ok := m.plan.PlaceOf(c.Location)
	if !ok || m.plan.Places[i].Devices == nil {
		m.tell(Event{Counted: &Counted{
			ID: c.ID, Location: c.Location, From: now.time(), To: now.time(), Refused: "no reader of this gateway looks at the location",
		}})
		return
	}
	k := counting{Count: *c, From: now, Cover: m.places[i].cover, place: int32(i)}
	if k.For <= 0 {
		k.For = CountFor
	}
	m.counts, m.countsDirty = append(m.counts, k), true
}

// finishCounts ends the counts that have lasted long enough.
func (m *Machine) finishCounts(now instant) {
	for i := 0; i < len(m.counts); {
		if k := &m.counts[i]; k.Cover == anew {
			k.Cover = m.places[k.place].cover
		}
		k := m.counts[i]
		done := m.places[k.place].cover-k.Cover >= k.For
		if !done && now.sub(k.From) < countLimit*k.For {
			i++
			continue
		}
		m.counts, m.countsDirty = slices.Delete(m.counts, i, i+1), true
		m.counted(&k, done, now)
	}
}

// counted tells the end of a count, after what it found missing.
func (m *Machine) counted(k *counting, complete bool, now instant) {
	out := Counted{ID: k.ID, Location: k.Location, From: k.From.time(), To: now.time(), Complete: complete}
	var lost []int32
	for s := m.places[k.place].here.head; s != none; s = m.tags[s].next {
		if m.tags[s].last >= k.From {
			out.Found++
		} else if complete {
			lost = append(lost, s)
		}
	}
	slices.SortFunc(lost, func(a, b int32) int { return compareTags(&m.tags[a], &m.tags[b]) })
	for _, s := range lost {
		out.Missing = append(out.Missing, m.tags[s].id)
		m.lose(s, now)
	}
	m.tell(Event{Counted: &out})
}

// encodeCounts writes the counts at work; nil where there are none.
func (m *Machine) encodeCounts() []byte {
	if len(m.counts) == 0 {
		return nil
	}
	b, err := json.Marshal(m.counts)
	if err != nil { // they hold texts and numbers
		return nil
	}
	return b
}

// loadCounts takes counts back; those of places that were taken out of the configuration are gone. Their time begins anew,
// because nobody listened meanwhile.
func (m *Machine) loadCounts(d *decoder) {
	var list []counting
	if err := json.Unmarshal(d.b, &list); err != nil {
		d.fail(err.Error())
		return
	}
	for _, k := range list {
		if i, ok := m.plan.PlaceOf(k.Location); ok {
			k.place, k.Cover = int32(i), anew
			m.counts = append(m.counts, k)
		}
	}
}
