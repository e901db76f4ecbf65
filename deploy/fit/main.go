// Command fit fits what a door judges by (edge/reconcile) to simulated passes of every setting: evidence.forest, over the traits of
// a tag, tells a load from what stands and drives beside it; through.forest, over the bearings of a load, what went through
// from what turned back; and load.forest, over its marks, a load from what only seemed one. Recordings are also thinned, shifted, rounded and
// stretched, and plain worlds of other physics are among them, so that nothing hangs on the reader and the room that the simulator has.
//
//	go run ./fit
//
// The passes that accuracy is reported on are of other seeds.
package main

import (
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/deploy/portal"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/replay"
	"github.com/tallydock/tallydock/simulators/radio"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fit:", err)
		os.Exit(1)
	}
}

// firstSeed is far from the seeds that tests and reports use.
const firstSeed = 770_000

// row is one tag beside one load, and whether it was in it.
type row struct {
	traits []float32
	truth  float32
	weight float32
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("fit", flag.ContinueOnError)
	seeds := flags.Int("seeds", 26, "recordings of each setting")
	passes := flags.Int("passes", 60, "passes of each recording")
	trees := flags.Int("trees", 400, "trees of the forest")
	leaves := flags.Int("leaves", 32, "leaves of a tree")
	dir := flags.String("out", "../edge/reconcile", "directory to write the forests to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	rows, err := gather(*seeds, *passes)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name          string
		rows          []row
		rising        []int8
		trees, leaves int
	}{
		{"evidence", rows[ofTags], rising(reconcile.TraitNames[:], tagWays), *trees, *leaves},
		{"through", rows[ofWays], rising(reconcile.BearingNames[:], loadWays), *trees / 3, 8},
		{"load", rows[ofLoads], rising(reconcile.MarkNames(), markWays), *trees / 2, 8},
	} {
		b := booster{trees: f.trees, leaves: f.leaves, rate: 0.06, ridge: 1, least: 5, rising: f.rising}
		forest := b.fit(newExamples(f.rows))
		code := forest.Encode()
		fmt.Fprintf(out, "%s: %d examples, %d trees, %d bytes\n", f.name, len(f.rows), len(forest.Trees), len(code))
		if err := os.WriteFile(filepath.Join(*dir, f.name+".forest"), code, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// What may speak one way only, whatever the passes of a simulator suggest.
var (
	tagWays = map[string]int8{
		"share of reads that no other door heard better":        1,
		"level beside the load's, dB":                           1,
		"level beside the door's usual, dB":                     1,
		"likeness of its course":                                1,
		"sureness of its crossing":                              1,
		"crossed as the load did":                               1,
		"share of its power in the door":                        1,
		"stronger at another time, dB":                          -1,
		"rise of its level, dB":                                 1,
		"stronger than before, dB":                              1,
		"stronger than after, dB":                               1,
		"phases at rest":                                        -1,
		"was already where the load went":                       -1,
		"stronger here than at another door, dB":                1,
		"share of reads before at the side where the load went": -1,
		"share of reads after at the side where it came from":   -1,
	}
	markWays = map[string]int8{
		"share of what shows it": 1, "sure": 1, "stronger at another time, dB": -1, "rise of its level, dB": 1, "stronger than before, dB": 1, "stronger than after, dB": 1,
		"phases at rest": -1, "stronger here than at another door, dB": 1, "share of its power in the door": 1, "likeness of its course": 1,
		"level beside the door's usual, dB": 1, "was already where the load went": -1,
	}
	loadWays = map[string]int8{
		"apart": 1, "first": 1, "last": 1, "earliest": 1, "latest": 1, "peaks": 1, "net": 1, "crossed": 1, "due": 1, "there": -1,
	}
)

func rising(names []string, ways map[string]int8) []int8 {
	out := make([]int8, len(names))
	for name, way := range ways {
		i := slices.Index(names, name)
		if i < 0 {
			panic("none is named " + name)
		}
		out[i] = way
	}
	return out
}

// What is fitted: a forest over each kind of rows.
const (
	ofTags  = iota // was a tag in a load?
	ofWays         // did a load go through?
	ofLoads        // was it one?
	kinds
)

// plainly is the setting of the plain worlds.
const plainly radio.Setting = "plain"

// gather plays recordings of all settings, and labels what the doors weighed.
func gather(seeds, passes int) (out [kinds][]row, err error) {
	type job struct {
		setting radio.Setting
		seed    uint64
	}
	var jobs []job
	hard := []radio.Setting{radio.Strays, radio.TurnBacks, radio.Mix, radio.Mix, plainly} // of which there is more to learn
	for i := range seeds {
		for k, s := range slices.Concat(radio.Settings(), []radio.Setting{plainly}, hard) {
			jobs = append(jobs, job{s, firstSeed + uint64(k*seeds+i)})
		}
	}
	results, errs := make([][kinds][]row, len(jobs)), make([]error, len(jobs))
	next := make(chan int)
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for i := range next {
				results[i], errs[i] = play(jobs[i].setting, passes, jobs[i].seed)
			}
		})
	}
	for i := range jobs {
		next <- i
	}
	close(next)
	wait.Wait()
	counts := map[radio.Setting]float64{}
	for i := range jobs {
		if errs[i] != nil {
			return out, errs[i]
		}
		counts[jobs[i].setting] += float64(len(results[i][ofTags]))
	}
	for i := range jobs {
		for _, r := range results[i][ofTags] { // a setting with many tags weighs more, but not by as much
			r.weight *= float32(1000 / math.Sqrt(counts[jobs[i].setting]))
			out[ofTags] = append(out[ofTags], r)
		}
		out[ofWays] = append(out[ofWays], results[i][ofWays]...)
		out[ofLoads] = append(out[ofLoads], results[i][ofLoads]...)
	}
	mean := 0.0
	for _, r := range out[ofTags] {
		mean += float64(r.weight) / float64(len(out[ofTags]))
	}
	for i := range out[ofTags] {
		out[ofTags][i].weight /= float32(mean)
	}
	return out, nil
}

