package reconcile

import (
	"math"
	"slices"
)

// A tag's traits are what it shows beside a load: how it was heard while the load was in the door, before and after, and by whom
// else. They have no way and no absolute strength in them: dB are beside the load or the door's usual level, and times are in
// quiet times of the door.
const (
	loadWay     = iota // 1 where the load goes through, 0 where it turns back
	loadCrossed        // tags that crossed the door with it
	loadBacked         // tags that came with it and went back
	loadSure           // how sure its way is
	loadShown          // how much shows it
	loadLevel          // dB over the door's usual level
	loadLength         // in the door
	loadGated          // beams were broken
	loadHeard          // tags heard while it was in the door
	tagReads           // while the load was in the door
	tagLess            // of these, at the side that made fewer
	tagOwn             // share of these that no other door heard better
	tagLevel           // highest then, dB beside the load's
	tagUsual           // the same beside the door's usual level
	tagLike            // how much its course is like the load's, log odds
	tagAhead           // share of its power when and where it should be
	tagCrossed         // how surely it crossed the door; 0 where it did not
	tagAlong           // 1 where it crossed as the load did, -1 where the other way
	tagBacked          // it came with the load and went back
	tagPart            // share of its power in the window
	tagMore            // dB by which it was stronger at another time
	tagRise            // of its level, dB
	tagAll             // reads in the window
	tagSpan            // from its first to its last
	tagCentre          // of its power in time, from the load's middle
	tagSpread          // of its power in time
	tagOrder           // by how much later the side that should be second heard it
	tagBalance         // of the two sides, dB
	tagShare           // of all that was heard then
	tagEarly           // its first read, beside the load's coming
	tagLate            // its last read, beside the load's leaving
	tagBefore          // reads well before the load
	tagAfter           // and well after
	tagOver            // dB by which it was weaker before
	tagUnder           // and after
	tagStill           // pairs of reads whose phases are those of a tag at rest
	tagThere           // it is already where the load goes, or where one that turned back did not come from
	tagDue             // it is where the load comes from
	tagTold            // since its last pass
	tagRival           // dB by which this door heard it better than the best of the others
	tagSooner          // its first read, beside those of the tags that show the load
	tagLater           // its last
	tagBehind          // the middle of its power in time
	tagWider           // the spread of that
	tagKnown           // logarithm of its reads before
	tagFore            // share of its reads before at the side where the load goes, or which one that turned back did not come from
	tagAft             // share of its reads after at the side where it came from, or which one that turned back did not come from
	loadShows          // share of the tags heard then that show it
	loadAmong          // share that were well heard before and after as well
	loadOthers         // share that another door heard better
	tagRank            // share that were weaker than the tag
	traitCount
)

// TraitNames are the traits in words, in their order.
var TraitNames = [traitCount]string{
	loadWay:     "load goes through",
	loadCrossed: "tags that crossed",
	loadBacked:  "tags that went back",
	loadSure:    "sureness of the load's way",
	loadShown:   "weight of the load",
	loadLevel:   "load's level, dB",
	loadLength:  "load's stay, quiet times",
	loadGated:   "beams broken",
	loadHeard:   "tags heard",
	tagReads:    "reads in the door",
	tagLess:     "reads by the side that heard it less",
	tagOwn:      "share of reads that no other door heard better",
	tagLevel:    "level beside the load's, dB",
	tagUsual:    "level beside the door's usual, dB",
	tagLike:     "likeness of its course",
	tagAhead:    "share of power at the right side in time",
	tagCrossed:  "sureness of its crossing",
	tagAlong:    "crossed as the load did",
	tagBacked:   "came and went with the load",
	tagPart:     "share of its power in the door",
	tagMore:     "stronger at another time, dB",
	tagRise:     "rise of its level, dB",
	tagAll:      "reads in all",
	tagSpan:     "heard for, quiet times",
	tagCentre:   "middle of its power off the load's, quiet times",
	tagSpread:   "spread of its power, quiet times",
	tagOrder:    "order of the sides, quiet times",
	tagBalance:  "difference of the sides, dB",
	tagShare:    "share of all that was heard",
	tagEarly:    "first read beside the load's coming, quiet times",
	tagLate:     "last read beside the load's leaving, quiet times",
	tagBefore:   "reads before",
	tagAfter:    "reads after",
	tagOver:     "stronger than before, dB",
	tagUnder:    "stronger than after, dB",
	tagStill:    "phases at rest",
	tagThere:    "was already where the load went",
	tagDue:      "was where the load came from",
	tagTold:     "since its last pass, quiet times",
	tagRival:    "stronger here than at another door, dB",
	tagSooner:   "first read beside the others', quiet times",
	tagLater:    "last read beside the others', quiet times",
	tagBehind:   "middle of its power beside the others', quiet times",
	tagWider:    "spread of its power beside the others', quiet times",
	tagKnown:    "reads before beside the others', logarithm",
	tagFore:     "share of reads before at the side where the load went",
	tagAft:      "share of reads after at the side where it came from",
	loadShows:   "share of the tags heard that show the load",
	loadAmong:   "share of the tags heard that were heard before and after",
	loadOthers:  "share of the tags heard that another door heard better",
	tagRank:     "share of the tags heard that were weaker",
}