// play makes a recording and plays it through the doors.
func play(setting radio.Setting, passes int, seed uint64) (out [kinds][]row, err error) {
	v := newVariant(seed)
	if setting == plainly {
		v.photocells = 0
	}
	plan, err := portal.Layout{Doors: 2, Photocells: v.photocells, OneSided: v.oneSided}.Plan()
	if err != nil {
		return out, err
	}
	var loads []*reconcile.Weighed
	par := reconcile.Defaults()
	par.Weigh = true
	player := replay.New(replay.Config{Plan: plan, Params: par, Tell: func(e reconcile.Event) error {
		if e.Weighed != nil {
			loads = append(loads, e.Weighed)
		}
		return nil
	}})
	want, err := record(setting, passes, seed, v, func(e recording.Entry) error {
		if !v.change(&e) {
			return nil
		}
		return player.Play(&e)
	})
	if err != nil {
		return out, err
	}
	if _, err := player.End(); err != nil {
		return out, err
	}
	for i := range want {
		want[i].From, want[i].To = v.moment(want[i].From), v.moment(want[i].To)
	}
	of := make([]*replay.Truth, len(loads))
	for i, l := range loads {
		of[i] = passOf(l, want)
	}
	out[ofLoads] = loadRows(loads, of)
	told := map[string]bool{} // tag and pass
	for i, l := range loads {
		rows := tagRows(l, of[i], told)
		if l.Marks != nil && out[ofLoads][i].truth == 0 {
			for k := range rows {
				rows[k].weight = unlikely
			}
		}
		out[ofTags] = append(out[ofTags], rows...)
		if r, ok := wayRow(l, of[i]); ok {
			out[ofWays] = append(out[ofWays], r)
		}
	}
	out[ofLoads] = slices.DeleteFunc(out[ofLoads], func(r row) bool { return r.traits == nil })
	return out, nil
}

// unlikely is the weight of a tag beside what is no load: load.forest is there to tell that.
const unlikely = 0.25

// record plays a recording of a setting to the tape, and gives what really happened.
func record(setting radio.Setting, passes int, seed uint64, v *variant, tape portal.Tape) ([]replay.Truth, error) {
	if setting == plainly {
		p := newPlain(seed)
		truth := p.write(passes, v.start)
		return truth, p.play(truth, v.start, tape)
	}
	truth, err := radio.Record(setting, passes, seed, radio.Options{Photocells: v.photocells, Start: v.start}, tape)
	if err != nil {
		return nil, err
	}
	return portal.Truth(truth.Passes), nil
}

// passOf is the pass in whose time a load was in the door; nil where there is none.
func passOf(l *reconcile.Weighed, want []replay.Truth) (of *replay.Truth) {
	longest := time.Duration(0)
	for i := range want {
		w := &want[i]
		if both := earlier(w.To, l.To).Sub(later(w.From, l.From)); w.ReadPoint == l.Door && both > longest {
			of, longest = w, both
		}
	}
	return of
}

// tagRows says which tags of a load were in the pass that it was, if it was one, and were not told before.
func tagRows(l *reconcile.Weighed, of *replay.Truth, told map[string]bool) (out []row) {
	for _, t := range l.Tags {
		r := row{traits: t.Traits, weight: 1}
		if of != nil {
			epc := hex.EncodeToString(t.Tag.Bytes())
			if of.Unread[epc] {
				continue
			}
			key := of.Pass + epc
			if of.EPCs[epc] && !told[key] {
				r.truth = 1
			}
			told[key] = told[key] || l.Pass != "" && t.Member
		}
		out = append(out, r)
	}
	return out
}

// wayRow says whether a load went the way of which its bearings speak; false where it was no pass.
func wayRow(l *reconcile.Weighed, of *replay.Truth) (row, bool) {
	if of == nil || l.Heading == 0 {
		return row{}, false
	}
	its, members := shared(l, of)
	r := row{traits: l.Bearings, weight: 1}
	if of.Direction == map[float64]string{1: "in", -1: "out"}[l.Heading] {
		r.truth = 1
	}
	return r, 2*its > members
}

// shared counts the tags of a load that were in a pass, if there was one, and all that were in it.
func shared(l *reconcile.Weighed, of *replay.Truth) (its, members int) {
	for _, t := range l.Tags {
		if t.Member {
			members++
			if of != nil && of.EPCs[hex.EncodeToString(t.Tag.Bytes())] {
				its++
			}
		}
	}
	return its, members
}

// loadRows says of each load whether it was the pass that it is of: the one that has most of its tags, where it has several. A load without
// marks gives a row without traits.
func loadRows(loads []*reconcile.Weighed, of []*replay.Truth) (out []row) {
	best, most := map[*replay.Truth]int{}, map[*replay.Truth]int{}
	for i, l := range loads {
		its, members := shared(l, of[i])
		if l.Marks != nil && 2*its > members && its > most[of[i]] {
			best[of[i]], most[of[i]] = i, its
		}
		out = append(out, row{traits: l.Marks, weight: float32(math.Sqrt(float64(members)))})
	}
	for _, i := range best {
		out[i].truth = 1
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// variant is how a recording is changed. Two of three are left as they are.
type variant struct {
	rng        *rand.Rand
	photocells int
	oneSided   bool
	start      time.Time
	keep       float64            // share of reads
	shift      float64            // of the strengths, dB
	gains      map[string]float64 // by reader and antenna, dB
	whole      bool               // strengths are whole dBm
	phases     bool
	stretch    float64 // of time
}

func newVariant(seed uint64) *variant {
	v := &variant{
		rng: rand.New(rand.NewPCG(seed, 1)), start: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), keep: 1, gains: map[string]float64{}, phases: true, stretch: 1,
	}
	v.photocells = []int{0, 0, 0, 0, 1, 2}[v.rng.IntN(6)]
	if seed%3 != 0 {
		return v
	}
	v.oneSided = v.photocells == 0 && v.rng.IntN(4) == 0
	v.keep = []float64{1, 1, 0.5, 0.25}[v.rng.IntN(4)]
	v.shift = 12*v.rng.Float64() - 6
	v.whole, v.phases = v.rng.IntN(2) == 0, v.rng.IntN(2) == 0
	v.stretch = []float64{1, 1, 0.6, 1.6}[v.rng.IntN(4)]
	for _, reader := range []string{"dock1", "dock2"} {
		for a := range 4 {
			v.gains[fmt.Sprint(reader, a+1)] = 1.5 * v.rng.NormFloat64()
		}
	}
	return v
}

func (v *variant) moment(t time.Time) time.Time {
	return v.start.Add(time.Duration(float64(t.Sub(v.start)) * v.stretch))
}

// change changes an entry; false where it is left out.
func (v *variant) change(e *recording.Entry) bool {
	e.At = v.moment(e.At)
	if e.GPI != nil {
		e.GPI.ReaderTime = e.At
		return true
	}
	if v.rng.Float64() >= v.keep {
		return false
	}
	r := e.Read
	r.ReaderTime, r.HasPhase = e.At, r.HasPhase && v.phases
	level := float64(r.RSSI)/100 + v.shift + v.gains[fmt.Sprint(r.Device, r.Antenna)]
	if v.whole {
		level = math.Round(level)
	}
	r.RSSI = unit.DBm(math.Round(100 * level))
	return true
}