// wellHeard is so many reads before a load, and so many after it, from which a tag was near by all the time.
const wellHeard = 3

// far bounds times, in quiet times, and unrivalled is by how many dB a door hears better what another did not hear.
const (
	far        = 30.0
	unrivalled = 30.0
)

// traits fills in what the tags of a window show beside a load.
func (m *Machine) traits(door int, w *window, f *film, l *load, list []course) {
	quiet := m.plan.Doors[door].Quiet
	usual := m.doors[door].usual()
	if math.IsInf(usual, -1) {
		usual = l.level
	}
	rivals := m.rivals(door, l)
	rival := func(c *course) float64 {
		if power, ok := m.tags[c.slot].byOther(int32(door)); ok && math.Abs(l.from.seconds(m.tags[c.slot].moved)) < quiet.Seconds() {
			return max(rivals[c.slot], power)
		}
		return rivals[c.slot]
	}
	heard, all, shows, among, others := 0.0, 0.0, 0.0, 0.0, 0.0
	var powers []float64
	for i := range list {
		if c := &list[i]; c.inReads() > 0 {
			heard++
			all += math.Sqrt(c.energy)
			shows += indicator(l.shows(c.number))
			among += indicator(min(c.before.reads, c.after.reads) >= wellHeard)
			others += indicator(rival(c) > c.energy)
			powers = append(powers, c.energy)
		}
	}
	slices.Sort(powers)
	fore, aft := l.unlikely()
	units := func(at, since instant) float64 {
		return clamp(at.seconds(since)/quiet.Seconds(), -far, far)
	}
	for i := range list {
		c := &list[i]
		n := c.inReads()
		if n == 0 {
			continue
		}
		t := &m.tags[c.slot]
		v := &c.traits
		*v = [traitCount]float32{}
		set := func(k int, x float64) { v[k] = float32(x) }
		set(loadWay, math.Abs(l.way))
		set(loadCrossed, float64(len(l.by)))
		set(loadBacked, float64(len(l.backers)))
		set(loadSure, l.sure)
		set(loadShown, l.shown)
		set(loadLevel, clamp(l.level-usual, -25, 25))
		set(loadLength, units(l.leave, l.enter))
		set(loadHeard, heard)
		set(tagReads, float64(n))
		set(tagLess, float64(min(c.in[inside], c.in[outside])))
		set(tagOwn, float64(c.mine)/float64(n))
		set(tagLevel, c.rel)
		set(tagUsual, clamp(c.topIn-usual, -25, 25))
		set(tagLike, c.like)
		set(tagAhead, c.ahead/max(c.energy, 1e-12))
		if c.crosser != nil {
			set(tagCrossed, c.crosser.sure)
			set(tagAlong, c.crosser.way*l.way)
		}
		set(tagBacked, indicator(l.backers[c.number]))
		set(tagPart, min(c.energy/max(c.power, 1e-12), 1))
		set(tagMore, float64(c.top)/100-c.topIn)
		set(tagRise, c.rise())
		set(tagAll, float64(c.reads))
		set(tagSpan, units(c.last, c.track.first))
		c.shape(w, f, l, quiet.Seconds())
		set(tagShare, math.Sqrt(c.energy)/max(all, 1e-12))
		set(tagEarly, units(c.track.first, l.enter))
		set(tagLate, units(c.last, l.leave))
		set(tagBefore, float64(c.before.reads))
		set(tagAfter, float64(c.after.reads))
		if c.before.reads > 0 {
			set(tagOver, c.topIn-c.before.mean())
		}
		if c.after.reads > 0 {
			set(tagUnder, c.topIn-c.after.mean())
		}
		set(tagFore, c.before.at(fore == outside))
		set(tagAft, c.after.at(aft == outside))
		set(tagStill, c.still)
		set(loadGated, indicator(l.gate != nil))
		set(tagThere, indicator(c.there))
		set(tagDue, indicator(fore == inside && t.place == left || fore == outside && t.place >= 0))
		set(tagTold, clamp(m.told(c.track, l.enter).Seconds()/quiet.Seconds(), -far, 10*far))
		set(loadShows, shows/heard)
		set(loadAmong, among/heard)
		set(loadOthers, others/heard)
		weaker, _ := slices.BinarySearch(powers, c.energy)
		set(tagRank, float64(weaker)/heard)
		set(tagRival, unrivalled)
		if p := rival(c); p > 0 {
			set(tagRival, clamp(10*math.Log10(max(c.energy, 1e-12)/p), -unrivalled, unrivalled))
		}
		c.norms = [len(norms)]float32{v[tagEarly], v[tagLate], c.norms[2], v[tagSpread], float32(math.Log1p(float64(c.before.reads)))}
	}
	beside(l, list)
}

// norms are traits of which it counts how they are with the tags that show the load.
var norms = [...]int{tagSooner, tagLater, tagBehind, tagWider, tagKnown}

// beside sets by how much each tag's norms differ from the median of those that show the load: what goes together comes, stays and
// leaves together.
func beside(l *load, list []course) {
	for k, trait := range norms {
		var of []float32
		for i := range list {
			if c := &list[i]; c.inReads() > 0 && l.shows(c.number) {
				of = append(of, c.norms[k])
			}
		}
		if len(of) == 0 {
			continue
		}
		slices.Sort(of)
		median := of[len(of)/2]
		for i := range list {
			if c := &list[i]; c.inReads() > 0 {
				c.traits[trait] = c.norms[k] - median
			}
		}
	}
}

// unlikely are the sides at which the tags of a load are not expected before it came and after it went.
func (l *load) unlikely() (before, after uint8) {
	switch {
	case l.way > 0:
		return inside, outside
	case l.way < 0:
		return outside, inside
	case l.home == inside:
		return outside, outside
	default:
		return inside, inside
	}
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// shape works out when and by which side a tag was heard.
func (c *course) shape(w *window, f *film, l *load, quiet float64) {
	mid := l.enter + (l.leave-l.enter)/2
	lo, hi := l.enter.add(-6*w.pace), l.leave.add(6*w.pace)
	var sum, n [2]float64
	at, power, squares := 0.0, 0.0, 0.0
	for _, i := range f.reads(c.number) {
		r := &w.reads[i]
		if r.side == middle || r.foreign {
			continue
		}
		x, p := clamp(r.at.seconds(mid)/quiet, -far, far), r.linear()
		power += p
		at += p * x
		squares += p * x * x
		if r.at >= lo && r.at <= hi {
			p = math.Sqrt(p)
			sum[r.side] += p * x
			n[r.side] += p
		}
	}
	c.traits[tagSpread] = far
	if power > 0 {
		mean := at / power
		c.traits[tagCentre] = float32(math.Abs(mean))
		c.norms[2] = float32(mean)
		c.traits[tagSpread] = float32(math.Sqrt(max(squares/power-mean*mean, 0)))
	}
	if n[inside] > 0 && n[outside] > 0 {
		c.traits[tagOrder] = float32(l.way * (sum[inside]/n[inside] - sum[outside]/n[outside]))
	}
	c.traits[tagBalance] = float32(math.Abs(10 * math.Log10((n[inside]+1e-9)/(n[outside]+1e-9))))
}

// rivals gives the most power that another door heard of each tag about when a load was in this one.
func (m *Machine) rivals(door int, l *load) map[int32]float64 {
	best := map[int32]float64{}
	for i := range m.doors {
		if i == door {
			continue
		}
		for _, w := range m.doors[i].wins {
			lo, hi := l.enter.add(-w.pace), l.leave.add(w.pace)
			if w.end < lo || w.opened > hi {
				continue
			}
			sum := make([]float64, len(w.tracks))
			for k := range w.reads {
				if r := &w.reads[k]; r.at >= lo && r.at <= hi {
					sum[r.track] += r.linear()
				}
			}
			for k, p := range sum {
				if s := w.tracks[k].slot; p > best[s] {
					best[s] = p
				}
			}
		}
	}
	return best
}
